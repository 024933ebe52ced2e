/** Owns the timeline of one stream: turns the timestamps of its publishers into those players see. */
import { TagFlags } from '../../media/codec';

/** `full`: one monotonic timeline. `zero`: the publisher's, started at zero. `off`: the publisher's. */
export type JitterMode = 'full' | 'zero' | 'off';

/** A step the other way, or one longer than this, is no pause but another timeline. */
const MAX_STEP_MS = 500;
/** Stands for the frame duration while the metadata did not tell it. */
const DEFAULT_FRAME_MS = 40;
/** A longer frame duration in the metadata is taken for a mistake. */
const MAX_FRAME_MS = 10_000;
const AAC_FRAME_SAMPLES = 1024;
const VIDEO = 9;
/** What carries no time of its own and so cannot start a timeline. */
const TIMELESS = TagFlags.sequenceHeader | TagFlags.metadata;

/**
 * Corrects each audio and video timestamp once, for all readers. Times are in milliseconds.
 *
 * `full` hands on every step between 0 and 500 ms of the interleaved messages. A message that only is behind the
 * other kind (audio and video interleaved out of order) keeps the last time; a kind that steps back itself, and any
 * longer step, is taken as a new timeline and counts as one frame.
 */
export class Jitter {
  #mode: JitterMode;
  #audioFrameMs = DEFAULT_FRAME_MS;
  #videoFrameMs = DEFAULT_FRAME_MS;
  #maxStepMs = MAX_STEP_MS;
  #lastAudio = 0;
  #lastVideo = 0;
  #last = 0;
  #corrected = 0;
  #base = -1;

  constructor(mode: JitterMode) {
    this.#mode = mode;
  }

  /** The time players get for a data message: the time given out last, or with `off` its own. */
  correctData(timestamp: number): number {
    return this.#mode === 'off' ? timestamp : this.#corrected;
  }

  /** Switches the algorithm for the messages to come. */
  setMode(mode: JitterMode): void {
    this.#mode = mode;
  }

  /** Frame durations by the publisher's metadata (Hz); 0 and values without sense = unknown. */
  setHints(frameRate: number, audioSampleRate: number): void {
    this.#videoFrameMs = frameMs(1000 / frameRate);
    this.#audioFrameMs = frameMs((1000 * AAC_FRAME_SAMPLES) / audioSampleRate);
    // Below 2 frames per second the ordinary step is longer than the limit.
    this.#maxStepMs = Math.max(MAX_STEP_MS, 2 * this.#videoFrameMs);
  }

  /** The time players get for a message of `type` 8 or 9 with `flags` of TagFlags. */
  correct(type: number, timestamp: number, flags: number): number {
    switch (this.#mode) {
      case 'full':
        this.#corrected = this.#monotonic(type === VIDEO, timestamp);
        break;
      case 'zero':
        this.#corrected = this.#fromZero(timestamp, (flags & TIMELESS) !== 0);
        break;
      case 'off':
        this.#corrected = timestamp;
        break;
    }
    return this.#corrected;
  }

  #monotonic(isVideo: boolean, timestamp: number): number {
    const ownLast = isVideo ? this.#lastVideo : this.#lastAudio;
    if (isVideo) this.#lastVideo = timestamp;
    else this.#lastAudio = timestamp;

    const step = timestamp - this.#last;
    if (step < 0 && step >= -MAX_STEP_MS && timestamp >= ownLast) return this.#corrected;
    this.#last = timestamp;
    if (step >= 0 && step <= this.#maxStepMs) return this.#corrected + step;
    return this.#corrected + (isVideo ? this.#videoFrameMs : this.#audioFrameMs);
  }

  #fromZero(timestamp: number, isTimeless: boolean): number {
    const isStart = this.#base < 0 || timestamp < this.#base;
    if (isStart && isTimeless) return this.#base < 0 ? 0 : this.#corrected;
    if (isStart) this.#base = timestamp;
    return timestamp - this.#base;
  }
}

function frameMs(duration: number): number {
  return duration >= 1 && duration <= MAX_FRAME_MS ? Math.round(duration) : DEFAULT_FRAME_MS;
}
