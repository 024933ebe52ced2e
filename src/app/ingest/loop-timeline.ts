/** Owns the timeline of a file that is played in a loop: each round goes on where the last one ended. */
import { FlvTagType } from '../../media/flv';

/** Length of a frame, in ms, when a track is too short to tell. */
const defaultFrameMs = 40;
/** A step within the file beyond these, in ms, is a fault of the recording and becomes one frame. */
const longestGapMs = 5000;
const longestReturnMs = -1000;

/** First and last frame of a track in the current round. */
class Track {
  #firstMs = 0;
  #lastMs = 0;
  #frames = 0;

  add(timeMs: number): void {
    if (this.#frames === 0) this.#firstMs = timeMs;
    this.#lastMs = timeMs;
    this.#frames++;
  }

  /** When the last frame is over, given that it lasts as long as the average one; 0 without frames. */
  get endMs(): number {
    if (this.#frames === 0) return 0;
    if (this.#frames === 1) return this.#lastMs + defaultFrameMs;
    return this.#lastMs + (this.#lastMs - this.#firstMs) / (this.#frames - 1);
  }
}

/** Turns the timestamps of a file into those of an endless stream that starts at 0 and never goes back. */
export class LoopTimeline {
  #audio = new Track();
  #video = new Track();
  /** Added to the file's timestamps; undefined before the first frame of a round. */
  #shiftMs: number | undefined;
  #lastFileMs = 0;
  #lastMs = 0;

  /** Milliseconds since the start of the stream, whole ones, at which an audio or video frame is due. */
  place(type: number, timestamp: number): number {
    const step = timestamp - this.#lastFileMs;
    this.#lastFileMs = timestamp;
    if (this.#shiftMs === undefined) {
      this.#shiftMs = this.#lastMs - timestamp;
    } else if (step > longestGapMs || step < longestReturnMs) {
      this.#shiftMs = this.#lastMs + defaultFrameMs - timestamp;
    }
    const timeMs = timestamp + this.#shiftMs;
    (type === FlvTagType.audio ? this.#audio : this.#video).add(timeMs);
    this.#lastMs = Math.max(this.#lastMs, timeMs);
    return this.#lastMs;
  }

  /** When a message without a frame (header, metadata) is due: with what came before it. */
  get positionMs(): number {
    return this.#lastMs;
  }

  /** The file starts again. Returns false when the round that ended had no frame in it. */
  nextRound(): boolean {
    const hadFrames = this.#shiftMs !== undefined;
    const endMs = Math.round(Math.max(this.#audio.endMs, this.#video.endMs));
    this.#lastMs = Math.max(this.#lastMs, endMs);
    this.#audio = new Track();
    this.#video = new Track();
    this.#shiftMs = undefined;
    return hadFrames;
  }
}
