/** Owns the life of an accepted connection: handshake, connect, who the client is, publishing and playing. */
import { ErrorCode, SrsError } from '../core/errors';

import type { ChunkReaderLimits } from './chunk-reader';
import { Identification } from './identification';
import { deliverMedia } from './media-handler';
import type { MediaSource } from './media-handler';
import type { MessageHeader, OutgoingMessage } from './message';
import type { Packet } from './packet-codec';
import { connectionRoute } from './packets/command';
import { encodeConnectError, encodeOnBwDone } from './packets/connect';
import type { ConnectPacket, ServerIdentity } from './packets/connect';
import type { PlayPacket } from './packets/play';
import type { PublishPacket } from './packets/publish';
import { encodeFailure } from './packets/status';
import { Protocol } from './protocol';
import type { ProtocolHandler } from './protocol';
import { createRequest, setStreamName } from './request';
import type { RtmpRequest } from './request';
import { commandLimits, defaultServerSessionOptions, testLimits } from './server-handler';
import type { ServerSessionHandler, ServerSessionOptions } from './server-handler';
import { ServerInput } from './server-input';
import { isDeciding, Phase } from './server-phase';
import {
  answered,
  callAnswered,
  connectGranted,
  playEvent,
  playPaused,
  playStarted,
  publishStarted,
  publishStopped,
  STREAM_ID,
} from './server-replies';
import type { PlayEvent } from './server-replies';
import type { Transport } from './transport';

export type { ServerSessionHandler, ServerSessionOptions } from './server-handler';

/**
 * Push state machine of one client. Parsing stops by itself while the owner decides about connect, publish or play;
 * what comes meanwhile is kept, within a limit.
 */
export class ServerSession implements ProtocolHandler, MediaSource {
  readonly handler: ServerSessionHandler;
  private phase: Phase = Phase.connect;
  private isSuspended = false;
  private identification = new Identification();
  /** The connect that waits for its answer. */
  private connect: ConnectPacket | undefined = undefined;
  /** The request of the connect; each publish and play makes its own of it. */
  private connected: RtmpRequest | undefined = undefined;
  private current: RtmpRequest | undefined = undefined;
  private readonly limits: ChunkReaderLimits;
  private readonly protocol: Protocol;
  private readonly input: ServerInput;

  constructor(
    transport: Transport,
    handler: ServerSessionHandler,
    options: ServerSessionOptions = defaultServerSessionOptions,
  ) {
    this.handler = handler;
    this.limits = options;
    this.protocol = new Protocol(transport, this, commandLimits(options));
    this.input = new ServerInput(transport, this.protocol, options.maxSuspendedBytes);
  }

  /** What the client asked for, the stream included once it publishes or plays. Not before onConnect. */
  get request(): RtmpRequest {
    if (this.current === undefined) {
      throw new SrsError(ErrorCode.SYSTEM_ASSERT_FAILED, 'expect a connect before its request');
    }
    return this.current;
  }

  /** What the client does now; none while a decision is pending. */
  get role(): 'none' | 'publish' | 'play' {
    if (this.phase === Phase.publishing) return 'publish';
    return this.phase === Phase.playing ? 'play' : 'none';
  }

  /** Payload bytes per chunk that we send. */
  get outChunkSize(): number {
    return this.protocol.outChunkSize;
  }

  /** Message stream id of what is sent to a player. */
  get playStreamId(): number {
    return STREAM_ID;
  }

  /**
   * Takes received bytes, lent for the call.
   *
   * @throws SrsError on a violation of the protocol, and what the handler throws: close the connection then
   */
  push(slab: Uint8Array, start: number, end: number): void {
    this.input.push(slab, start, end);
  }

  /** Stops parsing until resume; what comes meanwhile is kept. */
  suspend(): void {
    this.isSuspended = true;
    this.input.hold();
  }

  /**
   * Continues parsing with what was kept, unless a decision is still due. It may call the handler.
   *
   * @throws SrsError as push does
   */
  resume(): void {
    this.isSuspended = false;
    this.release();
    this.input.drain();
  }

  /** Grants the connect. */
  acceptConnect(identity: ServerIdentity): void {
    if (this.grantConnect(identity, Phase.identify)) this.protocol.send(encodeOnBwDone());
  }

  /** Grants the connect for a bandwidth check: its steps go by onBandwidth and send, all else is passed over. */
  acceptTest(identity: ServerIdentity): void {
    if (this.grantConnect(identity, Phase.testing))
      this.protocol.setLimits(testLimits(this.limits));
  }

  /** Refuses the connect and ends the transport. */
  rejectConnect(description: string, code?: string): void {
    if (!this.decide(Phase.connectDeciding, Phase.closed)) return;
    this.protocol.send(encodeConnectError(this.connect?.transactionId ?? 1, description, code));
    this.protocol.end();
    this.close();
  }

  /** Tells the client our chunk size and uses it; nothing is sent when it is in use already. */
  setOutChunkSize(size: number): void {
    this.protocol.setOutChunkSize(size);
  }

  /** Grants the publish: media may come. */
  acceptPublish(): void {
    if (!this.decide(Phase.publishDeciding, Phase.publishing)) return;
    this.protocol.setLimits(this.limits);
    this.protocol.sendAll(publishStarted(this.identification.style));
  }

  /**
   * Refuses the publish, with `NetStream.Publish.BadName` for instance, or ends one granted before. The connection
   * stays; end it if need be.
   */
  rejectPublish(statusCode: string, description: string): void {
    if (this.phase !== Phase.publishDeciding && this.phase !== Phase.publishing) return;
    this.reject(statusCode, description);
  }

  /** Grants the play: media may follow, on playStreamId. */
  acceptPlay(): void {
    if (!this.decide(Phase.playDeciding, Phase.playing)) return;
    this.protocol.sendAll(playStarted());
  }

  /** Refuses the play, with `NetStream.Play.StreamNotFound` for instance, as above. */
  rejectPlay(statusCode: string, description: string): void {
    if (this.phase !== Phase.playDeciding && this.phase !== Phase.playing) return;
    this.reject(statusCode, description);
  }

  /** Tells a player what became of its stream. After `stop` it may publish or play again. */
  notifyPlay(event: PlayEvent): void {
    if (this.phase !== Phase.playing) return;
    this.protocol.sendAll(playEvent(event));
    if (event === 'stop') this.identifyAgain();
  }

  /** Tells a client that the server stops, whatever it waits for; a player is to be told `stop` instead. */
  shutDown(description: string): void {
    const code = 'NetConnection.Connect.AppShutdown';
    switch (this.phase) {
      case Phase.connectDeciding:
        this.rejectConnect(description, code);
        break;
      case Phase.identify:
      case Phase.testing:
        this.protocol.send(encodeFailure(connectionRoute.streamId, code, description));
        break;
      case Phase.publishDeciding:
      case Phase.playDeciding:
      case Phase.publishing:
        this.reject(code, description);
        break;
      default:
    }
  }

  /** Sends any message, after all earlier ones. */
  send(message: OutgoingMessage): void {
    this.protocol.send(message);
  }

  /** Parses and keeps nothing more; for the end of the connection. */
  close(): void {
    this.phase = Phase.closed;
    this.input.close();
  }

  /** Takes each command from the protocol layer. */
  onPacket(packet: Packet): void {
    switch (this.phase) {
      case Phase.connect:
        if (packet.kind === 'connect') this.onConnect(packet);
        break;
      case Phase.identify:
        this.identify(packet);
        break;
      case Phase.publishing:
        this.whilePublishing(packet);
        break;
      case Phase.playing:
        this.whilePlaying(packet);
        break;
      case Phase.testing:
        if (packet.kind === 'bandwidth') this.handler.onBandwidth?.(packet);
        break;
      default:
    }
  }

  /** Passes damaged commands over, but for the connect, without which nothing goes on. */
  onUndecodable(error: SrsError): void {
    if (this.phase === Phase.connect) throw error;
    this.handler.onIgnored?.(error);
  }

  /** Takes media and data from the protocol layer; only a publisher's count. */
  onMessage(header: MessageHeader, payload: Uint8Array, start: number, end: number): void {
    if (this.phase !== Phase.publishing) return;
    deliverMedia(this, header, payload, start, end);
  }

  private release(): void {
    if (!this.isSuspended && !isDeciding(this.phase)) this.input.release();
  }

  private onConnect(packet: ConnectPacket): void {
    let request: RtmpRequest;
    try {
      request = createRequest(packet.object, packet.args);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.refuse(packet, error);
      return;
    }
    this.connect = packet;
    this.connected = this.current = request;
    this.ask(Phase.connectDeciding);
    this.handler.onConnect(request);
  }

  private refuse(packet: ConnectPacket, error: SrsError): void {
    this.protocol.send(encodeConnectError(packet.transactionId, error.message));
    this.protocol.end();
    this.close();
    this.handler.onRefused?.(error);
  }

  /** Waits for the owner: nothing is parsed until decide. */
  private ask(phase: Phase): void {
    this.phase = phase;
    this.input.hold();
  }

  private grantConnect(identity: ServerIdentity, phase: Phase): boolean {
    const { connect } = this;
    if (connect === undefined || !this.decide(Phase.connectDeciding, phase)) return false;
    this.connect = undefined;
    this.protocol.sendAll(connectGranted(connect, identity));
    return true;
  }

  /** Leaves the decision `from`; false when none is pending, as after the connection has gone. */
  private decide(from: Phase, to: Phase): boolean {
    if (this.phase !== from) return false;
    this.phase = to;
    this.release();
    return true;
  }

  private reject(statusCode: string, description: string): void {
    this.identifyAgain();
    this.release();
    this.protocol.send(encodeFailure(STREAM_ID, statusCode, description));
  }

  private identify(packet: Packet): void {
    switch (packet.kind) {
      case 'createStream':
        this.protocol.send(this.identification.createStream(packet.transactionId));
        break;
      case 'fmle':
        this.protocol.send(this.identification.announce(packet));
        break;
      case 'publish':
        this.onPublish(packet);
        break;
      case 'play':
        this.onPlay(packet);
        break;
      case 'deleteStream':
        this.protocol.sendAll(answered(packet.transactionId));
        break;
      case 'call':
        this.protocol.sendAll(callAnswered(packet.command));
        break;
      default:
    }
  }

  private onPublish(packet: PublishPacket): void {
    const { style, stream } = this.identification;
    const request = this.startRequest(packet.stream === '' ? stream : packet.stream, -1);
    this.ask(Phase.publishDeciding);
    this.handler.onPublish(request, style);
  }

  private onPlay(packet: PlayPacket): void {
    const request = this.startRequest(packet.stream, packet.duration);
    this.ask(Phase.playDeciding);
    this.handler.onPlay(request);
  }

  /** Makes a request for a stream of the one for the connection. */
  private startRequest(name: string, duration: number): RtmpRequest {
    const request = { ...(this.connected ?? this.request), duration };
    setStreamName(request, name);
    this.current = request;
    return request;
  }

  private whilePublishing(packet: Packet): void {
    switch (packet.kind) {
      case 'call':
        this.protocol.sendAll(callAnswered(packet.command));
        return;
      case 'bandwidth':
      case 'response':
      case 'status':
        return;
      default:
    }
    if (this.identification.style === 'flash') {
      // Any command about streams ends it, and then means what it means to a client that does nothing.
      this.stopPublishing();
      this.identify(packet);
      return;
    }
    if (packet.kind === 'fmle') this.protocol.sendAll(publishStopped(packet.transactionId));
    else if (packet.kind === 'deleteStream') this.protocol.sendAll(answered(packet.transactionId));
    else if (packet.kind !== 'closeStream') return;
    this.stopPublishing();
  }

  private stopPublishing(): void {
    this.identifyAgain();
    this.handler.onUnpublish();
  }

  private whilePlaying(packet: Packet): void {
    switch (packet.kind) {
      case 'closeStream':
        this.stopPlaying();
        break;
      case 'deleteStream':
        this.protocol.sendAll(answered(packet.transactionId));
        this.stopPlaying();
        break;
      case 'pause':
        this.protocol.sendAll(playPaused(packet.isPaused));
        this.handler.onPause(packet.isPaused);
        break;
      case 'call':
        this.protocol.sendAll(callAnswered(packet.command));
        break;
      default:
    }
  }

  private stopPlaying(): void {
    this.identifyAgain();
    this.handler.onPlayClosed();
  }

  private identifyAgain(): void {
    this.phase = Phase.identify;
    this.protocol.setLimits(commandLimits(this.limits));
    this.identification = new Identification();
  }
}
