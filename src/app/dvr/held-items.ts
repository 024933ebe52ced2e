/** Owns what comes while a recording cannot be written yet: until its file is open, or its tracks are known. */
import { ErrorCode, SrsError } from '../../core/errors';

/** Keeps items in order, up to a number of bytes. */
export class HeldItems<T> {
  readonly #maxBytes: number;
  #items: T[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  /** Throws `SrsError` SYSTEM_FILE_WRITE when it would be too much; nothing is held from then on. */
  push(item: T, bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= this.#maxBytes) {
      this.#items.push(item);
      return;
    }
    this.#items = [];
    const message = `cannot open a file fast enough: ${this.#bytes} bytes wait, at most ${this.#maxBytes} may`;
    throw new SrsError(ErrorCode.SYSTEM_FILE_WRITE, message);
  }

  /** Hands all items over. */
  take(): T[] {
    const items = this.#items;
    this.#items = [];
    this.#bytes = 0;
    return items;
  }
}
