/** Owns the start of a publication: frames wait until it is known what the stream consists of, and for a key frame. */
import type { MediaFrame } from '../../media/track';

/** Whether the metadata names a kind of track; undefined: there is no metadata. */
export type Expectation = boolean | undefined;

/** How long to wait for a second track, by whether the metadata names it. */
const TRACK_WAIT_MS = { named: 1000, unnamed: 100, unknown: 300 } as const;
/** How long to wait for a key frame when there are pictures, and for pictures when there are none. */
const KEY_WAIT_MS = { withPictures: 10_000, withoutPictures: 2000 } as const;
/** More than this does not wait: it is lost, and the wait for a key frame begins again. */
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

type Kind = 'audio' | 'video';

/** Holds frames, in order, until a publication can begin well. */
export class StartGate {
  /** Frames may pass as far as their takers are concerned. */
  isReady = false;
  readonly #expected: Record<Kind, Expectation>;
  readonly #isSettled = { audio: false, video: false };
  #hasVideo = false;
  #waiting: MediaFrame[] = [];
  #waitingBytes = 0;
  #firstMs: number | undefined;
  #hasPictures = false;
  #isOpen = false;

  /** `isReady`: whether frames may pass at once. */
  constructor(isReady: boolean, expected: Record<Kind, Expectation>) {
    this.isReady = isReady;
    this.#expected = { ...expected };
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Time of the first frame that was offered, whether it passed or not. */
  get firstMs(): number | undefined {
    return this.#firstMs;
  }

  /** The metadata came. */
  expect(kind: Kind, expectation: Expectation): void {
    this.#expected[kind] = expectation;
  }

  /** A track is known, or it is known that there is none to wait for. */
  settle(kind: Kind, isThere: boolean): void {
    this.#isSettled[kind] = true;
    if (kind === 'video') this.#hasVideo = isThere;
  }

  /** Takes the next frame; returns those that pass now. */
  offer(frame: MediaFrame): MediaFrame[] {
    if (this.#isOpen) return [frame];
    this.#firstMs ??= frame.timestamp;
    this.#hasPictures ||= frame.kind === 'video';
    this.#waiting.push(frame);
    this.#waitingBytes += frame.data.length;
    if (this.#waitingBytes > MAX_WAITING_BYTES) this.#forget();
    const waitedMs = frame.timestamp - this.#firstMs;
    if (!this.isReady || !this.#areTracksSettled(waitedMs)) return [];
    return this.#hasVideo ? this.#openAtKey(waitedMs) : this.#open(this.#waiting);
  }

  /** The publication ends: returns what waited, from the first frame on that decoding can begin with. */
  finish(): MediaFrame[] {
    if (this.#isOpen) return [];
    return this.#hasVideo && this.#hasPictures ? this.#openAtKey(0) : this.#open(this.#waiting);
  }

  /** What waits is not wanted any more: the timeline has jumped. */
  restart(): void {
    if (this.#isOpen) return;
    this.#forget();
    this.#firstMs = undefined;
  }

  #openAtKey(waitedMs: number): MediaFrame[] {
    const waiting = this.#waiting;
    const at = waiting.findIndex((frame) => frame.kind === 'video' && frame.isKey);
    const key = waiting[at];
    if (key !== undefined) {
      // Sound that belongs to the key frame or later may have come before it.
      const sound = waiting.slice(0, at).filter(isSoundSince(key.timestamp));
      return this.#open([key, ...sound, ...waiting.slice(at + 1)]);
    }
    const patienceMs = this.#hasPictures ? KEY_WAIT_MS.withPictures : KEY_WAIT_MS.withoutPictures;
    if (waitedMs >= patienceMs) return this.#open(waiting);
    // Pictures without a key frame are of no use, and neither is what is to be heard with them.
    if (this.#hasPictures) this.#forget();
    return [];
  }

  #open(frames: MediaFrame[]): MediaFrame[] {
    this.#isOpen = true;
    this.#forget();
    return frames;
  }

  #forget(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  #areTracksSettled(waitedMs: number): boolean {
    return (['audio', 'video'] as const).every(
      (kind) => this.#isSettled[kind] || waitedMs >= this.#patienceMs(kind),
    );
  }

  #patienceMs(kind: Kind): number {
    const expected = this.#expected[kind];
    if (expected === undefined) return TRACK_WAIT_MS.unknown;
    return expected ? TRACK_WAIT_MS.named : TRACK_WAIT_MS.unnamed;
  }
}

function isSoundSince(ms: number): (frame: MediaFrame) => boolean {
  return ({ kind, timestamp }) => kind === 'audio' && timestamp >= ms;
}
