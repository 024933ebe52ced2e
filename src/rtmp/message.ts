/** Owns the RTMP message types and the header every message carries (RTMP 1.0, sections 5.4 and 6). */

/** Message type ids (RTMP 1.0, sections 5.4, 6.2 and 7.1). */
export const MessageType = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowAcknowledgementSize: 5,
  setPeerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf3: 15,
  sharedObjectAmf3: 16,
  commandAmf3: 17,
  dataAmf0: 18,
  sharedObjectAmf0: 19,
  commandAmf0: 20,
  aggregate: 22,
} as const;

/** What a message says about itself. When given to a callback it is lent: copy what outlives the call. */
export interface MessageHeader {
  /** One of MessageType, or a number unknown to us. */
  readonly type: number;
  /** Milliseconds, 31 bits. */
  readonly timestamp: number;
  /** Message stream id: 0 for the connection, else an id that createStream gave out. */
  readonly streamId: number;
  /** Chunk stream id the message came on or shall go out on. */
  readonly chunkStreamId: number;
}

/** Takes complete messages. */
export interface MessageSink {
  /**
   * One complete message. Header and the bytes `[start, end)` of payload are lent for the call only.
   * It must not feed the parser that calls it.
   */
  onMessage(header: MessageHeader, payload: Uint8Array, start: number, end: number): void;
}

/** A message ready to be written, built by the packet encoders. */
export interface OutgoingMessage extends MessageHeader {
  readonly payload: Uint8Array;
}
