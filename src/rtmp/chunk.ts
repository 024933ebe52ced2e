/** Owns the constants of the chunk stream (RTMP 1.0, section 5.3) and the caps we put on a peer. */

/** Payload bytes of a chunk, both ways, before any SetChunkSize. */
export const DEFAULT_CHUNK_SIZE = 128;

/** Largest message length that three bytes can declare. */
export const MAX_MESSAGE_SIZE = 0xffffff;

/** Chunk streams one peer may open; encoders use fewer than ten. */
export const MAX_CHUNK_STREAMS = 64;

/** Bytes of unfinished messages one peer may have in flight over all its chunk streams. */
export const MAX_PENDING_BYTES = 0x1000000;

/** Timestamp field value that announces four bytes of extended timestamp. */
export const EXTENDED_TIMESTAMP = 0xffffff;

/** Timestamps are kept in 31 bits: some peers write 32, some 31. */
export const TIMESTAMP_MASK = 0x7fffffff;

/** Largest chunk stream id that the three-byte basic header can hold. */
export const MAX_CHUNK_STREAM_ID = 65599;

/** Size of the message header by chunk format 0 to 3, without basic header and extended timestamp. */
export const MESSAGE_HEADER_SIZES: readonly number[] = [11, 7, 3, 0];

/** Largest basic plus message header, without extended timestamp. */
export const MAX_HEADER_SIZE = 14;

/** Chunk stream ids by purpose, as other servers use them. */
export const ChunkStreamId = {
  control: 2,
  connection: 3,
  metadata: 4,
  stream: 5,
  video: 6,
  audio: 7,
} as const;
