/** Owns which segments of a stream are listed: the window, the sequence numbers, the target duration. */
import { overflowSlots } from './alignment';
import { gapSegment } from './segment';
import type { GapSegment, ListedSegment, SegmentAlignment } from './segment';

/** What a list depends on. */
export interface ListRules {
  readonly windowMs: number;
  readonly fragmentMs: number;
  readonly tdRatio: number;
  readonly aofRatio: number;
}

/**
 * Players begin three segments before the end, RFC 8216 6.3.3: a list that other servers have, too, is not shown before
 * it is so long.
 */
const JOINED_SEGMENTS = 3;

/** What a list is taken up with after a restart. */
export interface ListState<T extends ListedSegment> {
  readonly segments: readonly T[];
  readonly mediaSequence: number;
  readonly discontinuitySequence: number;
  /** Seconds. */
  readonly targetDuration: number;
  /** Numbers count slots of the timeline of this length; 0: they count segments. */
  readonly slotMs: number;
}

/** The listed segments of one playlist, oldest first. */
export class SegmentList<T extends ListedSegment> {
  readonly #rules: ListRules;
  #segments: T[] = [];
  #mediaSequence: number;
  #discontinuitySequence = 0;
  #targetDuration: number;
  #slotMs = 0;
  /** Fewer segments are not shown. */
  #leastShown = 0;

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

  /** Numbers count slots of the timeline of this length; 0: they count segments. */
  get slotMs(): number {
    return this.#slotMs;
  }

  /** Whether players may see it. */
  get isShown(): boolean {
    return this.#segments.length >= this.#leastShown;
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
    this.#slotMs = state.slotMs;
    for (const segment of this.#segments) this.#stretch(segment);
  }

  /**
   * The next segment has this number, which no other server gives to another one: what is missing is shown as missing,
   * or the list begins anew. `toSegment` makes an entry; returns those that leave the list.
   */
  goTo(
    sequence: number,
    { fragmentMs, gapMs, isJoin }: SegmentAlignment,
    toSegment: (gap: GapSegment) => T,
    uriOf: (sequence: number) => string,
  ): T[] {
    const missing = sequence - this.nextSequence;
    const isSame = this.#slotMs === fragmentMs && missing >= 0;
    this.#slotMs = fragmentMs;
    const wasEmpty = this.#segments.length === 0;
    if (wasEmpty || !isSame || missing * fragmentMs >= this.#rules.windowMs) {
      const removed = this.clear();
      this.#mediaSequence = sequence;
      if (wasEmpty && isJoin) this.#leastShown = JOINED_SEGMENTS;
      return removed;
    }
    const durationMs = Math.max(1, Math.round((gapMs ?? missing * fragmentMs) / missing));
    const removed: T[] = [];
    while (this.nextSequence < sequence) {
      const gap = gapSegment(this.nextSequence, durationMs, uriOf(this.nextSequence));
      removed.push(...this.append(toSegment(gap)));
    }
    return removed;
  }

  /** The next segment has the number that follows. */
  countOn(): void {
    this.#slotMs = 0;
  }

  /** Players may see what there is: no more comes. */
  show(): void {
    this.#leastShown = 0;
  }

  /** Adds the newest segment; returns those that leave the window. */
  append(segment: T): T[] {
    this.#segments.push(segment);
    this.#stretch(segment);
    if (this.isShown) this.#leastShown = 0;
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
    const seconds = Math.ceil(durationMs / 1000);
    if (seconds <= this.#targetDuration) return;
    // As long as any can become, so that it is the same on every server.
    const { fragmentMs, aofRatio } = this.#rules;
    const most = this.#slotMs === 0 ? 0 : (fragmentMs * overflowSlots(aofRatio)) / 1000;
    this.#targetDuration = Math.max(seconds, Math.ceil(most));
  }
}

function leastTargetDuration({ fragmentMs, tdRatio }: ListRules): number {
  // Not through a fraction of a second, which rounds 2 s x 1.5 down in some cases.
  const ms = Math.round(fragmentMs * tdRatio);
  return Math.max(1, Math.floor(ms / 1000));
}
