/** Writes an FLV file or live stream: header, tags, previous tag sizes (Video File Format 10.1, annex E). */
import { ByteWriter } from './byte-writer';
import {
  FlvHeaderFlag,
  flvFirstTagAt,
  flvHeaderBytes,
  flvPreviousTagSizeBytes,
  flvTagHeaderBytes,
} from './flv';
import type { FlvTag } from './flv';

/** Encodes FLV piece by piece into `write`, which gets each payload as it is, not a copy. */
export class FlvWriter {
  readonly #write: (bytes: Buffer) => void;

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write;
  }

  /** The file header and the first PreviousTagSize, which is 0 (E.2, E.3). Call once, first. */
  writeHeader(hasAudio = true, hasVideo = true): void {
    const flags = (hasAudio ? FlvHeaderFlag.audio : 0) | (hasVideo ? FlvHeaderFlag.video : 0);
    const header = new ByteWriter(flvFirstTagAt)
      .bytes(Buffer.from('FLV'))
      .u8(1)
      .u8(flags)
      .u32(flvHeaderBytes)
      .u32(0);
    this.#write(header.done());
  }

  /** One tag and its PreviousTagSize (E.4.1). The timestamp is taken modulo 2^32. */
  writeTag(tag: FlvTag): void {
    const size = tag.payload.length;
    const header = new ByteWriter(flvTagHeaderBytes)
      .u8(tag.type)
      .u24(size)
      .u24(tag.timestamp)
      .u8(tag.timestamp / 2 ** 24)
      .u24(0);
    this.#write(header.done());
    this.#write(tag.payload);
    this.#write(new ByteWriter(flvPreviousTagSizeBytes).u32(flvTagHeaderBytes + size).done());
  }
}
