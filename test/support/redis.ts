/** Owns a Redis of the tests: a server of its own on a free loopback port, which never outlives the test process. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type * as redisModule from '@redis/client';

/** How a Redis is to be. */
export interface RedisOptions {
  /** Clients have to give it. */
  readonly password?: string;
  /** Files of a certificate: it speaks TLS, and nothing else. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** A Redis that keeps nothing on disk: started again it is empty. */
export class TestRedis {
  readonly port: number;
  readonly #options: RedisOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'srs-redis-'));
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #client: redisModule.RedisClientType | undefined;
  readonly #killAtExit = (): void => {
    this.#child?.kill('SIGKILL');
  };

  private constructor(port: number, options: RedisOptions) {
    this.port = port;
    this.#options = options;
    process.on('exit', this.#killAtExit);
  }

  /** Starts one; it takes commands when this resolves. */
  static async start(options: RedisOptions = {}): Promise<TestRedis> {
    const redis = new TestRedis(await freePort(), options);
    await redis.run();
    return redis;
  }

  /** For the configuration, with the password. */
  get url(): string {
    const { password, tls } = this.#options;
    const user = password === undefined ? '' : `:${password}@`;
    return `${tls ? 'rediss' : 'redis'}://${user}127.0.0.1:${this.port}/0`;
  }

  /** Starts it again after {@link kill}. */
  async run(): Promise<void> {
    const child = spawn('redis-server', this.#arguments(), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => {
        resolve();
      });
    });
    let said = '';
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => {
        reject(new Error(`redis-server ended: ${said}`));
      });
      child.stdout.on('data', (bytes: Buffer) => {
        said += bytes.toString();
        if (said.includes('Ready to accept connections')) resolve();
      });
    });
  }

  /** It stands still: connections stay open, and nothing is answered. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** It is gone at once, and all it knew. */
  async kill(): Promise<void> {
    this.#client = undefined;
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  /** Sends a command of a test. */
  async command(...args: string[]): Promise<unknown> {
    this.#client ??= await this.#connect();
    return this.#client.sendCommand(args);
  }

  /** Ends it, and removes what it has made. */
  async stop(): Promise<void> {
    if (this.#client?.isOpen === true) this.#client.destroy();
    await this.kill();
    process.off('exit', this.#killAtExit);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #connect(): Promise<redisModule.RedisClientType> {
    // Loaded here, as the server does it: who imports this file need not have it.
    const { createClient } = await import('@redis/client');
    const socket = { host: '127.0.0.1', port: this.port, reconnectStrategy: false } as const;
    const { password } = this.#options;
    const client = createClient({ socket, ...(password === undefined ? {} : { password }) });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  #arguments(): string[] {
    const { password, tls } = this.#options;
    const ports = tls
      ? ['--port', '0', '--tls-port', String(this.port), '--tls-cert-file', tls.cert]
      : ['--port', String(this.port)];
    return [
      ...ports,
      ...(tls ? ['--tls-key-file', tls.key, '--tls-auth-clients', 'no'] : []),
      ...['--bind', '127.0.0.1', '--dir', this.#folder, '--save', '', '--appendonly', 'no'],
      ...['--daemonize', 'no', '--logfile', '', '--loglevel', 'notice'],
      ...(password === undefined ? [] : ['--requirepass', password]),
    ];
  }
}

/** A port that nobody listened at a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}
