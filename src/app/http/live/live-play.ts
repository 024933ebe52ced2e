/** Owns the way of one request to a player that plays: who it is, whether it may, what it gets and by which transport. */
import { ErrorCode } from '../../../core/errors';
import { checkStreamName, RefusalStatus } from '../../access/access';
import type { AccessContext, Authorizer, Refusal } from '../../access/access';
import { checkLimits } from '../../access/limits';
import { identifiedLine } from '../../access/log-lines';
import { checkAccess } from '../../access/rules';
import type { VhostOptions } from '../../config/config';
import { flushIntervalMs } from '../../stream/delivery';
import type { Source } from '../../stream/source';
import type { HttpExchange } from '../exchange';

import { Admission, httpStatusOf } from './admission';
import { contentTypes } from './container';
import type { Container } from './container';
import { FeedTap } from './feed-tap';
import type { Feeds, HeldFeed } from './feeds';
import type { LivePath } from './live-mount';
import { toRequest } from './live-request';
import { pagedSourceLine } from './log-lines';
import type { Outlet } from './outlet';
import { Player } from './player';
import type { PlayerHost } from './player';
import { ResponseOutlet } from './response-outlet';
import { SocketOutlet } from './socket-outlet';
import { playerProtocol } from './stat-client';
import { NativeTap, PulledTap } from './tap';
import type { Tap } from './tap';
import { WsOutlet } from './ws-outlet';

/** What plays work with. */
export interface PlayHost extends PlayerHost {
  readonly authorizer: Authorizer;
  readonly accessContext: AccessContext;
  readonly feeds: Feeds;
  /** The same vhost as it is configured now; undefined when it is gone, or has no live streams any more. */
  renewed(vhost: VhostOptions): VhostOptions | undefined;
  onPlayer(player: Player): void;
}

/** What is asked for, and how. */
export interface PlayRequest {
  readonly exchange: HttpExchange;
  readonly vhost: VhostOptions;
  readonly path: LivePath;
  /** How the log names this kind of player. */
  readonly type: string;
  /** It is to become a WebSocket: nobody reads from its connection until then. */
  readonly isUpgrade: boolean;
  /** Opens the transport, by the options of the vhost as of now; undefined when the client turns out to be gone, or was no proper one. */
  openOutlet(vhost: VhostOptions): Outlet | undefined;
}

/** A refusal in HTTP. */
export interface HttpRefusal {
  readonly status: number;
  readonly text: string;
}

/** Status for a stream that is there, but not in the container asked for. */
const NOT_ACCEPTABLE = 406;

/** Why the rules of the configuration keep a client from playing; undefined when they do not. */
export function checkPlay(
  admission: Admission,
  vhost: VhostOptions,
  context: AccessContext,
): Refusal | undefined {
  return (
    checkStreamName(admission.request, RefusalStatus.notFound) ??
    checkAccess('play', admission, vhost, context)
  );
}

/** One play until it has begun, or was refused. */
export class LivePlay {
  readonly #ask: PlayRequest;
  readonly #host: PlayHost;
  readonly #admission: Admission;
  /** As of the last time it was looked at. */
  #vhost: VhostOptions;
  readonly #gone = new AbortController();

  constructor(ask: PlayRequest, host: PlayHost) {
    this.#ask = ask;
    this.#host = host;
    const { exchange, vhost, path, isUpgrade } = ask;
    this.#vhost = vhost;
    const request = toRequest(exchange, vhost.name, path);
    this.#admission = new Admission(exchange, request, host.authorizer);
    exchange.response.once('close', this.#onGone);
    // A player that says it is at its end has left, though it could still be sent something.
    const { socket: stream } = exchange.request;
    if (stream.readableEnded) this.#onEnd();
    else stream.once('end', this.#onEnd);
    if (isUpgrade) stream.on('readable', this.#onReadable);
  }

  /**
   * Goes the whole way.
   *
   * @returns undefined when the client plays or has left, else what to tell it
   */
  async run(): Promise<HttpRefusal | undefined> {
    const { path, type, exchange } = this.#ask;
    const admission = this.#admission;
    exchange.log.trace(identifiedLine(`Play(${type})`, admission.request));
    const refusal = await admission.enter('play', () =>
      checkPlay(admission, this.#vhost, this.#host.accessContext),
    );
    if (refusal) {
      this.#done();
      return this.#gone.signal.aborted ? undefined : toHttp(refusal);
    }
    if (!this.#renew()) return this.#refuseVhost();
    const vhost = this.#vhost;
    const { hub } = this.#host;
    const source = hub.fetch({ ...path, vhost: vhost.name }, vhost);
    admission.want(source);
    const { httpRemux } = vhost;
    const { request, ip } = admission;
    admission.log.trace(pagedSourceLine(request, ip, vhost, source.sourceId));
    const isPublished =
      !this.#host.isStopping &&
      (await this.#host
        .audienceOf(source, httpRemux.publisherWaitMs)
        .waitForPublisher(this.#gone.signal));
    if (this.#host.isStopping) return this.#end(source, 503, 'the server is shutting down');
    if (!this.#renew()) return this.#end(source, 404, notServed(vhost));
    if (!isPublished) {
      return this.#end(source, 404, `${path.app}/${path.stream} is not published`);
    }
    if (path.container !== 'flv') return this.#startFeed(source, path.container);
    return this.#start(source, undefined);
  }

  async #startFeed(
    source: Source,
    container: Exclude<Container, 'flv'>,
  ): Promise<HttpRefusal | undefined> {
    const vhost = this.#vhost;
    const waitMs = vhost.httpRemux.publisherWaitMs;
    const held = this.#host.feeds.hold(source, container, vhost, this.#flushMs);
    const isDecided = await held.feed.whenDecided(waitMs, this.#gone.signal);
    const reason = isDecided
      ? held.feed.reason
      : `expect something to play as .${container} within ${waitMs} ms`;
    if (reason === undefined && !this.#gone.signal.aborted) return this.#start(source, held);
    held.release();
    return this.#end(source, NOT_ACCEPTABLE, reason ?? '');
  }

  /** The play does not begin: undefined when there is nobody any more to tell. */
  #end(source: Source, status: number, text: string): HttpRefusal | undefined {
    const code = status === 404 ? ErrorCode.RTMP_STREAM_NOT_FOUND : ErrorCode.HTTP_LIVE_STREAM_EXT;
    const refusal = { code, status: RefusalStatus.play, description: text };
    return this.#takeBack(source, refusal) ? { status, text } : undefined;
  }

  /** Undoes the play that was allowed; whether there is somebody to tell. */
  #takeBack(source: Source, refusal: Refusal): boolean {
    const isGone = this.#gone.signal.aborted;
    this.#done();
    if (!isGone) this.#admission.refuse('play', refusal);
    this.#host.hub.playerLeft(source);
    return !isGone;
  }

  #start(source: Source, held: HeldFeed | undefined): HttpRefusal | undefined {
    if (!this.#renew()) {
      held?.release();
      return this.#end(source, 404, notServed(this.#vhost));
    }
    // Others may have begun while this one waited.
    const { request } = this.#admission;
    const full = checkLimits('play', request, this.#vhost, this.#host.accessContext);
    if (full) {
      held?.release();
      return this.#takeBack(source, full) ? toHttp(full) : undefined;
    }
    this.#done();
    const outlet = this.#gone.signal.aborted ? undefined : this.#ask.openOutlet(this.#vhost);
    if (!outlet) {
      held?.release();
      this.#admission.leave();
      this.#host.hub.playerLeft(source);
      return undefined;
    }
    const tap = this.#createTap(source, outlet, held, (code) => {
      player.drop(code);
    });
    const { exchange, path } = this.#ask;
    const { container } = path;
    const player = new Player(
      {
        admission: this.#admission,
        source,
        outlet,
        tap,
        vhost: this.#vhost,
        protocol: playerProtocol(container, outlet instanceof WsOutlet, exchange.isSecure),
      },
      this.#host,
    );
    this.#host.onPlayer(player);
    player.start();
    if (this.#host.isStopping) player.shutdown();
    return undefined;
  }

  #createTap(
    source: Source,
    outlet: Outlet,
    held: HeldFeed | undefined,
    drop: (code: number) => void,
  ): Tap {
    if (!held) {
      return outlet instanceof SocketOutlet
        ? new NativeTap(source, outlet, this.#flushMs)
        : new PulledTap(source, outlet, this.#flushMs);
    }
    const { queueLengthMs, gopCacheMaxBytes } = this.#vhost;
    const limits = { spanMs: queueLengthMs, bytes: gopCacheMaxBytes };
    return new FeedTap(held.feed, held.release, outlet, limits, {
      onHopeless: () => {
        this.#admission.log.error('the player cannot follow the stream');
        drop(ErrorCode.SOCKET_TIMEOUT);
      },
      onFeedOver: (reason) => {
        this.#admission.log.error(`play ends, ${reason}`);
        drop(ErrorCode.HTTP_LIVE_STREAM_EXT);
      },
    });
  }

  get #flushMs(): number {
    return flushIntervalMs(this.#vhost);
  }

  /** The configuration may have changed while others thought: whether the vhost still serves, by what options. */
  #renew(): boolean {
    const renewed = this.#host.renewed(this.#vhost);
    this.#vhost = renewed ?? this.#vhost;
    return renewed !== undefined;
  }

  #refuseVhost(): HttpRefusal | undefined {
    const isGone = this.#gone.signal.aborted;
    this.#done();
    if (isGone) return undefined;
    const code = ErrorCode.RTMP_VHOST_NOT_FOUND;
    const refusal = { code, status: RefusalStatus.play, description: notServed(this.#vhost) };
    return toHttp(this.#admission.refuse('play', refusal));
  }

  /** From here on the outlet tells of the close. */
  #done(): void {
    const { request, response } = this.#ask.exchange;
    response.off('close', this.#onGone);
    request.socket.off('end', this.#onEnd).off('readable', this.#onReadable);
  }

  readonly #onEnd = (): void => {
    this.#ask.exchange.request.socket.destroy();
  };

  /** An end is told to who reads; what the client says before it is answered stays for who comes then. */
  readonly #onReadable = (): void => {
    const { socket } = this.#ask.exchange.request;
    if (socket.readableLength === 0) socket.read();
  };

  readonly #onGone = (): void => {
    this.#gone.abort();
    this.#admission.leave();
  };
}

/** Opens a lasting answer: on the native socket where that can be had. Undefined when the client is gone. */
export function openResponse(
  exchange: HttpExchange,
  container: Container,
  isNoDelay: boolean,
): Outlet | undefined {
  const { response } = exchange;
  if (response.destroyed || response.closed) return undefined;
  setHead(response, container);
  const socket = exchange.takeSocket();
  return socket ? new SocketOutlet(socket, isNoDelay) : new ResponseOutlet(response);
}

/** Status and headers of a live stream. */
export function setHead(response: HttpExchange['response'], container: Container): void {
  response.statusCode = 200;
  response.setHeader('Content-Type', contentTypes[container]);
  response.setHeader('Cache-Control', 'no-cache, no-store');
}

function notServed({ name }: VhostOptions): string {
  return `vhost ${name} does not serve live streams any more`;
}

function toHttp(refusal: Refusal): HttpRefusal {
  return { status: httpStatusOf(refusal), text: refusal.description };
}
