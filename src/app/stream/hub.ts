/** Owns the streams of the server: makes one when it is first asked for, drops it when nobody uses it. */
import type { VhostOptions } from '../config/config';

import type { StreamName } from './sink';
import { Source } from './source';
import type { CreateStreamLog, SourceOptions } from './source';

/** A stream without publisher and players is kept this long, so that a reconnect finds its timeline. */
const DEFAULT_GRACE_MS = 30_000;

/** What the owner of the hub may set and wants to know. */
export interface HubOptions {
  readonly graceMs?: number;
  /** A stream was made; its first publisher or player follows. */
  onCreate?(source: Source, vhost: VhostOptions): void;
  /** A stream is gone; another of its name is another one. */
  onDrop?(source: Source): void;
}

/** All streams by vhost, app and name. */
export class Hub {
  readonly #createLog: CreateStreamLog;
  readonly #graceMs: number;
  readonly #options: HubOptions;
  readonly #sources = new Map<string, Source>();
  /** When a sweep first found a source without use. */
  readonly #idleSinceMs = new Map<Source, number>();

  constructor(createLog: CreateStreamLog, options: HubOptions = {}) {
    this.#createLog = createLog;
    this.#options = options;
    this.#graceMs = options.graceMs ?? DEFAULT_GRACE_MS;
  }

  /** The streams that exist, in the order of their creation. */
  get sources(): Iterable<Source> {
    return this.#sources.values();
  }

  /** Those of a vhost. */
  ofVhost(vhost: string): Source[] {
    return [...this.#sources.values()].filter(({ name }) => name.vhost === vhost);
  }

  find(name: StreamName): Source | undefined {
    return this.#sources.get(mapKey(name));
  }

  /** The stream of that name, made with the options of its vhost when it does not exist. */
  fetch(name: StreamName, vhost: VhostOptions): Source {
    const key = mapKey(name);
    let source = this.#sources.get(key);
    if (!source) {
      const { app, stream } = name;
      source = new Source(
        { vhost: name.vhost, app, stream },
        sourceOptions(vhost),
        this.#createLog,
      );
      this.#sources.set(key, source);
      this.#options.onCreate?.(source, vhost);
    }
    this.#idleSinceMs.delete(source);
    return source;
  }

  /** A player has left: a stream that nobody ever published is not worth the grace period. */
  playerLeft(source: Source): void {
    if (source.isIdle && !source.wasPublished) this.#drop(mapKey(source.name), source);
  }

  /** Drops the streams of a vhost that nobody uses. */
  dropIdle(vhost: string): void {
    for (const source of this.ofVhost(vhost)) {
      if (source.isIdle) this.#drop(mapKey(source.name), source);
    }
  }

  /** Drops the streams unused for the grace period; to be called every few seconds, `nowMs` monotonic. */
  sweep(nowMs: number): void {
    for (const [key, source] of this.#sources) {
      if (!source.isIdle) {
        this.#idleSinceMs.delete(source);
        continue;
      }
      const since = this.#idleSinceMs.get(source);
      if (since === undefined) this.#idleSinceMs.set(source, nowMs);
      else if (nowMs - since >= this.#graceMs) this.#drop(key, source);
    }
  }

  /** Drops every stream; publishers and players must have left. */
  close(): void {
    for (const [key, source] of this.#sources) this.#drop(key, source);
  }

  #drop(key: string, source: Source): void {
    this.#sources.delete(key);
    this.#idleSinceMs.delete(source);
    source.close();
    this.#options.onDrop?.(source);
  }
}

/** Names may hold slashes, so those do not keep them apart; a line feed is in no name. */
function mapKey({ vhost, app, stream }: StreamName): string {
  return `${vhost}\n${app}\n${stream}`;
}

/** What a source takes from its vhost. */
export function sourceOptions(vhost: VhostOptions): SourceOptions {
  return {
    log: {
      chunkSize: vhost.chunkSize,
      queueMs: vhost.queueLengthMs,
      gopCache: vhost.gopCache,
      gopCacheMaxBytes: vhost.gopCacheMaxBytes,
      absolute: false,
    },
    jitter: vhost.timeJitter,
    atc: vhost.atc,
    atcAuto: vhost.atcAuto,
    reduceSequenceHeader: vhost.reduceSequenceHeader,
  };
}
