/** Owns a limit on how often something may happen. */

/** Lets `burst` happen at once, and one more per interval after that. */
export class RateLimit {
  readonly #intervalMs: number;
  readonly #aheadMs: number;
  /** When the next one is due at the steady rate. */
  #dueMs = -Infinity;

  /** @param intervalMs milliseconds each one takes up */
  constructor(burst: number, intervalMs: number) {
    this.#intervalMs = intervalMs;
    this.#aheadMs = (burst - 1) * intervalMs;
  }

  /** Whether one more may happen at `nowMs`, monotonic; only those that may are counted. */
  take(nowMs: number): boolean {
    const dueMs = Math.max(this.#dueMs, nowMs);
    if (dueMs - nowMs > this.#aheadMs) return false;
    this.#dueMs = dueMs + this.#intervalMs;
    return true;
  }
}
