/** Owns the HLS of all streams: who writes where, what is served from memory, when it is all cleaned up. */
import { resolve } from 'node:path';

import type { Clock } from '../../core/clock';
import { describeError, ErrorCode, SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import type { StreamName, StreamSink } from '../stream/sink';

import type { HlsRequest } from './exchange';
import { sendStatus } from './exchange';
import { HlsSink } from './hls-sink';
import { HlsStream } from './hls-stream';
import type { HlsStreamParts, SegmentInfo } from './hls-stream';
import type { HlsOptions } from './options';
import { RamIndex } from './ram-index';
import { SegmentNames } from './segment-names';

/** How often what is due is done: deletions, timeouts of requests. */
const SWEEP_MS = 1000;
/** Longest wait for files at a stop. */
const STOP_TIMEOUT_MS = 3000;

/** What the service is made with. */
export interface HlsServiceParts {
  readonly log: Logger;
  readonly clock: Clock;
  readonly pithyPrint: { join(stage: 'hls', print: (ageMs: number) => void): () => void };
  /** Whether date parts of names are UTC, else local time; asked for each name. */
  readonly isUtc: () => boolean;
  /** A segment can be fetched. */
  onSegment?(info: SegmentInfo): void;
  /** The publisher of a stream is to be closed (`hls_on_error disconnect`); called outside of its messages. */
  dropPublisher?(name: StreamName, reason: string): void;
  /** Time of day, milliseconds since 1970; of the system when absent. */
  wallMs?(): number;
}

/** Whose a resource in memory is. */
export interface MemoryOwner extends StreamName {
  /** A media or a master playlist. */
  readonly isPlaylist: boolean;
}

/** A stream, and the sink by which it is reached. */
interface Entry {
  readonly stream: HlsStream;
  readonly sink: HlsSink;
  /** The options it was made for. */
  readonly options: string;
  /** What is its own: see {@link HlsService}. */
  readonly claims: readonly string[];
}

/** HLS for every stream that it gives a sink to. */
export class HlsService {
  readonly #parts: HlsServiceParts;
  readonly #index = new RamIndex();
  readonly #entries = new Map<string, Entry>();
  /** Streams whose options have changed since, until their last file is done. */
  readonly #former = new Set<HlsStream>();
  /** Files and URLs that belong to a stream, with its key, so that no other one writes them. */
  readonly #claims = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;

  constructor(parts: HlsServiceParts) {
    this.#parts = parts;
  }

  /** Streams that something is kept of. */
  get size(): number {
    return this.#entries.size;
  }

  /** What is held in memory under a URL. */
  get resources(): number {
    return this.#index.size;
  }

  /**
   * The sink of a stream, the same as long as its HLS lives. Changed options hold from the next publish on: add the
   * sink to the source again.
   */
  sinkFor(name: StreamName, options: HlsOptions): StreamSink {
    const known = this.#entries.get(mapKey(name));
    if (known !== undefined) {
      known.sink.setOptions(options);
      return known.sink;
    }
    const sink: HlsSink = new HlsSink(options, {
      clock: this.#parts.clock,
      pithyPrint: this.#parts.pithyPrint,
      open: (present, log) => this.#open(sink, name, present, log),
      dropPublisher: (reason) => {
        setImmediate(() => this.#parts.dropPublisher?.(name, reason));
      },
    });
    return sink;
  }

  /**
   * The streams of a vhost have no HLS any more: their files are finished and stay, what is in memory goes at once. To
   * be called when their sinks have left.
   */
  closeVhost(vhost: string): void {
    for (const [key, entry] of this.#entries) {
      if (key.startsWith(`${vhost}\n`)) void this.#replace(key, entry);
    }
  }

  /** Answers a request for something held in memory, now or when it is there; false: it is not ours. */
  handle(request: HlsRequest): boolean {
    const resource = this.#index.find(request)?.resource;
    if (resource === undefined) return false;
    if (request.method === 'GET' || request.method === 'HEAD') return resource.serve(request);
    sendStatus(request, 405, { Allow: 'GET, HEAD' });
    return true;
  }

  /** The stream whose resource a request is for, and whether that is a playlist; undefined: {@link handle} has nothing. */
  ownerOf(request: Pick<HlsRequest, 'vhost' | 'path'>): MemoryOwner | undefined {
    const found = this.#index.find(request);
    return found && { ...found.owner, isPlaylist: found.resource.isPlaylist === true };
  }

  /** The stream that has its media playlist at an absolute path on disk; undefined while there is none. */
  ownerOfPlaylist(path: string): StreamName | undefined {
    const [vhost = '', app = '', stream = ''] = this.#claims.get(path)?.split('\n') ?? [];
    return vhost === '' ? undefined : { vhost, app, stream };
  }

  /** Does what is due; the service calls it by itself once a second. */
  sweep(nowMs: number): void {
    for (const [key, { stream }] of this.#entries) {
      if (stream.sweep(nowMs)) this.#forget(key);
    }
    for (const stream of this.#former) {
      if (stream.sweep(nowMs)) this.#former.delete(stream);
    }
    if (this.#entries.size > 0 || this.#former.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Resolves when nothing is under way: what was on disk is taken up, what was made is on disk. */
  async settle(): Promise<void> {
    const streams = [...this.#entries.values()].map(({ stream }) => stream);
    await Promise.all([...streams, ...this.#former].map((stream) => stream.settle()));
  }

  /** Ends everything; resolves when files are closed, after at most three seconds. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    clearInterval(this.#timer);
    const streams = [...this.#entries.values()].map(({ stream }) => stream);
    const done = Promise.all([...streams, ...this.#former].map((stream) => stream.stop()));
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#parts.log.warn(`hls files are not closed after ${STOP_TIMEOUT_MS}ms, stop anyway`);
        resolve();
      }, STOP_TIMEOUT_MS);
    });
    await Promise.race([done, timeout]);
    clearTimeout(timer);
    for (const stream of streams) stream.release();
    for (const key of [...this.#entries.keys()]) this.#forget(key);
  }

  /** What a sink publishes to; undefined, and the log says why, when it cannot be. */
  #open(sink: HlsSink, name: StreamName, options: HlsOptions, log: Logger): HlsStream | undefined {
    if (this.#stopped !== undefined) return undefined;
    const key = mapKey(name);
    const text = JSON.stringify(options);
    try {
      const known = this.#entries.get(key);
      if (known?.options === text) {
        known.stream.publish(log, Promise.resolve());
        return known.stream;
      }
      const parts = this.#partsOf(name, options, log);
      const predecessor = known?.stream.canLeaveTo(parts) === true ? known.stream : undefined;
      const before =
        known === undefined ? Promise.resolve() : this.#replace(key, known, predecessor);
      const stream = new HlsStream(parts);
      const claims = this.#claim(key, stream);
      this.#entries.set(key, { stream, sink, options: text, claims });
      this.#timer ??= setInterval(() => {
        this.sweep(this.#parts.clock.nowMs());
      }, SWEEP_MS).unref();
      stream.publish(log, before, predecessor);
      return stream;
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      log.error(`hls is off for this publish: ${describeError(error)}`, error);
      return undefined;
    }
  }

  /** The options have changed: a new stream goes on with the files of the one so far. */
  #replace(key: string, { stream }: Entry, predecessor?: HlsStream): Promise<void> {
    this.#forget(key);
    this.#former.add(stream);
    return stream.retire(predecessor !== undefined);
  }

  #partsOf(name: StreamName, options: HlsOptions, log: Logger): HlsStreamParts {
    const { clock, isUtc } = this.#parts;
    const effective = withoutContradictions(options, log);
    return {
      name,
      options: effective,
      names: new SegmentNames(name, effective, isUtc),
      clock,
      log,
      index: this.#index,
      wallMs: () => this.#parts.wallMs?.() ?? Date.now(),
      onSegment: (info) => {
        this.#parts.onSegment?.(info);
      },
    };
  }

  /** Takes the files and URLs of a stream. Throws SrsError when another one has one of them. */
  #claim(key: string, { names, options }: HlsStream): string[] {
    const vhost = names.ram.vhost ?? '';
    const claims = [
      ...(options.storage === 'ram' ? [] : names.ownPaths.map((path) => resolve(path))),
      ...(options.storage === 'disk' ? [] : names.ownRamPaths.map((path) => `${vhost} ${path}`)),
    ];
    for (const claim of claims) {
      const owner = this.#claims.get(claim);
      if (owner === undefined || owner === key) continue;
      const other = owner.replaceAll('\n', '/');
      const message = `${claim} is written by ${other} already; add [vhost], [app] or [stream] to its name`;
      throw new SrsError(ErrorCode.HLS_OPEN_FAILED, message);
    }
    for (const claim of claims) this.#claims.set(claim, key);
    return claims;
  }

  #forget(key: string): void {
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    for (const claim of entry?.claims ?? []) this.#claims.delete(claim);
  }
}

/** Options that exclude each other: the log says which one gives way. */
function withoutContradictions(options: HlsOptions, log: Logger): HlsOptions {
  if (!options.lowLatency) return options;
  if (options.keys) {
    log.warn('hls_low_latency does not go with hls_keys: off for this stream');
    return { ...options, lowLatency: false };
  }
  if (options.storage !== 'disk') return options;
  log.trace('hls_low_latency is served from memory: hls_storage both instead of disk');
  return { ...options, storage: 'both' };
}

/** Names may hold slashes, so those do not keep them apart; a line feed is in no name. */
function mapKey({ vhost, app, stream }: StreamName): string {
  return `${vhost}\n${app}\n${stream}`;
}
