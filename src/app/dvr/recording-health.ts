/** Owns what happens when recordings of a stream cannot be written: told once, tried again ever more rarely. */
import { describeError } from '../../core/errors';
import type { Logger } from '../../core/logger';

const firstRetryMs = 5000;
const longestRetryMs = 60_000;

/** Times are milliseconds of the monotonic clock. */
export class RecordingHealth {
  readonly #key: string;
  #isFailing = false;
  #waitMs = firstRetryMs;
  #retryAtMs = -Infinity;
  /** Since when recording works again. */
  #goodSinceMs = -Infinity;

  /** @param key the stream's `vhost/app/stream` */
  constructor(key: string) {
    this.#key = key;
  }

  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** Writing failed. */
  failed(log: Logger, error: unknown, nowMs: number): void {
    if (nowMs - this.#goodSinceMs >= longestRetryMs && !this.#isFailing) {
      this.#waitMs = firstRetryMs;
    }
    this.#retryAtMs = nowMs + this.#waitMs;
    if (!this.#isFailing) {
      const text = `dvr stops recording ${this.#key}, tried again in ${this.#waitMs / 1000} s`;
      log.error(`${text}: ${describeError(error)}`, error);
    }
    this.#isFailing = true;
    this.#waitMs = Math.min(2 * this.#waitMs, longestRetryMs);
  }

  /** Whether a new file may be tried. */
  mayTry(nowMs: number): boolean {
    return nowMs >= this.#retryAtMs;
  }

  /** Media was written. */
  works(log: Logger, nowMs: number): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#goodSinceMs = nowMs;
    log.trace(`dvr recording ${this.#key} again`);
  }
}
