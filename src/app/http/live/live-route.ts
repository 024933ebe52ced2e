/** Owns live streams over HTTP and WebSocket: which requests are about one, and all that plays and publishes so. */
import type { Clock } from '../../../core/clock';
import { describeFault } from '../../../core/errors';
import { redact } from '../../../core/redact';
import { withoutUsage } from '../../access/access';
import type { AccessContext, Authorizer } from '../../access/access';
import type { VhostOptions } from '../../config/config';
import type { PithyPrint } from '../../stats/pithy-print';
import type { Statistics } from '../../stats/statistics';
import { StatusLines } from '../../stats/status-lines';
import type { Hub } from '../../stream/hub';
import type { Source } from '../../stream/source';
import { refuseMethod, sendText } from '../exchange';
import type { HttpExchange, HttpRoute } from '../exchange';

import { Admission, httpStatusOf } from './admission';
import { Audience } from './audience';
import { containerNames } from './container';
import { Feeds } from './feeds';
import { LiveMount } from './live-mount';
import type { LivePath } from './live-mount';
import { checkPlay, LivePlay, openResponse, setHead } from './live-play';
import type { PlayHost, PlayRequest } from './live-play';
import { LivePublish } from './live-publish';
import type { PublishHost } from './live-publish';
import { toRequest } from './live-request';
import type { LiveClient, Player } from './player';
import { WsAcceptor } from './ws-outlet';

/** What the route is given by the composition root. */
export interface LiveRouteParts {
  readonly hub: Hub;
  readonly clock: Clock;
  readonly authorizer: Authorizer;
  /** Default: no limit is ever reached. */
  readonly accessContext?: AccessContext;
  /** Told of who publishes and plays. */
  readonly statistics?: Pick<Statistics, 'join'>;
  readonly pithyPrint: PithyPrint;
  /** The enabled vhost that serves a name now; without an answer vhosts never change. */
  findVhost?(name: string): VhostOptions | undefined;
  /** Whether a later route has a file for a request; without an answer players of such a path wait before they get it. */
  hasFile?(exchange: HttpExchange): boolean | Promise<boolean>;
}

/** A request that is about a live stream. */
interface Target {
  readonly vhost: VhostOptions;
  readonly mount: LiveMount;
  readonly path: LivePath;
}

/** The live streams of all vhosts with `http_remux` enabled. */
export class LiveRoute implements HttpRoute, PlayHost, PublishHost {
  readonly hub: Hub;
  readonly clock: Clock;
  readonly authorizer: Authorizer;
  readonly accessContext: AccessContext;
  readonly statistics: Pick<Statistics, 'join'> | undefined;
  readonly playerLines: StatusLines;
  readonly publisherLines: StatusLines;
  readonly feeds = new Feeds();
  readonly #parts: LiveRouteParts;
  readonly #mounts = new WeakMap<VhostOptions, LiveMount>();
  readonly #audiences = new Map<Source, Audience>();
  readonly #clients = new Set<LiveClient>();
  readonly #webSockets = new WsAcceptor();
  #taken = 0;
  #isStopping = false;
  #whenEmpty: (() => void) | undefined;

  constructor(parts: LiveRouteParts) {
    this.hub = parts.hub;
    this.clock = parts.clock;
    this.authorizer = parts.authorizer;
    this.accessContext = parts.accessContext ?? withoutUsage;
    this.statistics = parts.statistics;
    this.playerLines = new StatusLines('play', parts.pithyPrint, parts.clock);
    this.publisherLines = new StatusLines('publish', parts.pithyPrint, parts.clock);
    this.#parts = parts;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Players and publishers, those that are closing included. */
  get size(): number {
    return this.#clients.size;
  }

  /** Those of them whose connections were taken out of HTTP, which the HTTP server no longer counts. */
  get taken(): number {
    return this.#taken;
  }

  handle(exchange: HttpExchange): boolean | Promise<boolean> {
    const target = this.#find(exchange);
    if (!target) return false;
    const canPublish = target.path.container === 'flv' && target.vhost.httpRemux.publish;
    switch (exchange.method) {
      case 'GET':
        return this.#play(exchange, target);
      case 'HEAD':
        return this.#describe(exchange, target);
      case 'POST':
      case 'PUT':
        if (canPublish) return this.#publish(exchange, target);
        break;
      default:
    }
    return refuseMethod(exchange, canPublish ? ['GET', 'HEAD', 'POST', 'PUT'] : ['GET', 'HEAD']);
  }

  /** WebSocket: FLV or MPEG-TS in binary messages. */
  upgrade(exchange: HttpExchange, head: Buffer): boolean {
    const target = this.#find(exchange);
    if (!target) return false;
    const { vhost, path } = target;
    if (path.container !== 'flv' && path.container !== 'ts') return false;
    const ask: PlayRequest = {
      exchange,
      vhost,
      path,
      type: containerNames[path.container].replace('HTTP', 'WS'),
      isUpgrade: true,
      openOutlet: () => this.#webSockets.accept(exchange.request, head),
    };
    if (!this.#isLive(target) && !waitsFor(target)) sendText(exchange, 404);
    else void this.#upgrade(ask);
    return true;
  }

  /** Ends all clients in good order; resolves when they are gone, or `timeoutMs` later. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true;
    for (const audience of [...this.#audiences.values()]) audience.stop();
    for (const client of [...this.#clients]) client.shutdown();
    if (this.#clients.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#whenEmpty = (): void => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Options of a vhost have changed: its players and publishers go on with these. */
  setVhost(vhost: VhostOptions): void {
    for (const [source, audience] of this.#audiences) {
      if (source.name.vhost === vhost.name) audience.setWaitMs(vhost.httpRemux.publisherWaitMs);
    }
    this.feeds.setVhost(vhost);
    for (const client of this.#clients) {
      if (client.vhostName === vhost.name) client.setVhost(vhost);
    }
  }

  /** Ends the clients of a vhost; those that wait for a publisher are told that there is none. */
  closeVhost(name: string, reason: string): void {
    for (const [source, audience] of this.#audiences) {
      if (source.name.vhost === name) audience.stop();
    }
    for (const client of [...this.#clients]) if (client.vhostName === name) client.kick(reason);
  }

  // What plays and publishes need.

  renewed(vhost: VhostOptions): VhostOptions | undefined {
    if (!this.#parts.findVhost) return vhost;
    const found = this.#parts.findVhost(vhost.name);
    return found?.name === vhost.name && found.httpRemux.enabled ? found : undefined;
  }

  audienceOf(source: Source, waitMs: number): Audience {
    let audience = this.#audiences.get(source);
    if (!audience) {
      const made = new Audience(source, waitMs, () => {
        if (this.#audiences.get(source) === made) this.#audiences.delete(source);
      });
      audience = made;
      this.#audiences.set(source, made);
    }
    return audience;
  }

  onPlayer(player: Player): void {
    this.#add(player);
  }

  onPublisher(publisher: LivePublish): void {
    this.#add(publisher);
  }

  onClientGone(client: LiveClient): void {
    if (this.#clients.delete(client) && client.isTaken) this.#taken--;
    if (this.#clients.size === 0) this.#whenEmpty?.();
  }

  #add(client: LiveClient): void {
    this.#clients.add(client);
    if (client.isTaken) this.#taken++;
  }

  #find({ vhost, host, path }: HttpExchange): Target | undefined {
    if (!vhost?.httpRemux.enabled || this.#isStopping) return undefined;
    let mount = this.#mounts.get(vhost);
    if (!mount) {
      mount = new LiveMount(vhost.httpRemux.mount, vhost.name);
      this.#mounts.set(vhost, mount);
    }
    const found = mount.match(host, path);
    return found && { vhost, mount, path: found };
  }

  #isLive({ vhost, path: { app, stream } }: Target): boolean {
    return this.hub.find({ vhost: vhost.name, app, stream })?.publisher !== undefined;
  }

  async #play(exchange: HttpExchange, target: Target): Promise<boolean> {
    const { vhost, path } = target;
    if (!this.#isLive(target)) {
      if (!waitsFor(target)) return false;
      if ((await this.#parts.hasFile?.(exchange)) === true) return false;
    }
    const refusal = await new LivePlay(
      {
        exchange,
        vhost,
        path,
        type: containerNames[path.container],
        isUpgrade: false,
        openOutlet: ({ tcpNodelay }) => openResponse(exchange, path.container, tcpNodelay),
      },
      this,
    ).run();
    if (!refusal) return true;
    // Perhaps there is a file of that name.
    if (refusal.status === 404 && !this.#parts.hasFile && !this.#isStopping) return false;
    sendText(exchange, refusal.status, refusal.text);
    return true;
  }

  async #publish(exchange: HttpExchange, { vhost, path }: Target): Promise<boolean> {
    await new LivePublish(exchange, vhost, path, this).run();
    return true;
  }

  /** The headers of a play, without one: nobody is asked, and nothing is waited for. */
  #describe(exchange: HttpExchange, target: Target): boolean {
    if (!this.#isLive(target)) return false;
    const { vhost, path } = target;
    const request = toRequest(exchange, vhost.name, path);
    const admission = new Admission(exchange, request, this.authorizer);
    const refusal = checkPlay(admission, vhost, this.accessContext);
    if (refusal) {
      sendText(exchange, httpStatusOf(refusal), refusal.description);
      return true;
    }
    setHead(exchange.response, path.container);
    exchange.response.end();
    return true;
  }

  async #upgrade(ask: PlayRequest): Promise<void> {
    const { exchange } = ask;
    try {
      const refusal = await new LivePlay(ask, this).run();
      if (refusal) sendText(exchange, refusal.status, refusal.text);
    } catch (error) {
      exchange.log.error(`WebSocket request failed, ${redact(describeFault(error))}`, error);
      exchange.request.socket.destroy();
    }
  }
}

/**
 * Whether a player of a stream that nobody publishes may wait: only at the very path of the mount, as all other paths
 * may be those of files; and not for what looks like a segment of HLS.
 */
function waitsFor({ vhost, mount, path }: Target): boolean {
  const isSegment = path.container === 'ts' && vhost.hls.enabled;
  return vhost.httpRemux.hstrs && path.container === mount.container && !isSegment;
}
