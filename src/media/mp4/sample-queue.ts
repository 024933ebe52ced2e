/** The samples of one track that wait for their fragment. */
import type { MediaFrame, MediaTrack } from '../track';

import { TrackClock } from './track-clock';

/** One frame as a fragment describes it; times are ticks of its track. */
export interface Sample {
  readonly data: Buffer;
  readonly decodeTime: number;
  /** Presentation less decoding time. */
  readonly composition: number;
  readonly isKey: boolean;
  duration: number;
}

/** Collects samples; the latest is held back, as only its successor tells how long it lasts. */
export class SampleQueue {
  readonly #clock: TrackClock;
  #samples: Sample[] = [];
  #held: Sample | undefined;

  constructor(track: MediaTrack) {
    this.#clock = new TrackClock(track);
  }

  add(frame: MediaFrame): void {
    const decodeTime = this.#clock.next(frame);
    this.#release(decodeTime);
    const composition = this.#clock.ticks(frame.compositionMs);
    this.#held = { data: frame.data, decodeTime, composition, isKey: frame.isKey, duration: 0 };
  }

  /** Hands over the samples whose duration is known. */
  take(): Sample[] {
    const taken = this.#samples;
    this.#samples = [];
    return taken;
  }

  /** Hands over all samples, the held one with the duration that is most likely. */
  takeAll(): Sample[] {
    if (this.#held !== undefined) {
      this.#release(this.#held.decodeTime + this.#clock.expectedDuration);
    }
    return this.take();
  }

  /** Ends the held sample at `end`. */
  #release(end: number): void {
    const held = this.#held;
    if (held === undefined) return;
    held.duration = end - held.decodeTime;
    this.#samples.push(held);
    this.#held = undefined;
  }
}
