/** Owns what statistics keep of one vhost, one stream and one client, and how each is shown. */
import type {
  ClientStats,
  ConfiguredVhost,
  Rates,
  StatClient,
  StatStream,
  StreamNames,
  StreamStats,
  VhostStats,
  VhostUsage,
} from './stat-types';
import { RatePair, TrafficSum } from './traffic';

/** Rates for limits are taken over at least this long, ms. */
const MIN_USAGE_MS = 1000;

/** A vhost, configured or not any more. */
export class VhostEntry {
  readonly id: number;
  readonly name: string;
  readonly traffic: TrafficSum;
  /** Undefined for one that the configuration does not have. */
  options: ConfiguredVhost | undefined;
  clients = 0;
  publishers = 0;
  /** How many of the publishers are this server itself. */
  ownPublishers = 0;
  activeStreams = 0;
  #usageMs: number;
  #usageBytes = 0;
  #usageKbps = 0;

  constructor(id: number, name: string, nowMs: number) {
    this.id = id;
    this.name = name;
    this.traffic = new TrafficSum(nowMs);
    this.#usageMs = nowMs;
  }

  /** Whether it is listed. */
  get isKnown(): boolean {
    return this.options !== undefined || this.clients > 0;
  }

  /** Measures how fast it sends since the last call. */
  measure(nowMs: number): void {
    const elapsedMs = nowMs - this.#usageMs;
    if (elapsedMs < MIN_USAGE_MS) return;
    this.#usageKbps = Math.round(((this.traffic.sent - this.#usageBytes) * 8) / elapsedMs);
    this.#usageMs = nowMs;
    this.#usageBytes = this.traffic.sent;
  }

  usage(): VhostUsage {
    return {
      clients: this.clients - this.ownPublishers,
      publishers: this.publishers - this.ownPublishers,
      sendKbps: this.#usageKbps,
    };
  }

  show(nowMs: number): VhostStats {
    const { enabled = false, hls } = this.options ?? {};
    return {
      id: this.id,
      name: this.name,
      enabled,
      clients: this.clients,
      publishers: this.publishers,
      streams: this.activeStreams,
      ...this.traffic.sample(nowMs),
      hls: { enabled: hls?.enabled ?? false, fragmentMs: hls?.fragmentMs ?? 0 },
    };
  }
}

/** A stream: published, played, or over. */
export class StreamEntry {
  readonly id: number;
  readonly vhost: VhostEntry;
  readonly names: StreamNames;
  readonly traffic: TrafficSum;
  clients = 0;
  publisher: ClientEntry | undefined;
  #stream: StatStream | undefined;
  /** Pictures of streams of this name that are gone. */
  #framesBefore = 0;
  /** When it was published last: ms of the epoch, and monotonic. */
  #liveMs = 0;
  #publishedMs = 0;

  constructor(id: number, vhost: VhostEntry, { app, stream }: StreamNames, nowMs: number) {
    this.id = id;
    this.vhost = vhost;
    this.names = { vhost: vhost.name, app, stream };
    this.traffic = new TrafficSum(nowMs);
  }

  get stream(): StatStream | undefined {
    return this.#stream;
  }

  /** The stream of that name; undefined when it is gone. */
  set stream(stream: StatStream | undefined) {
    if (stream === this.#stream) return;
    this.#framesBefore += this.#stream?.videoFrames ?? 0;
    this.#stream = stream;
  }

  get wasPublished(): boolean {
    return this.#liveMs > 0;
  }

  /** Nobody is at it any more. */
  get isOver(): boolean {
    return this.clients === 0 && this.#stream === undefined;
  }

  /** `wallMs`: ms of the epoch. */
  publish(by: ClientEntry, nowMs: number, wallMs: number): void {
    if (!this.publisher) this.vhost.activeStreams++;
    this.publisher = by;
    this.#publishedMs = nowMs;
    this.#liveMs = wallMs;
  }

  /** A publisher left, who may have been replaced before. */
  unpublish(by: ClientEntry): void {
    if (this.publisher !== by) return;
    this.publisher = undefined;
    this.vhost.activeStreams--;
  }

  show(nowMs: number): StreamStats {
    const { id, vhost, clients, publisher } = this;
    const isActive = publisher !== undefined;
    return {
      id,
      name: this.names.stream,
      vhostId: vhost.id,
      vhost: vhost.name,
      app: this.names.app,
      liveMs: this.#liveMs,
      ageMs: isActive ? Math.round(nowMs - this.#publishedMs) : 0,
      clients,
      players: clients - (isActive ? 1 : 0),
      frames: this.#framesBefore + (this.#stream?.videoFrames ?? 0),
      ...this.traffic.sample(nowMs),
      isActive,
      publisherId: publisher?.client.id ?? -1,
      media: this.#stream?.describe() ?? {},
    };
  }
}

/** A player or publisher. */
export class ClientEntry {
  readonly client: StatClient;
  readonly stream: StreamEntry;
  readonly #joinedMs: number;
  #sent = 0;
  #received = 0;
  /** Made when its rates are asked for. */
  #rates: RatePair | undefined;

  constructor(client: StatClient, stream: StreamEntry, nowMs: number) {
    this.client = client;
    this.stream = stream;
    this.#joinedMs = nowMs;
  }

  /** Reads the counters of its connection; adds what is new to those it belongs to. */
  count(server: TrafficSum): void {
    const sent = this.client.bytesSent() - this.#sent;
    const received = this.client.bytesReceived() - this.#received;
    if (sent === 0 && received === 0) return;
    this.#sent += sent;
    this.#received += received;
    this.stream.traffic.add(sent, received);
    this.stream.vhost.traffic.add(sent, received);
    server.add(sent, received);
  }

  /** Keeps the rates moving of one that was asked for. */
  sample(nowMs: number): void {
    this.#rates?.sample(nowMs, this.#sent, this.#received);
  }

  show(nowMs: number): ClientStats {
    const { client, stream } = this;
    this.#rates ??= new RatePair(this.#joinedMs);
    const kbps: Rates = this.#rates.sample(nowMs, this.#sent, this.#received);
    return {
      client,
      vhostId: stream.vhost.id,
      streamId: stream.id,
      aliveMs: Math.round(nowMs - client.startedMs),
      sendBytes: this.#sent,
      recvBytes: this.#received,
      kbps,
      player: client.player?.(),
    };
  }
}
