/** Owns the protocol control messages, types 1 to 6 (RTMP 1.0, sections 5.4 and 7.1.7). */
import { ErrorCode, SrsError } from '../../core/errors';
import { ChunkStreamId } from '../chunk';
import { MessageType } from '../message';
import type { OutgoingMessage } from '../message';

/** Events of a UserControl message. */
export const UserControlEvent = {
  streamBegin: 0,
  streamEof: 1,
  setBufferLength: 3,
  pingRequest: 6,
  pingResponse: 7,
} as const;

/** Limit type of SetPeerBandwidth that we send: as hard or soft as the one before. */
const DYNAMIC_LIMIT = 2;

/** A UserControl message; data is a stream id, or the timestamp of a ping. */
export interface UserControl {
  readonly event: number;
  readonly data: number;
}

/** The u32 that SetChunkSize, Abort, Acknowledgement and WindowAcknowledgementSize carry. */
export function decodeUint32(payload: Uint8Array, start: number, end: number): number {
  if (end - start < 4) {
    throw new SrsError(
      ErrorCode.RTMP_MESSAGE_DECODE,
      `expect 4 bytes in a protocol control message, got ${end - start}`,
    );
  }
  return bufferOf(payload).readUInt32BE(start);
}

/** Reads a UserControl message; undefined when it is shorter than event and data, as the rarer events are. */
export function decodeUserControl(
  payload: Uint8Array,
  start: number,
  end: number,
): UserControl | undefined {
  if (end - start < 6) return undefined;
  const buffer = bufferOf(payload);
  return { event: buffer.readUInt16BE(start), data: buffer.readUInt32BE(start + 2) };
}

/** SetChunkSize: payload bytes per chunk after this message. */
export function encodeSetChunkSize(size: number): OutgoingMessage {
  return encodeControl(MessageType.setChunkSize, encodeUint32(size));
}

/** Acknowledgement of all bytes received so far; the count wraps at 32 bits. */
export function encodeAcknowledgement(bytes: number): OutgoingMessage {
  return encodeControl(MessageType.acknowledgement, encodeUint32(bytes % 0x100000000));
}

/** WindowAcknowledgementSize: asks the peer to acknowledge every `size` bytes. */
export function encodeWindowAcknowledgementSize(size: number): OutgoingMessage {
  return encodeControl(MessageType.windowAcknowledgementSize, encodeUint32(size));
}

/** SetPeerBandwidth with the dynamic limit type: bytes the peer may have unacknowledged. */
export function encodeSetPeerBandwidth(size: number): OutgoingMessage {
  return encodeControl(
    MessageType.setPeerBandwidth,
    Buffer.concat([encodeUint32(size), Buffer.of(DYNAMIC_LIMIT)]),
  );
}

/** UserControl; `extra` is the buffer length in ms of SetBufferLength, and absent from other events. */
export function encodeUserControl(event: number, data: number, extra?: number): OutgoingMessage {
  const parts = [Buffer.of(event >> 8, event & 0xff), encodeUint32(data)];
  if (extra !== undefined) parts.push(encodeUint32(extra));
  return encodeControl(MessageType.userControl, Buffer.concat(parts));
}

function encodeControl(type: number, payload: Buffer): OutgoingMessage {
  return { type, timestamp: 0, streamId: 0, chunkStreamId: ChunkStreamId.control, payload };
}

function encodeUint32(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

function bufferOf(payload: Uint8Array): Buffer {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.length);
}
