/** Owns the counting of what a publisher sends: frames, bytes, pictures a second and groups of pictures. */
import { TagFlags, trackIdOf } from '../../media/codec';

/** Flags of a video message that is a picture. */
const PICTURE = TagFlags.keyFrame | TagFlags.interFrame;
/** Flags of an audio message that is no frame. */
const NO_SOUND = TagFlags.sequenceHeader | TagFlags.endOfSequence | TagFlags.metadata;
/** Pictures are counted over so much media for a rate, ms. */
const RATE_MS = 2000;
/** A longer step between two pictures is a jump of the timestamps, or a pause, and no part of a rate; ms. */
const MAX_STEP_MS = 10_000;
/** So much of the first frame of each kind is kept, bytes: it names the codec where no header does. */
const HEAD_BYTES = 64;
const NO_TRACK = -1;
const NO_KEY = -1;

/** What one kind came to since the publish began. */
export interface KindCount {
  readonly frames: number;
  readonly bytes: number;
  /** The beginning of its first frame; undefined while none came. */
  readonly head: Buffer | undefined;
}

/** Where the pictures of the present publish are in time, and what was found of them. */
interface PictureTimes {
  lastMs: number;
  /** The rate that is being taken. */
  rateSinceMs: number;
  ratePictures: number;
  /** The group of pictures that is not whole yet; -1 without one. */
  keyMs: number;
  gopFramesSoFar: number;
  /** Pictures a second; 0 while not known. */
  fps: number;
  /** The last whole group. */
  gopMs: number;
  gopFrames: number;
}

/** One kind of media; of several tracks, those beyond the first to come count with their bytes only. */
class KindMeter {
  readonly #kind: 'audio' | 'video';
  #track = NO_TRACK;
  frames = 0;
  bytes = 0;
  head: Buffer | undefined;

  constructor(kind: 'audio' | 'video') {
    this.#kind = kind;
  }

  /** Counts a message; whether it is one of the first track. */
  isOwn(payload: Uint8Array, start: number, end: number): boolean {
    this.bytes += end - start;
    const track = trackIdOf(this.#kind, payload, start, end);
    if (this.#track === NO_TRACK) this.#track = track;
    return this.#track === track;
  }

  frame(payload: Uint8Array, start: number, end: number): void {
    this.frames++;
    this.head ??= Buffer.from(payload.subarray(start, Math.min(end, start + HEAD_BYTES)));
  }

  reset(): void {
    this.#track = NO_TRACK;
    this.frames = 0;
    this.bytes = 0;
    this.head = undefined;
  }
}

/** Takes each message of a stream; a few additions, no more. */
export class StreamMeter {
  readonly #video = new KindMeter('video');
  readonly #audio = new KindMeter('audio');
  readonly #times: PictureTimes = noTimes();
  #framesBefore = 0;

  /** Pictures of all publishers so far. */
  get videoFrames(): number {
    return this.#framesBefore + this.#video.frames;
  }

  get video(): KindCount {
    return this.#video;
  }

  get audio(): KindCount {
    return this.#audio;
  }

  get fps(): number {
    return this.#times.fps;
  }

  /** From one key frame to the next: the last whole group of pictures, ms. */
  get gopMs(): number {
    return this.#times.gopMs;
  }

  get gopFrames(): number {
    return this.#times.gopFrames;
  }

  /** A video message: its TagFlags, and its time as published. */
  onVideo(flags: number, timestamp: number, payload: Uint8Array, start: number, end: number): void {
    if (!this.#video.isOwn(payload, start, end) || (flags & PICTURE) === 0) return;
    this.#video.frame(payload, start, end);
    this.#time(timestamp, (flags & TagFlags.keyFrame) !== 0);
  }

  onAudio(flags: number, payload: Uint8Array, start: number, end: number): void {
    if (this.#audio.isOwn(payload, start, end) && (flags & NO_SOUND) === 0) {
      this.#audio.frame(payload, start, end);
    }
  }

  /** The publisher left: all but {@link videoFrames} begins anew. */
  reset(): void {
    this.#framesBefore += this.#video.frames;
    this.#video.reset();
    this.#audio.reset();
    Object.assign(this.#times, noTimes());
  }

  #time(timestamp: number, isKey: boolean): void {
    const times = this.#times;
    const stepMs = timestamp - times.lastMs;
    times.lastMs = timestamp;
    if (stepMs < 0 || stepMs > MAX_STEP_MS) {
      times.rateSinceMs = timestamp;
      times.ratePictures = 0;
      times.keyMs = NO_KEY;
    } else {
      times.ratePictures++;
      const spanMs = timestamp - times.rateSinceMs;
      if (spanMs >= RATE_MS) {
        times.fps = (times.ratePictures * 1000) / spanMs;
        times.rateSinceMs = timestamp;
        times.ratePictures = 0;
      }
    }
    if (isKey) {
      if (times.keyMs >= 0) {
        times.gopMs = timestamp - times.keyMs;
        times.gopFrames = times.gopFramesSoFar;
      }
      times.keyMs = timestamp;
      times.gopFramesSoFar = 0;
    }
    times.gopFramesSoFar++;
  }
}

/** The first picture is a jump, whatever its time. */
function noTimes(): PictureTimes {
  return {
    lastMs: Infinity,
    rateSinceMs: 0,
    ratePictures: 0,
    keyMs: NO_KEY,
    gopFramesSoFar: 0,
    fps: 0,
    gopMs: 0,
    gopFrames: 0,
  };
}
