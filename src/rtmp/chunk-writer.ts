/** Owns the outgoing chunk stream of one peer: messages in, chunks out (RTMP 1.0, section 5.3). */
import {
  ChunkStreamId,
  DEFAULT_CHUNK_SIZE,
  EXTENDED_TIMESTAMP,
  MAX_CHUNK_STREAM_ID,
  MESSAGE_HEADER_SIZES,
} from './chunk';
import type { MessageHeader } from './message';
import type { Transport } from './transport';

/** Messages up to this size are chunked in memory that all writers share; the transport copies at once. */
const SCRATCH_SIZE = 256 * 1024;
const scratch = Buffer.allocUnsafeSlow(SCRATCH_SIZE);

const FORMAT_0 = 0x00;
const FORMAT_3 = 0xc0;

/**
 * Chunks messages: fmt 0 first, fmt 3 for the rest, an extended timestamp repeated on each chunk. One write per message.
 */
export class ChunkWriter {
  /** Payload bytes per chunk from the next message on. */
  chunkSize = DEFAULT_CHUNK_SIZE;
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** Sends the bytes `[start, end)` of payload as one message; an empty message is skipped. */
  write(header: MessageHeader, payload: Uint8Array, start = 0, end = payload.length): void {
    if (end <= start) return;
    const size = chunkedSize(header, end - start, this.chunkSize);
    const out = size <= SCRATCH_SIZE ? scratch : Buffer.allocUnsafeSlow(size);
    writeChunks(out, header, payload.subarray(start, end), this.chunkSize);
    this.transport.write(out.subarray(0, size));
  }
}

/** Bytes that a message of `length` payload bytes takes on the wire. */
export function chunkedSize(header: MessageHeader, length: number, chunkSize: number): number {
  const basic = basicHeaderSize(chunkStreamIdOf(header));
  const extended = header.timestamp >= EXTENDED_TIMESTAMP ? 4 : 0;
  const chunks = Math.ceil(length / chunkSize);
  return length + chunks * (basic + extended) + (MESSAGE_HEADER_SIZES[0] ?? 0);
}

function writeChunks(
  out: Buffer,
  header: MessageHeader,
  payload: Uint8Array,
  chunkSize: number,
): void {
  const id = chunkStreamIdOf(header);
  const isExtended = header.timestamp >= EXTENDED_TIMESTAMP;
  let at = writeBasicHeader(out, 0, FORMAT_0, id);
  at = out.writeUIntBE(isExtended ? EXTENDED_TIMESTAMP : header.timestamp, at, 3);
  at = out.writeUIntBE(payload.length, at, 3);
  at = out.writeUInt8(header.type, at);
  at = out.writeUInt32LE(header.streamId, at);
  if (isExtended) at = out.writeUInt32BE(header.timestamp, at);
  for (let from = 0; from < payload.length; from += chunkSize) {
    if (from > 0) {
      at = writeBasicHeader(out, at, FORMAT_3, id);
      if (isExtended) at = out.writeUInt32BE(header.timestamp, at);
    }
    const piece = payload.subarray(from, from + chunkSize);
    out.set(piece, at);
    at += piece.length;
  }
}

/** The id to write: 0 and 1 are escapes of the wire form, and nothing above 65599 has one. */
function chunkStreamIdOf(header: MessageHeader): number {
  const id = header.chunkStreamId;
  return id < ChunkStreamId.control || id > MAX_CHUNK_STREAM_ID ? ChunkStreamId.control : id;
}

function basicHeaderSize(id: number): number {
  if (id < 64) return 1;
  return id < 64 + 256 ? 2 : 3;
}

function writeBasicHeader(out: Buffer, at: number, format: number, id: number): number {
  const size = basicHeaderSize(id);
  if (size === 1) return out.writeUInt8(format | id, at);
  if (size === 2) return out.writeUInt8(id - 64, out.writeUInt8(format, at));
  return out.writeUInt16LE(id - 64, out.writeUInt8(format | 1, at));
}
