/** The composition root: makes the parts of the server from the configuration, starts and stops them. */
import { systemClock } from '../core/clock';
import type { Clock } from '../core/clock';
import { ContextIds } from '../core/context-id';
import { ErrorCode, SrsError } from '../core/errors';
import type { Logger } from '../core/logger';
import { isBuilt } from '../core/version';
import type { BuildFeature } from '../core/version';
import { BroadcastLog } from '../net/broadcast-log';
import { Engine } from '../net/engine';
import { TlsChannel } from '../net/tls-channel';

import { allowAll } from './access/access';
import type { AccessContext, Authorizer } from './access/access';
import type { Config, VhostOptions } from './config/config';
import { CurrentConfig } from './current-config';
import { DvrService } from './dvr/dvr-service';
import { Entrances } from './entrances';
import type { Entrance } from './entrances';
import { HlsService } from './hls/hls-service';
import type { ReloadResult } from './http/api/api-parts';
import { IngestManager } from './ingest/ingest-manager';
import { Listeners } from './listeners';
import type { ListenProtocol } from './listeners';
import { Operations } from './operations';
import { ingestedUrls } from './play-urls';
import { RtmpService } from './rtmp/service';
import { PithyPrint } from './stats/pithy-print';
import { Statistics } from './stats/statistics';
import { Hub } from './stream/hub';
import type { Source } from './stream/source';
import { Web } from './web';

/** How often unused streams and idle clients are looked for. */
const SWEEP_MS = 5000;
/** Longest wait for clients to take what was sent to them before a stop. */
const STOP_TIMEOUT_MS = 3000;

/** Parts that a test may replace. */
export interface ServerDependencies {
  readonly engine?: Engine;
  readonly clock?: Clock;
  readonly ids?: ContextIds;
  readonly authorizer?: Authorizer;
  /** Reads the configuration file again; without it the API cannot. */
  readonly reload?: () => Promise<ReloadResult>;
}

/** The whole server of one configuration. */
export class Server {
  readonly #config: CurrentConfig;
  readonly #log: Logger;
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #hub: Hub;
  readonly #rtmp: RtmpService;
  readonly #hls: HlsService;
  readonly #web: Web;
  readonly #dvr: DvrService;
  readonly #pithyPrint: PithyPrint;
  readonly #statistics: Statistics;
  readonly #ingest: IngestManager;
  readonly #entrances: Entrances;
  readonly #operations: Operations;
  #sweepTimer: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;

  constructor(config: Config, log: Logger, dependencies: ServerDependencies = {}) {
    const engine = dependencies.engine ?? new Engine(log);
    const clock = dependencies.clock ?? systemClock;
    const ids = dependencies.ids ?? new ContextIds();
    const authorizer = dependencies.authorizer ?? allowAll;
    const current = new CurrentConfig(config);
    const pithyPrint = new PithyPrint(config.global.pithyPrintMs, clock);
    const hub = new Hub((options) => new BroadcastLog(engine, options), {
      onCreate: (source, vhost) => {
        this.#statistics.addStream(source);
        this.#addSinks(source, vhost);
      },
      onDrop: (source) => {
        this.#statistics.removeStream(source);
      },
    });
    const isUtc = (): boolean => current.global.utcTime;
    const statistics = new Statistics(clock, process.pid);
    const accessContext = accessContextOf(statistics, hub);
    const shared = { hub, log, clock, ids, authorizer, accessContext, statistics, pithyPrint };
    this.#config = current;
    this.#log = log;
    this.#engine = engine;
    this.#clock = clock;
    this.#hub = hub;
    this.#pithyPrint = pithyPrint;
    this.#statistics = statistics;
    this.#rtmp = new RtmpService({ ...shared, findVhost: current.findVhost });
    this.#hls = new HlsService({
      log,
      clock,
      pithyPrint,
      isUtc,
      dropPublisher: (name, reason) => {
        hub.find(name)?.publisher?.drop(new SrsError(ErrorCode.HLS_DECODE_ERROR, reason));
      },
    });
    this.#dvr = new DvrService({ log, clock, isUtc });
    this.#web = new Web({ ...shared, config: current, hls: this.#hls });
    this.#operations = new Operations({
      config: current,
      statistics,
      log,
      clock,
      ids,
      files: this.#web.files,
      connections: () => this.#connections,
      accepted: () => engine.stats.accepted,
      reload: dependencies.reload ?? cannotReload,
    });
    this.#entrances = new Entrances(this.#ways(), this.#createListeners(), log);
    this.#ingest = new IngestManager({
      connect: (address, port, timeoutMs, handler) =>
        engine.connect(address, port, timeoutMs, handler),
      log,
      clock,
      ids,
      pithyPrint,
    });
  }

  /** Connections of all protocols. */
  get #connections(): number {
    return this.#rtmp.size + this.#web.size + this.#operations.api.size;
  }

  /** Ports that are open for a protocol, in the order of the configuration. */
  ports(protocol: ListenProtocol): number[] {
    return this.#entrances.ports(protocol);
  }

  /**
   * Opens the listeners and starts the ingesters.
   *
   * @throws SrsError SOCKET_BIND when an address cannot be listened at, or that of a certificate that cannot be used;
   *   nothing is left open then
   */
  async start(): Promise<void> {
    this.#warnOfMissing();
    try {
      this.#entrances.open(this.#config.global);
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#sweepTimer = setInterval(() => {
      const nowMs = this.#clock.nowMs();
      this.#hub.sweep(nowMs);
      this.#rtmp.sweep(nowMs);
      this.#web.sweep(nowMs);
      this.#operations.sweep(nowMs);
    }, SWEEP_MS).unref();
    this.#operations.apply();
    if (isBuilt('dvr')) this.#dvr.start(this.#config.vhosts);
    if (isBuilt('ingest')) this.#startIngest();
  }

  /** Stops gracefully: no new clients, those there are told and get what was sent; idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    clearInterval(this.#sweepTimer);
    this.#entrances.close();
    await this.#ingest.stop();
    const clients = [this.#rtmp, this.#web.live].map((service) => service.stop(STOP_TIMEOUT_MS));
    const requests = this.#web.http.stop(STOP_TIMEOUT_MS);
    await Promise.all(clients);
    this.#hub.close();
    // Requests that wait for more of a stream are answered when its HLS ends.
    await Promise.all([requests, this.#hls.stop(), this.#dvr.stop()]);
    await this.#operations.stop(STOP_TIMEOUT_MS);
    this.#web.gate.stop();
    this.#pithyPrint.close();
    this.#engine.close();
  }

  #createListeners(): Listeners {
    return new Listeners({
      engine: this.#engine,
      log: this.#log,
      clock: this.#clock,
      maxConnections: () => this.#config.global.maxConnections,
      clients: () => this.#connections,
      trustedProxies: () => this.#config.trustedProxies,
    });
  }

  /** The ways into the server, in the order in which they are opened. */
  #ways(): Entrance[] {
    const hasHttp = isBuilt('http-server');
    const hasApi = isBuilt('http-api');
    return [
      {
        protocol: 'RTMP',
        addresses: ({ listen }) => listen,
        accept: (socket) => {
          this.#rtmp.accept(socket);
        },
      },
      {
        protocol: 'RTMPS',
        addresses: ({ rtmpsListen }) => rtmpsListen,
        // Publishers that are made with librtmp take the session tickets that follow a handshake of TLS 1.3 for a failure.
        certificate: ({ rtmpsCert: cert, rtmpsKey: key }) => ({ cert, key, maxVersion: 'TLSv1.2' }),
        accept: (socket, certificate) => {
          if (certificate === undefined) socket.destroy();
          else this.#rtmp.accept(new TlsChannel(socket, certificate.context, this.#log));
        },
      },
      {
        protocol: 'HTTP',
        addresses: ({ httpServer }) => (httpServer.enabled && hasHttp ? httpServer.listen : []),
        accept: (socket) => {
          this.#web.http.accept(socket);
        },
      },
      {
        protocol: 'HTTPS',
        addresses: ({ httpServer: { enabled, https } }) =>
          enabled && https.enabled && hasHttp ? https.listen : [],
        certificate: ({ httpServer: { https } }) => ({ cert: https.cert, key: https.key }),
        accept: (socket, certificate) => {
          if (certificate === undefined) socket.destroy();
          else this.#web.http.acceptSecure(socket, certificate.context);
        },
      },
      {
        protocol: 'HTTP API',
        addresses: ({ httpApi }) => (httpApi.enabled && hasApi ? httpApi.listen : []),
        accept: (socket) => {
          this.#operations.api.accept(socket);
        },
      },
      {
        protocol: 'HTTPS API',
        addresses: ({ httpApi: { enabled, https } }) =>
          enabled && https.enabled && hasApi ? https.listen : [],
        certificate: ({ httpApi: { https } }) => ({ cert: https.cert, key: https.key }),
        accept: (socket, certificate) => {
          if (certificate === undefined) socket.destroy();
          else this.#operations.api.acceptSecure(socket, certificate.context);
        },
      },
    ];
  }

  #addSinks(source: Source, vhost: VhostOptions): void {
    if (vhost.hls.enabled && isBuilt('hls')) {
      source.addSink(this.#hls.sinkFor(source.name, vhost.hls));
    }
    if (vhost.dvr.enabled && isBuilt('dvr')) {
      source.addSink(this.#dvr.sinkFor(source.name, vhost.dvr));
    }
  }

  #startIngest(): void {
    const [port = 0] = this.ports('RTMP');
    const [httpPort = 0] = this.ports('HTTP');
    this.#ingest.start(this.#config.vhosts, port);
    const urls = ingestedUrls(this.#config.value, port, httpPort);
    for (const url of urls) this.#log.trace(`play: ${url}`);
  }

  /** What the configuration asks for and `./configure` left out. */
  #warnOfMissing(): void {
    const vhosts = this.#config.vhosts.filter(({ enabled }) => enabled);
    const asked: readonly [BuildFeature, boolean][] = [
      ['http-server', this.#config.global.httpServer.enabled],
      ['http-api', this.#config.global.httpApi.enabled],
      ['http-callback', vhosts.some(({ httpHooks }) => httpHooks.enabled)],
      ['hls', vhosts.some(({ hls }) => hls.enabled)],
      ['dvr', vhosts.some(({ dvr }) => dvr.enabled)],
      ['ingest', ingestedUrls(this.#config.value, 1, 0).length > 0],
    ];
    for (const [feature, isAsked] of asked) {
      if (isAsked && !isBuilt(feature)) this.#log.warn(`${feature} is disabled by configure`);
    }
  }
}

/** What rules on clients may ask about the server. */
function accessContextOf(statistics: Statistics, hub: Hub): AccessContext {
  return {
    usage: (vhost) => statistics.usage(vhost),
    nowMs: () => Date.now(),
    isPublished: (name) => hub.find(name)?.publisher !== undefined,
  };
}

/** For a server that was made of a text. */
function cannotReload(): Promise<ReloadResult> {
  const error = 'the server was not started from a file';
  return Promise.resolve({ ok: false, code: ErrorCode.SYSTEM_CONFIG_INVALID, error, changes: [] });
}
