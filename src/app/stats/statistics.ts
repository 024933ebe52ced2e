/** Owns who plays and publishes what, now and so far, in figures: those of the server, each vhost, stream and client. */
import type { Clock } from '../../core/clock';

import { ClientList } from './client-list';
import { ClientEntry, StreamEntry, VhostEntry } from './stat-entries';
import type {
  ClientStats,
  ConfiguredVhost,
  PlayersSum,
  ServerTotals,
  StatClient,
  StatStream,
  StreamNames,
  StreamStats,
  VhostStats,
  VhostUsage,
} from './stat-types';
import { TrafficSum } from './traffic';

/** The counters of all connections are read at most so often, however many ask, ms. */
const COUNT_INTERVAL_MS = 250;
/** Streams that are over are listed up to this number; the one that has been over for longest is dropped first. */
const MAX_STREAMS_OVER = 512;
/** Longest reason that an operator may give, in characters. */
const MAX_REASON = 256;
const NO_USAGE: VhostUsage = { clients: 0, publishers: 0, sendKbps: 0 };

/**
 * All statistics of one server. Clients and streams tell of their beginning and end; bytes are read from their
 * connections when somebody asks, and by {@link sample}. A query costs no more than what it shows, and at most four
 * times a second one look at each client.
 */
export class Statistics {
  /** The first of the ids; those of vhosts and streams follow. */
  readonly serverId: number;
  readonly #clock: Clock;
  readonly #wallMs: () => number;
  readonly #traffic: TrafficSum;
  readonly #vhosts = new Map<string, VhostEntry>();
  /** By file order; those the configuration does not have any more are last. */
  #listed: readonly VhostEntry[] = [];
  readonly #streams = new Map<number, StreamEntry>();
  readonly #streamIds = new Map<string, number>();
  /** Those at which nobody is any more, the oldest first. */
  readonly #over = new Set<StreamEntry>();
  readonly #clients = new ClientList<ClientEntry>();
  #nextId: number;
  #version = 0;
  #publishers = 0;
  #countedMs = -Infinity;

  /** @param firstId ids count up from here, usually the process id; `wallMs` tells the ms of the epoch */
  constructor(clock: Clock, firstId: number, wallMs: () => number = Date.now) {
    this.#clock = clock;
    this.#wallMs = wallMs;
    this.serverId = firstId;
    this.#nextId = firstId + 1;
    this.#traffic = new TrafficSum(clock.nowMs());
  }

  /** Grows with every join, leave, publish and unpublish: who and what was listed before may be stale. */
  get version(): number {
    return this.#version;
  }

  /** Players and publishers. */
  get clientCount(): number {
    return this.#clients.size;
  }

  /** Streams that are listed, inactive ones included. */
  get streamCount(): number {
    return this.#streams.size;
  }

  /** Takes the vhosts as they are configured now; one that was known before keeps its id and its figures. */
  setVhosts(vhosts: readonly ConfiguredVhost[]): void {
    this.#version++;
    for (const entry of this.#vhosts.values()) entry.options = undefined;
    const configured = vhosts.map((options) => {
      const entry = this.#vhostOf(options.name);
      entry.options = options;
      return entry;
    });
    const others = [...this.#vhosts.values()].filter(({ options }) => options === undefined);
    this.#listed = [...configured, ...others];
  }

  /** A stream exists: it can be described from now on, also while nobody publishes it. */
  addStream(stream: StatStream): void {
    this.#version++;
    const entry = this.#streamOf(stream.name);
    entry.stream = stream;
    this.#over.delete(entry);
  }

  /** A stream is gone. It stays listed if it ever was published, within a cap. */
  removeStream(stream: StatStream): void {
    const id = this.#streamIds.get(keyOf(stream.name));
    const entry = id === undefined ? undefined : this.#streams.get(id);
    if (entry?.stream !== stream) return;
    this.#version++;
    entry.stream = undefined;
    this.#settle(entry);
  }

  /** A client begins to play or publish; returns what ends it, which may be called twice. */
  join(client: StatClient): () => void {
    const stream = this.#streamOf(client.names);
    const nowMs = this.#clock.nowMs();
    const entry = new ClientEntry(client, stream, nowMs);
    this.#version++;
    this.#clients.add(entry);
    this.#over.delete(stream);
    stream.clients++;
    stream.vhost.clients++;
    if (client.isPublisher) {
      this.#publishers++;
      stream.vhost.publishers++;
      if (client.isOwn === true) stream.vhost.ownPublishers++;
      stream.publish(entry, nowMs, this.#wallMs());
    }
    let hasLeft = false;
    return () => {
      if (hasLeft) return;
      hasLeft = true;
      this.#leave(entry);
    };
  }

  /** Brings all rates up to date; to be called every few seconds, `nowMs` monotonic. */
  sample(nowMs: number): void {
    this.#count(nowMs);
    this.#traffic.sample(nowMs);
    for (const vhost of this.#vhosts.values()) {
      vhost.traffic.sample(nowMs);
      vhost.measure(nowMs);
    }
    for (const stream of this.#streams.values()) stream.traffic.sample(nowMs);
    for (const client of this.#clients) client.sample(nowMs);
  }

  server(): ServerTotals {
    const nowMs = this.#refresh();
    const clients = this.#clients.size;
    let activeStreams = 0;
    for (const vhost of this.#vhosts.values()) activeStreams += vhost.activeStreams;
    return {
      clients,
      publishers: this.#publishers,
      players: clients - this.#publishers,
      streams: this.#streams.size,
      activeStreams,
      ...this.#traffic.sample(nowMs),
    };
  }

  /** By the order of the configuration; then those that it does not have, while they have clients. */
  vhosts(): VhostStats[] {
    const nowMs = this.#refresh();
    return this.#listed.filter(({ isKnown }) => isKnown).map((vhost) => vhost.show(nowMs));
  }

  vhost(id: number): VhostStats | undefined {
    const nowMs = this.#refresh();
    const entry = this.#listed.find((vhost) => vhost.id === id);
    return entry?.isKnown === true ? entry.show(nowMs) : undefined;
  }

  /** In the order in which they came to be known. */
  streams(): StreamStats[] {
    const nowMs = this.#refresh();
    return Array.from(this.#streams.values(), (stream) => stream.show(nowMs));
  }

  stream(id: number): StreamStats | undefined {
    const nowMs = this.#refresh();
    return this.#streams.get(id)?.show(nowMs);
  }

  /** `count` clients from place `start` on, by id. */
  clients(start: number, count: number): ClientStats[] {
    const nowMs = this.#refresh();
    return this.#clients.page(start, count).map((client) => client.show(nowMs));
  }

  client(id: number): ClientStats | undefined {
    const nowMs = this.#refresh();
    return this.#clients.find(id)[0]?.show(nowMs);
  }

  /** What a vhost has right now; the rate is that between the last two {@link sample} calls. */
  usage(vhost: string): VhostUsage {
    return this.#vhosts.get(vhost)?.usage() ?? NO_USAGE;
  }

  /** All clients that publish now. */
  *publishers(): IterableIterator<StatClient> {
    if (this.#publishers === 0) return;
    for (const { client } of this.#clients) {
      if (client.isPublisher && client.isOwn !== true) yield client;
    }
  }

  /** The players of each stream that has some, by the id of the stream; one look at each client. */
  playersByStream(): ReadonlyMap<number, PlayersSum> {
    const sums = new Map<number, PlayersSum>();
    for (const { client, stream } of this.#clients) {
      const figures = client.player?.();
      if (client.isPublisher || figures === undefined) continue;
      const { dropped = 0, lagMs = 0 } = sums.get(stream.id) ?? {};
      sums.set(stream.id, {
        dropped: dropped + figures.dropped,
        lagMs: Math.max(lagMs, figures.lagMs),
      });
    }
    return sums;
  }

  /** An operator ends a client, who is told `reason`; false when there is none with that id. */
  kick(clientId: number, reason: string): boolean {
    const found = this.#clients.find(clientId);
    for (const { client } of found) client.kick(kickReason(reason));
    return found.length > 0;
  }

  /** Ends the publisher and all players of a stream; how many, undefined for an unknown stream. */
  stopStream(streamId: number, reason: string): number | undefined {
    const stream = this.#streams.get(streamId);
    if (!stream) return undefined;
    const found = [...this.#clients].filter((entry) => entry.stream === stream);
    // The publisher first: its players would be sent what it still says.
    found.sort((a, b) => Number(b.client.isPublisher) - Number(a.client.isPublisher));
    for (const { client } of found) client.kick(kickReason(reason));
    return found.length;
  }

  #leave(entry: ClientEntry): void {
    const { client, stream } = entry;
    entry.count(this.#traffic);
    this.#version++;
    this.#clients.remove(entry);
    stream.clients--;
    stream.vhost.clients--;
    if (client.isPublisher) {
      this.#publishers--;
      stream.vhost.publishers--;
      if (client.isOwn === true) stream.vhost.ownPublishers--;
      stream.unpublish(entry);
    }
    this.#settle(stream);
  }

  /** Drops what need not be listed any more, and others if too many are over. */
  #settle(stream: StreamEntry): void {
    if (!stream.isOver) return;
    if (!stream.wasPublished) {
      this.#drop(stream);
      return;
    }
    this.#over.add(stream);
    if (this.#over.size <= MAX_STREAMS_OVER) return;
    const [oldest] = this.#over;
    if (oldest) this.#drop(oldest);
  }

  #drop(stream: StreamEntry): void {
    this.#over.delete(stream);
    this.#streams.delete(stream.id);
    this.#streamIds.delete(keyOf(stream.names));
  }

  /** Reads the counters if that was not just done; the present time. */
  #refresh(): number {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#countedMs >= COUNT_INTERVAL_MS) this.#count(nowMs);
    return nowMs;
  }

  #count(nowMs: number): void {
    this.#countedMs = nowMs;
    for (const client of this.#clients) client.count(this.#traffic);
  }

  #vhostOf(name: string): VhostEntry {
    const known = this.#vhosts.get(name);
    if (known) return known;
    const entry = new VhostEntry(this.#nextId++, name, this.#clock.nowMs());
    this.#vhosts.set(name, entry);
    this.#listed = [...this.#listed, entry];
    return entry;
  }

  #streamOf(names: StreamNames): StreamEntry {
    const key = keyOf(names);
    const known = this.#streams.get(this.#streamIds.get(key) ?? NaN);
    if (known) return known;
    const vhost = this.#vhostOf(names.vhost);
    const entry = new StreamEntry(this.#nextId++, vhost, names, this.#clock.nowMs());
    this.#streams.set(entry.id, entry);
    this.#streamIds.set(key, entry.id);
    return entry;
  }
}

/** What the client is told, and the log says. */
function kickReason(reason: string): string {
  const text = reason.slice(0, MAX_REASON);
  return `kicked by an operator${text === '' ? '' : `, ${text}`}`;
}

/** Names may hold slashes, so those do not keep them apart; a line feed is in no name. */
function keyOf({ vhost, app, stream }: StreamNames): string {
  return `${vhost}\n${app}\n${stream}`;
}
