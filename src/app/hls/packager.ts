/** Owns the making of segments: hands frames to the container, cuts, names, encrypts, and tells the targets. */
import type { AudioTrack, MediaFrame, VideoTrack } from '../../media/track';

import { createContainer } from './container';
import type { Container } from './container';
import { FloorClock } from './floor-clock';
import { SegmentCipher, SegmentKeys } from './keys';
import type { InitSection, SegmentFile, SegmentTarget } from './segment';
import { Segmenter } from './segmenter';
import type { StreamParts } from './stream-parts';

/** Shorter segments are dropped. */
const MIN_SEGMENT_MS = 100;
/** Without low latency fMP4 is written in fragments of this length: what a crash may cost. */
const FRAGMENT_MS = 1000;
/** Media time may run so far from the time of day before EXT-X-PROGRAM-DATE-TIME is set right. */
const MAX_DRIFT_MS = 5000;

/** What a packager is made with. */
export interface PackagerParts {
  readonly stream: StreamParts;
  readonly targets: readonly SegmentTarget[];
  /** Time of day, milliseconds since 1970. */
  readonly wallMs: () => number;
  /** Number of the first segment. */
  readonly sequence: number;
  /** There are listed segments that the first one does not go on from. */
  readonly hasHistory: boolean;
  /** The initialisation section of the last of them. */
  readonly init: InitSection | undefined;
}

/** Makes the segments of one stream, over all its publications. */
export class Packager {
  readonly #parts: PackagerParts;
  readonly #segmenter: Segmenter;
  readonly #container: Container;
  readonly #floor: FloorClock | undefined;
  readonly #keys: SegmentKeys | undefined;
  #sequence: number;
  #hasHistory: boolean;
  /** What follows does not go on from what was. */
  #isBroken = true;
  /** Tracks to begin the next segment with. */
  #nextTracks: [VideoTrack | undefined, AudioTrack | undefined] | undefined;
  #init: InitSection | undefined;
  #cipher: SegmentCipher | undefined;
  #openFile: SegmentFile | undefined;
  /** Parts of the open segment that players know. */
  #listedParts = 0;
  /** A time of day and the media time that belongs to it. */
  #anchor: { readonly epochMs: number; readonly ms: number } | undefined;

  constructor(parts: PackagerParts) {
    const { options } = parts.stream;
    this.#parts = parts;
    this.#sequence = parts.sequence;
    this.#hasHistory = parts.hasHistory;
    this.#init = parts.init;
    const partMs = options.lowLatency ? options.partMs : FRAGMENT_MS;
    const hasParts = options.lowLatency || options.format === 'fmp4';
    this.#segmenter = new Segmenter({ ...options, partMs: hasParts ? partMs : 0 });
    this.#container = createContainer(options.format, (bytes) => {
      this.#write(bytes);
    });
    this.#floor = options.tsFloor ? new FloorClock(options.fragmentMs) : undefined;
    this.#keys = options.keys ? new SegmentKeys(options.fragmentsPerKey) : undefined;
  }

  /** Number of the open segment, or of the next one. */
  get sequence(): number {
    return this.#sequence;
  }

  /** From the next frame on the stream consists of these. */
  setTracks(video: VideoTrack | undefined, audio: AudioTrack | undefined): void {
    this.#nextTracks = [video, audio];
  }

  /** The next frame does not go on from the one before. */
  breakTimeline(): void {
    this.#end('discontinuity');
    this.#isBroken = true;
    this.#anchor = undefined;
  }

  /** The next frame of the stream. Throws SrsError for one that the container cannot hold. */
  add(frame: MediaFrame): void {
    if (this.#nextTracks !== undefined) {
      this.#end('codec change');
      this.#container.setTracks(...this.#nextTracks);
      this.#nextTracks = undefined;
      this.#isBroken = true;
    }
    if (this.#openFile === undefined) {
      this.#open(frame);
      this.#container.begin(frame);
    } else this.#goOn(frame);
    this.#segmenter.take(frame, frame.data.length);
  }

  /** The publisher has left; what is open is ended. */
  end(): void {
    this.#end('unpublish');
    this.#isBroken = true;
    this.#anchor = undefined;
    for (const target of this.#parts.targets) target.rest();
  }

  /** Throws away everything made so far. */
  dispose(): void {
    this.#openFile = undefined;
    this.#container.end();
    this.#isBroken = true;
    this.#anchor = undefined;
    for (const target of this.#parts.targets) target.dispose();
  }

  #goOn(frame: MediaFrame): void {
    switch (this.#segmenter.decide(frame)) {
      case 'none':
        this.#container.add(frame);
        break;
      case 'part':
        this.#container.cutAt(frame, () => {
          this.#endPart(frame.timestamp);
          this.#segmenter.beginPart(frame);
        });
        break;
      case 'segment':
        this.#container.cutAt(frame, () => {
          this.#endPart(frame.timestamp);
          this.#close(frame.timestamp, frame.kind);
          this.#open(frame);
        });
        break;
    }
  }

  #open(frame: MediaFrame): void {
    const { names } = this.#parts.stream;
    const nowMs = this.#parts.wallMs();
    const file = names.segment(this.#sequence, nowMs, this.#floor?.next(nowMs));
    this.#segmenter.deviationMs = this.#floor?.deviationMs ?? 0;
    this.#segmenter.begin(frame);
    const { init } = this.#container;
    const isNewInit = init !== undefined && this.#init?.bytes.equals(init) !== true;
    if (isNewInit) this.#init = { bytes: init, file: names.init(file) };
    const key = this.#keys?.next(() => names.key(this.#sequence, nowMs));
    this.#cipher =
      key &&
      new SegmentCipher(key, (bytes) => {
        this.#hand(bytes);
      });
    this.#openFile = file;
    this.#listedParts = 0;
    const start = {
      sequence: this.#sequence,
      isDiscontinuity: this.#isBroken && this.#hasHistory,
      startEpochMs: this.#epochAt(frame.timestamp, nowMs),
      file,
      init: init && this.#init,
      key,
    };
    for (const target of this.#parts.targets) target.open(start);
  }

  /** Ends the open segment; what follows does not go on from it. */
  #end(why: string): void {
    if (this.#openFile === undefined) return;
    this.#container.end();
    const { endMs } = this.#segmenter;
    if (!this.#isTooShort(endMs)) this.#endPart(endMs);
    this.#close(endMs, why);
  }

  /** Whether the open segment would be dropped if it ended here. */
  #isTooShort(endMs: number): boolean {
    return endMs - this.#segmenter.startMs < MIN_SEGMENT_MS && this.#listedParts === 0;
  }

  #endPart(endMs: number): void {
    if (!this.#parts.stream.options.lowLatency) return;
    const durationMs = endMs - this.#segmenter.partStartMs;
    if (durationMs <= 0) return;
    this.#listedParts++;
    const part = { durationMs, isIndependent: this.#segmenter.isPartIndependent };
    for (const target of this.#parts.targets) target.endPart(part);
  }

  #close(endMs: number, why: string): void {
    const { startMs } = this.#segmenter;
    const durationMs = endMs - startMs;
    const file = this.#openFile;
    this.#openFile = undefined;
    if (this.#isTooShort(endMs)) {
      this.#parts.stream.log.current.trace(
        `${why} drop ts segment, sequence_no=${this.#sequence}, uri=${file?.uri ?? ''}, ` +
          `duration=${(durationMs / 1000).toFixed(2)}, start=${startMs * 90}`,
      );
      this.#floor?.undo();
      for (const target of this.#parts.targets) target.drop();
      return;
    }
    this.#cipher?.end();
    this.#cipher = undefined;
    this.#sequence++;
    this.#isBroken = false;
    this.#hasHistory = true;
    for (const target of this.#parts.targets) target.close(durationMs);
  }

  /** Time of day of a frame. */
  #epochAt(ms: number, nowMs: number): number {
    const { epochMs, ms: anchorMs } = this.#anchor ?? { epochMs: nowMs, ms };
    const epoch = epochMs + ms - anchorMs;
    const isRight = this.#anchor !== undefined && Math.abs(epoch - nowMs) <= MAX_DRIFT_MS;
    if (isRight) return epoch;
    this.#anchor = { epochMs: nowMs, ms };
    return nowMs;
  }

  #write(bytes: Buffer): void {
    if (this.#cipher === undefined) this.#hand(bytes);
    else this.#cipher.update(bytes);
  }

  #hand(bytes: Buffer): void {
    for (const target of this.#parts.targets) target.write(bytes);
  }
}
