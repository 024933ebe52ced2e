/** Owns HTTP over the sockets of the engine: every connection, what all answers have in common, who answers. */
import { createServer, ServerResponse } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';

import type { Clock } from '../../core/clock';
import type { ContextIds } from '../../core/context-id';
import { describeError, describeFault, ErrorCode, SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import type { NetworkSet } from '../../core/network-set';
import { RateLimit } from '../../core/rate-limit';
import { redact } from '../../core/redact';
import { product } from '../../core/version';
import type { Socket } from '../../net/socket';
import { SocketStream } from '../../net/socket-stream';
import { tlsServerStream } from '../../net/tls-channel';
import type { VhostOptions } from '../config/config';

import { answerPreflight, sharedHeaders } from './cross-origin';
import { sendText } from './exchange';
import type { HttpRoute } from './exchange';
import { forwardedClient } from './forwarded';
import type { ForwardedClient } from './forwarded';
import { HttpConnection } from './http-connection';
import { malformedAnswer } from './malformed';
import { RequestExchange } from './request-exchange';
import { readTarget } from './request-path';

/** Largest head of a request. */
const MAX_HEAD_BYTES = 16_384;
/** A client that takes nothing of what waits for so long is closed. */
const SEND_TIMEOUT_MS = 30_000;
/** Warnings that clients can cause by themselves: so many at once, then one per interval. */
const WARNINGS_AT_ONCE = 10;
const WARNING_INTERVAL_MS = 1000;
const REFUSED_WITHOUT_CORS = 'GET, HEAD, POST, PUT, DELETE';

/** What the server is given by the composition root. */
export interface HttpServerParts {
  readonly log: Logger;
  readonly clock: Clock;
  readonly ids: ContextIds;
  /** Asked in this order. */
  readonly routes: readonly HttpRoute[];
  readonly findVhost: (name: string) => VhostOptions | undefined;
  /** Whether pages of other origins may use what is served, as of now. */
  readonly crossdomain: () => boolean;
  /** Peers that may say for whom they ask, as of now; none unless given. */
  readonly trustedProxies?: () => NetworkSet;
  /** What the lines of requests begin with, `HTTP` unless given. */
  readonly title?: string;
  /** Gives the answers that no route gives, in the form that clients of these routes expect; unless given, as text. */
  readonly refuse?: typeof sendText;
}

/** Serves HTTP on sockets that others accept; node:http only reads and writes the protocol, it never listens. */
export class HttpServer {
  readonly #parts: HttpServerParts;
  readonly #refuse: typeof sendText;
  readonly #http: Server;
  readonly #connections = new Map<Duplex, HttpConnection>();
  readonly #warnings = new RateLimit(WARNINGS_AT_ONCE, WARNING_INTERVAL_MS);
  #whenEmpty: (() => void) | undefined;

  constructor(parts: HttpServerParts) {
    this.#parts = parts;
    this.#refuse = parts.refuse ?? sendText;
    // Its own timeouts need a server that listens; `sweep` is ours.
    this.#http = createServer({
      maxHeaderSize: MAX_HEAD_BYTES,
      requireHostHeader: false,
      keepAliveTimeout: 0,
      headersTimeout: 0,
      requestTimeout: 0,
    });
    // A client may have said all and still wait for the answer.
    Object.assign(this.#http, { httpAllowHalfOpen: true });
    this.#http.on('request', (request, response) => {
      this.#guard(request.socket, () => {
        this.#onRequest(request, response);
      });
    });
    this.#http.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
      this.#guard(request.socket, () => {
        this.#onExpectation(request, response);
      });
    });
    this.#http.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      this.#guard(stream, () => {
        this.#onUpgrade(request, stream, head);
      });
    });
    this.#http.on('clientError', (error: NodeJS.ErrnoException, stream: Duplex) => {
      this.#onClientError(error, stream);
    });
  }

  /** Open connections, those that are closing and WebSockets included; not those that a route took. */
  get size(): number {
    return this.#connections.size;
  }

  /** Serves a socket that was just accepted. */
  accept(socket: Socket): void {
    const stream = new SocketStream(socket);
    this.#add(socket, stream, stream);
  }

  /** The same over TLS. */
  acceptSecure(socket: Socket, context: SecureContext): void {
    this.#add(socket, tlsServerStream(socket, context), undefined);
  }

  /** Ends the clients that are too slow; to be called every few seconds, `nowMs` monotonic. */
  sweep(nowMs: number): void {
    for (const connection of this.#connections.values()) connection.expire(nowMs);
  }

  /** Finishes the answers in flight and closes all the rest; resolves when all are gone, or `timeoutMs` later. */
  async stop(timeoutMs: number): Promise<void> {
    for (const connection of this.#connections.values()) connection.shutdown();
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#whenEmpty = (): void => {
        clearTimeout(timer);
        resolve();
      };
    });
    for (const connection of this.#connections.values()) connection.destroy();
  }

  #add(socket: Socket, stream: Duplex, plain: SocketStream | undefined): void {
    const log = this.#parts.log.child(this.#parts.ids.next());
    const nowMs = this.#parts.clock.nowMs();
    const connection = new HttpConnection({ log, socket, stream, plain, nowMs });
    this.#connections.set(stream, connection);
    socket.setTimeouts(0, SEND_TIMEOUT_MS);
    stream.on('error', (error) => {
      log.info(`HTTP client failed, ${describeError(error).trim()}`);
    });
    stream.once('close', () => {
      this.#connections.delete(stream);
      // Those answers that node:http knows of are told by itself, after this.
      setImmediate(() => {
        connection.closed();
      });
      if (this.#connections.size === 0) this.#whenEmpty?.();
    });
    this.#http.emit('connection', stream);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(request.socket);
    if (connection === undefined) return;
    const exchange = this.#begin(connection, request, response);
    if (exchange === undefined) return;
    // One at a time: what a client asks for ahead costs neither files nor memory before it can be sent.
    if (response.socket !== null) this.#answer(exchange);
    else {
      response.once('socket', () => {
        this.#guard(request.socket, () => {
          this.#answer(exchange);
        });
      });
    }
  }

  #answer(exchange: RequestExchange): void {
    if (exchange.method === 'OPTIONS') this.#answerOptions(exchange);
    else void this.#route(exchange);
  }

  /** The client expects something else than to be told to go on with its body. */
  #onExpectation(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connections.get(request.socket);
    if (connection === undefined) return;
    const exchange = this.#begin(connection, request, response);
    if (exchange !== undefined) this.#refuse(exchange, 417);
  }

  /** Prepares the answer; undefined when there will be none, or it has been given: the request cannot be served. */
  #begin(
    connection: HttpConnection,
    request: IncomingMessage,
    response: ServerResponse,
  ): RequestExchange | undefined {
    const onEnd = (): void => {
      connection.rest(this.#parts.clock.nowMs());
    };
    if (!connection.begin(request, response, onEnd)) return undefined;
    response.setHeader('Server', product.serverName);
    if (this.#parts.crossdomain()) {
      for (const [name, value] of sharedHeaders) response.setHeader(name, value);
    }
    const client = this.#clientOf(connection, request);
    this.#logRequest(connection, request, client);
    try {
      checkHost(request);
      const target = readTarget(request.url ?? '');
      const { findVhost } = this.#parts;
      return new RequestExchange({ connection, request, response, target, client, findVhost });
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.#warn(connection.log, `HTTP request refused, ${describeError(error)}`);
      response.shouldKeepAlive = false;
      this.#refuse({ response }, 400, error.message);
      return undefined;
    }
  }

  /** One connection of a proxy carries the requests of many clients. */
  #clientOf(connection: HttpConnection, { headers }: IncomingMessage): ForwardedClient {
    const trusted = this.#parts.trustedProxies?.();
    if (trusted === undefined || trusted.isEmpty) return connection;
    return forwardedClient(headers, connection, trusted);
  }

  #logRequest(connection: HttpConnection, request: IncomingMessage, client: ForwardedClient): void {
    const { method = '', url = '', headers } = request;
    const length = headers['content-length'] ?? (headers['transfer-encoding'] ? -1 : 0);
    const title = this.#parts.title ?? 'HTTP';
    const line = `${title} ${method} ${redact(url)}, content-length=${length}`;
    const from = `ip=${client.ip}, host=${redact(headers.host ?? '')}`;
    if (connection.requests === 1) connection.log.trace(`${line}, ${from}`);
    else connection.log.info(client === connection ? line : `${line}, ${from}`);
  }

  #answerOptions({ request, response }: RequestExchange): void {
    if (this.#parts.crossdomain()) answerPreflight(request, response);
    else this.#refuse({ response }, 405, undefined, { Allow: REFUSED_WITHOUT_CORS });
  }

  async #route(exchange: RequestExchange): Promise<void> {
    try {
      for (const route of this.#parts.routes) {
        const answer = route.handle(exchange);
        // What is known at once is not waited for.
        if (typeof answer === 'boolean' ? answer : await answer) return;
      }
      this.#refuseUnknown(exchange);
    } catch (error) {
      this.#fail(exchange, error);
    }
  }

  #onUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const connection = this.#connections.get(stream);
    if (connection === undefined || connection.isLeaving) return;
    if (connection.isBusy) {
      this.#warn(connection.log, 'HTTP upgrade refused, expect it to wait for earlier answers');
      connection.refuse('');
      return;
    }
    const response = new ServerResponse(request);
    response.assignSocket(request.socket);
    response.shouldKeepAlive = false;
    response.once('finish', () => {
      stream.end();
    });
    const exchange = this.#begin(connection, request, response);
    if (exchange === undefined) return;
    connection.handOver();
    if (request.headers.upgrade?.toLowerCase() === 'websocket') this.#upgrade(exchange, head);
    // To what else a client offers to switch (HTTP/2) we do not: it gets its answer as if it had not asked.
    else if (request.method === 'GET' || request.method === 'HEAD') void this.#route(exchange);
    else this.#refuse(exchange, 400, 'expect an upgrade to websocket');
  }

  #upgrade(exchange: RequestExchange, head: Buffer): void {
    try {
      const { routes } = this.#parts;
      if (routes.some((route) => route.upgrade?.(exchange, head) === true)) return;
      this.#refuseUnknown(exchange);
    } catch (error) {
      this.#fail(exchange, error);
    }
  }

  #refuseUnknown(exchange: RequestExchange): void {
    const what = `HTTP path unknown, ${redact(exchange.path)}`;
    this.#warn(exchange.log, `${what}, ret=${ErrorCode.HTTP_HANDLER_MATCH_URL}`);
    this.#refuse(exchange, 404);
  }

  #fail({ log, response }: RequestExchange, error: unknown): void {
    log.error(`HTTP request failed, ${redact(describeFault(error))}`, error);
    response.shouldKeepAlive = false;
    if (response.headersSent) response.destroy();
    else this.#refuse({ response }, 500);
  }

  #onClientError(error: NodeJS.ErrnoException, stream: Duplex): void {
    const connection = this.#connections.get(stream);
    const answer = malformedAnswer(error, this.#parts.crossdomain());
    if (connection === undefined || answer === undefined) {
      stream.destroy();
      return;
    }
    if (connection.isLeaving) return;
    this.#warn(connection.log, `HTTP client is malformed, ${error.message}, ret=3009`);
    connection.refuse(answer);
  }

  /** Nobody above would catch what is thrown, and the program would end: a fault costs one connection. */
  #guard(stream: Duplex, serve: () => void): void {
    try {
      serve();
    } catch (error) {
      this.#parts.log.error(`HTTP connection failed, ${redact(describeFault(error))}`, error);
      stream.destroy();
    }
  }

  #warn(log: Logger, line: string): void {
    if (this.#warnings.take(this.#parts.clock.nowMs())) log.warn(line);
    else log.info(line);
  }
}

/** Two hosts would be two vhosts, one for us and another for who stands in front of us (RFC 9112, section 3.2). */
function checkHost({ headersDistinct }: IncomingMessage): void {
  const hosts = headersDistinct['host']?.length ?? 0;
  if (hosts > 1)
    throw new SrsError(ErrorCode.HTTP_PARSE_HEADER, `expect one Host header, got ${hosts}`);
}
