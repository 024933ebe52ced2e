/** Owns the making of segments: hands frames to the container, cuts, names, encrypts, and tells the targets. */
import { crc32Mpeg } from '../../media/crc32';
import type { AudioTrack, MediaFrame, MediaTrack, VideoTrack } from '../../media/track';

import { Aligner } from './aligner';
import type { AlignedSegment } from './aligner';
import { timeOfDay } from './alignment';
import { createContainer } from './container';
import type { Container } from './container';
import { FloorClock } from './floor-clock';
import { SegmentCipher, SegmentKeys } from './keys';
import type { InitSection, SegmentFile, SegmentKey, SegmentTarget } from './segment';
import { Segmenter } from './segmenter';
import type { StreamParts } from './stream-parts';

/** Shorter segments are dropped. */
const MIN_SEGMENT_MS = 100;
/** Without low latency fMP4 is written in fragments of this length: what a crash may cost. */
const FRAGMENT_MS = 1000;
/** Media time may run so far from the time of day before EXT-X-PROGRAM-DATE-TIME is set right. */
const MAX_DRIFT_MS = 5000;

/** Fragments of fMP4 are numbered through; an aligned segment has room for so many. */
const MOST_FRAGMENTS = 1024;

/** What a stream consists of. */
type Tracks = readonly [VideoTrack | undefined, AudioTrack | undefined];

/** What a packager is made with. */
export interface PackagerParts {
  readonly stream: StreamParts;
  readonly targets: readonly SegmentTarget[];
  /** Time of day, milliseconds since 1970. */
  readonly wallMs: () => number;
  /** Number of the first segment. */
  readonly sequence: number;
  /** Numbers before it count slots of the timeline of this length; 0: they count segments. */
  readonly slotMs: number;
  /** There are listed segments that the first one does not go on from. */
  readonly hasHistory: boolean;
  /** The initialisation section of the last of them. */
  readonly init: InitSection | undefined;
}

/** Makes the segments of one stream, over all its publications. */
export class Packager {
  readonly #parts: PackagerParts;
  #segmenter: Segmenter;
  /** Set where numbers and borders come from the timeline. */
  #aligner: Aligner | undefined;
  readonly #container: Container;
  readonly #floor: FloorClock | undefined;
  readonly #keys: SegmentKeys | undefined;
  #sequence: number;
  /** Numbers so far count slots of this length; 0: they count segments. */
  #slotMs: number;
  #hasHistory: boolean;
  /** What follows does not go on from what was. */
  #isBroken = true;
  /** Tracks to begin the next segment with, and those of the last one. */
  #nextTracks: Tracks | undefined;
  #tracks: Tracks | undefined;
  /** A segment is open; without a file it is none that others make. */
  #isOpen = false;
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
    this.#slotMs = parts.slotMs;
    this.#hasHistory = parts.hasHistory;
    this.#init = parts.init;
    this.#segmenter = this.#createSegmenter();
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

  /** From the next frame on numbers and borders of segments come from the timeline, or not any more. */
  align(isAligned: boolean): void {
    if ((this.#aligner !== undefined) === isAligned) return;
    this.#end('atc');
    const { options } = this.#parts.stream;
    const isSameList = this.#slotMs === options.fragmentMs;
    this.#aligner = isAligned
      ? new Aligner(options, isSameList ? this.#sequence - 1 : undefined)
      : undefined;
    if (this.#aligner !== undefined) this.#aligner.hasPictures = this.#tracks?.[0] !== undefined;
    this.#segmenter = this.#createSegmenter();
    this.#isBroken = !isAligned || !isSameList;
    this.#anchor = undefined;
    // It is named in another way.
    this.#init = undefined;
  }

  /** Everything was seen from this time on, though the first frames of it are not added. */
  see(ms: number): void {
    this.#aligner?.see(ms);
  }

  /** From the next frame on the stream consists of these. */
  setTracks(video: VideoTrack | undefined, audio: AudioTrack | undefined): void {
    this.#nextTracks = [video, audio];
  }

  /** The next frame does not go on from the one before. */
  breakTimeline(): void {
    this.#end('discontinuity');
    this.#interrupt();
  }

  /** The next frame of the stream. Throws SrsError for one that the container cannot hold. */
  add(frame: MediaFrame): void {
    this.#aligner?.see(frame.timestamp);
    if (this.#nextTracks !== undefined) this.#changeTracks(this.#nextTracks);
    if (!this.#isOpen) {
      this.#open(frame);
      this.#container.begin(frame);
    } else this.#goOn(frame);
    this.#segmenter.take(frame, this.#openFile === undefined ? 0 : frame.data.length);
  }

  /** The publisher has left; what is open is ended. */
  end(): void {
    // Where the list is soon to go, players find the whole of it on another server.
    const isUnfinished = this.#aligner !== undefined && this.#parts.stream.options.disposeMs > 0;
    this.#end('unpublish', isUnfinished);
    this.#interrupt();
    for (const target of this.#parts.targets) target.rest();
  }

  /** Throws away everything made so far. */
  dispose(): void {
    this.#isOpen = false;
    this.#openFile = undefined;
    this.#container.end();
    this.#interrupt();
    for (const target of this.#parts.targets) target.dispose();
  }

  #createSegmenter(): Segmenter {
    const { options } = this.#parts.stream;
    const hasParts = options.lowLatency || options.format === 'fmp4';
    const partMs = options.lowLatency ? options.partMs : FRAGMENT_MS;
    return new Segmenter({ ...options, partMs: hasParts ? partMs : 0 }, this.#aligner?.grid);
  }

  #interrupt(): void {
    this.#anchor = undefined;
    // On one timeline what follows goes on, be it later.
    if (this.#aligner === undefined) this.#isBroken = true;
    else this.#aligner.interrupt();
  }

  #changeTracks(tracks: Tracks): void {
    this.#end('codec change');
    this.#container.setTracks(...tracks);
    this.#nextTracks = undefined;
    const isSame = this.#tracks === undefined || areSame(tracks, this.#tracks);
    if (this.#aligner === undefined || !isSame) this.#isBroken = true;
    this.#tracks = tracks;
    if (this.#aligner !== undefined) this.#aligner.hasPictures = tracks[0] !== undefined;
  }

  #goOn(frame: MediaFrame): void {
    if (this.#openFile === undefined && this.#aligner?.isStart(frame) === true) {
      this.#split(frame);
      return;
    }
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
        this.#split(frame);
        break;
    }
  }

  #split(frame: MediaFrame): void {
    const goOn = (): void => {
      this.#endPart(frame.timestamp, true);
      this.#close(frame.timestamp);
      this.#open(frame);
    };
    if (this.#aligner === undefined) {
      this.#container.cutAt(frame, goOn);
      return;
    }
    this.#container.finishAt(frame);
    goOn();
    this.#container.begin(frame);
  }

  #open(frame: MediaFrame): void {
    const nowMs = this.#parts.wallMs();
    this.#isOpen = true;
    this.#listedParts = 0;
    this.#segmenter.begin(frame);
    const aligned = this.#aligner?.place(frame, nowMs);
    if (this.#aligner !== undefined) this.#takePlace(aligned);
    if (this.#aligner === undefined || aligned) this.#openFiles(frame, nowMs, aligned);
  }

  /** `aligned`: undefined for what is no segment. */
  #takePlace(aligned: AlignedSegment | undefined): void {
    this.#container.renew((aligned?.sequence ?? 0) * MOST_FRAGMENTS);
    if (aligned === undefined) return;
    const { sequence, isOtherClock, alignment } = aligned;
    this.#sequence = sequence;
    if (isOtherClock) this.#isBroken = true;
    if (!this.#isBroken && alignment.gapMs === 0) return;
    const { log } = this.#parts.stream;
    log.current.trace(
      `hls is aligned, sequence_no=${sequence}, start=${this.#segmenter.startMs}ms, ` +
        `gap=${alignment.gapMs ?? -1}ms, other clock=${isOtherClock}`,
    );
  }

  #openFiles(frame: MediaFrame, nowMs: number, aligned: AlignedSegment | undefined): void {
    const startEpochMs = this.#epochAt(frame.timestamp, nowMs);
    const file = aligned === undefined ? this.#countedFile(nowMs) : this.#alignedFile(startEpochMs);
    const key = this.#takeKey(nowMs);
    this.#openFile = file;
    this.#slotMs = aligned?.alignment.fragmentMs ?? 0;
    const start = {
      sequence: this.#sequence,
      isDiscontinuity: this.#isBroken && this.#hasHistory,
      startEpochMs,
      file,
      init: this.#takeInit(() => (aligned === undefined ? file : this.#initFile(startEpochMs))),
      key,
      alignment: aligned?.alignment,
    };
    for (const target of this.#parts.targets) target.open(start);
  }

  #countedFile(nowMs: number): SegmentFile {
    const file = this.#parts.stream.names.segment(this.#sequence, nowMs, this.#floor?.next(nowMs));
    this.#segmenter.deviationMs = this.#floor?.deviationMs ?? 0;
    return file;
  }

  /** The same on every server: the number stands for the time, too, where that is counted in segments. */
  #alignedFile(startEpochMs: number, sequence = this.#sequence): SegmentFile {
    const { names, options } = this.#parts.stream;
    return names.segment(sequence, startEpochMs, options.tsFloor ? sequence : undefined);
  }

  /** Named after what is in it. */
  #initFile(startEpochMs: number): SegmentFile {
    const { init } = this.#container;
    return this.#alignedFile(startEpochMs, init && crc32Mpeg(init));
  }

  /** The initialisation section, which `namesake` gives a name when it is a new one. */
  #takeInit(namesake: () => SegmentFile): InitSection | undefined {
    const { init } = this.#container;
    if (init === undefined) return undefined;
    if (this.#init?.bytes.equals(init) !== true) {
      this.#init = { bytes: init, file: this.#parts.stream.names.init(namesake()) };
    }
    return this.#init;
  }

  #takeKey(nowMs: number): SegmentKey | undefined {
    const { names } = this.#parts.stream;
    const key = this.#keys?.next(() => names.key(this.#sequence, nowMs));
    this.#cipher =
      key &&
      new SegmentCipher(key, (bytes) => {
        this.#hand(bytes);
      });
    return key;
  }

  /** Ends the open segment; what follows does not go on from it. `isUnwanted`: it is not listed. */
  #end(why: string, isUnwanted = false): void {
    if (!this.#isOpen) return;
    this.#container.end();
    const { endMs, startMs } = this.#segmenter;
    const isTooShort = endMs - startMs < MIN_SEGMENT_MS && this.#listedParts === 0;
    if (isTooShort || isUnwanted) this.#drop(why, endMs);
    else {
      this.#endPart(endMs, true);
      this.#close(endMs);
    }
  }

  #endPart(endMs: number, isLast = false): void {
    if (!this.#parts.stream.options.lowLatency) return;
    const durationMs = endMs - this.#segmenter.partStartMs;
    if (durationMs <= 0) return;
    this.#listedParts++;
    const part = { durationMs, isIndependent: this.#segmenter.isPartIndependent };
    for (const target of this.#parts.targets) target.endPart(part, isLast);
  }

  #drop(why: string, endMs: number): void {
    const file = this.#openFile;
    this.#isOpen = false;
    this.#openFile = undefined;
    if (file === undefined) return;
    const { startMs } = this.#segmenter;
    this.#parts.stream.log.current.trace(
      `${why} drop ts segment, sequence_no=${this.#sequence}, uri=${file.uri}, ` +
        `duration=${((endMs - startMs) / 1000).toFixed(2)}, start=${startMs * 90}`,
    );
    this.#floor?.undo();
    for (const target of this.#parts.targets) target.drop();
  }

  #close(endMs: number): void {
    const isSegment = this.#openFile !== undefined;
    this.#isOpen = false;
    this.#openFile = undefined;
    if (!isSegment) return;
    this.#cipher?.end();
    this.#cipher = undefined;
    this.#aligner?.end(endMs);
    this.#sequence++;
    this.#isBroken = false;
    this.#hasHistory = true;
    const durationMs = endMs - this.#segmenter.startMs;
    for (const target of this.#parts.targets) target.close(durationMs);
  }

  /** Time of day of a frame. */
  #epochAt(ms: number, nowMs: number): number {
    // What the encoder says is the same for all.
    const encoderMs = this.#aligner && timeOfDay(ms, nowMs);
    if (encoderMs !== undefined) return encoderMs;
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

/** Whether decoders need not be told of a change. */
function areSame(some: Tracks, others: Tracks): boolean {
  return isSame(some[0], others[0]) && isSame(some[1], others[1]);
}

function isSame(track: MediaTrack | undefined, other: MediaTrack | undefined): boolean {
  if (track === undefined || other === undefined) return track === other;
  return track.codec === other.codec && track.record.equals(other.record);
}
