/** Owns the life of a connection that we make: handshake, connect, then publishing or playing one stream. */
import { ErrorCode, SrsError } from '../core/errors';

import type { AmfObject } from './amf0-value';
import { ChunkStreamId } from './chunk';
import { defaultChunkReaderLimits } from './chunk-reader';
import type { ChunkReaderLimits } from './chunk-reader';
import { ClientHandshake } from './handshake';
import { deliverMedia } from './media-handler';
import type { MediaHandler, MediaSource } from './media-handler';
import { MessageType } from './message';
import type { MessageHeader } from './message';
import type { Packet } from './packet-codec';
import { objectArgument } from './packets/command';
import type { ResponsePacket } from './packets/command';
import { encodeConnect, parseConnectInfo } from './packets/connect';
import type { ConnectInfo, ConnectOptions } from './packets/connect';
import {
  encodeUserControl,
  encodeWindowAcknowledgementSize,
  UserControlEvent,
} from './packets/control';
import { encodeDataFrame } from './packets/data';
import { encodePause, encodePlay } from './packets/play';
import { encodePublish } from './packets/publish';
import { statusOf } from './packets/status';
import type { StatusPacket } from './packets/status';
import {
  createdStreamId,
  encodeCreateStream,
  encodeDeleteStream,
  encodeFmle,
} from './packets/stream';
import { Protocol } from './protocol';
import type { ProtocolHandler } from './protocol';
import type { Transport } from './transport';

/** What the owner of a client session is told; media, metadata and data are those of the stream played. */
export interface ClientSessionHandler extends MediaHandler {
  /** The server granted the connect: call publish or play, now or later. */
  onConnected(info: ConnectInfo): void;
  /** The server granted the publish: send media. */
  onPublishing(): void;
  /** The server granted the play: media may come. */
  onPlaying(): void;
  /** Any status of the stream, those that lead to other calls included. */
  onStatus?(status: StatusPacket): void;
  /** The server has answered a ping. */
  onPong?(): void;
  /** Beside its statuses: the stream that is played begins (true), or there is no more of it for now. */
  onStreamControl?(isBegin: boolean): void;
  /** The server refused; info is what it gave as reason. The connection stays: close it if there is no use for it. */
  onError(error: SrsError, info: AmfObject | undefined): void;
}

/** How to connect. */
export interface ClientSessionOptions extends ConnectOptions {
  /** Complex unless the server cannot do it. */
  readonly handshake?: 'complex' | 'simple';
  /** Payload bytes per chunk that we send once there is a stream. */
  readonly chunkSize?: number;
  readonly limits?: ChunkReaderLimits;
}

const DEFAULT_OUT_CHUNK_SIZE = 60000;
const WINDOW_SIZE = 2500000;
/** Media the server may send ahead, ms. */
const BUFFER_LENGTH_MS = 1000;
const CONNECT_TRANSACTION = 1;
/** Ends of the status codes by which servers say no. */
const REFUSALS = /[.](BadName|Rejected|Denied|Failed|StreamNotFound|InvalidApp|Unauthorized)$/;

/** The one stream of the connection. */
interface Stream {
  readonly name: string;
  readonly isPublished: boolean;
  readonly durationMs: number;
}

/** Push state machine of one connection to a server. Call start when the transport is connected. */
export class ClientSession implements ProtocolHandler, MediaSource {
  readonly handler: ClientSessionHandler;
  private handshake: ClientHandshake | undefined;
  private stream: Stream | undefined = undefined;
  private streamId = 0;
  private transactionId = CONNECT_TRANSACTION;
  private isGranted = false;
  private isClosed = false;
  private readonly media = { type: 0, timestamp: 0, streamId: 0, chunkStreamId: 0 };
  private readonly options: ClientSessionOptions;
  private readonly protocol: Protocol;

  constructor(transport: Transport, handler: ClientSessionHandler, options: ClientSessionOptions) {
    this.handler = handler;
    this.options = options;
    this.protocol = new Protocol(transport, this, options.limits ?? defaultChunkReaderLimits);
    this.handshake = new ClientHandshake((bytes) => {
      transport.write(bytes);
    }, options.handshake);
  }

  /** Whether media can be sent: the server granted the publish. */
  get isPublishing(): boolean {
    return this.isGranted && this.stream?.isPublished === true;
  }

  /** Whether the server granted the play. */
  get isPlaying(): boolean {
    return this.isGranted && this.stream?.isPublished === false;
  }

  /** Whether the server has not said all of its handshake yet. */
  get isHandshaking(): boolean {
    return this.handshake !== undefined;
  }

  /** Message stream id; 0 until the server gave one. */
  get messageStreamId(): number {
    return this.streamId;
  }

  /** Begins the handshake; connect follows by itself. */
  start(): void {
    this.handshake?.start();
  }

  /**
   * Takes received bytes, lent for the call.
   *
   * @throws SrsError on a violation of the protocol, and what the handler throws: close the connection then
   */
  push(slab: Uint8Array, start: number, end: number): void {
    if (this.isClosed) return;
    let at = start;
    if (this.handshake !== undefined) {
      at += this.handshake.push(slab, start, end);
      if (this.handshake.done) this.connect();
    }
    if (at < end) this.protocol.push(slab, at, end);
    this.protocol.countReceived(end - start);
  }

  /** Asks to publish a stream, announcing it as live encoders do; once a connection, after onConnected. */
  publish(name: string): void {
    this.stream = { name, isPublished: true, durationMs: 0 };
    this.protocol.send(encodeFmle('releaseStream', this.begin('releaseStream'), name));
    this.protocol.send(encodeFmle('FCPublish', this.begin('FCPublish'), name));
    this.protocol.send(encodeCreateStream(this.begin('createStream')));
  }

  /** Asks to play a stream, for `durationMs` of media when above 0; once a connection, after onConnected. */
  play(name: string, durationMs = 0): void {
    this.stream = { name, isPublished: false, durationMs };
    this.protocol.send(encodeCreateStream(this.begin('createStream')));
  }

  /** Sends audio, video or data (types 8, 9, 18) of the published stream; dropped while there is none. */
  sendMedia(
    type: number,
    timestamp: number,
    payload: Uint8Array,
    start = 0,
    end = payload.length,
  ): void {
    if (this.streamId === 0 || this.isClosed) return;
    this.media.type = type;
    this.media.timestamp = timestamp;
    this.media.streamId = this.streamId;
    this.media.chunkStreamId = chunkStreamOf(type);
    this.protocol.sendPayload(this.media, payload, start, end);
  }

  /**
   * Sends metadata of the published stream, as `@setDataFrame`; dropped while there is none. It may stand between the
   * messages of a native log, which has chunk streams of its own.
   */
  sendMetadata(name: string, value: AmfObject): void {
    if (this.streamId === 0 || this.isClosed) return;
    this.protocol.send(encodeDataFrame(this.streamId, name, value));
  }

  /** Tells the server our chunk size and uses it, unless it is the one in use; once it has told a message stream id. */
  setOutChunkSize(size: number): void {
    if (this.streamId > 0 && !this.isClosed) this.protocol.setOutChunkSize(size);
  }

  /** Asks the server for a sign of life; once the handshake is done. `timestampMs` is what it sends back, 32 bits. */
  ping(timestampMs: number): void {
    if (this.isHandshaking || this.isClosed) return;
    this.protocol.send(encodeUserControl(UserControlEvent.pingRequest, timestampMs >>> 0));
  }

  /** Pauses or continues the stream played. */
  setPaused(isPaused: boolean, timeMs = 0): void {
    if (this.isPlaying) this.protocol.send(encodePause(this.streamId, isPaused, timeMs));
  }

  /** Withdraws the stream and ends the transport; nothing is told any more. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.streamId > 0 && this.stream !== undefined) {
      const { name, isPublished } = this.stream;
      if (isPublished) this.protocol.send(encodeFmle('FCUnpublish', this.begin(''), name));
      this.protocol.send(encodeDeleteStream(this.streamId));
    }
    this.protocol.dispose();
    this.protocol.end();
  }

  /** Takes each command from the protocol layer. */
  onPacket(packet: Packet): void {
    if (packet.kind === 'response') this.onResponse(packet);
    else if (packet.kind === 'status') this.onStatusPacket(packet);
  }

  /** Tells the owner that the server lives. */
  onPingResponse(): void {
    this.handler.onPong?.();
  }

  /** Tells the owner whether there is a stream. */
  onStreamControl(isBegin: boolean): void {
    if (this.stream?.isPublished === false) this.handler.onStreamControl?.(isBegin);
  }

  /** Passes damaged commands over. */
  onUndecodable(error: SrsError): void {
    this.handler.onIgnored?.(error);
  }

  /** Takes media and data from the protocol layer. */
  onMessage(header: MessageHeader, payload: Uint8Array, start: number, end: number): void {
    if (this.isClosed || this.stream?.isPublished !== false) return;
    deliverMedia(this, header, payload, start, end);
  }

  private connect(): void {
    this.handshake = undefined;
    this.protocol.remember(CONNECT_TRANSACTION, 'connect');
    this.protocol.send(encodeConnect(this.options));
    this.protocol.send(encodeWindowAcknowledgementSize(WINDOW_SIZE));
  }

  /** A fresh transaction id, remembered with its command unless that is empty. */
  private begin(command: string): number {
    this.transactionId++;
    if (command !== '') this.protocol.remember(this.transactionId, command);
    return this.transactionId;
  }

  private onResponse(response: ResponsePacket): void {
    const name = this.protocol.takeTransaction(response.command.transactionId);
    if (name !== 'connect' && name !== 'createStream') return;
    if (response.isError) {
      this.fail(name, statusOf(response.command), objectArgument(response.command, 0));
    } else if (name === 'connect') this.handler.onConnected(parseConnectInfo(response));
    else this.onStreamCreated(createdStreamId(response) ?? 1);
  }

  private onStreamCreated(streamId: number): void {
    const { stream } = this;
    if (stream === undefined) return;
    this.streamId = streamId;
    const chunkSize = this.options.chunkSize ?? DEFAULT_OUT_CHUNK_SIZE;
    if (stream.isPublished) {
      this.protocol.setOutChunkSize(chunkSize);
      this.protocol.send(encodePublish(streamId, stream.name));
      return;
    }
    this.protocol.send(encodePlay(streamId, stream.name, stream.durationMs));
    this.protocol.send(
      encodeUserControl(UserControlEvent.setBufferLength, streamId, BUFFER_LENGTH_MS),
    );
    this.protocol.setOutChunkSize(chunkSize);
  }

  private onStatusPacket(status: StatusPacket): void {
    if (status.name === 'onStatus') this.onStatus(status);
    // It comes beside the status that grants, or before it; but some servers refuse by it alone.
    else if (status.name === 'onFCPublish' && isRefusal(status)) this.onStatus(status);
  }

  private onStatus(status: StatusPacket): void {
    this.handler.onStatus?.(status);
    if (this.isClosed) return;
    if (status.level === 'error' || (!this.isGranted && isRefusal(status))) {
      this.fail(this.wanted, status, status.info);
      return;
    }
    if (this.isGranted || this.streamId === 0) return;
    const { code } = status;
    if (code !== 'NetStream.Publish.Start' && code !== 'NetStream.Play.Start') return;
    this.isGranted = true;
    if (this.isPublishing) this.handler.onPublishing();
    else this.handler.onPlaying();
  }

  /** What we wait for the server to grant. */
  private get wanted(): string {
    if (this.stream === undefined) return 'connect';
    return this.stream.isPublished ? 'publish' : 'play';
  }

  private fail(
    what: string,
    status: { code: string; description: string },
    info: AmfObject | undefined,
  ): void {
    this.isGranted = false;
    const text = `expect the server to grant ${what}, got ${status.code} ${status.description}`;
    this.handler.onError(new SrsError(errorCodeOf(status.code), text.trimEnd()), info);
  }
}

/** Some servers leave the level out. */
function isRefusal({ level, code }: StatusPacket): boolean {
  return level === 'error' || (level === '' && REFUSALS.test(code));
}

/** Our code for a status code of the server. */
function errorCodeOf(status: string): ErrorCode {
  switch (status) {
    case 'NetStream.Publish.BadName':
      return ErrorCode.SYSTEM_STREAM_BUSY;
    case 'NetStream.Play.StreamNotFound':
      return ErrorCode.RTMP_STREAM_NOT_FOUND;
    default:
      return ErrorCode.RTMP_ACCESS_DENIED;
  }
}

function chunkStreamOf(type: number): number {
  if (type === MessageType.video) return ChunkStreamId.video;
  return type === MessageType.audio ? ChunkStreamId.audio : ChunkStreamId.metadata;
}
