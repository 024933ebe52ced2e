/** Decides when a program clock reference is due and what it says (ISO/IEC 13818-1, 2.4.2 and 2.7.2). */
import { ticksBetween, ticksPerMs, wrapTicks } from './ts-packet';

/** PCRs stand at most this far apart, 2.7.2; a little less, as times are rounded. */
const maxGapTicks = 95 * ticksPerMs;
/** A larger step forward is not filled with PCRs but told as a new time base. */
const maxFilledTicks = 2000 * ticksPerMs;
/** A smaller step back is jitter: the clock waits. */
const maxStepBackTicks = 500 * ticksPerMs;

/** The clock of one program. Times are ticks that may run on beyond the clock's 33 bits. */
export class TsClock {
  /** How far the clock is behind decoding times, so that data is there before its time. */
  #leadTicks = 0;
  #last = -1;
  #isRising = true;
  #isBroken = false;

  set leadTicks(ticks: number) {
    this.#leadTicks = ticks;
  }

  /**
   * The PCR to write with data of this decoding time; -1 when it would be less than `minimumTicks` after the last.
   * `fill` gets the PCRs that have to stand in between, earliest first.
   */
  next(time: number, minimumTicks: number, fill: (pcr: number) => void): number {
    const pcr = wrapTicks(time - this.#leadAt(time));
    if (this.#last >= 0) {
      const gap = ticksBetween(this.#last, pcr);
      const isJump = gap > maxFilledTicks || gap < -maxStepBackTicks;
      if (!isJump && (gap < minimumTicks || gap <= 0)) return -1;
      if (isJump) this.#isBroken = true;
      else this.#fill(gap, fill);
    }
    this.#last = pcr;
    return pcr;
  }

  /** True when the next PCR is the first of a new time base; false from then on. */
  takeDiscontinuity(): boolean {
    const isBroken = this.#isBroken;
    this.#isBroken = false;
    return isBroken;
  }

  /** The times that follow have nothing to do with those before. */
  reset(): void {
    if (this.#last >= 0) this.#isBroken = true;
    this.#last = -1;
    this.#isRising = true;
  }

  /** PCRs were written after the last one that `next` gave, up to this many ticks later. */
  advance(ticks: number): void {
    this.#last = wrapTicks(this.#last + ticks);
  }

  #fill(gap: number, fill: (pcr: number) => void): void {
    const count = Math.ceil(gap / maxGapTicks);
    for (let index = 1; index < count; index++) {
      fill(wrapTicks(this.#last + (gap * index) / count));
    }
  }

  /** A stream that starts at 0 gains its lead bit by bit: the clock should not start before its own wrap. */
  #leadAt(time: number): number {
    if (!this.#isRising) return this.#leadTicks;
    if (time >= 0 && time < 2 * this.#leadTicks) return time / 2;
    this.#isRising = false;
    return this.#leadTicks;
  }
}
