/** Owns the numbering of segments by the time of day divided by the segment length (`hls_ts_floor`). */

/** A number further from the time of day than that is set right at once. */
const JUMP_DEVIATION = 20;
/** Share of a segment's length by which one step of deviation makes segments longer or shorter. */
const SMOOTHING = 0.3;

/** Hands out numbers that grow by exactly one per segment and keep near the time of day. */
export class FloorClock {
  readonly #fragmentMs: number;
  #number: number | undefined;
  #deviation = 0;

  constructor(fragmentMs: number) {
    this.#fragmentMs = fragmentMs;
  }

  /** Milliseconds by which the next segment should be longer, so that numbers and time come together. */
  get deviationMs(): number {
    return this.#deviation * SMOOTHING * this.#fragmentMs;
  }

  /** The number of the next segment; `epochMs`: time of day. */
  next(epochMs: number): number {
    const floor = Math.floor(epochMs / this.#fragmentMs);
    let number = this.#number === undefined ? floor - 1 : this.#number + 1;
    if (Math.abs(number - floor) > JUMP_DEVIATION) number = floor - 1;
    this.#number = number;
    this.#deviation = number - floor;
    return number;
  }

  /** The last number was not used: it is given out once more. */
  undo(): void {
    if (this.#number !== undefined) this.#number--;
  }
}
