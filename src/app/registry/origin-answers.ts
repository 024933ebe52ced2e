/** Owns what is known of who has which stream: asks Redis, remembers its answers, and tells those who wait. */
import type { Clock } from '../../core/clock';
import { describeError } from '../../core/errors';
import type { Logger } from '../../core/logger';

import { changesCommand, findCommand, foundAddresses, MAX_KEYS } from './lease-scripts';
import { SLOW_MS } from './redis-link';
import type { RedisLink } from './redis-link';

/** Streams of which the last answer is remembered. */
const MAX_KNOWN = 10_000;
/** So often it is looked whether one of the streams waited for is there, milliseconds. */
const POLL_MS = 500;
/** All of them are asked for with every so many of these, whether anything was announced or not. */
const POLLS_PER_ROUND = 10;
/** A Redis that has just come back may not have heard of everybody yet, milliseconds. */
const YOUNG_MS = 5000;

/** Who has a stream. */
export interface Located {
  /** `host:port` of other servers, who began to publish it last in front. */
  readonly addresses: readonly string[];
  /** Redis has just said so; else it is what it said last. */
  readonly isFresh: boolean;
}

/** What the answers come from. */
export interface AnswerParts {
  readonly log: Logger;
  readonly clock: Clock;
  /** The way to Redis, where one is configured. */
  link(): RedisLink | undefined;
  /** Where others reach this server: it is no answer. */
  self(): string;
}

interface Watcher {
  readonly onFound: (addresses: readonly string[]) => void;
  /** What it was told last. */
  told: string;
}

/** Answers within a bounded time, whatever becomes of Redis. Keys are those of `registryKey`. */
export class OriginAnswers {
  readonly #parts: AnswerParts;
  /** Only what was found; the oldest first. */
  readonly #known = new Map<string, readonly string[]>();
  readonly #asking = new Map<string, Promise<Located>>();
  readonly #watchers = new Map<string, Set<Watcher>>();
  #timer: NodeJS.Timeout | undefined;
  #polls = 0;
  #isPolling = false;
  /** The last answer to the question whether anything has changed. */
  #changes: unknown;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
  }

  /** Streams whose last answer is remembered. */
  get known(): number {
    return this.#known.size;
  }

  /** Streams that somebody waits for. */
  get watched(): number {
    return this.#watchers.size;
  }

  /** Who has the stream; all who ask at the same time share one question. Never rejects. */
  locate(key: string): Promise<Located> {
    const link = this.#parts.link();
    if (link?.state !== 'up' && link?.isBeginning !== true) {
      return Promise.resolve(this.#recalled(key));
    }
    const asked = this.#asking.get(key);
    if (asked) return asked;
    const asking = this.#ask(link, key).finally(() => {
      this.#asking.delete(key);
    });
    this.#asking.set(key, asking);
    return asking;
  }

  /**
   * Tells within a second when somebody else has the stream, and again whenever that changes to others. Returns what
   * ends it.
   */
  watch(key: string, onFound: Watcher['onFound']): () => void {
    const watcher: Watcher = { onFound, told: '' };
    const all = this.#watchers.get(key) ?? new Set();
    this.#watchers.set(key, all.add(watcher));
    void this.locate(key).then(({ addresses, isFresh }) => {
      // Those who waited before know already.
      if (isFresh && all.has(watcher)) this.#tell(watcher, addresses);
    });
    this.#timer ??= setInterval(() => {
      void this.#poll();
    }, POLL_MS).unref();
    return () => {
      all.delete(watcher);
      if (all.size > 0 || this.#watchers.get(key) !== all) return;
      this.#watchers.delete(key);
      if (this.#watchers.size === 0) this.#rest();
    };
  }

  /** Redis is there again: what is waited for may have been announced meanwhile. */
  refresh(): void {
    this.#changes = undefined;
    if (this.#timer) void this.#poll();
  }

  /** There is no registry any more: what it said does not count. */
  forget(): void {
    this.#known.clear();
  }

  /** Nobody is told anything more. */
  stop(): void {
    this.#watchers.clear();
    this.#rest();
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#changes = undefined;
  }

  #recalled(key: string): Located {
    const self = this.#parts.self();
    const addresses = (this.#known.get(key) ?? []).filter((address) => address !== self);
    return { addresses, isFresh: false };
  }

  async #ask(link: RedisLink, key: string): Promise<Located> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, SLOW_MS, undefined).unref();
    });
    // An answer that is late is good for the next one who asks.
    const answer = link.attempted().then(() => this.#lookUp(link, [key]));
    const [located] = (await Promise.race([answer, late])) ?? [];
    clearTimeout(timer);
    return located ?? this.#recalled(key);
  }

  /** Asks for some streams; nothing when that fails. */
  async #lookUp(link: RedisLink, keys: readonly string[]): Promise<Located[]> {
    let reply: unknown;
    try {
      reply = await link.call(findCommand(link.target.prefix, keys));
    } catch {
      // The link has logged it.
      return [];
    }
    const lists = foundAddresses(reply, keys.length);
    return keys.map((key, at) => this.#learn(link, key, lists[at] ?? []));
  }

  #learn(link: RedisLink, key: string, found: readonly string[]): Located {
    const self = this.#parts.self();
    const addresses = found.filter((address) => address !== self);
    // Another registry may be configured by now, or none.
    if (this.#parts.link() !== link) return this.#recalled(key);
    if (addresses.length === 0 && this.#known.has(key)) {
      if (link.upMs < YOUNG_MS) return this.#recalled(key);
      this.#known.delete(key);
    }
    if (addresses.length > 0) this.#remember(key, addresses);
    for (const watcher of this.#watchers.get(key) ?? []) this.#tell(watcher, addresses);
    return { addresses, isFresh: true };
  }

  #remember(key: string, addresses: readonly string[]): void {
    this.#known.delete(key);
    this.#known.set(key, addresses);
    if (this.#known.size <= MAX_KNOWN) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  #tell(watcher: Watcher, addresses: readonly string[]): void {
    const text = addresses.join(' ');
    if (text === watcher.told) return;
    watcher.told = text;
    if (text === '') return;
    try {
      watcher.onFound(addresses);
    } catch (error) {
      this.#parts.log.error(`origin registry: ${describeError(error)}`, error);
    }
  }

  /** Asks whether anything was announced, and if so, for all that is waited for. */
  async #poll(): Promise<void> {
    const link = this.#parts.link();
    if (link?.state !== 'up' || this.#isPolling) return;
    this.#isPolling = true;
    try {
      const changes = await link.call(changesCommand(link.target.prefix));
      const isRound = this.#polls++ % POLLS_PER_ROUND === 0;
      if (changes === this.#changes && !isRound) return;
      this.#changes = changes;
      const keys = [...this.#watchers.keys()];
      for (let at = 0; at < keys.length; at += MAX_KEYS) {
        await this.#lookUp(link, keys.slice(at, at + MAX_KEYS));
      }
    } catch {
      // The link has logged it; the next poll comes soon.
    } finally {
      this.#isPolling = false;
    }
  }
}
