/** Owns the segments of one stream in memory: bounded in time and bytes, found by HTTP. */
import { contentType, RamFile, sendBuffers, sendStatus } from './exchange';
import type { HlsRequest, Resource } from './exchange';
import type { ListedPart, SegmentWithParts } from './low-latency-playlist';
import type { MasterPlaylist } from './master';
import { PendingPart } from './pending-part';
import type { RamIndex } from './ram-index';
import { RamPlaylist } from './ram-playlist';
import { keyAttributes } from './segment';
import type { GapSegment, PartEnd, SegmentStart, SegmentTarget } from './segment';
import { SegmentList } from './segment-list';
import type { ListState } from './segment-list';
import type { StreamParts } from './stream-parts';

/** Most bytes that one stream may hold; the oldest segments go first. */
const MAX_BYTES = 256 * 1024 * 1024;

/** A segment in memory. */
interface RamSegment extends SegmentWithParts {
  /** Names under which it and its parts are found. */
  readonly names: readonly string[];
  /** Names of what it shares with others: initialisation section, key. */
  readonly sharedNames: readonly string[];
}

/** What one target leaves to the next one of the same stream. */
export interface RamEstate {
  readonly list: ListState<RamSegment>;
  readonly retired: readonly RetiredSegment[];
  /** Bytes of all segments. */
  readonly bytes: number;
  /** Requests for the playlist that wait for more of it. */
  readonly waiting: readonly HlsRequest[];
}

/** A segment that has left the list. */
interface RetiredSegment {
  readonly segment: RamSegment;
  readonly dueMs: number;
}

interface OpenSegment {
  readonly start: SegmentStart;
  /** The list has come to its number. */
  isPlaced: boolean;
  readonly parts: ListedPart[];
  readonly partNames: string[];
  readonly partBuffers: Buffer[];
  /** What came since the last part. */
  chunks: Buffer[];
}

/** Keeps segments in memory, each byte once. */
export class RamTarget implements SegmentTarget {
  readonly #parts: StreamParts;
  readonly #index: RamIndex;
  readonly #master: MasterPlaylist | undefined;
  readonly #list: SegmentList<RamSegment>;
  readonly #playlist: RamPlaylist;
  readonly #firstSequence: number;
  readonly #maxBytes: number;
  #retired: RetiredSegment[] = [];
  #open: OpenSegment | undefined;
  #pending: PendingPart | undefined;
  #bytes = 0;
  #partCount = 0;
  #restingSinceMs: number | undefined;
  #wasFull = false;

  /** `firstSequence`: number of the first segment. */
  constructor(
    parts: StreamParts,
    index: RamIndex,
    master: MasterPlaylist | undefined,
    firstSequence: number,
    maxBytes = MAX_BYTES,
  ) {
    this.#parts = parts;
    this.#index = index;
    this.#master = master;
    this.#firstSequence = firstSequence;
    this.#maxBytes = maxBytes;
    this.#list = new SegmentList(parts.options, firstSequence);
    this.#playlist = new RamPlaylist(parts, this.#list);
  }

  /** Bytes of media held. */
  get bytes(): number {
    return this.#bytes;
  }

  get isBusy(): boolean {
    return this.#bytes > 0 || this.#retired.length > 0 || this.#playlist.waiters.size > 0;
  }

  /** Gives away everything it holds, which stays where it is found; nothing may be open. */
  handOver(): RamEstate {
    const { segments, mediaSequence, discontinuitySequence, targetDuration, slotMs } = this.#list;
    const list = { segments, mediaSequence, discontinuitySequence, targetDuration, slotMs };
    const waiting = this.#playlist.waiters.take();
    const estate = { list, retired: this.#retired, bytes: this.#bytes, waiting };
    this.#retired = [];
    this.#bytes = 0;
    this.#restingSinceMs = undefined;
    return estate;
  }

  /** Begins with what another target has left, whose place in HTTP is this one's. */
  adopt({ list, retired, bytes, waiting }: RamEstate): void {
    this.#list.restore(list);
    this.#retired = [...retired];
    this.#bytes = bytes;
    this.#showPlaylist();
    for (const request of waiting) {
      if (!this.#playlist.serve(request)) sendStatus(request, 404);
    }
  }

  open(start: SegmentStart): void {
    const { init, key, isDiscontinuity } = start;
    const { lowLatency } = this.#parts.options;
    this.#restingSinceMs = undefined;
    this.#showPlaylist();
    const { ramMasterName } = this.#parts.names;
    if (this.#master !== undefined && ramMasterName !== undefined) {
      this.#set(ramMasterName, new RamMaster(this.#master));
    }
    if (init !== undefined) this.#put(init.file.ramName, [init.bytes]);
    if (key !== undefined) this.#put(key.file.ramName, [key.bytes]);
    const open: OpenSegment = {
      ...{ start, isPlaced: false, parts: [], partNames: [], partBuffers: [], chunks: [] },
    };
    this.#open = open;
    if (!lowLatency) return;
    const mapUri = this.#mapUri(start);
    const { startEpochMs } = start;
    this.#playlist.open = {
      isDiscontinuity,
      startEpochMs,
      mapUri,
      key: undefined,
      parts: open.parts,
    };
    this.#announce(start);
  }

  write(bytes: Buffer): void {
    if (this.#open === undefined) return;
    this.#open.chunks.push(bytes);
    this.#bytes += bytes.length;
  }

  endPart(part: PartEnd, isLast = false): void {
    const open = this.#open;
    const pending = this.#pending;
    if (open === undefined || pending === undefined || open.chunks.length === 0) return;
    const { name } = pending;
    this.#place(open);
    open.partNames.push(name);
    open.parts.push({ ...part, uri: this.#uri(name) });
    pending.release(this.#put(name, [join(open)]));
    this.#pending = undefined;
    this.#playlist.hintUri = undefined;
    // Of an aligned segment that ends the next part is not known: it begins another one.
    if (!isLast || open.start.alignment === undefined) this.#announce(open.start);
    this.#playlist.change();
  }

  close(durationMs: number): void {
    const open = this.#open;
    if (open === undefined) return;
    if (open.chunks.length > 0) join(open);
    this.#end();
    this.#place(open);
    const { ramName } = open.start.file;
    this.#put(ramName, open.partBuffers);
    const segment = this.#segment(open, durationMs);
    this.#retire(this.#list.append(segment));
    this.#bound();
    if (this.#list.isShown) this.#master?.update(this.#list.segments, this.#parts.tracks);
    this.#playlist.change();
    this.#parts.onListed(segment, ramName, 'ram');
  }

  drop(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#end();
    for (const name of open.partNames) this.#remove(name);
    this.#bytes -= size(open.chunks) + size(open.partBuffers);
  }

  rest(): void {
    this.#restingSinceMs = this.#parts.clock.nowMs();
    if (this.#pending !== undefined) {
      this.#pending.release(undefined);
      this.#remove(this.#pending.name);
    }
    this.#pending = undefined;
    this.#playlist.hintUri = undefined;
    this.#list.show();
    this.#playlist.change();
  }

  sweep(nowMs: number): void {
    this.#playlist.waiters.sweep(nowMs);
    this.#forget(this.#retired.filter(({ dueMs }) => dueMs <= nowMs).length);
    if (this.#restingSinceMs === undefined) return;
    const { disposeMs, windowMs } = this.#parts.options;
    const keepMs = disposeMs > 0 ? disposeMs : Math.max(windowMs, this.#list.durationMs);
    if (nowMs - this.#restingSinceMs >= keepMs) this.dispose();
  }

  dispose(): void {
    this.drop();
    this.rest();
    this.#retire(this.#list.clear());
    this.#forget(this.#retired.length);
    this.#playlist.waiters.clear(404);
    this.#playlist.change();
    this.#index.delete(this.#vhost, this.#parts.names.ram.path);
    const { ramMasterName } = this.#parts.names;
    if (ramMasterName !== undefined) this.#remove(ramMasterName);
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  get #vhost(): string | undefined {
    return this.#parts.names.ram.vhost;
  }

  #segment(open: OpenSegment, durationMs: number): RamSegment {
    const { start, parts, partNames, partBuffers } = open;
    const { file, init, key } = start;
    const { names, options } = this.#parts;
    const hasTimes = options.lowLatency || options.format === 'fmp4';
    return {
      names: [file.ramName, ...partNames],
      sharedNames: [init?.file.ramName, key?.file.ramName].filter((name) => name !== undefined),
      sequence: start.sequence,
      uri: this.#uri(file.ramName),
      durationMs,
      isDiscontinuity: start.isDiscontinuity,
      startEpochMs: hasTimes ? start.startEpochMs : undefined,
      mapUri: this.#mapUri(start),
      key: key && keyAttributes(key, names.ramKeyUri(key.file)),
      bytes: size(partBuffers),
      parts,
    };
  }

  /** No segment is open any more. */
  #end(): void {
    this.#open = undefined;
    this.#playlist.open = undefined;
  }

  /** Makes the next segment of the list this one, when its number is not just the next. */
  #place(open: OpenSegment): void {
    if (open.isPlaced) return;
    open.isPlaced = true;
    const { sequence, startEpochMs, alignment } = open.start;
    if (alignment === undefined) {
      this.#list.countOn();
      return;
    }
    const { names } = this.#parts;
    const uriOf = (missing: number): string =>
      this.#uri(names.segment(missing, startEpochMs).ramName);
    this.#retire(this.#list.goTo(sequence, alignment, toRam, uriOf));
  }

  /** Announces the next part, which may be asked for before it is there. */
  #announce({ sequence, alignment }: SegmentStart): void {
    if (this.#pending !== undefined) return;
    const { names } = this.#parts;
    const name =
      alignment === undefined
        ? names.ramPart(this.#firstSequence, this.#partCount++)
        : names.ramPart(sequence, this.#open?.parts.length ?? 0);
    const { waiters } = this.#playlist;
    this.#pending = new PendingPart(name, waiters, () => this.#playlist.dueMs);
    this.#playlist.hintUri = this.#uri(name);
    this.#set(name, this.#pending);
  }

  #retire(removed: readonly RamSegment[]): void {
    const dueMs = this.#parts.clock.nowMs() + this.#list.targetDuration * 1000;
    for (const segment of removed) this.#retired.push({ segment, dueMs });
  }

  /** Frees the oldest of those that have left the list. */
  #forget(count: number): void {
    if (count === 0) return;
    const forgotten = this.#retired.slice(0, count);
    this.#retired = this.#retired.slice(count);
    const kept = [...this.#list.segments, ...this.#retired.map(({ segment }) => segment)];
    const needed = new Set(kept.flatMap(({ sharedNames }) => sharedNames));
    const { init, key } = this.#open?.start ?? {};
    for (const file of [init?.file, key?.file]) if (file) needed.add(file.ramName);
    for (const { segment } of forgotten) {
      this.#bytes -= segment.bytes;
      for (const name of segment.names) this.#remove(name);
      for (const name of segment.sharedNames) if (!needed.has(name)) this.#remove(name);
    }
  }

  /** Keeps below the limit in bytes, if need be with a shorter list than was asked for. */
  #bound(): void {
    if (this.#bytes <= this.#maxBytes) return;
    this.#forget(this.#retired.length);
    while (this.#bytes > this.#maxBytes && this.#list.segments.length > 1) {
      const oldest = this.#list.shift();
      if (oldest !== undefined) this.#retire([oldest]);
      this.#forget(this.#retired.length);
    }
    if (this.#wasFull) return;
    this.#wasFull = true;
    const { log, names } = this.#parts;
    log.current.warn(
      `hls keeps fewer segments of ${names.ram.path} in memory than its window, ` +
        `limit=${this.#maxBytes}B, segments=${this.#list.segments.length}`,
    );
  }

  #mapUri({ init }: SegmentStart): string | undefined {
    return init && this.#uri(init.file.ramName);
  }

  #uri(ramName: string): string {
    return this.#parts.names.ramUri(ramName);
  }

  #put(name: string, buffers: readonly Buffer[]): Resource {
    const keepSeconds = Math.ceil(this.#parts.options.windowMs / 1000);
    const file = new RamFile(name, buffers, keepSeconds);
    this.#set(name, file);
    return file;
  }

  #showPlaylist(): void {
    const { ram, stream: owner } = this.#parts.names;
    this.#index.set(ram.vhost, ram.path, { resource: this.#playlist, owner });
  }

  #set(name: string, resource: Resource): void {
    const { names } = this.#parts;
    this.#index.set(this.#vhost, names.ramPath(name), { resource, owner: names.stream });
  }

  #remove(name: string): void {
    this.#index.delete(this.#vhost, this.#parts.names.ramPath(name));
  }
}

/** What is not there is not held. */
function toRam(gap: GapSegment): RamSegment {
  return { ...gap, names: [], sharedNames: [], parts: [] };
}

/** A master playlist in memory. */
class RamMaster implements Resource {
  readonly isPlaylist = true;
  readonly #master: MasterPlaylist;

  constructor(master: MasterPlaylist) {
    this.#master = master;
  }

  serve(request: HlsRequest): boolean {
    const { text } = this.#master;
    if (text === undefined) return false;
    const headers = { type: contentType('.m3u8'), cacheControl: 'no-cache' };
    sendBuffers(request, [Buffer.from(text)], headers);
    return true;
  }
}

/** Makes one buffer, of the exact size, of what came since the last part. */
function join(open: OpenSegment): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size(open.chunks));
  let at = 0;
  for (const chunk of open.chunks) at += chunk.copy(bytes, at);
  open.chunks = [];
  open.partBuffers.push(bytes);
  return bytes;
}

function size(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, buffer) => sum + buffer.length, 0);
}
