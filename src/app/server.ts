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

import type { AccessContext, Authorizer } from './access/access';
import { Authorizers } from './access/authorizers';
import { BandcheckService } from './bandcheck/service';
import { Cluster } from './cluster';
import type { Config } from './config/config';
import { CurrentConfig } from './current-config';
import { DvrService } from './dvr/dvr-service';
import { Entrances } from './entrances';
import type { Entrance } from './entrances';
import { HlsService } from './hls/hls-service';
import { HookService } from './hooks/hook-service';
import type { ReloadResult } from './http/api/api-parts';
import { IngestManager } from './ingest/ingest-manager';
import { Listeners } from './listeners';
import type { ListenProtocol } from './listeners';
import { Operations } from './operations';
import { ingestedUrls } from './play-urls';
import { Reload } from './reload';
import { RtmpService } from './rtmp/service';
import { PithyPrint } from './stats/pithy-print';
import { Statistics } from './stats/statistics';
import { Hub } from './stream/hub';
import { StreamSinks } from './stream-sinks';
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
  /** In the place of the hooks. */
  readonly authorizer?: Authorizer;
  readonly bandcheck?: BandcheckService;
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
  /** Undefined where they were left out of the build. */
  readonly #hooks: HookService | undefined;
  readonly #cluster: Cluster;
  readonly #sinks: StreamSinks;
  readonly #pithyPrint: PithyPrint;
  readonly #statistics: Statistics;
  readonly #ingest: IngestManager;
  readonly #entrances: Entrances;
  readonly #operations: Operations;
  readonly #reload: Reload;
  #sweepTimer: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;

  constructor(config: Config, log: Logger, dependencies: ServerDependencies = {}) {
    const engine = dependencies.engine ?? new Engine(log);
    const { clock = systemClock, ids = new ContextIds() } = dependencies;
    const current = new CurrentConfig(config);
    const { findVhost } = current;
    const hooks = isBuilt('http-callback') ? new HookService({ log, clock, findVhost }) : undefined;
    const pithyPrint = new PithyPrint(config.global.pithyPrintMs, clock);
    const hub = new Hub((options) => new BroadcastLog(engine, options), {
      onCreate: (source, vhost) => {
        this.#statistics.addStream(source);
        this.#sinks.apply(source, vhost);
        this.#cluster.apply(source, vhost);
      },
      onDrop: (source) => {
        this.#statistics.removeStream(source);
        this.#cluster.forget(source);
      },
    });
    const statistics = new Statistics(clock, process.pid);
    const common = { hub, log, clock, ids, statistics, pithyPrint };
    const cluster = new Cluster({
      ...common,
      config: current,
      engine,
      backend: hooks,
      listening: () => this.#entrances.addresses('RTMP', 'RTMPS'),
    });
    const first = dependencies.authorizer ?? hooks;
    const authorizer = new Authorizers([...(first ? [first] : []), ...cluster.authorizers]);
    const shared = { ...common, authorizer, accessContext: accessContextOf(statistics, hub) };
    this.#config = current;
    this.#log = log;
    this.#engine = engine;
    this.#clock = clock;
    this.#hub = hub;
    this.#pithyPrint = pithyPrint;
    this.#statistics = statistics;
    this.#hooks = hooks;
    this.#cluster = cluster;
    const bandcheck = dependencies.bandcheck ?? new BandcheckService({ clock });
    this.#rtmp = new RtmpService({ ...shared, findVhost, bandcheck });
    const isUtc = (): boolean => current.global.utcTime;
    this.#hls = this.#createHls(isUtc);
    this.#dvr = new DvrService({ log, clock, isUtc, onFileClosed: (file) => hooks?.onDvr(file) });
    this.#sinks = new StreamSinks({ hls: this.#hls, dvr: this.#dvr });
    this.#web = new Web({ ...shared, config: current, hls: this.#hls });
    this.#operations = new Operations({
      ...common,
      config: current,
      files: this.#web.files,
      forwards: cluster.forward,
      upstreams: cluster,
      connections: () => this.#connections,
      accepted: () => engine.stats.accepted,
      reload: dependencies.reload ?? cannotReload,
    });
    this.#entrances = new Entrances(this.#ways(), this.#createListeners(), log);
    this.#ingest = this.#createIngest(ids);
    this.#reload = this.#createReload();
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
      this.#cluster.forward.sample(nowMs);
    }, SWEEP_MS).unref();
    this.#operations.apply();
    this.#cluster.applyRegistry();
    if (isBuilt('dvr')) this.#dvr.start(this.#config.vhosts);
    if (isBuilt('ingest')) this.#startIngest();
  }

  /**
   * Puts another configuration in force, as far as that can be without a restart. Never rejects: what cannot be applied is
   * logged, and all else applied.
   *
   * @returns what has changed, a line each, then what could not be applied
   */
  reload(next: Config): Promise<readonly string[]> {
    return this.#reload.apply(next);
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
    const cluster = this.#cluster.stop();
    this.#hub.close();
    // Requests that wait for more of a stream are answered when its HLS ends.
    const operations = this.#operations.stop(STOP_TIMEOUT_MS);
    await Promise.all([requests, operations, cluster, this.#hls.stop(), this.#dvr.stop()]);
    this.#web.gate.stop();
    await this.#hooks?.stop(STOP_TIMEOUT_MS);
    this.#pithyPrint.close();
    this.#engine.close();
  }

  #createHls(isUtc: () => boolean): HlsService {
    return new HlsService({
      log: this.#log,
      clock: this.#clock,
      pithyPrint: this.#pithyPrint,
      isUtc,
      onSegment: (segment) => this.#hooks?.onHls(segment),
      dropPublisher: (name, reason) => {
        const error = new SrsError(ErrorCode.HLS_DECODE_ERROR, reason);
        this.#hub.find(name)?.publisher?.drop(error);
      },
    });
  }

  #createIngest(ids: ContextIds): IngestManager {
    return new IngestManager({
      connect: (address, port, timeoutMs, handler) =>
        this.#engine.connect(address, port, timeoutMs, handler),
      log: this.#log,
      clock: this.#clock,
      ids,
      pithyPrint: this.#pithyPrint,
    });
  }

  #createReload(): Reload {
    const { live, gate, files } = this.#web;
    return new Reload({
      config: this.#config,
      log: this.#log,
      hub: this.#hub,
      rtmp: this.#rtmp,
      live,
      gate,
      files,
      hls: this.#hls,
      dvr: this.#dvr,
      sinks: this.#sinks,
      cluster: this.#cluster,
      ingest: this.#ingest,
      entrances: this.#entrances,
      pithyPrint: this.#pithyPrint,
      operations: this.#operations,
      isStopping: () => this.#stopped !== undefined,
    });
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
    isPublished: (name) => {
      const publisher = hub.find(name)?.publisher;
      return publisher !== undefined && publisher.isUpstream !== true;
    },
  };
}

/** For a server that was made of a text. */
function cannotReload(): Promise<ReloadResult> {
  const error = 'the server was not started from a file';
  return Promise.resolve({ ok: false, code: ErrorCode.SYSTEM_CONFIG_INVALID, error, changes: [] });
}
