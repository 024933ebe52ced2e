/** Live streams on a free loopback port, a publisher inside the process, and readers of what players get. */
import { connect } from 'node:net';
import type { Socket as PlainSocket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { SecureContext } from 'node:tls';

import { allowAll } from '../../../../../src/app/access/access';
import type {
  AccessAction,
  Authorizer,
  ClientIdentity,
  Refusal,
} from '../../../../../src/app/access/access';
import { Config } from '../../../../../src/app/config/config';
import { HttpServer } from '../../../../../src/app/http/http-server';
import { LiveRoute } from '../../../../../src/app/http/live/live-route';
import type { LiveRouteParts } from '../../../../../src/app/http/live/live-route';
import { PithyPrint } from '../../../../../src/app/stats/pithy-print';
import { Hub } from '../../../../../src/app/stream/hub';
import type { Publisher, Source } from '../../../../../src/app/stream/source';
import { ContextIds } from '../../../../../src/core/context-id';
import type { SrsError } from '../../../../../src/core/errors';
import type { FlvTag } from '../../../../../src/media/flv';
import { FlvReader } from '../../../../../src/media/flv-reader';
import { BroadcastLog } from '../../../../../src/net/broadcast-log';
import { Engine } from '../../../../../src/net/engine';
import { AmfObject } from '../../../../../src/rtmp/amf0-value';
import { ManualClock } from '../../../../support/fakes/manual-clock';
import { RecordingLogger } from '../../../../support/fakes/recording-logger';
import { trusted } from '../../../../support/tls';

/** Publishes by calls. */
export class TestPublisher implements Publisher {
  readonly contextId = 7;
  readonly log = new RecordingLogger(7);
  readonly source: Source;
  lastReceivedMs = 0;
  replacedBy: number | undefined;

  constructor(source: Source) {
    this.source = source;
    source.acquire(this);
  }

  send(...tags: readonly FlvTag[]): void {
    for (const { type, timestamp, payload } of tags) {
      if (type === 18) this.source.setMetadata(timestamp, AmfObject.of({ width: 640 }));
      else this.source.media(type, timestamp, payload, 0, payload.length);
    }
  }

  end(): void {
    this.source.release(this);
  }

  onReplaced(byId: number): void {
    this.replacedBy = byId;
  }

  drop(error: SrsError): void {
    throw error;
  }
}

/** Keeps what it is asked, and refuses what it is told to. */
export class TestAuthorizer implements Authorizer {
  readonly asked: string[] = [];
  readonly endings: string[] = [];
  clients: ClientIdentity[] = [];
  refusals = new Map<AccessAction, Refusal>();
  /** Answers wait for it. */
  gate: Promise<void> | undefined;

  async authorize(action: AccessAction, client: ClientIdentity): Promise<Refusal | undefined> {
    this.asked.push(action);
    this.clients.push(client);
    await this.gate;
    return this.refusals.get(action);
  }

  ended(action: AccessAction): void {
    this.endings.push(action);
  }
}

export interface LiveHarnessOptions extends Pick<
  Partial<LiveRouteParts>,
  'authorizer' | 'accessContext' | 'findVhost' | 'hasFile' | 'statistics'
> {
  /** Inside `http_remux {}`. */
  readonly remux?: string;
  /** Inside the vhost. */
  readonly vhost?: string;
  readonly tls?: SecureContext;
}

export class LiveHarness {
  readonly log = new RecordingLogger();
  readonly clock = new ManualClock();
  readonly engine = new Engine(this.log);
  readonly hub = new Hub((options) => new BroadcastLog(this.engine, options));
  readonly pithyPrint: PithyPrint;
  readonly config: Config;
  readonly route: LiveRoute;
  readonly http: HttpServer;
  readonly port: number;
  readonly #isTls: boolean;
  readonly #clients: LiveClient[] = [];

  constructor({ remux = '', vhost = '', tls, ...parts }: LiveHarnessOptions = {}) {
    const { log, clock, hub } = this;
    this.config = Config.parse(
      `listen 1935; vhost __defaultVhost__ { mw_latency 0; http_remux { enabled on; ${remux} } ${vhost} }`,
      'test.conf',
    );
    this.pithyPrint = new PithyPrint(
      { ...this.config.global.pithyPrintMs, play: 5, publish: 5 },
      clock,
    );
    this.route = new LiveRoute({
      hub,
      clock,
      pithyPrint: this.pithyPrint,
      authorizer: allowAll,
      ...parts,
    });
    this.http = new HttpServer({
      log,
      clock,
      ids: new ContextIds(),
      routes: [this.route],
      crossdomain: () => true,
      findVhost: (name) => this.config.findVhost(name),
    });
    this.#isTls = tls !== undefined;
    this.port = this.engine.listen('127.0.0.1', 0, (socket) => {
      if (tls) this.http.acceptSecure(socket, tls);
      else this.http.accept(socket);
    }).port;
  }

  source(stream = 's'): Source {
    const vhost = this.config.findVhost('any');
    if (!vhost) throw new Error('no vhost');
    return this.hub.fetch({ vhost: vhost.name, app: 'live', stream }, vhost);
  }

  publish(stream = 's'): TestPublisher {
    return new TestPublisher(this.source(stream));
  }

  /** A connection that has sent the head of a request. */
  request(line: string, headers: Readonly<Record<string, string>> = {}): LiveClient {
    const client = new LiveClient(this.port, this.#isTls);
    this.#clients.push(client);
    const lines = Object.entries({ Host: 'a.test', ...headers });
    client.send(`${line} HTTP/1.1\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`);
    return client;
  }

  close(): void {
    for (const client of this.#clients) client.socket.destroy();
    this.pithyPrint.close();
    this.engine.close();
  }
}

/** One client, and what came to it. */
export class LiveClient {
  readonly socket: PlainSocket;
  received = Buffer.alloc(0);
  isClosed = false;
  readonly #waiting = new Set<() => void>();

  constructor(port: number, isTls: boolean) {
    this.socket = isTls
      ? connectTls({ port, host: '127.0.0.1', ca: trusted('first'), servername: 'localhost' })
      : connect(port, '127.0.0.1');
    this.socket.on('error', () => undefined);
    this.socket.on('data', (data: Buffer) => {
      this.received = Buffer.concat([this.received, data]);
      this.#look();
    });
    this.socket.on('close', () => {
      this.isClosed = true;
      this.#look();
    });
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Resolves when the condition holds, looked at whenever something came. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** The head of the answer. */
  async head(): Promise<string> {
    await this.until(() => this.isClosed || this.received.includes('\r\n\r\n'));
    return this.received.toString('latin1', 0, Math.max(0, this.#bodyAt));
  }

  async status(): Promise<number> {
    return Number((await this.head()).split(' ')[1]);
  }

  /** What came after the head, chunks taken apart. */
  get body(): Buffer {
    const body = this.#bodyAt < 0 ? Buffer.alloc(0) : this.received.subarray(this.#bodyAt);
    const head = this.received.toString('latin1', 0, Math.max(0, this.#bodyAt));
    return /transfer-encoding: chunked/i.test(head) ? unchunk(body) : body;
  }

  /** The FLV tags that have come whole. */
  get tags(): FlvTag[] {
    return flvTags(this.body);
  }

  async untilTags(count: number): Promise<FlvTag[]> {
    await this.until(() => this.tags.length >= count);
    return this.tags;
  }

  async end(): Promise<void> {
    await this.until(() => this.isClosed);
  }

  get #bodyAt(): number {
    const at = this.received.indexOf('\r\n\r\n');
    return at < 0 ? -1 : at + 4;
  }

  #look(): void {
    for (const look of [...this.#waiting]) look();
  }
}

/** Whole tags at the beginning of an FLV stream. */
export function flvTags(bytes: Buffer): FlvTag[] {
  const reader = new FlvReader();
  reader.push(bytes);
  const tags: FlvTag[] = [];
  for (let tag = reader.read(); tag; tag = reader.read()) tags.push(tag);
  return tags;
}

function unchunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf('\r\n', at);
    const size = end < 0 ? 0 : parseInt(bytes.toString('latin1', at, end), 16);
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(end + 2, Math.min(bytes.length, end + 2 + size)));
    at = end + 4 + size;
  }
}
