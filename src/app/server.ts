/** The composition root: makes the parts of the server from the configuration, starts and stops them. */
import { systemClock } from '../core/clock';
import type { Clock } from '../core/clock';
import { ContextIds } from '../core/context-id';
import { ErrorCode, SrsError } from '../core/errors';
import type { Logger } from '../core/logger';
import { isBuilt } from '../core/version';
import { BroadcastLog } from '../net/broadcast-log';
import { Engine } from '../net/engine';
import type { Listener } from '../net/engine';
import type { Socket } from '../net/socket';
import { parseRtmpUrl } from '../rtmp/request';

import type { Config, ListenAddress } from './config/config';
import { BUILTIN_FFMPEG } from './config/sections/transcode';
import { IngestManager } from './ingest/ingest-manager';
import { RtmpService } from './rtmp/service';
import { PithyPrint } from './stats/pithy-print';
import { Hub } from './stream/hub';

/** How often unused streams are looked for. */
const SWEEP_MS = 5000;
/** At most one line per this time tells of clients beyond max_connections. */
const DROP_LINE_MS = 1000;
/** Longest wait for clients to take what was sent to them before a stop. */
const STOP_TIMEOUT_MS = 3000;

/** Parts that a test may replace. */
export interface ServerDependencies {
  readonly engine?: Engine;
  readonly clock?: Clock;
  readonly ids?: ContextIds;
}

/** The whole server of one configuration. */
export class Server {
  readonly #config: Config;
  readonly #log: Logger;
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #hub: Hub;
  readonly #rtmp: RtmpService;
  readonly #pithyPrint: PithyPrint;
  readonly #ingest: IngestManager;
  readonly #listeners: Listener[] = [];
  #sweepTimer: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;
  #dropped = 0;
  #dropLineMs = -DROP_LINE_MS;

  constructor(config: Config, log: Logger, dependencies: ServerDependencies = {}) {
    const engine = dependencies.engine ?? new Engine(log);
    const clock = dependencies.clock ?? systemClock;
    const ids = dependencies.ids ?? new ContextIds();
    this.#config = config;
    this.#log = log;
    this.#engine = engine;
    this.#clock = clock;
    this.#hub = new Hub((options) => new BroadcastLog(engine, options));
    this.#pithyPrint = new PithyPrint(config.global.pithyPrintMs, clock);
    this.#rtmp = new RtmpService({
      hub: this.#hub,
      log,
      clock,
      ids,
      pithyPrint: this.#pithyPrint,
      findVhost: (name) => config.findVhost(name),
    });
    this.#ingest = new IngestManager({
      connect: (address, port, timeoutMs, handler) =>
        engine.connect(address, port, timeoutMs, handler),
      log,
      clock,
      ids,
      pithyPrint: this.#pithyPrint,
    });
  }

  /** Ports the RTMP listeners have, in the order of the configuration. */
  get rtmpPorts(): number[] {
    return this.#listeners.map((listener) => listener.port);
  }

  /**
   * Opens the listeners and starts the ingesters.
   *
   * @throws SrsError SOCKET_BIND when an address cannot be listened at; nothing is left open then
   */
  async start(): Promise<void> {
    try {
      for (const address of this.#config.global.listen) this.#listen(address);
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#sweepTimer = setInterval(() => {
      this.#hub.sweep(this.#clock.nowMs());
      this.#rtmp.sweep(this.#clock.nowMs());
    }, SWEEP_MS).unref();
    const [port = 0] = this.rtmpPorts;
    const urls = ingestedUrls(this.#config, port);
    if (!isBuilt('ingest')) {
      if (urls.length > 0) this.#log.warn('ingest is disabled by configure');
      return;
    }
    this.#ingest.start(this.#config.vhosts, port);
    for (const url of urls) this.#log.trace(`play: ${url}`);
  }

  /** Stops gracefully: no new clients, those there are told and get what was sent; idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    clearInterval(this.#sweepTimer);
    for (const listener of this.#listeners) listener.close();
    await this.#ingest.stop();
    await this.#rtmp.stop(STOP_TIMEOUT_MS);
    this.#pithyPrint.close();
    this.#hub.close();
    this.#engine.close();
  }

  #listen({ host, port }: ListenAddress): void {
    try {
      const listener = this.#engine.listen(host, port, (socket) => {
        this.#accept(socket);
      });
      this.#listeners.push(listener);
      const at = host === '' ? `port=${listener.port}` : `${host}:${listener.port}`;
      this.#log.trace(`RTMP listen at ${at} started success`);
    } catch (cause) {
      this.#log.error(`bind socket error. port=${port}, ret=${ErrorCode.SOCKET_BIND}`, cause);
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `RTMP stream listen at port ${port} failed: ${reason}`;
      throw new SrsError(ErrorCode.SOCKET_BIND, message, { cause });
    }
  }

  #accept(socket: Socket): void {
    const { maxConnections } = this.#config.global;
    if (this.#rtmp.size < maxConnections) {
      this.#rtmp.accept(socket);
      return;
    }
    this.#dropped++;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#dropLineMs >= DROP_LINE_MS) {
      this.#dropLineMs = nowMs;
      this.#log.error(
        `exceed the max connections, drop client: clients=${this.#rtmp.size}, ` +
          `max=${maxConnections}, ip=${socket.remoteAddress}, dropped=${this.#dropped}`,
      );
    }
    socket.destroy();
  }
}

/** Where the streams of the built-in ingesters can be played. */
function ingestedUrls(config: Config, port: number): string[] {
  const urls: string[] = [];
  for (const vhost of config.vhosts.filter(({ enabled }) => enabled)) {
    const ingests = vhost.ingest.filter(
      ({ enabled, ffmpeg }) => enabled && ffmpeg === BUILTIN_FFMPEG,
    );
    for (const { output } of ingests.flatMap(({ engines }) => engines)) {
      const url = output.replaceAll('[vhost]', vhost.name).replaceAll('[port]', `${port}`);
      urls.push(...playUrl(config, url));
    }
  }
  return urls;
}

/** The url for players, who need the vhost only where the host does not lead to it; none without sense. */
function playUrl(config: Config, output: string): string[] {
  try {
    const { host, port, vhost, app, stream } = parseRtmpUrl(output);
    const isReached = config.findVhost(host)?.name === config.findVhost(vhost)?.name;
    return [`rtmp://${host}:${port}/${app}${isReached ? '' : `?vhost=${vhost}`}/${stream}`];
  } catch {
    // The ingester has said what is wrong with it.
    return [];
  }
}
