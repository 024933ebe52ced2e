/** Owns the notion of elapsed time, so that tests can move it by hand. */
import { performance } from 'node:perf_hooks';

/** A monotonic clock: never goes back, unrelated to the time of day. */
export interface Clock {
  /** Milliseconds since an arbitrary start, with fractions. */
  nowMs(): number;
}

/** The clock of this process. */
export const systemClock: Clock = { nowMs: () => performance.now() };
