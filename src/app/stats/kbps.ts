/** Owns the turning of a growing byte counter into bit rates: lifetime, 30 seconds, 5 minutes. */

const SHORT_WINDOW_MS = 30_000;
const LONG_WINDOW_MS = 300_000;

/** One window: the rate of the last span that was at least `lengthMs` long. */
class Window {
  readonly #lengthMs: number;
  #sinceMs: number;
  #sinceBytes: number;
  #kbps = 0;
  #wasFull = false;

  constructor(lengthMs: number, nowMs: number, bytes: number) {
    this.#lengthMs = lengthMs;
    this.#sinceMs = nowMs;
    this.#sinceBytes = bytes;
  }

  /** The window's rate; until the first window is full, the rate so far. */
  sample(nowMs: number, bytes: number): number {
    const elapsedMs = nowMs - this.#sinceMs;
    const isFull = elapsedMs >= this.#lengthMs;
    if (isFull || !this.#wasFull) this.#kbps = rate(bytes - this.#sinceBytes, elapsedMs);
    if (isFull) {
      this.#wasFull = true;
      this.#sinceMs = nowMs;
      this.#sinceBytes = bytes;
    }
    return this.#kbps;
  }
}

/** Bits per millisecond are kilobits per second; whole numbers, as log lines print them. */
function rate(bytes: number, elapsedMs: number): number {
  return elapsedMs > 0 ? Math.trunc((bytes * 8) / elapsedMs) : 0;
}

/**
 * Rates of one byte counter. It has no timer: its owner samples it when a figure is wanted (a
 * status line, an API query), so a rate covers at least its window and at most the time between
 * samples.
 */
export class Kbps {
  readonly #startMs: number;
  readonly #startBytes: number;
  readonly #short: Window;
  readonly #long: Window;
  #average = 0;
  #kbps30s = 0;
  #kbps5m = 0;

  /** `nowMs`: monotonic time; `bytes`: where the counter stands when counting begins. */
  constructor(nowMs: number, bytes = 0) {
    this.#startMs = nowMs;
    this.#startBytes = bytes;
    this.#short = new Window(SHORT_WINDOW_MS, nowMs, bytes);
    this.#long = new Window(LONG_WINDOW_MS, nowMs, bytes);
  }

  /** Takes the counter's present total and brings all three rates up to date. */
  sample(nowMs: number, bytes: number): this {
    this.#average = rate(bytes - this.#startBytes, nowMs - this.#startMs);
    this.#kbps30s = this.#short.sample(nowMs, bytes);
    this.#kbps5m = this.#long.sample(nowMs, bytes);
    return this;
  }

  /** Kilobits per second since counting began. */
  get average(): number {
    return this.#average;
  }

  /** Kilobits per second of the last 30 seconds sampled. */
  get kbps30s(): number {
    return this.#kbps30s;
  }

  /** Kilobits per second of the last 5 minutes sampled. */
  get kbps5m(): number {
    return this.#kbps5m;
  }

  /** The triple of status lines: `average,30s,5m`. */
  toString(): string {
    return `${this.#average},${this.#kbps30s},${this.#kbps5m}`;
  }
}
