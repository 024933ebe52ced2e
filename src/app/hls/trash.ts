/** Owns the files that have left a playlist: they are deleted a while later, for players that are behind. */
import { unlink } from 'node:fs/promises';

import { errnoOf } from '../../core/errors';

interface Doomed {
  readonly path: string;
  readonly dueMs: number;
}

const ENOENT = 2;

/** Files waiting for their deletion, oldest first. */
export class Trash {
  readonly #onError: (path: string, error: unknown) => void;
  readonly #under = new Set<Promise<void>>();
  #files: Doomed[] = [];

  /** `onError`: a file could not be deleted, and stays. */
  constructor(onError: (path: string, error: unknown) => void) {
    this.#onError = onError;
  }

  get isBusy(): boolean {
    return this.#files.length > 0 || this.#under.size > 0;
  }

  /** Deletes a file when `sweep` is told of that time. */
  add(path: string, dueMs: number): void {
    this.#files.push({ path, dueMs });
  }

  /** A file is used again. */
  keep(path: string): void {
    this.#files = this.#files.filter((file) => file.path !== path);
  }

  sweep(nowMs: number): void {
    const due = this.#files.filter(({ dueMs }) => dueMs <= nowMs);
    if (due.length === 0) return;
    this.#files = this.#files.filter(({ dueMs }) => dueMs > nowMs);
    for (const { path } of due) void this.remove(path);
  }

  /** Deletes at once what is there; never rejects. A file that is gone already is no failure. */
  remove(path: string): Promise<void> {
    const removal = unlink(path)
      .catch((error: unknown) => {
        if (errnoOf(error) !== ENOENT) this.#onError(path, error);
      })
      .finally(() => this.#under.delete(removal));
    this.#under.add(removal);
    return removal;
  }

  /** Resolves when the deletions under way are over. */
  async settle(): Promise<void> {
    await Promise.all(this.#under);
  }
}
