/** Owns the incoming chunk stream of one peer: bytes in, complete messages out (RTMP 1.0, section 5.3). */
import { ErrorCode, SrsError } from '../core/errors';

import { assemblyPool } from './assembly-pool';
import {
  ChunkStreamId,
  DEFAULT_CHUNK_SIZE,
  EXTENDED_TIMESTAMP,
  MAX_CHUNK_STREAMS,
  MAX_HEADER_SIZE,
  MAX_MESSAGE_SIZE,
  MAX_PENDING_BYTES,
  MESSAGE_HEADER_SIZES,
  TIMESTAMP_MASK,
} from './chunk';
import type { MessageHeader, MessageSink } from './message';

/** Limits on what one peer can make us hold. */
export interface ChunkReaderLimits {
  /** Longest message accepted, bytes. */
  readonly maxMessageSize: number;
  /** Bytes of unfinished messages over all chunk streams. */
  readonly maxPendingBytes: number;
  /** Chunk streams open at a time. */
  readonly maxChunkStreams: number;
}

/** The limits unless a session is given others. */
export const defaultChunkReaderLimits: ChunkReaderLimits = {
  maxMessageSize: MAX_MESSAGE_SIZE,
  maxPendingBytes: MAX_PENDING_BYTES,
  maxChunkStreams: MAX_CHUNK_STREAMS,
};

/** What comes next in the byte stream. */
const Phase = { header: 0, extendedTimestamp: 1, payload: 2 } as const;
type Phase = (typeof Phase)[keyof typeof Phase];

/** First size of an assembly buffer when fewer bytes are at hand. */
const FIRST_ASSEMBLY_SIZE = 4096;

/** State of one chunk stream: the last header, and the message in the making when `received` is above 0. */
class ChunkStream implements MessageHeader {
  readonly chunkStreamId: number;
  type = 0;
  timestamp = 0;
  streamId = 0;
  length = 0;
  /** Timestamp field of the last fmt 0, 1 or 2 header; what a message starting with fmt 3 adds. */
  delta = 0;
  received = 0;
  buffer: Uint8Array | undefined = undefined;

  constructor(chunkStreamId: number) {
    this.chunkStreamId = chunkStreamId;
  }
}

/** Stands for the current chunk stream before the first chunk; its id matches no other. */
const noChunkStream = new ChunkStream(-1);

/**
 * Push parser for lent memory. A message that lies in one chunk wholly inside the pushed range is handed to the sink
 * where it lies; any other is put together in a pooled buffer that grows with the data. Empty messages are dropped.
 */
export class ChunkReader {
  /** Payload bytes of each chunk the peer sends from now on. */
  private chunkSize = DEFAULT_CHUNK_SIZE;
  private isPaused = false;
  private phase: Phase = Phase.header;
  /** Payload bytes still to come of the chunk at hand. */
  private chunkLeft = 0;
  /** Bytes held in unfinished messages. */
  private pendingBytes = 0;
  private current = noChunkStream;
  /** First bytes of a header that the last push cut off. */
  private carry: Uint8Array | undefined = undefined;
  private carryLength = 0;
  private readonly streams: ChunkStream[] = [];
  private readonly sink: MessageSink;
  private limits: ChunkReaderLimits;

  /** @param sink takes each message as it completes; it may call every method here but `push` */
  constructor(sink: MessageSink, limits: ChunkReaderLimits = defaultChunkReaderLimits) {
    this.sink = sink;
    this.limits = limits;
  }

  /**
   * Parses the bytes `[start, end)` of slab, which need to stay valid during the call only.
   *
   * @returns where it stopped: `end`, or earlier when the sink paused the reader
   * @throws SrsError RTMP_CHUNK_START, RTMP_PACKET_SIZE, READER_BUFFER_OVERFLOW on a violation, and what the sink throws;
   *   the reader is of no use after that
   */
  push(slab: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && !this.isPaused) {
      if (this.phase === Phase.payload) at = this.readPayload(slab, at, end);
      else if (this.carryLength > 0) at = this.readCarried(slab, at, end);
      else if (this.phase === Phase.header) at = this.readHeader(slab, at, end);
      else at = this.readExtendedTimestamp(slab, at, end);
    }
    return at;
  }

  /** Makes a running push return after the message at hand, and later ones take nothing. */
  pause(): void {
    this.isPaused = true;
  }

  /** Lets push parse again. */
  resume(): void {
    this.isPaused = false;
  }

  /**
   * Applies the peer's SetChunkSize to the chunks that follow, those of messages in progress included.
   *
   * @param size bytes, 31 bits; the top bit is ignored. Anything above the longest message means unchunked.
   * @throws SrsError RTMP_CHUNK_SIZE when 0
   */
  setChunkSize(size: number): void {
    const masked = size & 0x7fffffff;
    if (masked === 0) {
      throw new SrsError(
        ErrorCode.RTMP_CHUNK_SIZE,
        `expect a chunk size above 0 in SetChunkSize, got ${size}`,
      );
    }
    this.chunkSize = masked;
  }

  /** Changes the limits for what comes from now on. */
  setLimits(limits: ChunkReaderLimits): void {
    this.limits = limits;
  }

  /** Drops the unfinished message of a chunk stream, if there is one (RTMP 1.0, section 5.4.2). */
  abort(chunkStreamId: number): void {
    const stream = this.find(chunkStreamId);
    if (stream !== undefined) this.discard(stream);
  }

  /** Drops all unfinished messages; for the end of a connection. */
  dispose(): void {
    for (const stream of this.streams) this.discard(stream);
    this.isPaused = true;
  }

  /** Reads basic and message header, or keeps them for the next push when they are cut off. */
  private readHeader(data: Uint8Array, at: number, end: number): number {
    const first = data[at] ?? 0;
    const format = first >> 6;
    const short = first & 0x3f;
    const basicSize = short > 1 ? 1 : short + 2;
    const body = at + basicSize;
    const after = body + (MESSAGE_HEADER_SIZES[format] ?? 0);
    if (after > end) return this.carryOver(data, at, end);

    const id = basicSize === 1 ? short : readLongId(data, at + 1, basicSize - 1);
    let stream = this.current;
    if (stream.chunkStreamId !== id) {
      stream = this.find(id) ?? this.open(id, format);
      this.current = stream;
    }
    if (format === 0 && stream.received > 0) throw this.interrupted(stream);
    this.applyHeader(stream, format, data, body);
    if (stream.delta === EXTENDED_TIMESTAMP) this.phase = Phase.extendedTimestamp;
    else this.startPayload(stream);
    return after;
  }

  private applyHeader(stream: ChunkStream, format: number, data: Uint8Array, at: number): void {
    const isFirst = stream.received === 0;
    if (format < 3) stream.delta = readUint24(data, at);
    const isExtended = stream.delta === EXTENDED_TIMESTAMP;
    if (isFirst && !isExtended) {
      const base = format === 0 ? 0 : stream.timestamp;
      stream.timestamp = (base + stream.delta) & TIMESTAMP_MASK;
    }
    if (format < 2) {
      const length = readUint24(data, at + 3);
      if (!isFirst && length !== stream.length) throw this.resized(stream, length);
      if (length > this.limits.maxMessageSize) throw this.tooLong(stream, length);
      stream.length = length;
      stream.type = data[at + 6] ?? 0;
    }
    // The only little-endian number of the protocol; no peer uses more than 31 bits.
    if (format === 0) stream.streamId = readUint32LittleEndian(data, at + 7);
  }

  /**
   * Reads the four bytes of extended timestamp. Some peers repeat them on continuation chunks, others do not: there,
   * bytes that differ are payload. The first that differs tells, so that a short end of a message is not held back.
   */
  private readExtendedTimestamp(data: Uint8Array, at: number, end: number): number {
    const stream = this.current;
    const known = stream.received > 0 && stream.timestamp > 0;
    if (known && !startsWithTimestamp(data, at, end, stream.timestamp)) {
      this.startPayload(stream);
      return at;
    }
    if (at + 4 > end) return this.carryOver(data, at, end);
    stream.timestamp = readUint32(data, at) & TIMESTAMP_MASK;
    this.startPayload(stream);
    return at + 4;
  }

  /** Keeps the cut-off beginning of a header. */
  private carryOver(data: Uint8Array, at: number, end: number): number {
    this.carry ??= new Uint8Array(MAX_HEADER_SIZE);
    this.carry.set(data.subarray(at, end));
    this.carryLength = end - at;
    return end;
  }

  /** Continues a cut-off header with fresh bytes, one at a time: it ends within a few. */
  private readCarried(data: Uint8Array, at: number, end: number): number {
    const carry = this.carry ?? new Uint8Array(MAX_HEADER_SIZE);
    let next = at;
    let length = this.carryLength;
    while (next < end) {
      carry[length++] = data[next++] ?? 0;
      this.carryLength = 0;
      const isHeader = this.phase === Phase.header;
      const used = isHeader
        ? this.readHeader(carry, 0, length)
        : this.readExtendedTimestamp(carry, 0, length);
      if (this.carryLength > 0) continue;
      // Cuts are rare: an idle connection need not hold the memory.
      this.carry = undefined;
      // A guess at an extended timestamp that failed: what was kept is payload.
      if (used < length) this.readRest(carry, used, length);
      return next;
    }
    return next;
  }

  /** Parses what was kept beyond a header; a pause leaves the rest kept. */
  private readRest(carry: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.isPaused) at = this.carryOver(carry, at, end);
      else if (this.phase === Phase.payload) at = this.readPayload(carry, at, end);
      else if (this.phase === Phase.header) at = this.readHeader(carry, at, end);
      else at = this.readExtendedTimestamp(carry, at, end);
    }
  }

  private startPayload(stream: ChunkStream): void {
    const left = stream.length - stream.received;
    this.chunkLeft = left < this.chunkSize ? left : this.chunkSize;
    this.phase = left === 0 ? Phase.header : Phase.payload;
  }

  private readPayload(data: Uint8Array, at: number, end: number): number {
    const stream = this.current;
    const size = this.chunkLeft < end - at ? this.chunkLeft : end - at;
    const after = at + size;
    if (size === stream.length) {
      this.phase = Phase.header;
      this.sink.onMessage(stream, data, at, after);
      return after;
    }
    this.append(stream, data, at, size, end - at);
    this.chunkLeft -= size;
    if (this.chunkLeft === 0) this.phase = Phase.header;
    if (stream.received === stream.length) this.deliver(stream);
    return after;
  }

  /** Adds payload to the message in the making; `atHand` tells how much of it the push may hold in all. */
  private append(
    stream: ChunkStream,
    data: Uint8Array,
    at: number,
    size: number,
    atHand: number,
  ): void {
    const wanted = stream.received + size;
    let buffer = stream.buffer;
    if (buffer === undefined || buffer.length < wanted) {
      const size = Math.max(stream.received + atHand, FIRST_ASSEMBLY_SIZE);
      const grown = assemblyPool.take(Math.min(stream.length, size));
      if (buffer !== undefined) {
        grown.set(buffer.subarray(0, stream.received));
        assemblyPool.release(buffer);
      }
      stream.buffer = buffer = grown;
    }
    if (size < 32) for (let i = 0; i < size; i++) buffer[stream.received + i] = data[at + i] ?? 0;
    else buffer.set(data.subarray(at, at + size), stream.received);
    stream.received = wanted;
    this.pendingBytes += size;
    if (this.pendingBytes > this.limits.maxPendingBytes) throw this.tooMuchPending(stream);
  }

  private deliver(stream: ChunkStream): void {
    const buffer = stream.buffer;
    if (buffer === undefined) return;
    stream.buffer = undefined;
    stream.received = 0;
    this.pendingBytes -= stream.length;
    this.sink.onMessage(stream, buffer, 0, stream.length);
    assemblyPool.release(buffer);
  }

  private discard(stream: ChunkStream): void {
    this.pendingBytes -= stream.received;
    stream.received = 0;
    if (stream.buffer !== undefined) assemblyPool.release(stream.buffer);
    stream.buffer = undefined;
  }

  private find(chunkStreamId: number): ChunkStream | undefined {
    for (const stream of this.streams) if (stream.chunkStreamId === chunkStreamId) return stream;
    return undefined;
  }

  private open(chunkStreamId: number, format: number): ChunkStream {
    // librtmp starts chunk stream 2 with fmt 1 when it sends a ping.
    if (format !== 0 && !(format === 1 && chunkStreamId === ChunkStreamId.control)) {
      throw new SrsError(
        ErrorCode.RTMP_CHUNK_START,
        `expect fmt 0 for the first chunk of chunk stream ${chunkStreamId}, got fmt ${format}`,
      );
    }
    if (this.streams.length >= this.limits.maxChunkStreams) {
      throw new SrsError(
        ErrorCode.RTMP_CHUNK_START,
        `expect at most ${this.limits.maxChunkStreams} chunk streams, peer opens one more: ${chunkStreamId}`,
      );
    }
    const stream = new ChunkStream(chunkStreamId);
    this.streams.push(stream);
    return stream;
  }

  private interrupted(stream: ChunkStream): SrsError {
    return new SrsError(
      ErrorCode.RTMP_CHUNK_START,
      `expect a continuation on chunk stream ${stream.chunkStreamId}, got fmt 0 after ` +
        `${stream.received} of ${stream.length} message bytes`,
    );
  }

  private resized(stream: ChunkStream, length: number): SrsError {
    return new SrsError(
      ErrorCode.RTMP_PACKET_SIZE,
      `expect message length ${stream.length} to stay on chunk stream ${stream.chunkStreamId}, ` +
        `got ${length} after ${stream.received} bytes`,
    );
  }

  private tooLong(stream: ChunkStream, length: number): SrsError {
    return new SrsError(
      ErrorCode.READER_BUFFER_OVERFLOW,
      `expect messages of at most ${this.limits.maxMessageSize} bytes, ` +
        `got ${length} on chunk stream ${stream.chunkStreamId}`,
    );
  }

  private tooMuchPending(stream: ChunkStream): SrsError {
    return new SrsError(
      ErrorCode.READER_BUFFER_OVERFLOW,
      `expect at most ${this.limits.maxPendingBytes} bytes of unfinished messages, ` +
        `got ${this.pendingBytes}, the last on chunk stream ${stream.chunkStreamId}`,
    );
  }
}

/** Chunk stream id of a two or three byte basic header: one or two bytes, little-endian, from 64 on. */
function readLongId(data: Uint8Array, at: number, size: number): number {
  const high = size === 2 ? (data[at + 1] ?? 0) << 8 : 0;
  return 64 + (data[at] ?? 0) + high;
}

function readUint24(data: Uint8Array, at: number): number {
  return ((data[at] ?? 0) << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0);
}

function readUint32(data: Uint8Array, at: number): number {
  return (((data[at] ?? 0) << 24) | readUint24(data, at + 1)) >>> 0;
}

function readUint32LittleEndian(data: Uint8Array, at: number): number {
  const low = (data[at] ?? 0) | ((data[at + 1] ?? 0) << 8) | ((data[at + 2] ?? 0) << 16);
  return (low | ((data[at + 3] ?? 0) << 24)) >>> 0;
}

/** Whether the bytes at hand, four at most, are those of the timestamp in 31 or 32 bits. */
function startsWithTimestamp(data: Uint8Array, at: number, end: number, value: number): boolean {
  const size = Math.min(4, end - at);
  for (let i = 0; i < size; i++) {
    const mask = i === 0 ? 0x7f : 0xff;
    if (((data[at + i] ?? 0) & mask) !== ((value >>> (24 - 8 * i)) & mask)) return false;
  }
  return true;
}
