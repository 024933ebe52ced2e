/** Owns what a request is to the routes that answer it, and the plain answers that any route gives. */
import { STATUS_CODES } from 'node:http';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

import type { Logger } from '../../core/logger';
import type { Socket } from '../../net/socket';
import type { VhostOptions } from '../config/config';

/**
 * One request and its answer. The headers that every answer carries (Server, CORS) are set before a route is asked.
 * A request body that the route does not read is thrown away; one that it reads it limits itself, in size and time.
 */
export interface HttpExchange {
  /** Context id of the connection, by which the log tells clients apart. */
  readonly id: number;
  readonly log: Logger;
  /** Numeric address of the client: of the peer, or for whom a trusted proxy asks. */
  readonly ip: string;
  /** Over TLS, as far as the client can see. */
  readonly isSecure: boolean;
  readonly request: IncomingMessage;
  /** For an upgrade it serves to refuse; it emits `close` when the connection is gone. */
  readonly response: ServerResponse;
  /** In upper case. */
  readonly method: string;
  /** Percent-decoded once, begins with a slash, without empty or dot segments, control characters or backslashes. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** In lower case, without port; '' when the client named none. */
  readonly host: string;
  /** By `?vhost=`, else by the host, else the default vhost; undefined when there is none or it is disabled. */
  readonly vhost: VhostOptions | undefined;
  /**
   * Takes a plain connection out of HTTP. The head goes out first, with the status and headers set so far and a body
   * that lasts until the connection closes; then the native socket is the caller's, handler and all, and `response`
   * is dead. Undefined, and nothing happened, where that cannot be: over TLS, for an upgrade, with a request body
   * that is still coming, with more requests of the connection already here, and once it is closed.
   */
  takeSocket(): Socket | undefined;
}

/** Something that answers some of the requests. */
export interface HttpRoute {
  /**
   * Answers, now or later, or says with false that the request is not its own. What is thrown becomes a 500. Of
   * several requests that a client sends ahead, one is asked about when those before it are answered.
   * HEAD is like GET: bytes written as a body are dropped, but the headers should say how many there are.
   */
  handle(exchange: HttpExchange): boolean | Promise<boolean>;
  /** The same for a WebSocket: takes `request.socket`, or refuses by `response`. `head` are bytes already received. */
  upgrade?(exchange: HttpExchange, head: Buffer): boolean;
}

/** Answers with a status and a line of text, by default the words of the status. */
export function sendText(
  { response }: Pick<HttpExchange, 'response'>,
  status: number,
  text = STATUS_CODES[status] ?? 'Unknown',
  headers: OutgoingHttpHeaders = {},
): void {
  if (response.headersSent) return;
  const body = Buffer.from(text);
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': body.length,
    ...headers,
  });
  response.end(body);
}

/**
 * Refuses methods that are not in `allowed`, given in upper case.
 *
 * @returns whether the method is refused, and answered
 */
export function refuseMethod(
  exchange: Pick<HttpExchange, 'response' | 'method'>,
  allowed: readonly string[],
): boolean {
  if (allowed.includes(exchange.method)) return false;
  sendText(exchange, 405, undefined, { Allow: allowed.join(', ') });
  return true;
}
