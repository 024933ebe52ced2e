/** Owns the question where else one stream is to go: asked in the background, until there is an answer. */
import type { Backoff } from '../upstream/backoff';

import type { ForwardBackend, ForwardPublish } from './forward-parts';

/** What an inquiry works with. */
export interface InquiryParts {
  readonly backend: ForwardBackend;
  readonly url: string;
  /** Who publishes, as of now. */
  publish(): ForwardPublish;
  readonly backoff: Backoff;
  /** The answer has come; once, and not after a cancel. */
  onAnswer(words: readonly string[]): void;
}

/** Asks when whoever made it is done, and again after each failure. */
export class BackendInquiry {
  readonly #parts: InquiryParts;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(parts: InquiryParts) {
    this.#parts = parts;
    // The publisher is among the clients only when its publish has begun for all.
    this.#timer = setTimeout(() => {
      void this.#ask();
    }, 0);
  }

  /** Nobody wants to know any more; idempotent. */
  cancel(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    const { backend, url, backoff } = this.#parts;
    const words = await backend.askForwards(url, this.#parts.publish());
    if (this.#isOver) return;
    if (words !== undefined) {
      this.#isOver = true;
      this.#parts.onAnswer(words);
      return;
    }
    this.#timer = setTimeout(() => {
      void this.#ask();
    }, backoff.next());
  }
}
