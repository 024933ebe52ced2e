/** Owns the writing of a small text file that changes often. */
import { writeFileAtomic } from '../../files/atomic-file';

/** Told how a write ended; undefined: well. */
export type WriteResult = (error: unknown) => void;

/** One playlist file. */
export class TextFile {
  readonly path: string;
  readonly #onWritten: WriteResult;
  #writing: Promise<void> = Promise.resolve();
  #pending = 0;

  constructor(path: string, onWritten: WriteResult) {
    this.path = path;
    this.#onWritten = onWritten;
  }

  get isBusy(): boolean {
    return this.#pending > 0;
  }

  /** Replaces the file; a text that waits for a slow disk gives way to a newer one. */
  write(text: string): void {
    this.#pending++;
    this.#writing = writeFileAtomic(this.path, text)
      .then(() => {
        this.#onWritten(undefined);
      }, this.#onWritten)
      .finally(() => this.#pending--);
  }

  /** Resolves when the newest text is written, or could not be. */
  settle(): Promise<void> {
    return this.#writing;
  }
}
