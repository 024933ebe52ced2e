/** Owns how much of its time the server gives to answers that have to be made: whoever asks, media comes first. */

/** Of all time, so much. */
const SHARE = 0.25;
/** So much may be spent at once, ms. */
const AT_ONCE_MS = 250;

/** Time that was spent, less what may be spent as time goes by. */
export class TimeShare {
  #spentMs = 0;
  #atMs = 0;

  /** Whether something more may be made at `nowMs`, monotonic. */
  hasLeft(nowMs: number): boolean {
    this.#spentMs = Math.max(0, this.#spentMs - (nowMs - this.#atMs) * SHARE);
    this.#atMs = nowMs;
    return this.#spentMs < AT_ONCE_MS;
  }

  /** Something was made, in so much time. */
  spend(ms: number): void {
    this.#spentMs += ms;
  }
}
