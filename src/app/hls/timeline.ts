/** Owns the media time of one stream: unwraps timestamps, keeps each track monotonic, finds jumps. */
import { CLOCK_RANGE_MS } from './alignment';

/** A frame further behind its own track than this begins a new timeline; a smaller step is smoothed. */
const BACKWARD_LIMIT_MS = 500;
/** After a jump of one track, the others may send what they still had of the old timeline for so long. */
const LATE_FRAMES_MS = 1000;

/** What is known of a track. */
interface TrackClock {
  /** The timestamp of its last frame, as it came. */
  raw: number;
  /** The same, as it was placed. */
  ms: number;
  /** Another track has jumped and this one is expected to do the same. */
  isBehindJump: boolean;
}

/** Where a frame belongs. */
export interface Placement {
  /** Milliseconds, growing within the track; neither wraps nor jumps until `isJump`. */
  readonly ms: number;
  /** A new timeline begins with this frame. */
  readonly isJump: boolean;
}

/** The timeline of an audio and a video track with common 32-bit millisecond timestamps. */
export class Timeline {
  /** Times are those of a clock, which begins anew after 31 bits: then a new timeline begins, too. */
  isClock = false;
  readonly #forwardLimitMs: number;
  readonly #tracks = new Map<string, TrackClock>();
  /** The frame placed last: what the next one is measured by. */
  #reference: { readonly raw: number; readonly ms: number } | undefined;
  #latestMs = 0;
  #jumpMs = 0;

  /** `forwardLimitMs`: a longer hole, in all tracks, begins a new timeline. */
  constructor(forwardLimitMs: number) {
    this.#forwardLimitMs = forwardLimitMs;
  }

  /** Places the next frame of a track; undefined for one that is left over from before a jump. */
  place(kind: 'audio' | 'video', timestamp: number): Placement | undefined {
    const raw = this.isClock ? timestamp % CLOCK_RANGE_MS : timestamp;
    const track = this.#tracks.get(kind);
    const reference = this.#reference ?? { raw, ms: raw };
    const ms = reference.ms + difference(raw, reference.raw);
    if (track === undefined) return this.#accept(kind, raw, ms);
    const step = difference(raw, track.raw);
    const isJump =
      step < -BACKWARD_LIMIT_MS ||
      (step > this.#forwardLimitMs &&
        (track.isBehindJump || ms > this.#latestMs + this.#forwardLimitMs));
    if (track.isBehindJump) return this.#follow(kind, track, raw, ms, isJump);
    if (isJump) return this.#jump(kind, raw);
    return this.#accept(kind, raw, ms, Math.max(ms, track.ms + 1));
  }

  /** A frame of a track that has not followed the jump of another one yet. */
  #follow(
    kind: 'audio' | 'video',
    track: TrackClock,
    raw: number,
    ms: number,
    isJump: boolean,
  ): Placement | undefined {
    if (!isJump && this.#latestMs - this.#jumpMs < LATE_FRAMES_MS) {
      track.raw = raw;
      return undefined;
    }
    return this.#accept(kind, raw, ms);
  }

  #jump(kind: 'audio' | 'video', raw: number): Placement {
    for (const track of this.#tracks.values()) track.isBehindJump = true;
    this.#latestMs = raw;
    this.#jumpMs = raw;
    return { ...this.#accept(kind, raw, raw), isJump: true };
  }

  /** `ms`: where the timestamp points to; `placedMs`: where the frame goes. */
  #accept(kind: 'audio' | 'video', raw: number, ms: number, placedMs = ms): Placement {
    this.#tracks.set(kind, { raw, ms: placedMs, isBehindJump: false });
    this.#reference = { raw, ms };
    this.#latestMs = Math.max(this.#latestMs, placedMs);
    return { ms: placedMs, isJump: false };
  }
}

/** `left - right` of 32-bit values that may have wrapped. */
function difference(left: number, right: number): number {
  return (left - right) | 0;
}
