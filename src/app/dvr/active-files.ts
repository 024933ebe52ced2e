/** Owns the knowledge of which files are being written: nobody else may write, mend or delete them. */
import { resolve } from 'node:path';

import { ErrorCode, SrsError } from '../../core/errors';

/** Who writes a file. */
export interface FileOwner {
  /** The stream's `vhost/app/stream`. */
  readonly key: string;
  /** It will write no more: the next one may wait for the file to be closed. */
  readonly isClosing: boolean;
}

interface Entry {
  readonly owner: FileOwner;
  readonly closed: Promise<void>;
}

/** Gives the right to write a file back; idempotent. */
export type ReleaseFile = () => void;

/** The files being written, by absolute path. */
export class ActiveFiles {
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  has(path: string): boolean {
    return this.#entries.has(resolve(path));
  }

  /**
   * Claims a file; waits while another one closes it. Rejects with `SrsError` SYSTEM_FILE_ALREADY_OPENED when another
   * one goes on writing it.
   */
  async claim(path: string, owner: FileOwner): Promise<ReleaseFile> {
    const key = resolve(path);
    for (let entry = this.#entries.get(key); entry !== undefined; entry = this.#entries.get(key)) {
      if (!entry.owner.isClosing) {
        const message = `cannot record to ${path}: ${entry.owner.key} is being recorded there`;
        throw new SrsError(ErrorCode.SYSTEM_FILE_ALREADY_OPENED, message);
      }
      await entry.closed;
    }
    return this.#add(key, owner);
  }

  #add(key: string, owner: FileOwner): ReleaseFile {
    let done = (): void => undefined;
    const closed = new Promise<void>((resolve) => (done = resolve));
    const entry: Entry = { owner, closed };
    this.#entries.set(key, entry);
    return () => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      done();
    };
  }
}
