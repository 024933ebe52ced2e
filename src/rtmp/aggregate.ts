/** Owns the splitting of aggregate messages into the messages they carry (RTMP 1.0, section 7.1.6). */
import { ErrorCode, SrsError } from '../core/errors';

import { TIMESTAMP_MASK } from './chunk';
import { MessageType } from './message';
import type { MessageHeader, MessageSink } from './message';

/** Type, size, timestamp with its high byte, stream id: an FLV tag header. */
const SUB_HEADER_SIZE = 11;
const BACK_POINTER_SIZE = 4;

/**
 * Hands the audio, video and data messages of an aggregate to the sink, in order; others and empty ones are skipped.
 * Sub timestamps are moved so that the first one is the aggregate's own; chunk stream and stream id are the aggregate's.
 * The bytes `[start, end)` of payload are lent onwards, and one header serves all messages of the call.
 *
 * @throws SrsError RTMP_AGGREGATE when a message is cut off; those before it have been handed over
 */
export function splitAggregate(
  header: MessageHeader,
  payload: Uint8Array,
  start: number,
  end: number,
  sink: MessageSink,
): void {
  const view = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  const { chunkStreamId, streamId } = header;
  const sub = { type: 0, timestamp: 0, streamId, chunkStreamId };
  let shift: number | undefined;
  for (let at = start; at < end;) {
    if (end - at < SUB_HEADER_SIZE) throw cutOff('a message header', SUB_HEADER_SIZE, end - at);
    const size = view.readUIntBE(at + 1, 3);
    const timestamp = view.readUIntBE(at + 4, 3) | ((payload[at + 7] ?? 0) << 24);
    shift ??= header.timestamp - timestamp;
    sub.type = payload[at] ?? 0;
    sub.timestamp = (timestamp + shift) & TIMESTAMP_MASK;
    at += SUB_HEADER_SIZE;
    const needed = size + BACK_POINTER_SIZE;
    if (end - at < needed) throw cutOff('message and back pointer', needed, end - at);
    if (size > 0 && isCarried(sub.type)) sink.onMessage(sub, payload, at, at + size);
    at += needed;
  }
}

function isCarried(type: number): boolean {
  return type === MessageType.audio || type === MessageType.video || type === MessageType.dataAmf0;
}

function cutOff(what: string, needed: number, left: number): SrsError {
  return new SrsError(
    ErrorCode.RTMP_AGGREGATE,
    `expect ${needed} bytes of ${what} in an aggregate message, got ${left}`,
  );
}
