/** A bounds-checked big-endian cursor over bytes; it copies nothing. */
import { ErrorCode, SrsError } from '../core/errors';

/** Reads `data[start, end)`. Every read beyond the end throws `SrsError` KERNEL_STREAM_INIT and moves nothing. */
export class ByteReader {
  readonly #data: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  #at: number;

  constructor(data: Uint8Array, start = 0, end = data.length) {
    this.#data = data;
    this.#start = start;
    this.#end = Math.min(end, data.length);
    this.#at = start;
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#at - this.#start;
  }

  /** Bytes left to read. */
  get remaining(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    return this.#data[this.#take(1)] ?? 0;
  }

  u16(): number {
    const at = this.#take(2);
    return ((this.#data[at] ?? 0) << 8) | (this.#data[at + 1] ?? 0);
  }

  u24(): number {
    const at = this.#take(3);
    const data = this.#data;
    return ((data[at] ?? 0) << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0);
  }

  u32(): number {
    return this.u16() * 0x10000 + this.u16();
  }

  /** The next `count` bytes as a view on the input, not a copy. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#data.subarray(at, at + count);
  }

  skip(count: number): void {
    this.#take(count);
  }

  #take(count: number): number {
    const at = this.#at;
    if (count < 0 || count > this.remaining) {
      throw new SrsError(
        ErrorCode.KERNEL_STREAM_INIT,
        `expected ${count} bytes at offset ${this.position}, only ${this.remaining} left`,
      );
    }
    this.#at = at + count;
    return at;
  }
}
