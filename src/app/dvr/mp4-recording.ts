/** Owns one recording as fragmented MP4: a header once the tracks are known, then a fragment per key frame or second. */
import { describeError, SrsError } from '../../core/errors';
import { RandomAccessFile } from '../../files/random-access-file';
import { FragmentWriter } from '../../media/mp4/fragment-writer';
import type { Fragment } from '../../media/mp4/fragment-writer';
import { durationPatches, mp4RecordingHeader, mp4Supports } from '../../media/mp4/init-segment';
import { RandomAccessIndex } from '../../media/mp4/random-access-index';
import type { MediaFrame, MediaTrack } from '../../media/track';
import { TrackReader } from '../../media/track-reader';
import type { StreamMessage } from '../stream/sink';

import { HeldItems } from './held-items';
import { resumeMp4 } from './mp4-repair';
import type { Mp4Resume } from './mp4-repair';
import type { ClosedRecording, Recording, RecordingParts } from './recording';
import { MAX_PENDING_BYTES, openError, openNewTarget, RecordingFile } from './recording-file';
import type { Target } from './recording-file';

/** A second track is waited for as long, in media time. */
const trackWaitMs = 1000;
/** Frames that wait for a second track take no more bytes. */
const trackWaitBytes = 8 * 1024 * 1024;
/** A crash loses less than this. */
const fragmentMs = 1000;
/** From the last frame of an existing file to the first one added: pictures may be shown later than decoded. */
const resumeGapMs = 200;

/** See {@link Recording}; stale when a track changes or begins, as the header stands at the front. */
export class Mp4Recording implements Recording {
  readonly key: string;
  readonly #parts: RecordingParts;
  readonly #reader: TrackReader;
  readonly #held = new HeldItems<MediaFrame>(MAX_PENDING_BYTES);
  #tracks: MediaTrack[] = [];
  /** Set once the tracks are settled. */
  #opening: Promise<void> | undefined;
  #file: RecordingFile | undefined;
  #writer: FragmentWriter | undefined;
  #header: Buffer = Buffer.alloc(0);
  #index: RandomAccessIndex | undefined;
  /** Kinds whose frames the file cannot hold. */
  readonly #leftOut = new Set<'audio' | 'video'>();
  #isStale = false;
  #hasFailed = false;
  #isClosing = false;
  #offsetMs = 0;
  /** Duration of what the file held before. */
  #earlierMs = 0;
  #cutMs = 0;
  #firstMs = Infinity;
  #endMs = 0;

  constructor(parts: RecordingParts) {
    this.key = parts.key;
    this.#parts = parts;
    this.#reader = new TrackReader({
      onTrack: (track) => {
        this.#takeTrack(track);
      },
      onFrame: (frame) => {
        this.#takeFrame(frame);
      },
      onIgnored: (reason) => {
        parts.complain(reason, `leaves out: ${reason}`);
      },
    });
    for (const header of parts.headers) this.#read(header, 0);
  }

  get isStale(): boolean {
    return this.#isStale;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  get isOnDisk(): boolean {
    return this.#file?.isOnDisk === true;
  }

  write(message: StreamMessage, timeMs: number): void {
    if (!this.#hasFailed) this.#read(message, timeMs);
  }

  setMetadata(): void {
    // Nothing of it has a place in the file.
  }

  async close(): Promise<ClosedRecording | undefined> {
    this.#isClosing = true;
    if (!this.#hasFailed) this.#settle();
    await this.#opening;
    if (this.#writer) this.#append(this.#writer.flush());
    if (this.#file && this.#index && this.#endMs > 0) this.#file.write(this.#index.toBuffer());
    return this.#file?.close((mark) => durationPatches(this.#header, mark.durationMs));
  }

  #read(message: StreamMessage, timestamp: number): void {
    try {
      this.#reader.read({ ...message, timestamp });
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.#parts.complain('damage', `leaves out what is damaged: ${describeError(error)}`);
    }
  }

  #takeTrack(track: MediaTrack): void {
    if (this.#opening !== undefined) {
      this.#isStale = true;
      this.#leftOut.add(track.kind);
      return;
    }
    // While frames are held, those of a track that changes already belong to the next file.
    const isHeld = this.#held.first !== undefined;
    const known = this.#tracks.some(({ kind }) => kind === track.kind);
    if (isHeld && known) {
      this.#settle();
      this.#takeTrack(track);
      return;
    }
    this.#tracks = [...this.#tracks.filter(({ kind }) => kind !== track.kind), track];
  }

  #takeFrame(frame: MediaFrame): void {
    if (this.#leftOut.has(frame.kind)) return;
    if (this.#writer !== undefined) {
      this.#add(this.#writer, frame);
      return;
    }
    try {
      this.#held.push(frame, frame.data.length);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.#fail(error);
      return;
    }
    const waitedMs = frame.timestamp - (this.#held.first?.timestamp ?? 0);
    const isLong = waitedMs >= trackWaitMs || this.#held.bytes > trackWaitBytes;
    if (this.#tracks.length === 2 || isLong) this.#settle();
  }

  /** The tracks known by now are those of the file. */
  #settle(): void {
    this.#opening ??= this.#open();
  }

  async #open(): Promise<void> {
    const tracks = this.#supported();
    if (tracks.length === 0) {
      this.#held.take();
      return;
    }
    this.#header = mp4RecordingHeader(tracks);
    try {
      if (this.#parts.isAppend) await this.#openExisting(tracks);
      else this.#begin(tracks, await this.#newTarget());
    } catch (error) {
      this.#fail(openError(this.#parts.path, error));
    }
  }

  /** Video first, as players expect. */
  #supported(): MediaTrack[] {
    for (const track of this.#tracks) {
      if (mp4Supports(track)) continue;
      const { kind, codec } = track;
      this.#leftOut.add(kind);
      this.#parts.complain(codec, `leaves out the ${kind}: MP4 cannot hold this ${codec}`);
    }
    const tracks = this.#tracks.filter(({ kind }) => !this.#leftOut.has(kind));
    for (const kind of ['audio', 'video'] as const) {
      if (!tracks.some((track) => track.kind === kind)) this.#leftOut.add(kind);
    }
    return tracks.sort((a, b) => (a.kind === b.kind ? 0 : a.kind === 'video' ? -1 : 1));
  }

  #newTarget(): Promise<Target> {
    return openNewTarget(this.#parts.path, this, this.#parts.active);
  }

  async #openExisting(tracks: MediaTrack[]): Promise<void> {
    const { path, active, log } = this.#parts;
    const release = await active.claim(path, this);
    try {
      const file = await RandomAccessFile.open(path);
      const isNew = file.size === 0;
      const resume = await resumeMp4(file, this.#header).finally(() => file.close());
      if (isNew || resume) {
        this.#begin(tracks, { path, finalPath: path, isNew, release }, resume);
        return;
      }
    } catch (error) {
      release();
      throw error;
    }
    release();
    log.warn(`dvr ${path} is no whole recording of the same tracks, a new one is made beside it`);
    this.#begin(tracks, await this.#newTarget());
  }

  #begin(tracks: readonly MediaTrack[], target: Target, resume?: Mp4Resume): void {
    const { log, key, isRebased, onError } = this.#parts;
    this.#file = new RecordingFile(target, resume?.end ?? 0, onError);
    log.trace(`dvr stream ${key} to file ${target.finalPath}`);
    this.#index = resume?.index ?? RandomAccessIndex.of(tracks);
    if (resume) {
      this.#earlierMs = resume.durationMs;
      if (isRebased) {
        this.#offsetMs = resume.durationMs + resumeGapMs;
        this.#earlierMs += resumeGapMs;
      }
      this.#file.mark(resume.durationMs);
    } else this.#file.write(this.#header);
    const writer = new FragmentWriter(tracks, { sequence: resume?.sequence ?? 1 });
    this.#writer = writer;
    const held = this.#held.take();
    this.#cutMs = (held[0]?.timestamp ?? 0) + this.#offsetMs;
    for (const frame of held) this.#add(writer, frame);
  }

  #add(writer: FragmentWriter, frame: MediaFrame): void {
    if (this.#leftOut.has(frame.kind)) return;
    const timestamp = frame.timestamp + this.#offsetMs;
    writer.add({ ...frame, timestamp });
    const isKey = frame.kind === 'video' && frame.isKey;
    if (!isKey && timestamp - this.#cutMs < fragmentMs && timestamp >= this.#cutMs) return;
    this.#cutMs = timestamp;
    this.#append(writer.cut());
  }

  #append(fragment: Fragment | undefined): void {
    const file = this.#file;
    if (fragment === undefined || file === undefined) return;
    if (fragment.isIndependent) this.#index?.add(file.size, fragment.presentationMs);
    this.#firstMs = Math.min(this.#firstMs, fragment.startMs);
    for (const bytes of fragment.data) file.write(bytes);
    this.#endMs = Math.max(this.#endMs, fragment.endMs);
    file.mark(this.#earlierMs + this.#endMs - this.#firstMs);
  }

  #fail(error: SrsError): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#held.take();
    queueMicrotask(() => {
      this.#parts.onError(error);
    });
  }
}
