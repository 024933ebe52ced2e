/** What FLV reader and writer share: a tag and the numbers of the file format (Video File Format 10.1, annex E). */

/** Tag types, E.4.1. */
export const FlvTagType = { audio: 8, video: 9, script: 18 } as const;

/** Whether a number is one of `FlvTagType`. */
export function isFlvTagType(type: number): boolean {
  return type === FlvTagType.audio || type === FlvTagType.video || type === FlvTagType.script;
}

/** One FLV tag; the payload is the body that an RTMP message of the same type carries. */
export interface FlvTag {
  /** One of `FlvTagType`. */
  type: number;
  /** Milliseconds, 0 to 2^32 - 1. */
  timestamp: number;
  payload: Buffer;
}

/** The largest body that DataSize can state, E.4.1, and an RTMP message, whose length has 24 bits, too. */
export const maxFlvTagBytes = 0xffffff;
/** Length of the file header, E.2. */
export const flvHeaderBytes = 9;
/** Length of a tag's header, E.4.1. */
export const flvTagHeaderBytes = 11;
/** Length of the PreviousTagSize between tags, E.3. */
export const flvPreviousTagSizeBytes = 4;
/** Where the first tag begins: behind the file header and the size of no tag, E.3. */
export const flvFirstTagAt = flvHeaderBytes + flvPreviousTagSizeBytes;
/** TypeFlagsAudio and TypeFlagsVideo of the file header, E.2. */
export const FlvHeaderFlag = { video: 1, audio: 4 } as const;
