/** Owns which segments of a stream are alike on all servers that get it, and how they are numbered, over its interruptions. */
import { SegmentGrid, SegmentNumbers } from './alignment';
import type { EnteredNumber, GridFrame, GridRules } from './alignment';
import type { SegmentAlignment } from './segment';

/** A segment that other servers make, too. */
export interface AlignedSegment {
  readonly sequence: number;
  /** The encoder's clock is not the one of the segment before. */
  readonly isOtherClock: boolean;
  readonly alignment: SegmentAlignment;
}

/**
 * Follows the segments of one stream. What is seen of a slot after an interruption is no segment when its beginning may
 * have been missed: others have the whole of it, under the same number.
 */
export class Aligner {
  readonly grid: SegmentGrid;
  /** The stream has pictures, which come or will come. */
  hasPictures = false;
  readonly #rules: GridRules;
  readonly #numbers: SegmentNumbers;
  #last: number | undefined;
  #endMs: number | undefined;
  /** Since when everything was seen. */
  #sawFromMs: number | undefined;
  #isJoining = true;
  /** Nothing came since the interruption. */
  #isFirst = true;

  /** `last`: the number of the last segment so far, when the timeline gave it. */
  constructor(rules: GridRules, last: number | undefined) {
    this.grid = new SegmentGrid(rules);
    this.#rules = rules;
    this.#numbers = new SegmentNumbers(rules.fragmentMs);
    this.#last = last;
  }

  /** From this time on everything is seen, if not from an earlier one. */
  see(ms: number): void {
    this.#sawFromMs ??= ms;
  }

  /** What follows does not go on from what was. */
  interrupt(): void {
    this.#isJoining = true;
    this.#isFirst = true;
    this.#sawFromMs = undefined;
    this.grid.stop();
  }

  /** What is open is no segment, but one begins with this frame. */
  isStart(frame: GridFrame): boolean {
    const isKey = frame.kind === 'video' && frame.isKey;
    if (!this.#isJoining || !isKey || !this.#isWhole(this.grid.slotOf(frame.timestamp)))
      return false;
    this.grid.stop();
    return true;
  }

  /** The segment that the grid has begun; undefined when others make another one. `nowMs`: time of day. */
  place(frame: GridFrame, nowMs: number): AlignedSegment | undefined {
    const { slot } = this.grid;
    const ms = frame.timestamp;
    const startMs = nowMs - ms;
    const wasJoining = this.#isJoining;
    const entered = wasJoining
      ? this.#enter(slot, frame, startMs)
      : { number: this.#numbers.numberOf(slot, startMs), isOtherClock: false };
    if (entered === undefined) return undefined;
    this.#isJoining = false;
    const { number, isOtherClock } = entered;
    const isKnown = this.#endMs !== undefined && !isOtherClock;
    const gapMs = isKnown ? Math.max(0, ms - (this.#endMs ?? ms)) : undefined;
    this.#last = number;
    const alignment = { fragmentMs: this.#rules.fragmentMs, gapMs, isJoin: wasJoining && slot > 0 };
    return { sequence: number, isOtherClock, alignment };
  }

  /** The segment placed last has ended. */
  end(ms: number): void {
    this.#endMs = ms;
  }

  #enter(slot: number, frame: GridFrame, startMs: number): EnteredNumber | undefined {
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    const mayStart = !isFirst || this.#mayStart(frame);
    if (!mayStart || !this.#isWhole(slot)) return undefined;
    return this.#numbers.enter(slot, startMs, this.#last);
  }

  #mayStart({ kind, isKey }: GridFrame): boolean {
    return kind === 'video' ? isKey || !this.#rules.waitKeyframe : !this.hasPictures;
  }

  #isWhole(slot: number): boolean {
    return this.#sawFromMs !== undefined && this.grid.isWhole(slot, this.#sawFromMs);
  }
}
