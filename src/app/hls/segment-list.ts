/** Owns which segments of a stream are listed: the window, the sequence numbers, the target duration. */
import type { ListedSegment } from './segment';

/** What a list depends on. */
export interface ListRules {
  readonly windowMs: number;
  readonly fragmentMs: number;
  readonly tdRatio: number;
}

/** What a list is taken up with after a restart. */
export interface ListState<T extends ListedSegment> {
  readonly segments: readonly T[];
  readonly mediaSequence: number;
  readonly discontinuitySequence: number;
  /** Seconds. */
  readonly targetDuration: number;
}

/** The listed segments of one playlist, oldest first. */
export class SegmentList<T extends ListedSegment> {
  readonly #rules: ListRules;
  #segments: T[] = [];
  #mediaSequence: number;
  #discontinuitySequence = 0;
  #targetDuration: number;

  /** `mediaSequence`: number of the first segment. */
  constructor(rules: ListRules, mediaSequence = 0) {
    this.#rules = rules;
    this.#mediaSequence = mediaSequence;
    this.#targetDuration = leastTargetDuration(rules);
  }

  get segments(): readonly T[] {
    return this.#segments;
  }

  /** EXT-X-MEDIA-SEQUENCE: number of the first listed segment, or of the next one when none is. */
  get mediaSequence(): number {
    return this.#mediaSequence;
  }

  /** Number that the next segment will have. */
  get nextSequence(): number {
    return this.#mediaSequence + this.#segments.length;
  }

  get discontinuitySequence(): number {
    return this.#discontinuitySequence;
  }

  /** EXT-X-TARGETDURATION in seconds: never falls, and no segment that was listed is longer. */
  get targetDuration(): number {
    return this.#targetDuration;
  }

  get durationMs(): number {
    return this.#segments.reduce((sum, { durationMs }) => sum + durationMs, 0);
  }

  /** Begins with the list of an earlier process. */
  restore(state: ListState<T>): void {
    this.#segments = [...state.segments];
    this.#mediaSequence = state.mediaSequence;
    this.#discontinuitySequence = state.discontinuitySequence;
    this.#targetDuration = Math.max(this.#targetDuration, state.targetDuration);
    for (const segment of this.#segments) this.#stretch(segment);
  }

  /** Adds the newest segment; returns those that leave the window. */
  append(segment: T): T[] {
    this.#segments.push(segment);
    this.#stretch(segment);
    const removed = this.#segments.slice(0, this.#firstKept());
    this.#remove(removed);
    return removed;
  }

  /** Removes the oldest segment, whatever the window. */
  shift(): T | undefined {
    const removed = this.#segments.slice(0, 1);
    this.#remove(removed);
    return removed[0];
  }

  /** Removes all segments; the numbers go on. */
  clear(): T[] {
    const removed = this.#segments;
    this.#remove(removed);
    return removed;
  }

  /**
   * A segment leaves when those after it fill the window. They fill at least three target durations, below which no
   * live playlist may fall (RFC 8216 6.2.2).
   */
  #firstKept(): number {
    const neededMs = Math.max(this.#rules.windowMs, this.#targetDuration * 3000);
    let newerMs = 0;
    for (let index = this.#segments.length - 1; index >= 0; index--) {
      if (newerMs >= neededMs) return index + 1;
      newerMs += this.#segments[index]?.durationMs ?? 0;
    }
    return 0;
  }

  #remove(removed: readonly T[]): void {
    this.#segments = this.#segments.slice(removed.length);
    this.#mediaSequence += removed.length;
    this.#discontinuitySequence += removed.filter(({ isDiscontinuity }) => isDiscontinuity).length;
  }

  #stretch({ durationMs }: ListedSegment): void {
    this.#targetDuration = Math.max(this.#targetDuration, Math.ceil(durationMs / 1000));
  }
}

function leastTargetDuration({ fragmentMs, tdRatio }: ListRules): number {
  // Not through a fraction of a second, which rounds 2 s x 1.5 down in some cases.
  const ms = Math.round(fragmentMs * tdRatio);
  return Math.max(1, Math.floor(ms / 1000));
}
