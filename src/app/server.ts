/** The composition root: makes the parts of the server from the configuration, starts and stops them. */
import { systemClock } from '../core/clock';
import type { Clock } from '../core/clock';
import { ContextIds } from '../core/context-id';
import { ErrorCode, SrsError } from '../core/errors';
import type { Logger } from '../core/logger';
import { isBuilt } from '../core/version';
import type { BuildFeature } from '../core/version';
import { BroadcastLog } from '../net/broadcast-log';
import { Certificate } from '../net/certificate';
import type { CertificateFiles } from '../net/certificate';
import { Engine } from '../net/engine';
import { TlsChannel } from '../net/tls-channel';
import { parseRtmpUrl } from '../rtmp/request';

import { allowAll } from './access/access';
import type { Authorizer } from './access/access';
import type { Config, VhostOptions } from './config/config';
import { BUILTIN_FFMPEG } from './config/sections/transcode';
import { DvrService } from './dvr/dvr-service';
import { HlsService } from './hls/hls-service';
import type { HttpExchange } from './http/exchange';
import { HttpServer } from './http/http-server';
import { LiveRoute } from './http/live/live-route';
import { StaticFiles } from './http/static-files';
import { IngestManager } from './ingest/ingest-manager';
import { Listeners } from './listeners';
import type { ListenProtocol } from './listeners';
import { RtmpService } from './rtmp/service';
import { PithyPrint } from './stats/pithy-print';
import { Hub } from './stream/hub';
import type { Source } from './stream/source';

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
}

/** The whole server of one configuration. */
export class Server {
  readonly #config: Config;
  readonly #log: Logger;
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #hub: Hub;
  readonly #rtmp: RtmpService;
  readonly #http: HttpServer;
  readonly #live: LiveRoute;
  readonly #hls: HlsService;
  readonly #dvr: DvrService;
  readonly #pithyPrint: PithyPrint;
  readonly #ingest: IngestManager;
  readonly #listeners: Listeners;
  readonly #certificates: Certificate[] = [];
  #sweepTimer: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;

  constructor(config: Config, log: Logger, dependencies: ServerDependencies = {}) {
    const engine = dependencies.engine ?? new Engine(log);
    const clock = dependencies.clock ?? systemClock;
    const ids = dependencies.ids ?? new ContextIds();
    const authorizer = dependencies.authorizer ?? allowAll;
    const pithyPrint = new PithyPrint(config.global.pithyPrintMs, clock);
    const hub = new Hub((options) => new BroadcastLog(engine, options), {
      onCreate: (source, vhost) => {
        this.#addSinks(source, vhost);
      },
    });
    const findVhost = (name: string): VhostOptions | undefined => config.findVhost(name);
    const { utcTime: isUtc } = config.global;
    this.#config = config;
    this.#log = log;
    this.#engine = engine;
    this.#clock = clock;
    this.#hub = hub;
    this.#pithyPrint = pithyPrint;
    this.#rtmp = new RtmpService({ hub, log, clock, ids, pithyPrint, findVhost, authorizer });
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
    const { dir, crossdomain } = config.global.httpServer;
    const files = new StaticFiles({ dir, vhosts: config.vhosts, crossdomain });
    const hasFile = (exchange: HttpExchange): Promise<boolean> => files.hasFile(exchange);
    this.#live = new LiveRoute({ hub, clock, authorizer, pithyPrint, hasFile });
    const routes = [this.#hls, this.#live, files];
    this.#http = new HttpServer({
      log,
      clock,
      ids,
      routes,
      findVhost: vhostByHost(config),
      crossdomain,
    });
    this.#listeners = new Listeners({
      engine,
      log,
      clock,
      maxConnections: config.global.maxConnections,
      clients: () => this.#rtmp.size + this.#http.size + this.#live.taken,
    });
    this.#ingest = new IngestManager({
      connect: (address, port, timeoutMs, handler) =>
        engine.connect(address, port, timeoutMs, handler),
      log,
      clock,
      ids,
      pithyPrint,
    });
  }

  /** Ports that are open for a protocol, in the order of the configuration. */
  ports(protocol: ListenProtocol): number[] {
    return this.#listeners.ports(protocol);
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
      this.#listenRtmp();
      if (this.#config.global.httpServer.enabled && isBuilt('http-server')) this.#listenHttp();
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#sweepTimer = setInterval(() => {
      const nowMs = this.#clock.nowMs();
      this.#hub.sweep(nowMs);
      this.#rtmp.sweep(nowMs);
      this.#http.sweep(nowMs);
    }, SWEEP_MS).unref();
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
    this.#listeners.close();
    for (const certificate of this.#certificates) certificate.close();
    await this.#ingest.stop();
    const clients = [this.#rtmp, this.#live].map((service) => service.stop(STOP_TIMEOUT_MS));
    const requests = this.#http.stop(STOP_TIMEOUT_MS);
    await Promise.all(clients);
    this.#hub.close();
    // Requests that wait for more of a stream are answered when its HLS ends.
    await Promise.all([requests, this.#hls.stop(), this.#dvr.stop()]);
    this.#pithyPrint.close();
    this.#engine.close();
  }

  #listenRtmp(): void {
    const { listen, rtmpsListen, rtmpsCert, rtmpsKey } = this.#config.global;
    this.#listeners.open('RTMP', listen, (socket) => {
      this.#rtmp.accept(socket);
    });
    if (rtmpsListen.length === 0) return;
    // Publishers that are made with librtmp take the session tickets that follow a handshake of TLS 1.3 for a failure.
    const files = { cert: rtmpsCert, key: rtmpsKey, maxVersion: 'TLSv1.2' } as const;
    const certificate = this.#certificate(files);
    this.#listeners.open('RTMPS', rtmpsListen, (socket) => {
      this.#rtmp.accept(new TlsChannel(socket, certificate.context, this.#log));
    });
  }

  #listenHttp(): void {
    const { listen, https } = this.#config.global.httpServer;
    this.#listeners.open('HTTP', listen, (socket) => {
      this.#http.accept(socket);
    });
    if (!https.enabled) return;
    const certificate = this.#certificate(https);
    this.#listeners.open('HTTPS', https.listen, (socket) => {
      this.#http.acceptSecure(socket, certificate.context);
    });
  }

  #certificate(files: CertificateFiles): Certificate {
    const certificate = Certificate.load(files, this.#log);
    this.#certificates.push(certificate);
    return certificate;
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
    const urls = ingestedUrls(this.#config, port, httpPort);
    for (const url of urls) this.#log.trace(`play: ${url}`);
  }

  /** What the configuration asks for and `./configure` left out. */
  #warnOfMissing(): void {
    const vhosts = this.#config.vhosts.filter(({ enabled }) => enabled);
    const asked: readonly [BuildFeature, boolean][] = [
      ['http-server', this.#config.global.httpServer.enabled],
      ['hls', vhosts.some(({ hls }) => hls.enabled)],
      ['dvr', vhosts.some(({ dvr }) => dvr.enabled)],
      ['ingest', ingestedUrls(this.#config, 1, 0).length > 0],
    ];
    for (const [feature, isAsked] of asked) {
      if (isAsked && !isBuilt(feature)) this.#log.warn(`${feature} is disabled by configure`);
    }
  }
}

/** As the configuration finds a vhost, for HTTP, where the host is in lower case and the same in any. */
function vhostByHost(config: Config): (host: string) => VhostOptions | undefined {
  const names = new Map(config.vhosts.map(({ name }) => [name.toLowerCase(), name]));
  return (host) => {
    const exact = config.findVhost(host);
    return exact?.name === host ? exact : config.findVhost(names.get(host.toLowerCase()) ?? host);
  };
}

/** Where the streams of the built-in ingesters can be played; `httpPort` 0 = not over HTTP. */
function ingestedUrls(config: Config, rtmpPort: number, httpPort: number): string[] {
  const urls: string[] = [];
  for (const vhost of config.vhosts.filter(({ enabled }) => enabled)) {
    const ingests = vhost.ingest.filter(
      ({ enabled, ffmpeg }) => enabled && ffmpeg === BUILTIN_FFMPEG,
    );
    for (const { output } of ingests.flatMap(({ engines }) => engines)) {
      const url = output.replaceAll('[vhost]', vhost.name).replaceAll('[port]', `${rtmpPort}`);
      urls.push(...playUrls(config, url, httpPort));
    }
  }
  return urls;
}

/** The urls for players, who need the vhost only where the host does not lead to it; none without sense. */
function playUrls(config: Config, output: string, httpPort: number): string[] {
  try {
    const { host, port, vhost: name, app, stream } = parseRtmpUrl(output);
    const vhost = config.findVhost(name);
    const isReached = config.findVhost(host)?.name === vhost?.name;
    const query = isReached ? '' : `?vhost=${name}`;
    const urls = [`rtmp://${host}:${port}/${app}${query}/${stream}`];
    if (httpPort === 0 || !vhost) return urls;
    const http = `http://${host}:${httpPort}/${app}/${stream}`;
    if (vhost.httpRemux.enabled) urls.push(`${http}.flv${query}`);
    if (vhost.hls.enabled && vhost.hls.storage !== 'disk') urls.push(`${http}.m3u8${query}`);
    return urls;
  } catch {
    // The ingester has said what is wrong with it.
    return [];
  }
}
