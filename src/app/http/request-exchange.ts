/** Owns what a route sees of one request on one connection. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Logger } from '../../core/logger';
import type { Socket } from '../../net/socket';
import type { VhostOptions } from '../config/config';

import type { HttpExchange } from './exchange';
import type { ForwardedClient } from './forwarded';
import type { HttpConnection } from './http-connection';
import { hostName } from './request-path';
import type { RequestTarget } from './request-path';

/** What an exchange is made of. */
export interface ExchangeParts {
  readonly connection: HttpConnection;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: RequestTarget;
  /** Who asks, which is not the peer of the connection behind a proxy. */
  readonly client: ForwardedClient;
  readonly findVhost: (name: string) => VhostOptions | undefined;
}

/** The exchange of the server; built once the request is known to be one that may be answered. */
export class RequestExchange implements HttpExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly host: string;
  readonly vhost: VhostOptions | undefined;
  readonly ip: string;
  readonly isSecure: boolean;
  readonly #connection: HttpConnection;

  constructor({ connection, request, response, target, client, findVhost }: ExchangeParts) {
    this.#connection = connection;
    this.ip = client.ip;
    this.isSecure = client.isSecure;
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

  takeSocket(): Socket | undefined {
    return this.#connection.take(this.request, this.response);
  }
}
