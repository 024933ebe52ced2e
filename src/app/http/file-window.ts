/** Owns small reads here and there in a file, out of larger ones. */
import type { FileHandle } from 'node:fs/promises';

const WINDOW_BYTES = 256 * 1024;

/** The bytes of a file around the last place that was looked at. */
export class FileWindow {
  /** Bytes of the file; what was added since it was opened is not seen. */
  readonly size: number;
  readonly #file: FileHandle;
  #bytes = Buffer.alloc(0);
  #start = 0;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  /**
   * Bytes from a position on, `length` of them or up to the end of the file. Valid until the next call. `backwards`:
   * the next read will be of an earlier place.
   */
  async read(at: number, length: number, backwards = false): Promise<Buffer> {
    const end = Math.min(at + length, this.size);
    if (at < 0 || at >= end) return Buffer.alloc(0);
    if (at < this.#start || end > this.#start + this.#bytes.length) {
      await this.#load(at, end, backwards);
    }
    return this.#bytes.subarray(at - this.#start, end - this.#start);
  }

  async #load(at: number, end: number, backwards: boolean): Promise<void> {
    const size = Math.max(WINDOW_BYTES, end - at);
    const start = backwards ? Math.max(0, end - size) : at;
    const buffer = Buffer.allocUnsafe(Math.min(size, this.size - start));
    const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, start);
    this.#bytes = buffer.subarray(0, bytesRead);
    this.#start = start;
  }
}
