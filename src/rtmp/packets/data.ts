/** Owns the data messages: metadata, and the few that a server sends to players (RTMP 1.0, section 7.1.2). */
import { Amf0Reader } from '../amf0-reader';
import { AmfObject } from '../amf0-value';
import { encodeAmf0 } from '../amf0-writer';
import { ChunkStreamId } from '../chunk';
import { MessageType } from '../message';
import type { OutgoingMessage } from '../message';

/** Name of the metadata of a stream. */
export const ON_METADATA = 'onMetaData';
const SET_DATA_FRAME = '@setDataFrame';

/** A data message taken apart as far as needed. */
export interface DataPacket {
  /** First string, `@setDataFrame` passed over. */
  readonly name: string;
  /** Where the name starts in the payload. */
  readonly start: number;
  /** The metadata as an object when the name is onMetaData (empty when it came as anything else). */
  readonly metadata: AmfObject | undefined;
}

/**
 * Reads a data message of type 15 or 18.
 *
 * @throws SrsError RTMP_AMF0_DECODE or RTMP_AMF0_INVALID when it does not start with a string or metadata is damaged
 */
export function decodeData(
  type: number,
  payload: Uint8Array,
  start: number,
  end: number,
): DataPacket {
  // The AMF3 envelope may have a 0 in front; what follows is AMF0 with every known client.
  let from = type === MessageType.dataAmf3 && payload[start] === 0 ? start + 1 : start;
  const reader = new Amf0Reader(payload, from, end);
  let name = reader.readString();
  if (name === SET_DATA_FRAME) {
    from = end - reader.remaining;
    name = reader.readString();
  }
  if (name !== ON_METADATA) return { name, start: from, metadata: undefined };
  const value = reader.remaining > 0 ? reader.readValue() : undefined;
  return { name, start: from, metadata: toObject(value) };
}

/**
 * Metadata as publishers send it, for the server to keep. Not on the chunk stream of other data: what shares the
 * connection with it, and abbreviates its own headers, goes by what stood there last.
 */
export function encodeDataFrame(streamId: number, name: string, value: AmfObject): OutgoingMessage {
  return encodeData(streamId, ChunkStreamId.stream, encodeAmf0(SET_DATA_FRAME, name, value));
}

/** `|RtmpSampleAccess`: the player may read video and audio samples. */
export function encodeSampleAccess(streamId: number): OutgoingMessage {
  return encodeData(streamId, ChunkStreamId.stream, encodeAmf0('|RtmpSampleAccess', true, true));
}

/** `onStatus` as a data message, with nothing but a code. */
export function encodeDataStatus(streamId: number, code: string): OutgoingMessage {
  const payload = encodeAmf0('onStatus', AmfObject.of({ code }));
  return encodeData(streamId, ChunkStreamId.stream, payload);
}

function encodeData(streamId: number, chunkStreamId: number, payload: Buffer): OutgoingMessage {
  return { type: MessageType.dataAmf0, timestamp: 0, streamId, chunkStreamId, payload };
}

function toObject(value: unknown): AmfObject {
  const object = new AmfObject();
  if (value instanceof AmfObject) for (const [key, item] of value.entries) object.set(key, item);
  return object;
}
