/** Owns the registry of origins: this server's streams are announced there, and those of others found. */
import type { Clock } from '../../core/clock';
import { describeError, SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import type { VhostOptions } from '../config/config';
import { parseRedisUrl } from '../config/redis-url';
import type { RedisTarget } from '../config/redis-url';
import type { StreamName } from '../stream/sink';
import type { Source } from '../stream/source';

import { Announcements } from './announcements';
import { registryKey } from './lease-scripts';
import { OriginAnswers } from './origin-answers';
import type { Located } from './origin-answers';
import { redisOpener } from './redis-connection';
import type { OpenRedis } from './redis-connection';
import { RedisLink, SLOW_MS } from './redis-link';

/** The registry of the configuration. */
export interface RegistryOptions {
  /** `redis://` or `rediss://`; '' for no registry. */
  readonly url: string;
  /** How long an announcement holds unless it is renewed, milliseconds. */
  readonly leaseMs: number;
  /** Where others reach this server, as {@link announceAddress} has it; '' to announce nothing. */
  readonly announce: string;
}

/** What the registry works with. */
export interface RegistryParts {
  readonly log: Logger;
  readonly clock: Clock;
  /** How Redis is reached; a test may have another way. */
  readonly open?: OpenRedis;
}

/** Figures of the registry, as of now. */
export interface RegistryStatus {
  /** The URL without credentials, '' when there is none. */
  readonly url: string;
  readonly isConnected: boolean;
  /** Own streams that are to be announced, and those of them that Redis has. */
  readonly published: number;
  readonly announced: number;
  /** Streams of others of which the last answer is remembered, and streams that somebody waits for. */
  readonly known: number;
  readonly watched: number;
  /** Connections and commands that failed since the start. */
  readonly failures: number;
}

/** All that belongs to one configuration. */
interface Session {
  readonly link: RedisLink;
  /** None when there is no address to announce. */
  readonly announcements: Announcements | undefined;
}

/**
 * A stream is announced while a client publishes it to a vhost that is an origin. Nothing here holds up who publishes
 * or plays: it is told what happened, and asked within bounds of time.
 */
export class OriginRegistry {
  readonly #parts: RegistryParts;
  readonly #openRedis: OpenRedis;
  readonly #answers: OriginAnswers;
  readonly #unobserve = new Map<Source, () => void>();
  /** Streams that clients publish here, and since when; milliseconds of the monotonic clock. */
  readonly #published = new Map<string, number>();
  #options: RegistryOptions = { url: '', leaseMs: 0, announce: '' };
  #session: Session | undefined;
  /** The end of the last session: the next must not be overtaken by it. */
  #closing: Promise<void> = Promise.resolve();
  /** Failures of earlier sessions. */
  #failures = 0;

  constructor(parts: RegistryParts, options?: RegistryOptions) {
    this.#parts = parts;
    this.#openRedis = parts.open ?? redisOpener();
    this.#answers = new OriginAnswers({
      log: parts.log,
      clock: parts.clock,
      link: () => this.#session?.link,
      self: () => this.#options.announce,
    });
    if (options) this.setOptions(options);
  }

  /**
   * Works by these options from now on. Another Redis or address is told all streams, after the old one was told that
   * they are gone. A URL that cannot be used is logged, and there is no registry then.
   */
  setOptions(options: RegistryOptions): void {
    const before = this.#options;
    this.#options = options;
    if (options.url === before.url && options.announce === before.announce) {
      this.#session?.announcements?.setLease(options.leaseMs);
      return;
    }
    if (options.url === '') this.#answers.forget();
    const target = this.#targetOf(options.url);
    this.#closing = this.#closing
      .then(() => this.#close())
      .then(() => {
        // A change that came meanwhile opens its own.
        const { url, announce } = this.#options;
        const isCurrent = url === options.url && announce === options.announce;
        if (isCurrent && target) this.#session = this.#open(target, this.#options);
      });
  }

  /** A stream was made, or its vhost has changed: it is announced when it is published, unless the vhost is an edge. */
  apply(source: Source, { mode }: Pick<VhostOptions, 'mode'>): void {
    if (mode !== 'local') {
      this.forget(source);
      return;
    }
    if (this.#unobserve.has(source)) return;
    const key = registryKey(source.name);
    const look = (): void => {
      const { publisher } = source;
      if (publisher && publisher.isUpstream !== true) this.#publish(key);
    };
    const unobserve = source.observe({
      onPublish: look,
      onUnpublish: () => {
        this.#unpublish(key);
      },
    });
    this.#unobserve.set(source, unobserve);
    look();
  }

  /** A stream is gone, or not ours to announce. */
  forget(source: Source): void {
    this.#unobserve.get(source)?.();
    if (this.#unobserve.delete(source)) this.#unpublish(registryKey(source.name));
  }

  /** Other servers that have the stream, `host:port`, best first; from memory when Redis does not answer. Never rejects. */
  async find(name: StreamName): Promise<readonly string[]> {
    return (await this.locate(name)).addresses;
  }

  /** The same, and whether Redis has just said so. */
  locate(name: StreamName): Promise<Located> {
    return this.#answers.locate(registryKey(name));
  }

  /**
   * Calls `onFound` with the addresses, within a second, when some other server has the stream, and again when others
   * have it. Returns what ends that; idempotent.
   */
  watch(name: StreamName, onFound: (addresses: readonly string[]) => void): () => void {
    return this.#answers.watch(registryKey(name), onFound);
  }

  status(): RegistryStatus {
    const { link, announcements } = this.#session ?? {};
    return {
      url: link?.target.label ?? '',
      isConnected: link?.isConnected ?? false,
      published: this.#published.size,
      announced: announcements?.announced ?? 0,
      known: this.#answers.known,
      watched: this.#answers.watched,
      failures: this.#failures + (link?.failures ?? 0),
    };
  }

  /** Takes back what was announced, within bounds of time, and ends. Idempotent. */
  async stop(): Promise<void> {
    this.#answers.stop();
    for (const unobserve of this.#unobserve.values()) unobserve();
    this.#unobserve.clear();
    this.setOptions({ url: '', leaseMs: 0, announce: '' });
    await this.#closing;
  }

  #publish(key: string): void {
    const nowMs = this.#parts.clock.nowMs();
    this.#published.set(key, nowMs);
    this.#session?.announcements?.publish(key, nowMs);
  }

  #unpublish(key: string): void {
    if (this.#published.delete(key)) this.#session?.announcements?.unpublish(key);
  }

  #targetOf(url: string): RedisTarget | undefined {
    if (url === '') return undefined;
    try {
      return parseRedisUrl(url);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.#parts.log.error(`origin_registry is ignored, ${describeError(error)}`, error);
      return undefined;
    }
  }

  #open(target: RedisTarget, { announce, leaseMs }: RegistryOptions): Session {
    const { log, clock } = this.#parts;
    const link = new RedisLink(target, {
      log,
      clock,
      open: this.#openRedis,
      onUp: () => {
        announcements?.announceAll();
        this.#answers.refresh();
      },
      onDown: () => {
        announcements?.forget();
      },
    });
    const announcements =
      announce === ''
        ? undefined
        : new Announcements(
            {
              clock,
              prefix: target.prefix,
              address: announce,
              isConnected: () => link.isConnected,
              call: (command) => link.call(command),
            },
            leaseMs,
          );
    for (const [key, sinceMs] of this.#published) announcements?.publish(key, sinceMs);
    if (announce !== '') log.trace(`origin registry ${target.label} is told of ${announce}`);
    return { link, announcements };
  }

  /** Ends the session, if there is one: what it had announced is taken back, unless that takes too long. */
  async #close(): Promise<void> {
    const session = this.#session;
    if (!session) return;
    this.#session = undefined;
    const { link, announcements } = session;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, SLOW_MS);
    });
    await Promise.race([announcements?.close(), late]);
    clearTimeout(timer);
    this.#failures += link.failures;
    link.close();
  }
}
