/** Owns where segments end, and how they are numbered, so that servers which get the same timeline agree (ATC). */

/** A frame that is so little before a border counts as on it: encoders round their times, and some jitter. */
const EARLY = { ms: 100, share: 0.1 } as const;
/** Without a key frame a segment goes on for no less than so many slots. */
const LEAST_OVERFLOW_SLOTS = 2;

/** Times of encoders have so many milliseconds, RTMP 5.3.1.3 less one bit that not all use: then they begin anew. */
export const CLOCK_RANGE_MS = 2 ** 31;

/**
 * When an encoder's clock showed 0 says which numbers its segments have: the base grows faster than the clock, so that
 * numbers grow even where clocks begin anew. It counts hours, as what two servers measure differs by seconds; they end
 * seven and a half minutes before the full hour, when hardly anything begins.
 */
const EPOCH = {
  originMs: Date.UTC(2026, 0, 1),
  lengthMs: 3_600_000,
  phaseMs: 450_000,
  weight: 4,
} as const;
/** What is measured at different times, or through queues, differs by less. */
const SAME_CLOCK_MS = 60_000;
/** A list whose end is no longer ago is gone on with. */
const NEAR_MS = 600_000;
/** A clock this near to the time of day shows the time of day. */
const TIME_OF_DAY_MS = 600_000;

/** What is looked at of a frame. */
export interface GridFrame {
  readonly kind: 'audio' | 'video';
  readonly timestamp: number;
  readonly isKey: boolean;
}

/** What the grid looks like, and who may cross its borders. */
export interface GridRules {
  readonly fragmentMs: number;
  readonly aofRatio: number;
  readonly waitKeyframe: boolean;
}

/**
 * The timeline, divided into slots of one fragment each. The first key frame of a slot begins the segment of this slot,
 * whatever was before; so it is the same for all who see it. A slot without a key frame has none, unless there are so
 * many in a row that the segment before would grow too long.
 */
export class SegmentGrid {
  readonly #rules: GridRules;
  readonly #earlyMs: number;
  #slot = 0;
  #nextSlot: number | undefined;
  #isRunning = false;

  constructor(rules: GridRules) {
    this.#rules = rules;
    this.#earlyMs = Math.min(EARLY.ms, rules.fragmentMs * EARLY.share);
  }

  /** The slot that the open segment is for. */
  get slot(): number {
    return this.#slot;
  }

  /** The slot of a time. */
  slotOf(ms: number): number {
    return Math.floor((ms + this.#earlyMs) / this.#rules.fragmentMs);
  }

  /** Whether all of a slot was seen by one who saw everything from a time on. */
  isWhole(slot: number, sawFromMs: number): boolean {
    return this.slotOf(sawFromMs) < slot || (slot === 0 && sawFromMs <= this.#earlyMs);
  }

  /** Whether the open segment, which has pictures or begins with a key frame, is over in front of a frame. */
  isOver(frame: GridFrame, hasVideo: boolean, isKeyStart: boolean): boolean {
    const { waitKeyframe, aofRatio } = this.#rules;
    const slot = this.slotOf(frame.timestamp);
    const ahead = slot - this.#slot;
    if (ahead <= 0) return false;
    const mayBegin = frame.kind === 'video' ? frame.isKey || !waitKeyframe : !hasVideo;
    if (mayBegin) {
      this.#nextSlot = slot;
      return true;
    }
    if (ahead < (isKeyStart ? overflowSlots(aofRatio) : LEAST_OVERFLOW_SLOTS)) return false;
    // The present slot is left to its key frame, if one comes.
    this.#nextSlot = slot - 1;
    return true;
  }

  /** A segment begins: after `isOver`, or wherever it has to. */
  begin({ timestamp }: GridFrame): void {
    const slot = this.#nextSlot ?? this.slotOf(timestamp);
    this.#slot = this.#isRunning ? Math.max(slot, this.#slot + 1) : slot;
    this.#nextSlot = undefined;
    this.#isRunning = true;
  }

  /** What follows does not go on from here. */
  stop(): void {
    this.#isRunning = false;
    this.#nextSlot = undefined;
  }
}

/** A segment may be so many slots long before it ends at any frame. */
export function overflowSlots(aofRatio: number): number {
  return Math.max(LEAST_OVERFLOW_SLOTS, Math.round(aofRatio));
}

/** A number, and whether it counts another run of the encoder's clock than the one before. */
export interface EnteredNumber {
  readonly number: number;
  readonly isOtherClock: boolean;
}

/** The numbers of the segments of one stream. */
export class SegmentNumbers {
  readonly #fragmentMs: number;
  /** Numbers from one epoch to the next. */
  readonly #stride: number;
  #clock: { readonly epoch: number; readonly startMs: number } | undefined;

  constructor(fragmentMs: number) {
    this.#fragmentMs = fragmentMs;
    this.#stride = Math.max(1, Math.floor((EPOCH.weight * EPOCH.lengthMs) / fragmentMs));
  }

  /** The number of a slot; `startMs`: time of day when the encoder's clock showed 0, by what is seen now. */
  numberOf(slot: number, startMs: number): number {
    const epoch = this.#clock?.epoch ?? epochOf(startMs);
    this.#clock = { epoch, startMs };
    return this.#at(epoch, slot);
  }

  /**
   * The number of a slot after an interruption, greater than `last`. Undefined for one that is only a little behind
   * `last`: a later one is to be waited for.
   */
  enter(slot: number, startMs: number, last: number | undefined): EnteredNumber | undefined {
    const known = this.#clock;
    const isSame = known !== undefined && Math.abs(startMs - known.startMs) < SAME_CLOCK_MS;
    const usual = isSame ? known.epoch : epochOf(startMs);
    if (last === undefined) return this.#take(usual, slot, startMs, known?.epoch !== usual);
    const near = known === undefined ? [usual, usual - 1, usual + 1] : [usual];
    const own = near.find((epoch) => this.#isNear(this.#at(epoch, slot), last));
    if (own !== undefined) {
      const isOther = known !== undefined && known.epoch !== own;
      return this.#take(own, slot, startMs, isOther);
    }
    const behind = last - this.#at(usual, slot);
    if (behind >= 0 && behind < LEAST_OVERFLOW_SLOTS) return undefined;
    const least = Math.ceil((last + 1 - slot) / this.#stride);
    const epoch = Math.max(usual, least);
    return this.#take(epoch, slot, startMs, known?.epoch !== epoch);
  }

  #at(epoch: number, slot: number): number {
    return epoch * this.#stride + slot;
  }

  #isNear(number: number, last: number): boolean {
    return number > last && (number - last - 1) * this.#fragmentMs < NEAR_MS;
  }

  #take(epoch: number, slot: number, startMs: number, isOtherClock: boolean): EnteredNumber {
    this.#clock = { epoch, startMs };
    return { number: this.#at(epoch, slot), isOtherClock };
  }
}

/** Time of day of a frame, when that is what the encoder's clock shows; undefined for other clocks. */
export function timeOfDay(ms: number, nowMs: number): number | undefined {
  const epochMs = ms + Math.round((nowMs - ms) / CLOCK_RANGE_MS) * CLOCK_RANGE_MS;
  return Math.abs(epochMs - nowMs) <= TIME_OF_DAY_MS ? epochMs : undefined;
}

function epochOf(startMs: number): number {
  const hours = (startMs + EPOCH.phaseMs - EPOCH.originMs) / EPOCH.lengthMs;
  // The time of day may not be set yet.
  return Math.max(0, Math.floor(hours));
}
