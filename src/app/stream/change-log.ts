/** Owns the lines that tell of changes a publisher makes, which it could make without end. */
import type { Logger } from '../../core/logger';

/** Lines that one publish may cause, besides repeats, which are never logged. */
const MAX_LINES = 20;

/** Logs a text when it differs from the last one about the same subject, and only so many of them. */
export class ChangeLog {
  readonly #last = new Map<string, string>();
  #left = MAX_LINES;

  /** Tells of `subject`, a kind of message or a track. */
  tell(log: Logger, subject: string, text: string): void {
    if (this.#left === 0 || this.#last.get(subject) === text) return;
    this.#last.set(subject, text);
    this.#left--;
    log.trace(text);
    if (this.#left === 0)
      log.warn(`${MAX_LINES} changes of the stream are logged, no more of them will be`);
  }

  /** Another publish begins. */
  clear(): void {
    this.#last.clear();
    this.#left = MAX_LINES;
  }
}
