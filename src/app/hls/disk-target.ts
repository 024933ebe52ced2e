/** Owns the segments of one stream on disk: files, playlist, clean-up. Nothing here waits for the disk. */
import { ErrorCode, SrsError } from '../../core/errors';
import { writeFileAtomic } from '../../files/atomic-file';
import { systemCode } from '../../files/open-file';

import { DiskHealth } from './disk-health';
import type { MasterPlaylist } from './master';
import { mediaPlaylist } from './playlist';
import { keyAttributes } from './segment';
import type { GapSegment, ListedSegment, SegmentStart, SegmentTarget } from './segment';
import { SegmentList } from './segment-list';
import type { ListState } from './segment-list';
import { SegmentWriter } from './segment-writer';
import type { StreamParts } from './stream-parts';
import { TextFile } from './text-file';
import { Trash } from './trash';

/** A segment on disk. */
export interface DiskSegment extends ListedSegment {
  /** Empty when there is none. */
  readonly path: string;
  /** Files that it shares with others: initialisation section, key. */
  readonly sharedPaths: readonly string[];
}

/** Bytes that may wait for the disk when one more segment begins; it is lost otherwise. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** Files that may be open for one stream; further segments wait in memory. */
const MAX_OPEN_FILES = 8;
/** By so much each segment that is written raises the number kept, after a full disk has lowered it. */
const REGROWTH = 0.1;

interface OpenSegment {
  readonly start: SegmentStart;
  readonly writer: SegmentWriter;
  /** What has to be on disk before the segment is listed. */
  readonly shared: Promise<unknown>;
  bytes: number;
}

/** Keeps segments in files. */
export class DiskTarget implements SegmentTarget {
  readonly #parts: StreamParts;
  readonly #master: MasterPlaylist | undefined;
  readonly #list: SegmentList<DiskSegment>;
  readonly #playlist: TextFile;
  readonly #masterFile: TextFile | undefined;
  readonly #health = new DiskHealth();
  readonly #trash: Trash;
  /** Shared files that were written. */
  readonly #written = new Set<string>();
  /** Files of dropped segments, until they are gone: the next segment may have the same name. */
  readonly #dropped = new Set<string>();
  /** Files that are complete and not on disk yet. */
  readonly #closing = new Set<SegmentWriter>();
  #open: OpenSegment | undefined;
  /** Segments on their way into the list. */
  #commits: Promise<void> = Promise.resolve();
  #pending = 0;
  /** A segment was lost: the next one does not go on from the one before. */
  #hasGap = false;
  /** Media in the segments lost since the last one that was listed. */
  #lostMs = 0;
  /** So many segments have room, as far as is known; counted in fractions. */
  #mostSegments = Infinity;

  constructor(parts: StreamParts, master: MasterPlaylist | undefined) {
    const { names, options } = parts;
    this.#parts = parts;
    this.#master = master;
    this.#list = new SegmentList(options);
    const onWritten = (error: unknown): void => {
      if (error !== undefined) this.#health.failed(parts.log.current, names.playlist, error);
    };
    this.#playlist = new TextFile(names.playlist, onWritten);
    this.#masterFile =
      names.master === undefined ? undefined : new TextFile(names.master, onWritten);
    this.#trash = new Trash((path, error) => {
      parts.log.current.warn(`hls cannot delete ${path}`, error);
    });
  }

  get isBusy(): boolean {
    return this.#pending > 0 || this.#trash.isBusy || this.#playlist.isBusy;
  }

  get segments(): readonly DiskSegment[] {
    return this.#list.segments;
  }

  /** Goes on with the list that an earlier process has left. */
  restore(state: ListState<DiskSegment>): void {
    this.#list.restore(state);
    for (const { sharedPaths } of state.segments) {
      for (const path of sharedPaths) this.#written.add(path);
    }
    if (state.segments.length > 0) this.#writePlaylist();
  }

  open(start: SegmentStart): void {
    const { path } = start.file;
    const waiting = [...this.#closing].reduce((sum, { pendingBytes }) => sum + pendingBytes, 0);
    if (waiting > MAX_WAITING_BYTES) {
      const text = `the disk is too slow: ${waiting} bytes of ${this.#closing.size} segments wait`;
      this.#commit(() => {
        this.#lose(path, new SrsError(ErrorCode.HLS_WRITE_FAILED, text));
      });
      return;
    }
    this.#trash.keep(path);
    const writer = new SegmentWriter(this.#tmpOf(path));
    if (this.#closing.size < MAX_OPEN_FILES) writer.open();
    const shared = Promise.all([
      this.#writeShared(start.init?.file.path, start.init?.bytes),
      this.#writeShared(start.key?.file.path, start.key?.bytes),
    ]);
    shared.catch(() => undefined);
    this.#open = { start, writer, shared, bytes: 0 };
  }

  write(bytes: Buffer): void {
    if (this.#open === undefined) return;
    this.#open.bytes += bytes.length;
    this.#open.writer.write(bytes);
  }

  endPart(): void {
    // Parts are for players of the low-latency playlist, which is kept in memory.
  }

  close(durationMs: number): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    const { start, writer, shared } = open;
    const { path } = start.file;
    const finish = (): Promise<unknown> => Promise.all([shared, writer.close(path)]);
    const done = writer.isOpen ? finish() : undefined;
    done?.catch(() => undefined);
    this.#closing.add(writer);
    this.#commit(async () => {
      try {
        await (done ?? finish());
        this.#goTo(start);
        this.#add(this.#segment(open, durationMs));
      } catch (error) {
        this.#lose(path, error);
        this.#lostMs += durationMs;
        this.#discard(writer);
      } finally {
        this.#closing.delete(writer);
        if (this.#closing.size < MAX_OPEN_FILES) this.#open?.writer.open();
      }
    });
  }

  drop(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined) this.#discard(open.writer);
  }

  rest(): void {
    this.#commit(() => {
      if (this.#list.isShown) return;
      this.#list.show();
      if (this.#list.segments.length > 0) this.#writePlaylist();
    });
  }

  sweep(nowMs: number): void {
    this.#trash.sweep(nowMs);
  }

  dispose(): void {
    this.drop();
    this.#commit(async () => {
      await this.#settleTexts();
      this.#removeAll();
    });
  }

  async settle(): Promise<void> {
    await this.#commits;
    await this.#settleTexts();
    await this.#trash.settle();
  }

  /** Where the next segment is written until it is complete. */
  #tmpOf(path: string): string {
    let tmp = `${path}.tmp`;
    for (let number = 2; this.#dropped.has(tmp); number++) tmp = `${path}.${number}.tmp`;
    return tmp;
  }

  /** Does something when everything before is done; it must not reject. */
  #commit(step: () => void | Promise<void>): void {
    this.#pending++;
    this.#commits = this.#commits.then(step).finally(() => this.#pending--);
  }

  /** Closes and removes an unfinished file. */
  #discard(writer: SegmentWriter): void {
    const { path } = writer;
    this.#dropped.add(path);
    const removed = writer
      .abandon()
      .then(() => this.#trash.remove(path))
      .finally(() => this.#dropped.delete(path));
    this.#commit(() => removed);
  }

  #segment({ start, bytes }: OpenSegment, durationMs: number): DiskSegment {
    const { file, init, key } = start;
    const isCounted = start.alignment === undefined;
    const isAfterGap = this.#hasGap && isCounted && this.#list.segments.length > 0;
    const isDiscontinuity = start.isDiscontinuity || isAfterGap;
    this.#hasGap = false;
    this.#lostMs = 0;
    return {
      path: file.path,
      sharedPaths: [init?.file.path, key?.file.path].filter((path) => path !== undefined),
      sequence: start.sequence,
      uri: file.uri,
      durationMs,
      isDiscontinuity,
      startEpochMs: this.#parts.options.format === 'fmp4' ? start.startEpochMs : undefined,
      mapUri: init?.file.uri,
      key: key && keyAttributes(key, key.file.uri),
      bytes,
    };
  }

  /** Makes the next segment of the list the one of this number, when its number is not just the next. */
  #goTo({ sequence, startEpochMs, alignment }: SegmentStart): void {
    if (alignment === undefined) {
      this.#list.countOn();
      return;
    }
    const { gapMs } = alignment;
    const lostMs = gapMs === undefined ? undefined : gapMs + this.#lostMs;
    const { names } = this.#parts;
    const removed = this.#list.goTo(
      sequence,
      { ...alignment, gapMs: lostMs },
      toDisk,
      (missing) => names.segment(missing, startEpochMs).uri,
    );
    if (this.#parts.options.cleanup) this.#retire(removed);
  }

  #add(segment: DiskSegment): void {
    const removed = this.#list.append(segment);
    this.#mostSegments += REGROWTH;
    this.#shorten();
    this.#health.succeeded(this.#parts.log.current);
    this.#writePlaylist();
    if (this.#parts.options.cleanup) this.#retire(removed);
    this.#parts.onListed(segment, segment.path, 'disk');
  }

  #writePlaylist(): void {
    if (!this.#list.isShown) return;
    const { targetDuration, mediaSequence, discontinuitySequence, segments, slotMs } = this.#list;
    const { version, tracks } = this.#parts;
    const numbers = { mediaSequence, discontinuitySequence, slotMs };
    this.#playlist.write(mediaPlaylist({ version, targetDuration, ...numbers, segments }));
    if (this.#master?.update(segments, tracks) === true && this.#master.text !== undefined) {
      this.#masterFile?.write(this.#master.text);
    }
  }

  /** Segments have left the list, and what only they needed goes with them. */
  #retire(removed: readonly DiskSegment[]): void {
    const dueMs = this.#parts.clock.nowMs() + this.#list.targetDuration * 1000;
    for (const path of this.#pathsOf(removed)) this.#trash.add(path, dueMs);
  }

  /** The files of these segments that no other one needs. */
  #pathsOf(removed: readonly DiskSegment[]): Set<string> {
    const needed = new Set(this.#list.segments.flatMap(({ sharedPaths }) => sharedPaths));
    const { init, key } = this.#open?.start ?? {};
    for (const file of [init?.file, key?.file]) if (file) needed.add(file.path);
    const paths = new Set<string>();
    for (const { path, sharedPaths } of removed) {
      if (path !== '') paths.add(path);
      for (const shared of sharedPaths) {
        if (needed.has(shared)) continue;
        paths.add(shared);
        this.#written.delete(shared);
      }
    }
    return paths;
  }

  #removeAll(): void {
    for (const path of this.#pathsOf(this.#list.clear())) void this.#trash.remove(path);
    this.#trash.sweep(Infinity);
    void this.#trash.remove(this.#playlist.path);
    if (this.#masterFile !== undefined) void this.#trash.remove(this.#masterFile.path);
  }

  /** Writes a file that several segments share, with the first of them. */
  async #writeShared(path: string | undefined, bytes: Buffer | undefined): Promise<void> {
    if (path === undefined || bytes === undefined || this.#written.has(path)) return;
    this.#written.add(path);
    this.#trash.keep(path);
    try {
      await writeFileAtomic(path, bytes);
    } catch (error) {
      this.#written.delete(path);
      throw error;
    }
  }

  #lose(path: string, error: unknown): void {
    this.#hasGap = true;
    this.#health.failed(this.#parts.log.current, path, error);
    if (systemCode(error) === 'ENOSPC' && this.#parts.options.cleanup) this.#makeRoom();
  }

  /** The disk is full, maybe of our own segments: one less is kept, and those for slow players go at once. */
  #makeRoom(): void {
    this.#mostSegments = Math.max(1, this.#list.segments.length - 1);
    this.#trash.sweep(Infinity);
    if (this.#shorten()) this.#writePlaylist();
  }

  /** Deletes the oldest segments while there are too many; true when there were. */
  #shorten(): boolean {
    const removed: DiskSegment[] = [];
    while (this.#list.segments.length > Math.floor(this.#mostSegments)) {
      const oldest = this.#list.shift();
      if (oldest !== undefined) removed.push(oldest);
    }
    for (const path of this.#pathsOf(removed)) void this.#trash.remove(path);
    return removed.length > 0;
  }

  async #settleTexts(): Promise<void> {
    await this.#playlist.settle();
    await this.#masterFile?.settle();
  }
}

/** What is not there has no file. */
function toDisk(gap: GapSegment): DiskSegment {
  return { ...gap, path: '', sharedPaths: [] };
}
