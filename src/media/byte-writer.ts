/** A bounds-checked big-endian cursor that fills a buffer of a size known beforehand. */
import { ErrorCode, SrsError } from '../core/errors';

/** Writes into `size` fresh bytes. Writing more throws `SrsError` KERNEL_STREAM_INIT and changes nothing. */
export class ByteWriter {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(size: number) {
    this.#buffer = Buffer.alloc(size);
  }

  /** Bytes written so far. */
  get position(): number {
    return this.#at;
  }

  u8(value: number): this {
    this.#buffer[this.#take(1)] = value;
    return this;
  }

  u16(value: number): this {
    return this.#integer(value, 2);
  }

  u24(value: number): this {
    return this.#integer(value, 3);
  }

  u32(value: number): this {
    return this.#integer(value, 4);
  }

  bytes(data: Uint8Array): this {
    this.#buffer.set(data, this.#take(data.length));
    return this;
  }

  /** What was written, as a view on the writer's buffer. */
  done(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  #integer(value: number, size: number): this {
    let at = this.#take(size);
    for (let shift = 8 * (size - 1); shift >= 0; shift -= 8) {
      this.#buffer[at++] = value >>> shift;
    }
    return this;
  }

  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#buffer.length) {
      throw new SrsError(
        ErrorCode.KERNEL_STREAM_INIT,
        `expected room for ${count} bytes at offset ${at} of a ${this.#buffer.length} byte buffer`,
      );
    }
    this.#at = at + count;
    return at;
  }
}
