/** Owns the HLS of one stream under one set of options: over several publications, from the first to its clean-up. */
import type { Clock } from '../../core/clock';
import type { Logger } from '../../core/logger';
import type { AudioTrack, VideoTrack } from '../../media/track';
import type { StreamName } from '../stream/sink';

import { DiskTarget } from './disk-target';
import { MasterPlaylist } from './master';
import type { HlsOptions } from './options';
import { Packager } from './packager';
import { PlaylistVersion } from './playlist';
import type { RamIndex } from './ram-index';
import { RamTarget } from './ram-target';
import type { RamEstate } from './ram-target';
import { takeUp } from './resume';
import type { ListedSegment, SegmentTarget } from './segment';
import type { SegmentNames } from './segment-names';
import type { StreamParts } from './stream-parts';

/** So many publications may end before the stream is ready without a loss. */
const MAX_LATE_PUBLICATIONS = 4;

/** A segment that can be fetched. */
export interface SegmentInfo {
  readonly name: StreamName;
  /** Where it is: a path, or for what is only in memory the name below the playlist. */
  readonly file: string;
  /** As the playlist names it. */
  readonly url: string;
  /** Path of the playlist. */
  readonly m3u8: string;
  /** The playlist below the directory of HLS. */
  readonly m3u8Url: string;
  readonly durationMs: number;
  readonly sequence: number;
}

/** What a stream is made with. */
export interface HlsStreamParts {
  readonly name: StreamName;
  readonly options: HlsOptions;
  readonly names: SegmentNames;
  readonly clock: Clock;
  readonly log: Logger;
  readonly index: RamIndex;
  /** Time of day, milliseconds since 1970. */
  readonly wallMs: () => number;
  readonly onSegment: (info: SegmentInfo) => void;
}

/** The HLS of one stream. Frames may be added as soon as `isReady`. */
export class HlsStream {
  readonly names: SegmentNames;
  readonly options: HlsOptions;
  readonly #parts: HlsStreamParts;
  readonly #log: { current: Logger };
  readonly #tracks: { video: VideoTrack | undefined; audio: AudioTrack | undefined };
  readonly #disk: DiskTarget | undefined;
  readonly #stream: StreamParts;
  #ram: RamTarget | undefined;
  #packager: Packager | undefined;
  #starting: Promise<void> | undefined;
  #isPublished = false;
  /** Adds the frames of publications that ended before the stream was ready. */
  readonly #late: (() => void)[] = [];
  /** When the last message came, or the publisher left. */
  #activeMs: number;
  #isDisposed = false;
  #isRetired = false;
  #hasHeir = false;

  constructor(parts: HlsStreamParts) {
    const { options, names, clock, log } = parts;
    this.#parts = parts;
    this.names = names;
    this.options = options;
    this.#log = { current: log };
    this.#tracks = { video: undefined, audio: undefined };
    this.#activeMs = clock.nowMs();
    const version = PlaylistVersion[options.format];
    this.#stream = {
      ...{ names, options, clock, version, log: this.#log, tracks: this.#tracks },
      onListed: (segment, file, storage) => {
        this.#tell(segment, file, storage);
      },
    };
    const master = this.#master(names.uriFromMaster, version);
    this.#disk = options.storage === 'ram' ? undefined : new DiskTarget(this.#stream, master);
  }

  /** Whether frames may be added. */
  get isReady(): boolean {
    return this.#packager !== undefined;
  }

  get isPublished(): boolean {
    return this.#isPublished;
  }

  /** Number of the next segment. */
  get sequence(): number {
    return this.#packager?.sequence ?? 0;
  }

  /**
   * A publisher begins. What `before` waits for comes before anything is read from disk; `predecessor` is the one whose
   * list in memory this one goes on with.
   */
  publish(log: Logger, before: Promise<unknown>, predecessor?: HlsStream): void {
    this.#log.current = log;
    this.#isPublished = true;
    this.#isDisposed = false;
    this.#activeMs = this.#parts.clock.nowMs();
    this.#starting ??= this.#start(before, predecessor);
  }

  /** Something came from the publisher. */
  touch(): void {
    this.#activeMs = this.#parts.clock.nowMs();
    this.#isDisposed = false;
  }

  /** Where frames go; undefined until the stream is ready. */
  get packager(): Packager | undefined {
    return this.#packager;
  }

  /** What the stream consists of from the next frame on. */
  setTracks(video: VideoTrack | undefined, audio: AudioTrack | undefined): void {
    this.#tracks.video = video;
    this.#tracks.audio = audio;
    this.#packager?.setTracks(video, audio);
  }

  /**
   * The publisher has left. `addLast`: adds frames that still wait; called at once, or when the stream is ready.
   * Returns false when too many publications have ended before that: the frames are lost.
   */
  unpublish(addLast?: () => void): boolean {
    if (!this.#isPublished) return true;
    this.#isPublished = false;
    this.#activeMs = this.#parts.clock.nowMs();
    if (this.#packager === undefined) {
      if (addLast === undefined) return true;
      if (this.#late.length >= MAX_LATE_PUBLICATIONS) return false;
      this.#late.push(addLast);
      return true;
    }
    addLast?.();
    this.#packager.end();
    return true;
  }

  /**
   * Another object goes on with its files: frees what is in memory, unless an heir comes for that; resolves when nothing
   * is under way.
   */
  retire(hasHeir = false): Promise<void> {
    this.unpublish();
    this.#isRetired = true;
    this.#hasHeir = hasHeir;
    if (!hasHeir) this.release();
    return this.settle();
  }

  /** Whether another one can go on with what this one holds in memory. */
  canLeaveTo({ names, options }: Pick<HlsStreamParts, 'names' | 'options'>): boolean {
    const { path, vhost } = this.names.ram;
    const isSamePlace = path === names.ram.path && vhost === names.ram.vhost;
    const isInMemory = this.options.storage !== 'disk' && options.storage !== 'disk';
    return isInMemory && isSamePlace && this.options.format === options.format;
  }

  /** Does what is due; true when nothing would be lost by forgetting this object. */
  sweep(nowMs: number): boolean {
    for (const target of this.#targets) target.sweep(nowMs);
    if (this.#isRetired) return this.#targets.every((target) => !target.isBusy);
    const { disposeMs, windowMs } = this.options;
    const idleMs = nowMs - this.#activeMs;
    if (disposeMs > 0 && idleMs >= disposeMs && !this.#isDisposed) this.#dispose();
    if (this.#isPublished || !this.isReady) return false;
    // The list is needed again when the publisher comes back; after that the playlist on disk will do.
    if (idleMs < windowMs || (disposeMs > 0 && !this.#isDisposed)) return false;
    return this.#targets.every((target) => !target.isBusy);
  }

  /** Ends the publication and resolves when everything is on disk, or removed. */
  async stop(): Promise<void> {
    this.unpublish();
    await this.#starting;
    if (this.options.disposeMs > 0 && !this.#isRetired) this.#dispose();
    await this.settle();
    // Nobody comes back for what waits for its end.
    for (const target of this.#targets) target.sweep(Infinity);
    await this.settle();
  }

  /** Frees what is in memory. */
  release(): void {
    this.#ram?.dispose();
  }

  /** Resolves when nothing is under way. */
  async settle(): Promise<void> {
    await this.#starting;
    await Promise.all(this.#targets.map((target) => target.settle()));
  }

  get #targets(): SegmentTarget[] {
    return [this.#disk, this.#ram].filter((target) => target !== undefined);
  }

  /** A master playlist, when there is to be one. */
  #master(uri: string, version: number): MasterPlaylist | undefined {
    return this.options.masterFile === '' ? undefined : new MasterPlaylist(uri, version);
  }

  #dispose(): void {
    this.#isDisposed = true;
    this.#log.current.trace(`hls dispose files of ${this.names.playlist}`);
    if (this.#packager !== undefined) this.#packager.dispose();
    else for (const target of this.#targets) target.dispose();
  }

  /** Takes up what an earlier process has left, then makes what takes frames. */
  async #start(before: Promise<unknown>, predecessor?: HlsStream): Promise<void> {
    await before;
    const { options, names, wallMs } = this.#parts;
    const estate = predecessor?.handOver();
    const found = this.#disk && (await takeUp(names, options, this.#log.current, wallMs()));
    if (found !== undefined) this.#disk?.restore(found.list);
    const { listed, next, slotMs } = historyOf(found, estate);
    const sequence = next ?? firstSequence(options, wallMs());
    if (options.storage !== 'disk') this.#ram = this.#createRam(sequence, estate);
    this.#packager = new Packager({
      stream: this.#stream,
      targets: this.#targets,
      wallMs,
      sequence,
      slotMs,
      hasHistory: listed > 0,
      init: found?.init,
    });
    this.#addLate(this.#packager);
    if (this.#isRetired && !this.#hasHeir) this.release();
  }

  /** What it holds in memory is another's from now on. */
  handOver(): RamEstate | undefined {
    const ram = this.#ram;
    this.#ram = undefined;
    return ram?.handOver();
  }

  #createRam(sequence: number, estate: RamEstate | undefined): RamTarget {
    if (estate === undefined) return this.#emptyRam(sequence);
    const heir = this.#emptyRam(nextSequenceOf(estate));
    heir.adopt(estate);
    if (nextSequenceOf(estate) === sequence) return heir;
    // Numbers are the same on disk and in memory: of two lists that of the files counts.
    heir.dispose();
    return this.#emptyRam(sequence);
  }

  #emptyRam(sequence: number): RamTarget {
    const { options, names, index } = this.#parts;
    const version = options.lowLatency ? PlaylistVersion.lowLatency : this.#stream.version;
    const master = this.#master(names.ramUriFromMaster, version);
    return new RamTarget(this.#stream, index, master, sequence);
  }

  /** The publications that ended before frames could be taken. */
  #addLate(packager: Packager): void {
    for (const addLast of this.#late.splice(0)) {
      addLast();
      packager.end();
    }
  }

  #tell(segment: ListedSegment, file: string, storage: 'disk' | 'ram'): void {
    // What is in both places is told once.
    if (this.#disk !== undefined && storage === 'ram') return;
    this.#parts.onSegment({
      name: this.#parts.name,
      file,
      url: segment.uri,
      m3u8: this.names.playlist,
      m3u8Url: this.names.playlistUrl,
      durationMs: segment.durationMs,
      sequence: segment.sequence,
    });
  }
}

/** What there is to go on with. */
interface History {
  /** How many segments. */
  readonly listed: number;
  /** Number of the next. */
  readonly next: number | undefined;
  /** Numbers count slots of the timeline of this length; 0: they count segments. */
  readonly slotMs: number;
}

/** The files count before the memory. */
function historyOf(
  found: Awaited<ReturnType<typeof takeUp>>,
  estate: RamEstate | undefined,
): History {
  const list = found?.list ?? estate?.list;
  if (list === undefined) return { listed: 0, next: undefined, slotMs: 0 };
  const next = found?.nextSequence ?? (estate && nextSequenceOf(estate));
  return { listed: list.segments.length, next, slotMs: list.slotMs };
}

function nextSequenceOf({ list }: RamEstate): number {
  return list.mediaSequence + list.segments.length;
}

/**
 * Where counting begins without a list to go on with. What is only in memory is gone after a restart: there the time
 * of day keeps the numbers growing, so that players go on and no cache holds something else under a name.
 */
function firstSequence({ storage, fragmentMs }: HlsOptions, epochMs: number): number {
  if (storage !== 'ram') return 0;
  return Math.floor(epochMs / (fragmentMs >= 1000 ? 1000 : 100));
}
