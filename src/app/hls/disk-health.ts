/** Owns what the log is told of a disk that fails: each change once, not each failure. */
import { describeError } from '../../core/errors';
import type { Logger } from '../../core/logger';

/** Whether files can be written, as far as one stream knows. */
export class DiskHealth {
  #isFailing = false;
  #lost = 0;

  /** Something could not be written; `what` was lost by it. */
  failed(log: Logger, what: string, error: unknown): void {
    this.#lost++;
    if (this.#isFailing) return;
    this.#isFailing = true;
    log.error(
      `hls cannot write ${what}, tried again with each segment: ${describeError(error)}`,
      error,
    );
  }

  /** A segment was written. */
  succeeded(log: Logger): void {
    if (!this.#isFailing) return;
    log.trace(`hls writes again, failures=${this.#lost}`);
    this.#isFailing = false;
    this.#lost = 0;
  }
}
