/** Owns the copies of all streams to other servers: by the configuration, by what operators add, by what a backend says. */
import { ErrorCode, SrsError } from '../../core/errors';
import type { VhostOptions } from '../config/config';
import type { ForwardStats } from '../stats/stat-types';
import { StatusLines } from '../stats/status-lines';
import type { Source } from '../stream/source';
import { FailureMemory } from '../upstream/candidates';

import { AddedDestinations } from './added-destinations';
import type { AddedDestination, ForwardWish } from './added-destinations';
import type { ForwardParts } from './forward-parts';
import type { Forwarder, ForwarderHost } from './forwarder';
import { StreamForwards } from './stream-forwards';

export type { ForwardBackend, ForwardParts } from './forward-parts';

/** Copies streams from the begin of each publish to its end; no publisher waits for that, or fails by it. */
export class ForwardService {
  readonly #parts: ForwardParts;
  readonly #host: ForwarderHost;
  readonly #added = new AddedDestinations();
  readonly #streams = new Map<Source, StreamForwards>();

  constructor(parts: ForwardParts) {
    const { upstream, pithyPrint } = parts;
    this.#parts = parts;
    this.#host = {
      parts,
      failures: new FailureMemory(upstream.clock),
      lines: new StatusLines('forwarder', pithyPrint, upstream.clock),
    };
  }

  /** Copies a stream as its vhost says from now on; to be called when it is made, and when the vhost has changed. */
  apply(source: Source, vhost: VhostOptions): void {
    let forwards = this.#streams.get(source);
    if (!forwards) {
      forwards = new StreamForwards(this.#host, source, this.#added);
      this.#streams.set(source, forwards);
    }
    forwards.setVhost(vhost);
  }

  /** A vhost has changed: copies that are wanted as before go on. */
  setVhost(vhost: VhostOptions): void {
    for (const [{ name }, forwards] of this.#streams) {
      if (name.vhost === vhost.name) forwards.setVhost(vhost);
    }
  }

  /** A vhost is not served any more: its copies end. */
  closeVhost(vhost: string): void {
    for (const [{ name }, forwards] of this.#streams) {
      if (name.vhost === vhost) forwards.setVhost(undefined);
    }
  }

  /** A stream is gone. */
  forget(source: Source): void {
    this.#streams.get(source)?.close();
    this.#streams.delete(source);
  }

  /** Every copy there is; then what was added and leads to none now. */
  list(): ForwardStats[] {
    const nowMs = this.#parts.upstream.clock.nowMs();
    const copies = this.#forwarders().map((forwarder) => forwarder.stats(nowMs));
    const busy = new Set(copies.map(({ destinationId }) => destinationId));
    const idle = [...this.#added].filter(({ id }) => !busy.has(id)).map(idleStats);
    return [...copies, ...idle];
  }

  /**
   * Copies from now on, until the server ends, what fits: `*` stands for every app, every stream. The same wish again
   * changes nothing. Returns the id by which it is removed.
   *
   * @throws SrsError REQUEST_DATA (3065) when the vhost is not served, the url means nothing, or there are too many
   */
  add(wish: ForwardWish): number {
    const { ids, log, wallMs = Date.now } = this.#parts;
    if (this.#parts.findVhost(wish.vhost)?.name !== wish.vhost) {
      const text = `expect a vhost that is served, got ${JSON.stringify(wish.vhost)}`;
      throw new SrsError(ErrorCode.REQUEST_DATA, text);
    }
    const added = this.#added.add(wish, () => ids.next(), wallMs());
    this.#refresh();
    log.trace(`forward added, id=${added.id}, ${describe(added)}`);
    return added.id;
  }

  /**
   * Removes what was added, by its id or that of one of its copies, and ends all copies that it led to. `fixed`: it was
   * not added by {@link add}.
   */
  remove(id: number): 'removed' | 'unknown' | 'fixed' {
    const copy = this.list().find((one) => one.id === id);
    const addedId = copy === undefined ? id : copy.destinationId;
    if (addedId === undefined) return 'fixed';
    if (!this.#added.remove(addedId)) return 'unknown';
    this.#refresh();
    this.#parts.log.trace(`forward removed, id=${addedId}`);
    return 'removed';
  }

  /** Brings rates up to date; to be called every few seconds, `nowMs` monotonic. */
  sample(nowMs: number): void {
    for (const forwarder of this.#forwarders()) forwarder.sample(nowMs);
  }

  /** Ends all copies; idempotent. */
  stop(): void {
    for (const forwards of this.#streams.values()) forwards.close();
    this.#streams.clear();
  }

  #forwarders(): Forwarder[] {
    return [...this.#streams.values()].flatMap(({ forwarders }) => [...forwarders]);
  }

  #refresh(): void {
    for (const forwards of this.#streams.values()) forwards.refresh();
  }
}

function idleStats({ id, vhost, app, stream, label, addedMs }: AddedDestination): ForwardStats {
  return {
    id,
    destinationId: id,
    vhost,
    app,
    stream,
    url: label,
    origin: 'api',
    state: 'idle',
    sinceMs: addedMs,
    sendBytes: 0,
    sendKbps: 0,
    reconnects: 0,
    dropped: 0,
    lastError: '',
  };
}

function describe({ vhost, app, stream, label }: AddedDestination): string {
  return `input=${vhost}/${app}/${stream}, url=${label}`;
}
