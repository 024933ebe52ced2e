/** Owns a bare RTMP peer for tests: builds the bytes of messages, and reads replies into plain values. */
import { Amf0Reader } from '../../src/rtmp/amf0-reader';
import { AmfObject } from '../../src/rtmp/amf0-value';
import type { AmfValue } from '../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../src/rtmp/amf0-writer';
import { ChunkReader } from '../../src/rtmp/chunk-reader';
import { ChunkWriter } from '../../src/rtmp/chunk-writer';
import type { MessageHeader } from '../../src/rtmp/message';

import { FakeTransport } from './fakes/fake-transport';

/** C0, C1 and C2 of a simple handshake, or S0S1S2 to skip. */
export const HANDSHAKE = Buffer.concat([Buffer.of(3), Buffer.alloc(3072)]);
export const REPLY_SIZE = HANDSHAKE.length;

/** A decoded message: type, message stream id, and its values (hex for control messages and media). */
export type Received = readonly [type: number, streamId: number, ...values: unknown[]];

/** The bytes of a message. */
export function bytesOfMessage(type: number, streamId: number, payload: Uint8Array): Buffer {
  const transport = new FakeTransport();
  new ChunkWriter(transport).write({ type, timestamp: 0, streamId, chunkStreamId: 3 }, payload);
  return transport.take();
}

/** The bytes of a command. */
export function command(streamId: number, ...values: AmfValue[]): Buffer {
  return bytesOfMessage(20, streamId, encodeAmf0(...values));
}

/** The bytes of a connect. */
export function connectCommand(more: Record<string, AmfValue> = {}, tid = 1): Buffer {
  const object = AmfObject.of({ app: 'live', tcUrl: 'rtmp://host/live', ...more });
  return command(0, 'connect', tid, object);
}

/** Reads what a session sent, across its changes of chunk size. */
export class ReplyReader {
  private readonly received: Received[] = [];
  private readonly reader = new ChunkReader(this);

  onMessage(header: MessageHeader, payload: Uint8Array, start: number, end: number): void {
    const bytes = Buffer.from(payload.subarray(start, end));
    if (header.type === 1) this.reader.setChunkSize(bytes.readUInt32BE(0));
    const isAmf = header.type === 18 || header.type === 20;
    const values = isAmf ? plainValues(bytes) : [bytes.toString('hex')];
    this.received.push([header.type, header.streamId, ...values]);
  }

  /** The messages in bytes. */
  read(bytes: Buffer): Received[] {
    this.reader.push(bytes, 0, bytes.length);
    return this.received.splice(0);
  }
}

/** The AMF0 values of a command or data message, objects as records. */
export function plainValues(bytes: Buffer): unknown[] {
  const reader = new Amf0Reader(bytes);
  const values: unknown[] = [];
  while (reader.remaining > 0) values.push(plain(reader.readValue()));
  return values;
}

function plain(value: AmfValue): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof AmfObject)) return value;
  return Object.fromEntries([...value.entries].map(([key, item]) => [key, plain(item)]));
}
