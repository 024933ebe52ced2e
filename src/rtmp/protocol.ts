/** Owns what both roles share above chunks: control messages, windows and acks, pings, transactions, packet decoding. */
import { SrsError } from '../core/errors';

import { ChunkReader, defaultChunkReaderLimits } from './chunk-reader';
import type { ChunkReaderLimits } from './chunk-reader';
import { ChunkWriter } from './chunk-writer';
import { MessageType } from './message';
import type { MessageHeader, MessageSink, OutgoingMessage } from './message';
import { decodePacket } from './packet-codec';
import type { Packet } from './packet-codec';
import {
  decodeUint32,
  decodeUserControl,
  encodeAcknowledgement,
  encodeSetChunkSize,
  encodeUserControl,
  UserControlEvent,
} from './packets/control';
import type { Transport } from './transport';

/** Takes what a peer sends beyond protocol control. Everything lent is lent for the call only. */
export interface ProtocolHandler extends MessageSink {
  /** A command; header as in onMessage, which gets media, data and aggregate messages. */
  onPacket(packet: Packet, header: MessageHeader): void;
  /** A command that cannot be decoded. Throw to give the peer up. */
  onUndecodable(error: SrsError): void;
  /** The peer has answered a ping. */
  onPingResponse?(): void;
  /** The peer tells that a stream begins, or that there is no more of it for now. */
  onStreamControl?(isBegin: boolean): void;
}

/** One peer's message layer, after the handshake. */
export class Protocol implements MessageSink {
  private readonly transport: Transport;
  private readonly handler: ProtocolHandler;
  private readonly reader: ChunkReader;
  private readonly writer: ChunkWriter;
  private bytesReceived = 0;
  private bytesAcknowledged = 0;
  /** Bytes after which the peer wants an acknowledgement; 0 when it never asked. */
  private window = 0;
  private transactions: Map<number, string> | undefined = undefined;

  constructor(
    transport: Transport,
    handler: ProtocolHandler,
    limits: ChunkReaderLimits = defaultChunkReaderLimits,
  ) {
    this.transport = transport;
    this.handler = handler;
    this.reader = new ChunkReader(this, limits);
    this.writer = new ChunkWriter(transport);
  }

  /** Payload bytes per chunk that we send. */
  get outChunkSize(): number {
    return this.writer.chunkSize;
  }

  /** Parses lent bytes; see ChunkReader.push. */
  push(slab: Uint8Array, start: number, end: number): number {
    return this.reader.push(slab, start, end);
  }

  /** What the peer may send and hold from now on. */
  setLimits(limits: ChunkReaderLimits): void {
    this.reader.setLimits(limits);
  }

  /** Makes a running push return after the message at hand, and later ones take nothing. */
  pause(): void {
    this.reader.pause();
  }

  /** Lets push parse again. */
  resume(): void {
    this.reader.resume();
  }

  /** Drops what is unfinished and parses no more. */
  dispose(): void {
    this.reader.dispose();
  }

  /** Counts bytes that came, those of the handshake included, and acknowledges when the window is full. */
  countReceived(bytes: number): void {
    this.bytesReceived += bytes;
    if (this.window === 0 || this.bytesReceived - this.bytesAcknowledged <= this.window) return;
    this.bytesAcknowledged = this.bytesReceived;
    this.send(encodeAcknowledgement(this.bytesReceived));
  }

  /** Sends a message. */
  send(message: OutgoingMessage): void {
    this.writer.write(message, message.payload);
  }

  /** Sends messages in order. */
  sendAll(messages: readonly OutgoingMessage[]): void {
    for (const message of messages) this.send(message);
  }

  /** Sends the bytes `[start, end)` of payload as a message. */
  sendPayload(header: MessageHeader, payload: Uint8Array, start: number, end: number): void {
    this.writer.write(header, payload, start, end);
  }

  /** Tells the peer our chunk size, and uses it from then on. The size in use is not told again. */
  setOutChunkSize(size: number): void {
    if (size === this.writer.chunkSize) return;
    this.send(encodeSetChunkSize(size));
    this.writer.chunkSize = size;
  }

  /** Closes the connection when everything sent has left. */
  end(): void {
    this.transport.end();
  }

  /** Remembers which command a transaction id stands for, until its reply comes. */
  remember(transactionId: number, name: string): void {
    this.transactions ??= new Map();
    this.transactions.set(transactionId, name);
  }

  /** The command that a reply answers; undefined, and so to be ignored, when we never asked. */
  takeTransaction(transactionId: number): string | undefined {
    const name = this.transactions?.get(transactionId);
    this.transactions?.delete(transactionId);
    return name;
  }

  /** Takes each message from the reader. */
  onMessage(header: MessageHeader, payload: Uint8Array, start: number, end: number): void {
    switch (header.type) {
      case MessageType.audio:
      case MessageType.video:
      case MessageType.aggregate:
      case MessageType.dataAmf0:
      case MessageType.dataAmf3:
        this.handler.onMessage(header, payload, start, end);
        break;
      case MessageType.commandAmf0:
      case MessageType.commandAmf3:
        this.onCommand(header, payload, start, end);
        break;
      default:
        this.onControl(header.type, payload, start, end);
    }
  }

  private onCommand(header: MessageHeader, payload: Uint8Array, start: number, end: number): void {
    let packet: Packet;
    try {
      packet = decodePacket(header.type, payload, start, end);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.handler.onUndecodable(error);
      return;
    }
    this.handler.onPacket(packet, header);
  }

  /** Acts on protocol control; acknowledgements, peer bandwidth, shared objects and unknown types need nothing. */
  private onControl(type: number, payload: Uint8Array, start: number, end: number): void {
    switch (type) {
      case MessageType.setChunkSize:
        this.reader.setChunkSize(decodeUint32(payload, start, end));
        break;
      case MessageType.abort:
        this.reader.abort(decodeUint32(payload, start, end));
        break;
      case MessageType.windowAcknowledgementSize:
        // Signed on the wire: 0 and below say nothing.
        this.window = Math.max(decodeUint32(payload, start, end) | 0, 0) || this.window;
        break;
      case MessageType.userControl:
        this.onUserControl(payload, start, end);
        break;
      default:
    }
  }

  private onUserControl(payload: Uint8Array, start: number, end: number): void {
    const control = decodeUserControl(payload, start, end);
    switch (control?.event) {
      case UserControlEvent.pingRequest:
        this.send(encodeUserControl(UserControlEvent.pingResponse, control.data));
        break;
      case UserControlEvent.pingResponse:
        this.handler.onPingResponse?.();
        break;
      case UserControlEvent.streamBegin:
      case UserControlEvent.streamEof:
        this.handler.onStreamControl?.(control.event === UserControlEvent.streamBegin);
        break;
      default:
    }
  }
}
