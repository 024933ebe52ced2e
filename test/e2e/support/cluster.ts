/** Owns the servers of a cluster under test: each has a port that stays its own over faults and restarts. */
import fs from 'node:fs';

import { steadyPort } from '../../support/steady-ports';

import type { Program } from './program';
import type { Sandbox } from './sandbox';
import { Srs } from './srs';
import type { SrsOptions } from './srs';

/** What a member is made of. */
export interface MemberOptions extends Omit<SrsOptions, 'listen' | 'cwd'> {
  /** An address of loopback. */
  readonly host?: string;
  /** One of its own unless given. */
  readonly port?: number;
}

/** A server that may be killed, frozen and started again. */
export class Member {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly #sandbox: Sandbox;
  readonly #options: SrsOptions;
  #srs: Srs | undefined;

  private constructor(sandbox: Sandbox, name: string, options: Required<MemberOptions>) {
    this.name = name;
    this.host = options.host;
    this.port = options.port;
    this.#sandbox = sandbox;
    this.#options = { ...options, listen: `${this.host}:${this.port}`, cwd: name };
  }

  /** Starts a server in a directory of this name, and waits until it listens. */
  static async start(
    sandbox: Sandbox,
    name: string,
    { host = '127.0.0.1', port, vhost = '', global = '' }: MemberOptions = {},
  ): Promise<Member> {
    const own = port ?? (await steadyPort(host));
    const member = new Member(sandbox, name, { host, port: own, vhost, global });
    fs.mkdirSync(sandbox.path(name));
    await member.restart();
    return member;
  }

  /** The server that runs now. */
  get srs(): Srs {
    if (this.#srs === undefined) throw new Error(`${this.name} does not run`);
    return this.#srs;
  }

  get program(): Program {
    return this.srs.program;
  }

  /** `host:port`, as `origin` and `forward` want it. */
  get address(): string {
    return `${this.host}:${this.port}`;
  }

  url(stream: string): string {
    return `rtmp://${this.address}/live/${stream}`;
  }

  /** Ends it without a word; resolves when it is gone. */
  async kill(): Promise<void> {
    this.program.kill('SIGKILL');
    await this.program.ended;
    this.#srs = undefined;
  }

  /** See {@link Srs.stop}. */
  async stop(): Promise<void> {
    await this.srs.stop();
    this.#srs = undefined;
  }

  /** Its connections stay, and it says nothing more. */
  freeze(): void {
    this.program.kill('SIGSTOP');
  }

  thaw(): void {
    this.program.kill('SIGCONT');
  }

  /** Starts it at the same port, after {@link kill}. */
  async restart(): Promise<void> {
    this.#srs = await Srs.start(this.#sandbox, this.#options);
  }
}
