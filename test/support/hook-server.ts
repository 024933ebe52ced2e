/** Owns a server of hooks for tests: it keeps what it is sent, and answers as it is told. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

import { pairFiles } from './tls';
import { Waits } from './waits';

/** A request that has come whole. */
export interface HookRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers a request, now, later, or never. */
export type HookAnswer = (response: ServerResponse, request: HookRequest) => void;

/** Accepts everything. */
export const accept: HookAnswer = (response) => {
  response.end('0');
};

/** Answers with a body, and status 200 unless said otherwise. */
export function answer(body: string | Buffer | object, status = 200): HookAnswer {
  const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
  return (response) => {
    response.statusCode = status;
    response.end(isRaw ? body : JSON.stringify(body));
  };
}

/** A server on a port of its own. */
export class HookServer {
  readonly requests: HookRequest[] = [];
  answer: HookAnswer;
  /** Connections that were open at the same time. */
  mostConnections = 0;
  connections = 0;
  readonly #server: Server;
  readonly #scheme: string;
  readonly #waits = new Waits(() => JSON.stringify(this.requests));

  private constructor(answerWith: HookAnswer, isSecure: boolean) {
    this.answer = answerWith;
    this.#scheme = isSecure ? 'https' : 'http';
    const { cert, key } = pairFiles('first');
    this.#server = isSecure
      ? createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) })
      : createServer();
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#onRequest(request, response);
    });
    this.#server.on('connection', (socket: Socket) => {
      this.connections++;
      this.mostConnections = Math.max(this.mostConnections, this.connections);
      socket.on('close', () => {
        this.connections--;
        this.#waits.look();
      });
    });
  }

  static async start(answerWith: HookAnswer = accept, isSecure = false): Promise<HookServer> {
    const server = new HookServer(answerWith, isSecure);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Address of a path, perhaps with `user:password`. */
  url(path = '/', user = ''): string {
    return `${this.#scheme}://${user === '' ? '' : `${user}@`}127.0.0.1:${this.port}${path}`;
  }

  /** The bodies, read as JSON. */
  get events(): Record<string, unknown>[] {
    return this.requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
  }

  /** The actions in the order in which they came. */
  get actions(): unknown[] {
    return this.events.map(({ action }) => action);
  }

  /** Resolves when so many requests have come. */
  untilRequests(count: number): Promise<void> {
    return this.#waits.until(`${count} requests`, () => this.requests.length >= count);
  }

  /** Resolves when so many connections are open, or fewer. */
  untilConnections(atMost: number): Promise<void> {
    return this.#waits.until(`${atMost} connections`, () => this.connections <= atMost);
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const received = { method, path, headers, body: Buffer.concat(chunks).toString() };
      this.requests.push(received);
      this.answer(response, received);
      this.#waits.look();
    });
  }
}
