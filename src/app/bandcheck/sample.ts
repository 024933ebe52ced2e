/** Owns what a measured direction comes to. */

/** One direction. */
export interface Sample {
  readonly bytes: number;
  readonly timeMs: number;
  /** Kilobits per second, rounded down. */
  readonly kbps: number;
}

/** `timeMs` may have fractions; anything below one millisecond counts as one. */
export function sampleOf(bytes: number, timeMs: number): Sample {
  const wholeMs = Math.max(1, Math.round(timeMs));
  return { bytes, timeMs: wholeMs, kbps: Math.floor((bytes * 8) / wholeMs) };
}
