/** Reads an FLV file from whatever pieces it arrives in, tag by tag. */
import { ErrorCode, SrsError } from '../core/errors';

import { flvHeaderBytes, flvPreviousTagSizeBytes, flvTagHeaderBytes, isFlvTagType } from './flv';
import type { FlvTag } from './flv';

/** Largest DataOffset accepted; the standard knows only 9. */
const maxHeaderBytes = 1024;
/** Smaller pieces are gathered in blocks: what keeps track of a piece costs more memory than so many bytes. */
const smallPieceBytes = 512;
const blockBytes = 16 * 1024;

/**
 * Incremental FLV reader: `push` bytes, then `read` tags until it returns undefined, and `finish` at the end of the
 * input. `read` and `finish` throw `SrsError` at damage, stating the offset, after all tags before it were returned:
 * KERNEL_FLV_HEADER for bytes that are no FLV, SYSTEM_FILE_EOF for an end inside the header or a tag. PreviousTagSize
 * fields are passed over: many recorders write them wrong, and the check of the next tag header finds real damage.
 */
export class FlvReader {
  #chunks: Buffer[] = [];
  #buffered = 0;
  /** File offset of the first buffered byte. */
  #offset = 0;
  #isHeaderRead = false;
  #failure: SrsError | undefined;
  /** Where small pieces are gathered, and how much of it is taken. */
  #block = Buffer.alloc(0);
  #blockUsed = 0;

  /** Takes the next bytes of the file; they must not change afterwards, as payloads are views on them. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (chunk.length < smallPieceBytes) this.#gather(chunk);
    else this.#chunks.push(chunk);
    this.#buffered += chunk.length;
  }

  /** The next whole tag; undefined when more bytes are needed. */
  read(): FlvTag | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#isHeaderRead && !this.#readHeader()) return undefined;
    const prefix = flvPreviousTagSizeBytes + flvTagHeaderBytes;
    if (this.#buffered < prefix) return undefined;
    const header = this.#peek(prefix);
    const size = header.readUIntBE(flvPreviousTagSizeBytes + 1, 3);
    this.#checkTagHeader(header.subarray(flvPreviousTagSizeBytes));
    if (this.#buffered < prefix + size) return undefined;
    const whole = this.#peek(prefix + size);
    this.#discard(prefix + size);
    return {
      type: header.readUInt8(flvPreviousTagSizeBytes) & 0x1f,
      // TimestampExtended holds the upper 8 bits, E.4.1.
      timestamp:
        header.readUIntBE(flvPreviousTagSizeBytes + 4, 3) + header.readUInt8(prefix - 4) * 2 ** 24,
      payload: whole.subarray(prefix),
    };
  }

  /** Call when the input has ended and `read` returned undefined: throws when it ended inside the header or a tag. */
  finish(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isHeaderRead && this.#buffered <= flvPreviousTagSizeBytes) return;
    const what = this.#isHeaderRead ? 'a whole tag' : 'a file header';
    const from = this.#isHeaderRead ? this.#offset + flvPreviousTagSizeBytes : 0;
    const message = `FLV is truncated: expected ${what} at offset ${from}, the file ends at ${this.#offset + this.#buffered}`;
    this.#fail(ErrorCode.SYSTEM_FILE_EOF, message);
  }

  /** The file header, E.2; false when it is not complete yet. */
  #readHeader(): boolean {
    if (this.#buffered < flvHeaderBytes) return false;
    const header = this.#peek(flvHeaderBytes);
    const signature = header.toString('latin1', 0, 3);
    if (signature !== 'FLV') {
      this.#fail(
        ErrorCode.KERNEL_FLV_HEADER,
        `expected "FLV" at offset 0, got ${hex(header.subarray(0, 3))}`,
      );
    }
    const dataOffset = header.readUInt32BE(5);
    if (dataOffset < flvHeaderBytes || dataOffset > maxHeaderBytes) {
      this.#fail(
        ErrorCode.KERNEL_FLV_HEADER,
        `expected a data offset of ${flvHeaderBytes} to ${maxHeaderBytes} at offset 5, got ${dataOffset}`,
      );
    }
    if (this.#buffered < dataOffset) return false;
    this.#discard(dataOffset);
    this.#isHeaderRead = true;
    return true;
  }

  #checkTagHeader(header: Buffer): void {
    const at = this.#offset + flvPreviousTagSizeBytes;
    const type = header.readUInt8(0);
    if (!isFlvTagType(type)) {
      this.#fail(
        ErrorCode.KERNEL_FLV_HEADER,
        `expected tag type 8, 9 or 18 at offset ${at}, got ${type}`,
      );
    }
    const streamId = header.readUIntBE(8, 3);
    if (streamId !== 0) {
      this.#fail(
        ErrorCode.KERNEL_FLV_HEADER,
        `expected stream id 0 at offset ${at + 8}, got ${streamId}`,
      );
    }
  }

  #gather(piece: Buffer): void {
    if (this.#blockUsed + piece.length > this.#block.length) {
      this.#block = Buffer.allocUnsafeSlow(blockBytes);
      this.#blockUsed = 0;
    }
    const block = this.#block;
    const last = this.#chunks.at(-1);
    const isNext =
      last?.buffer === block.buffer && last.byteOffset + last.length === this.#blockUsed;
    const start = isNext ? last.byteOffset : this.#blockUsed;
    this.#blockUsed += piece.copy(block, this.#blockUsed);
    if (isNext) this.#chunks.pop();
    this.#chunks.push(block.subarray(start, this.#blockUsed));
  }

  /** The first `size` buffered bytes in one piece; pieces are joined only once all of them are there. */
  #peek(size: number): Buffer {
    let first = this.#chunks[0] ?? Buffer.alloc(0);
    if (first.length < size) {
      first = Buffer.concat(this.#chunks);
      this.#chunks = [first];
    }
    return first.subarray(0, size);
  }

  /** Drops the first `size` buffered bytes. */
  #discard(size: number): void {
    this.#peek(size);
    const rest = this.#chunks.shift()?.subarray(size);
    if (rest !== undefined && rest.length > 0) this.#chunks.unshift(rest);
    this.#buffered -= size;
    this.#offset += size;
  }

  #fail(code: ErrorCode, message: string): never {
    this.#failure = new SrsError(code, message);
    throw this.#failure;
  }
}

function hex(bytes: Buffer): string {
  return `0x${bytes.toString('hex')}`;
}
