/** An HTTP server on a free loopback port, and a client that says exactly the bytes it is told to. */
import { connect } from 'node:net';
import type { Socket as PlainSocket } from 'node:net';
import type { SecureContext } from 'node:tls';

import type { VhostOptions } from '../../../../src/app/config/config';
import type { HttpRoute } from '../../../../src/app/http/exchange';
import { HttpServer } from '../../../../src/app/http/http-server';
import type { HttpServerParts } from '../../../../src/app/http/http-server';
import { ContextIds } from '../../../../src/core/context-id';
import type { NetworkSet } from '../../../../src/core/network-set';
import { Engine } from '../../../../src/net/engine';
import { ManualClock } from '../../../support/fakes/manual-clock';
import { RecordingLogger } from '../../../support/fakes/recording-logger';

export interface HarnessOptions extends Pick<Partial<HttpServerParts>, 'title' | 'refuse'> {
  readonly routes?: readonly HttpRoute[];
  readonly crossdomain?: boolean;
  readonly vhosts?: readonly string[];
  readonly tls?: SecureContext;
  readonly findVhost?: (name: string) => VhostOptions | undefined;
  readonly trustedProxies?: () => NetworkSet;
}

/** One answer, taken apart. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export class Harness {
  readonly log = new RecordingLogger();
  readonly clock = new ManualClock();
  readonly engine = new Engine(this.log);
  readonly server: HttpServer;
  readonly port: number;
  readonly #clients: Client[] = [];

  constructor(options: HarnessOptions = {}) {
    const { log, clock } = this;
    const { routes = [], crossdomain = true, vhosts = [], tls, title, refuse } = options;
    const findVhost = (name: string): VhostOptions | undefined =>
      vhosts.includes(name) ? ({ name } as VhostOptions) : undefined;
    this.server = new HttpServer({
      log,
      clock,
      ids: new ContextIds(),
      routes,
      crossdomain: () => crossdomain,
      findVhost: options.findVhost ?? findVhost,
      ...(title === undefined ? {} : { title }),
      ...(refuse === undefined ? {} : { refuse }),
    });
    this.port = this.engine.listen('127.0.0.1', 0, (socket) => {
      if (tls === undefined) this.server.accept(socket);
      else this.server.acceptSecure(socket, tls);
    }).port;
  }

  client(): Client {
    const client = new Client(this.port);
    this.#clients.push(client);
    return client;
  }

  /** Sends a request on a connection of its own, which the request asks to close, and waits for the end. */
  async ask(
    line: string,
    headers: Readonly<Record<string, string>> = {},
    body = '',
  ): Promise<Answer> {
    const client = this.client();
    const length = body === '' ? {} : { 'Content-Length': `${body.length}` };
    const lines = Object.entries({ Host: 'a.test', Connection: 'close', ...length, ...headers });
    const head = lines.map(([k, v]) => `${k}: ${v}\r\n`).join('');
    client.send(`${line} HTTP/1.1\r\n${head}\r\n${body}`);
    const [answer] = parseAnswers(await client.end, line.startsWith('HEAD'));
    if (answer === undefined) throw new Error(`no answer to ${line}`);
    return answer;
  }

  close(): void {
    for (const client of this.#clients) client.socket.destroy();
    this.engine.close();
  }
}

export class Client {
  readonly socket: PlainSocket;
  /** All that came, once the server has closed. */
  readonly end: Promise<Buffer>;
  received = Buffer.alloc(0);
  readonly #waiting = new Set<() => void>();

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.end = new Promise((resolve) => {
      this.socket.on('error', () => undefined);
      this.socket.on('data', (data: Buffer) => {
        this.received = Buffer.concat([this.received, data]);
        for (const look of this.#waiting) look();
      });
      this.socket.on('close', () => {
        resolve(this.received);
      });
    });
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Resolves when the text has come. */
  async until(text: string, times = 1): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.received.toString('latin1').split(text).length <= times) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/** Answers with a Content-Length, one after another; the last may end with the connection. */
export function parseAnswers(bytes: Buffer, isHead = false): Answer[] {
  const answers: Answer[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const headEnd = rest.indexOf('\r\n\r\n');
    const [first = '', ...lines] = rest.toString('latin1', 0, headEnd).split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [
        line.slice(0, line.indexOf(':')).toLowerCase(),
        line.slice(line.indexOf(':') + 2),
      ]),
    );
    const status = Number(first.split(' ')[1]);
    const length = isHead
      ? 0
      : Number(headers['content-length'] ?? (status === 304 ? 0 : Infinity));
    const body = rest.subarray(headEnd + 4, headEnd + 4 + length);
    answers.push({ status, headers, body });
    rest = rest.subarray(headEnd + 4 + body.length);
  }
  return answers;
}
