/** Places the frames of one track on its own timeline, in ticks, as their millisecond timestamps ask for. */
import type { AudioTrack, MediaFrame, MediaTrack } from '../track';

import { opusPacketSamples } from './opus-packet';

const videoTimescale = 90000;
/** Opus is always decoded at this rate (Opus in ISOBMFF, 4.3.2; RFC 7845, 5.1). */
const opusSampleRate = 48000;
/** Distance between timestamps and the sample grid from which on the timestamps are right. */
const gridToleranceMs = 100;
/** Duration of a single frame of which nothing is known. */
const usualFrameMs = { video: 40, audio: 20 } as const;
/** A step between frames beyond this is an interruption, and says nothing about the length of the next frame. */
const longestStepMs = 1000;

/** Ticks per second in a track's media header; 0 when its sample rate is not known. */
export function timescaleOf(track: MediaTrack): number {
  if (track.kind === 'video') return videoTimescale;
  return track.codec === 'Opus' ? opusSampleRate : track.sampleRate;
}

/**
 * Decode times of one track. Video goes by the timestamps. Audio whose frames state their samples advances by these, so
 * that rounding to milliseconds neither adds up nor leaves gaps; when timestamps are more than 100 ms off, it returns to
 * them: over a gap at once, over an overlap by halving the duration of frames until they meet.
 */
export class TrackClock {
  /** Samples of a frame in ticks, 0 when only timestamps tell. */
  readonly #samplesOf: (frame: MediaFrame) => number;
  readonly #ticksPerMs: number;
  /** Decode time of the latest frame, -1 before the first. */
  #latest = -1;
  /** Samples of the latest frame, 0 when not stated. */
  #samples = 0;
  #isReturning = false;
  /** The latest credible distance between frames. */
  #step: number;
  readonly #isStepFixed: boolean;

  constructor(track: MediaTrack) {
    this.#ticksPerMs = timescaleOf(track) / 1000;
    this.#samplesOf = track.kind === 'video' ? noSamples : samplesReader(track);
    const fps = track.kind === 'video' ? track.fps : 0;
    this.#isStepFixed = fps > 0;
    this.#step = this.#ticksPerMs * (fps > 0 ? 1000 / fps : usualFrameMs[track.kind]);
  }

  /** Decode time of the next frame: at least 0, and always later than that of the frame before. */
  next(frame: MediaFrame): number {
    const stated = Math.max(0, this.ticks(frame.timestamp));
    const isFirst = this.#latest < 0;
    const time = isFirst ? stated : this.#latest + this.#span(stated);
    if (!isFirst && !this.#isStepFixed) this.#learnStep(time - this.#latest);
    this.#latest = time;
    this.#samples = this.#samplesOf(frame);
    return time;
  }

  /** How long the latest frame lasts if its successor never comes; ticks, at least 1. */
  get expectedDuration(): number {
    return this.#samples > 0 ? this.#samples : Math.max(1, Math.round(this.#step));
  }

  /** Milliseconds as ticks. */
  ticks(ms: number): number {
    return Math.round(ms * this.#ticksPerMs);
  }

  /** Distance from the latest frame to one whose timestamp states `stated` ticks. */
  #span(stated: number): number {
    const distance = stated - this.#latest;
    if (this.#samples === 0) return Math.max(1, distance);
    if (Math.abs(distance - this.#samples) > gridToleranceMs * this.#ticksPerMs) {
      this.#isReturning = true;
    }
    if (!this.#isReturning) return this.#samples;
    const span = Math.max(Math.ceil(this.#samples / 2), distance);
    this.#isReturning = span > distance;
    return span;
  }

  #learnStep(step: number): void {
    if (step > this.#ticksPerMs && step <= longestStepMs * this.#ticksPerMs) this.#step = step;
  }
}

function samplesReader(track: AudioTrack): (frame: MediaFrame) => number {
  if (track.codec === 'Opus') return (frame) => opusPacketSamples(frame.data);
  return () => track.samplesPerFrame;
}

function noSamples(): number {
  return 0;
}
