/** Owns what a route sees of one request on one connection. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Logger } from '../../core/logger';
import type { Socket } from '../../net/socket';
import type { VhostOptions } from '../config/config';

import type { HttpExchange } from './exchange';
import type { HttpConnection } from './http-connection';
import { hostName } from './request-path';
import type { RequestTarget } from './request-path';

/** The exchange of the server; built once the request is known to be one that may be answered. */
export class RequestExchange implements HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly host: string;
  readonly vhost: VhostOptions | undefined;
  readonly #connection: HttpConnection;

  constructor(
    connection: HttpConnection,
    request: IncomingMessage,
    response: ServerResponse,
    target: RequestTarget,
    findVhost: (name: string) => VhostOptions | undefined,
  ) {
    this.#connection = connection;
    this.request = request;
    this.response = response;
    this.method = request.method ?? 'GET';
    this.path = target.path;
    this.query = target.query;
    this.host = target.host ?? hostName(request.headers.host ?? '');
    this.vhost = findVhost(target.query.get('vhost') ?? this.host);
  }

  get id(): number {
    return this.#connection.log.contextId;
  }

  get log(): Logger {
    return this.#connection.log;
  }

  get ip(): string {
    return this.#connection.ip;
  }

  get isSecure(): boolean {
    return this.#connection.isSecure;
  }

  takeSocket(): Socket | undefined {
    return this.#connection.take(this.request, this.response);
  }
}
