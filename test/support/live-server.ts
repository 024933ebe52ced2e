/** Owns running servers for tests: the whole of it in this process, on free loopback ports, and its clients. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { Config } from '../../src/app/config/config';
import { Server } from '../../src/app/server';
import type { ServerDependencies } from '../../src/app/server';
import type { Clock } from '../../src/core/clock';
import { systemClock } from '../../src/core/clock';
import { Engine } from '../../src/net/engine';
import type { AmfValue } from '../../src/rtmp/amf0-value';

import { RecordingLogger } from './fakes/recording-logger';
import { HttpPeer } from './http-peer';
import type { Asking, HttpAnswer } from './http-peer';
import { LivePeer } from './live-peer';
import type { Message, PublishStyle } from './live-peer';
import { pairFiles, trusted } from './tls';
import { eventually } from './waits';
import { WsPeer } from './ws-peer';

/** A stop waits three seconds for clients that do not go: none of ours may be such a one. */
export const PROMPT_MS = 2500;
const CLOSING_LINE = /^(trace|warn) \d+ client (finished|disconnect peer|timeout)\. /;

/** A server from a configuration text, and those who talk to it. */
export class LiveServer {
  readonly log = new RecordingLogger();
  readonly engine = new Engine(this.log);
  readonly server: Server;
  /** The certificate that clients expect from now on: they speak RTMPS. */
  trusted: Buffer | undefined;
  readonly #peers: { readonly socket: { destroy?(): unknown; terminate?(): void } }[] = [];

  constructor(config: string, clock: Clock = systemClock, parts: ServerDependencies = {}) {
    const { engine } = this;
    const dependencies = { engine, clock, ...parts };
    this.server = new Server(Config.parse(config, 'test.conf'), this.log, dependencies);
  }

  /** Its first port. */
  get port(): number {
    return this.server.ports('RTMP')[0] ?? 0;
  }

  /** Its first port for RTMPS. */
  get securePort(): number {
    return this.server.ports('RTMPS')[0] ?? 0;
  }

  /** A TLS connection with a server that shows this certificate. */
  async securePeer(ca: Buffer): Promise<LivePeer> {
    const peer = await LivePeer.openSecure(this.securePort, ca);
    this.#peers.push(peer);
    return peer;
  }

  /** A TCP connection. */
  async peer(port = this.port, host?: string): Promise<LivePeer> {
    const peer = await LivePeer.open(port, host);
    this.#peers.push(peer);
    return peer;
  }

  /** A client that has connected to its vhost. */
  async client(more?: Record<string, AmfValue>): Promise<LivePeer> {
    const { trusted } = this;
    const opened = trusted ? await this.securePeer(trusted) : await this.peer();
    const peer = await opened.handshake();
    const info = await peer.connect(more);
    assert.equal(info.code, 'NetConnection.Connect.Success');
    return peer;
  }

  async publisher(stream = 's', style?: PublishStyle): Promise<LivePeer> {
    const peer = await this.client();
    assert.equal((await peer.publish(stream, style)).code, 'NetStream.Publish.Start');
    return peer;
  }

  async player(stream = 's', durationMs?: number): Promise<LivePeer> {
    const peer = await this.client();
    await peer.play(stream, durationMs);
    return peer;
  }

  /** Its first port for HTTP, or for HTTPS. */
  httpPort(protocol: 'HTTP' | 'HTTPS' = 'HTTP'): number {
    return this.server.ports(protocol)[0] ?? 0;
  }

  /** A connection for HTTP or HTTPS on which nothing was said yet. */
  async http(protocol?: 'HTTP' | 'HTTPS', isHalfOpen = false): Promise<HttpPeer> {
    const ca = protocol === 'HTTPS' ? trusted('first') : undefined;
    const peer = await HttpPeer.open(this.httpPort(protocol), ca, isHalfOpen);
    this.#peers.push(peer);
    return peer;
  }

  /** The answer to one request, on a connection of its own. */
  async get(target: string, asking: Asking = {}): Promise<HttpAnswer> {
    const peer = await this.http();
    const answer = await peer.get(target, asking);
    peer.socket.destroy();
    return answer;
  }

  /** A player that has got the head of a live stream. */
  async httpPlayer(path = '/live/s.flv', protocol?: 'HTTP' | 'HTTPS'): Promise<HttpPeer> {
    const peer = await this.http(protocol);
    peer.ask(path);
    const { status } = await peer.live();
    assert.equal(status, 200);
    return peer;
  }

  /** A player by WebSocket. */
  async wsPlayer(path = '/live/s.flv', protocol: 'HTTP' | 'HTTPS' = 'HTTP'): Promise<WsPeer> {
    const ca = protocol === 'HTTPS' ? trusted('first') : undefined;
    const peer = await WsPeer.open(this.httpPort(protocol), path, ca);
    this.#peers.push(peer);
    return peer;
  }

  /** Resolves when so many connections of any protocol are open. */
  async sockets(count: number): Promise<void> {
    await eventually(`${count} sockets`, () => this.engine.stats.sockets === count);
  }

  /** Resolves when every connection made so far has had its closing line. */
  async empty(): Promise<void> {
    const { log } = this;
    await log.until(() => {
      // One that never got through its TLS handshake has that line only.
      const ended = log.lines.filter(
        (line) => CLOSING_LINE.test(line) && !line.includes(', RTMPS ip='),
      );
      return ended.length === log.matching(' client ip=').length;
    });
    assert.equal(this.engine.stats.sockets, 0);
  }

  /** Resolves with the closing line of a connection. */
  async closing(contextId: number): Promise<string> {
    const find = (): string | undefined =>
      this.log.lines.find((line) => line.includes(` ${contextId} `) && CLOSING_LINE.test(line));
    await this.log.until(() => find() !== undefined);
    return find()!;
  }

  /** Error lines. */
  get errors(): string[] {
    return this.log.lines.filter((line) => line.startsWith('error'));
  }

  /** Bytes the log of the first stream holds. */
  get heldBytes(): number {
    const numbers = new Float64Array(6);
    this.engine.native.logStats(0, numbers);
    return numbers[3] ?? 0;
  }

  /** Closes the clients, then the server, which must be quick and have met no mistake of its own. */
  async stop(): Promise<void> {
    for (const { socket } of this.#peers) {
      if (socket.terminate) socket.terminate();
      else socket.destroy?.();
    }
    const began = performance.now();
    await this.server.stop();
    assert.ok(performance.now() - began < PROMPT_MS, 'the server did not stop at once');
    const bugs = this.log.lines.filter((line) =>
      /a connection failed|ret=1021|(?<!Parse )Error:/.test(line),
    );
    assert.deepEqual(bugs, []);
  }
}

/** Starts servers for the tests of a block; each is stopped after its test. */
export function liveServers(): (
  config?: string,
  clock?: Clock,
  parts?: ServerDependencies,
) => Promise<LiveServer> {
  const running: LiveServer[] = [];
  afterEach(async () => {
    for (const live of running.splice(0)) await live.stop();
  });
  return async (config = vhost(), clock = systemClock, parts = {}) => {
    const live = new LiveServer(config, clock, parts);
    running.push(live);
    await live.server.start();
    return live;
  };
}

/** A configuration with the default vhost and these options of it; players are written to at once. */
export function vhost(options = '', others = ''): string {
  return `listen 127.0.0.1:0; vhost __defaultVhost__ { mw_latency 0; ${options} } ${others}`;
}

/** What a configuration for HTTP is made of. */
export interface HttpParts {
  /** Options of `http_server`; without `dir` there are no files. */
  readonly server?: string;
  /** Options of `http_remux` of the default vhost. */
  readonly remux?: string;
  /** Other options of the default vhost. */
  readonly vhost?: string;
  /** What stands beside both. */
  readonly others?: string;
}

/** As {@link vhost}, with HTTP and HTTPS, and live streams over both. */
export function httpConfig({
  server,
  remux = '',
  vhost: options = '',
  others,
}: HttpParts = {}): string {
  const { cert, key } = pairFiles('first');
  const https = `https { enabled on; listen 127.0.0.1:0; cert ${cert}; key ${key}; }`;
  const http = `http_server { enabled on; listen 127.0.0.1:0; ${https} ${server ?? 'dir /nonexistent;'} }`;
  return vhost(`http_remux { enabled on; ${remux} } ${options}`, `${http} ${others ?? ''}`);
}

type Comparable = Pick<Message, 'type' | 'timestamp' | 'payload'>;

/** Messages as texts that tell every difference: type, time, length and contents. */
export function texts(messages: readonly Comparable[]): string[] {
  return messages.map(({ type, timestamp, payload }) => {
    const digest = createHash('sha1').update(payload).digest('hex').slice(0, 12);
    const head = payload
      .subarray(0, 24)
      .toString('latin1')
      .replace(/[^ -~]/g, '.');
    return `${type} @${timestamp} ${payload.length}B ${digest} ${head}`;
  });
}
