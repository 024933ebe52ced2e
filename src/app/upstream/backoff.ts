/** Owns the waits between attempts: each twice as long as the last, up to a limit, and never in step with others. */

/** Part of a wait that is left to chance, to either side. */
const JITTER = 0.25;

/** The waits of one worker. */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #nextMs: number;

  /** @param random a number in [0, 1), for tests */
  constructor(minMs: number, maxMs: number, random: () => number = Math.random) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
    this.#nextMs = minMs;
  }

  /** How long to wait before the next attempt, in milliseconds: a quarter more or less than planned. */
  next(): number {
    const planned = this.#nextMs;
    this.#nextMs = Math.min(this.#maxMs, planned * 2);
    return Math.round(planned * (1 - JITTER + 2 * JITTER * this.#random()));
  }

  /** All is well: the next wait is the shortest again. */
  reset(): void {
    this.#nextMs = this.#minMs;
  }
}
