/** Owns the requests for a part that was announced and is not complete yet. */
import type { HlsRequest, Resource } from './exchange';
import { sendStatus } from './exchange';
import type { Waiters } from './waiters';

/** Stands for the next part: holds requests until it is there. */
export class PendingPart implements Resource {
  readonly name: string;
  readonly #waiters: Waiters;
  readonly #dueMs: () => number;
  #part: Resource | undefined;
  #isOver = false;

  /** `dueMs`: until when a request that comes now may wait. */
  constructor(name: string, waiters: Waiters, dueMs: () => number) {
    this.name = name;
    this.#waiters = waiters;
    this.#dueMs = dueMs;
  }

  /** The part is there, or, with undefined, will never be. Those that wait are answered at their next check. */
  release(part: Resource | undefined): void {
    this.#part = part;
    this.#isOver = true;
  }

  serve(request: HlsRequest): boolean {
    this.#waiters.add({
      request,
      dueMs: this.#dueMs(),
      isReady: () => this.#isOver,
      answer: () => {
        if (this.#part?.serve(request) !== true) sendStatus(request, 404);
      },
    });
    return true;
  }
}
