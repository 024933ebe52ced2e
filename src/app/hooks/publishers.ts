/** Owns the memory of who published a stream: its files are complete only when the publisher may be gone. */
import type { StreamName } from '../stream/sink';

import type { HookPublisher, HookSubject } from './payload';

/** Streams without a publisher that are remembered. */
const MAX_PAST = 1000;
/** Publishers of one stream. */
const MAX_EACH = 4;

interface Publication extends HookPublisher {
  /** Epoch milliseconds. */
  readonly sinceMs: number;
}

interface Stream {
  /** The newest last. */
  readonly publications: Publication[];
  live: number;
}

/** Somebody that nothing is known of. */
const UNKNOWN: HookPublisher = { clientId: 0, ip: '', param: '' };

/** The last publishers of each stream: of all that have one now, and of some that had. */
export class Publishers {
  readonly #live = new Map<string, Stream>();
  /** The one that ended last is last. */
  readonly #past = new Map<string, Stream>();

  /** Streams that are remembered. */
  get size(): number {
    return this.#live.size + this.#past.size;
  }

  /** Someone publishes; `nowMs` = time of day. */
  began({ clientId, ip, param, ...name }: HookSubject, nowMs: number): void {
    const key = mapKey(name);
    const stream = this.#find(key) ?? { publications: [], live: 0 };
    this.#past.delete(key);
    this.#live.set(key, stream);
    stream.live += 1;
    stream.publications.push({ clientId, ip, param, sinceMs: nowMs });
    if (stream.publications.length > MAX_EACH) stream.publications.shift();
  }

  /** He does so no longer; to be called once for each that began. */
  ended({ clientId, ...name }: StreamName & Pick<HookPublisher, 'clientId'>): void {
    const key = mapKey(name);
    const stream = this.#live.get(key);
    if (!stream) return;
    const { publications } = stream;
    stream.live -= 1;
    if (stream.live > 0) {
      // One that came last and went first did not get the stream.
      if (publications[publications.length - 1]?.clientId === clientId) publications.pop();
      return;
    }
    this.#live.delete(key);
    this.#past.set(key, stream);
    const [oldest] = this.#past.keys();
    if (this.#past.size > MAX_PAST && oldest !== undefined) this.#past.delete(oldest);
  }

  /** Who published at a time of day; without one, who did last. */
  of(name: StreamName, atMs = Infinity): HookPublisher {
    const publications = this.#find(mapKey(name))?.publications ?? [];
    const begun = publications.filter(({ sinceMs }) => sinceMs <= atMs);
    return begun[begun.length - 1] ?? publications[0] ?? UNKNOWN;
  }

  #find(key: string): Stream | undefined {
    return this.#live.get(key) ?? this.#past.get(key);
  }
}

/** Names may hold slashes, so those do not keep them apart; a line feed is in no name. */
function mapKey({ vhost, app, stream }: StreamName): string {
  return `${vhost}\n${app}\n${stream}`;
}
