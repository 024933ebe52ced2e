/** Owns the limit on what one publisher may send: `publisher_kbps` of `limits {}`. */
import type { VhostOptions } from '../config/config';

/** Rates are averages over at least this time: a burst does not count. */
const WINDOW_MS = 10_000;

/** What is asked of a publisher; it stays the same object for as long as it publishes. */
export interface LimitedPublisher {
  readonly names: { readonly vhost: string };
  /** Bytes of its connection so far. */
  bytesReceived(): number;
  /** Tells it why, and closes it. */
  kick(reason: string): void;
}

/** Whom the limit is about. */
export interface PublisherLimitParts {
  /** The vhosts as configured now. */
  vhosts(): Iterable<Pick<VhostOptions, 'name' | 'limits'>>;
  /** All that publish; asked only when a vhost has the limit. */
  publishers(): Iterable<LimitedPublisher>;
}

/** Where a window of a publisher began. */
interface Mark {
  readonly bytes: number;
  readonly atMs: number;
}

/** Closes publishers that send faster than their vhost allows. */
export class PublisherLimit {
  readonly #parts: PublisherLimitParts;
  readonly #marks = new WeakMap<LimitedPublisher, Mark>();

  constructor(parts: PublisherLimitParts) {
    this.#parts = parts;
  }

  /** Looks at the publishers of vhosts with the limit; to be called every few seconds, `nowMs` monotonic. */
  sweep(nowMs: number): void {
    const limits = new Map<string, number>();
    for (const { name, limits: given } of this.#parts.vhosts()) {
      if (given.publisherKbps > 0) limits.set(name, given.publisherKbps);
    }
    if (limits.size === 0) return;
    for (const publisher of [...this.#parts.publishers()]) {
      const limit = limits.get(publisher.names.vhost);
      if (limit !== undefined) this.#look(publisher, limit, nowMs);
    }
  }

  #look(publisher: LimitedPublisher, limit: number, nowMs: number): void {
    const bytes = publisher.bytesReceived();
    const mark = this.#marks.get(publisher);
    if (mark && nowMs - mark.atMs < WINDOW_MS) return;
    this.#marks.set(publisher, { bytes, atMs: nowMs });
    if (!mark) return;
    const kbps = Math.round(((bytes - mark.bytes) * 8) / (nowMs - mark.atMs));
    if (kbps <= limit) return;
    publisher.kick(`the publisher sends ${kbps} kbps, a limit of its vhost allows ${limit}`);
  }
}
