/** Owns the decision where a segment, or a part of one, ends. */
import type { SegmentGrid } from './alignment';

/** What the decision depends on; milliseconds. */
export interface CutRules {
  readonly fragmentMs: number;
  /** A segment this many times too long ends at any frame. */
  readonly aofRatio: number;
  /** Segments end only at key frames. */
  readonly waitKeyframe: boolean;
  /** Wanted length of a part; 0 for none. */
  readonly partMs: number;
}

/** What is looked at of a frame. */
export interface CutFrame {
  readonly kind: 'audio' | 'video';
  readonly timestamp: number;
  readonly isKey: boolean;
}

/** What ends in front of a frame: nothing, a part, or a segment with its last part. */
export type Cut = 'none' | 'part' | 'segment';

/** No segment ends before that, whatever the rules. */
const MIN_SEGMENT_MS = 200;
/** A segment that has grown to this size ends at any frame, however little time it covers. */
const MAX_SEGMENT_BYTES = 128 * 1024 * 1024;
/** Steps between frames above that say nothing of the frame rate. */
const LONGEST_INTERVAL_MS = 1000;

/**
 * Follows one segment after the other. Per frame: `decide`, then `begin` when a new segment starts with it or
 * `beginPart` when a new part does, then `take`.
 */
export class Segmenter {
  readonly #rules: CutRules;
  /** Where segments end, when that does not depend on where they began. */
  readonly #grid: SegmentGrid | undefined;
  /** Added to the wanted length of the segments, to keep in step with the clock. */
  deviationMs = 0;
  #startMs = 0;
  #partStartMs = 0;
  #bytes = 0;
  #hasVideo = false;
  /** The first picture of the segment, or of the part, is a key frame. */
  #isKeyStart = false;
  #partHasVideo = false;
  #isPartKeyStart = false;
  #lastMs = { audio: 0, video: 0 };
  /** Smoothed time between two frames of the leading track. */
  #intervalMs = 0;

  constructor(rules: CutRules, grid?: SegmentGrid) {
    this.#rules = rules;
    this.#grid = grid;
  }

  /** When the segment began. */
  get startMs(): number {
    return this.#startMs;
  }

  get partStartMs(): number {
    return this.#partStartMs;
  }

  /** Whether decoding may start with the part: not with sound alone when pictures are to come. */
  get isPartIndependent(): boolean {
    return this.#partHasVideo ? this.#isPartKeyStart : !this.#hasVideo;
  }

  /** Where the segment ends when nothing follows: after the last frame of the leading track. */
  get endMs(): number {
    const lastMs = this.#hasVideo ? this.#lastMs.video : this.#lastMs.audio;
    return lastMs + Math.round(this.#intervalMs);
  }

  /** A segment begins with this frame, and a part. */
  begin(frame: CutFrame): void {
    this.#startMs = frame.timestamp;
    this.#bytes = 0;
    this.#hasVideo = false;
    this.#isKeyStart = false;
    this.#lastMs = { audio: frame.timestamp, video: frame.timestamp };
    if (this.#grid !== undefined) {
      this.#grid.begin(frame);
      // What was before is not to be seen in the parts.
      this.#intervalMs = 0;
    }
    this.beginPart(frame);
  }

  /** A part begins with this frame. */
  beginPart(frame: CutFrame): void {
    this.#partStartMs = frame.timestamp;
    this.#partHasVideo = false;
    this.#isPartKeyStart = false;
  }

  /** The frame belongs to the segment and the part that began last; `bytes`: its size. */
  take(frame: CutFrame, bytes: number): void {
    this.#bytes += bytes;
    if (frame.kind === 'video') {
      if (!this.#hasVideo) this.#isKeyStart = frame.isKey;
      if (!this.#partHasVideo) this.#isPartKeyStart = frame.isKey;
      this.#hasVideo = true;
      this.#partHasVideo = true;
    }
    if (this.#leads(frame)) this.#measure(frame.timestamp - this.#lastMs[frame.kind]);
    this.#lastMs[frame.kind] = frame.timestamp;
  }

  /** What ends in front of this frame. */
  decide(frame: CutFrame): Cut {
    if (this.#endsSegment(frame)) return 'segment';
    return this.#rules.partMs > 0 && this.#endsPart(frame) ? 'part' : 'none';
  }

  #endsSegment(frame: CutFrame): boolean {
    if (this.#grid !== undefined) {
      const isOver = this.#grid.isOver(frame, this.#hasVideo, this.#isKeyStart);
      return isOver || this.#bytes >= MAX_SEGMENT_BYTES;
    }
    const elapsedMs = frame.timestamp - this.#startMs;
    return elapsedMs >= MIN_SEGMENT_MS && this.#isLongEnough(frame, elapsedMs);
  }

  #isLongEnough(frame: CutFrame, elapsedMs: number): boolean {
    const { fragmentMs, aofRatio, waitKeyframe } = this.#rules;
    const wantedMs = Math.max(fragmentMs + this.deviationMs, fragmentMs / 2);
    if (this.#bytes >= MAX_SEGMENT_BYTES) return true;
    if (elapsedMs >= wantedMs + fragmentMs * (aofRatio - 1)) return true;
    if (frame.kind === 'audio') return !this.#hasVideo && elapsedMs >= wantedMs;
    if (!frame.isKey) return !waitKeyframe && elapsedMs >= wantedMs;
    // One that began amid a group of pictures is ended early, so that the next begins well.
    return elapsedMs >= (this.#isKeyStart || !waitKeyframe ? wantedMs : wantedMs / 2);
  }

  #endsPart(frame: CutFrame): boolean {
    const { partMs } = this.#rules;
    const elapsedMs = frame.timestamp - this.#partStartMs;
    if (!this.#leads(frame)) return elapsedMs >= partMs * 2;
    // The number of frames that comes nearest.
    return elapsedMs > 0 && elapsedMs >= partMs - this.#intervalMs / 2;
  }

  /** Video leads where there is some. */
  #leads(frame: CutFrame): boolean {
    return frame.kind === 'video' || !this.#hasVideo;
  }

  #measure(stepMs: number): void {
    if (stepMs <= 0 || stepMs > LONGEST_INTERVAL_MS) return;
    this.#intervalMs += this.#intervalMs === 0 ? stepMs : (stepMs - this.#intervalMs) / 8;
  }
}
