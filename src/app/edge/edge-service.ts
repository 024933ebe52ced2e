/** Owns what this server fetches from other origins and hands on to them: the pulls, the pushes, the questions of leave. */
import type { AccessAction, Authorizer, ClientIdentity, Refusal } from '../access/access';
import type { VhostOptions } from '../config/config';
import { StatusLines } from '../stats/status-lines';
import type { Source } from '../stream/source';
import { FailureMemory } from '../upstream/candidates';

import type { EdgeParts, EdgeServiceParts } from './edge-parts';
import type { PushStatus } from './edge-push';
import { EdgePushes } from './edge-pushes';
import { EdgeStream } from './edge-stream';
import { Origins } from './origins';
import type { PullStatus } from './pull';
import { TokenChecks } from './token-checks';

export type { EdgeServiceParts } from './edge-parts';
export type { PushStatus } from './edge-push';
export type { OriginFinder } from './origins';
export type { PullStatus } from './pull';

/** How often connections are looked after, ms; none of the limits is shorter. */
const CHECK_MS = 200;

/**
 * The edge side of the server. Streams of `mode remote` are fetched while they are wanted here, and what is published
 * here is handed on once an origin has granted that; with a finder, streams of other vhosts are fetched too.
 */
export class EdgeService implements Authorizer {
  readonly #parts: EdgeParts;
  readonly #pushes: EdgePushes;
  readonly #checks: TokenChecks;
  readonly #streams = new Map<Source, EdgeStream>();
  readonly #timer: NodeJS.Timeout;
  #isStopped = false;

  constructor(parts: EdgeServiceParts) {
    const { clock, resolver, finder, pithyPrint } = parts;
    const failures = new FailureMemory(clock);
    this.#parts = {
      ...parts,
      failures,
      origins: new Origins({ resolver, failures, finder }),
      lines: new StatusLines('edge', pithyPrint, clock),
    };
    this.#pushes = new EdgePushes(this.#parts);
    this.#checks = new TokenChecks(this.#parts);
    this.#timer = setInterval(() => {
      this.check(clock.nowMs());
    }, CHECK_MS).unref();
  }

  /** A stream exists, of this vhost: to be called before it is wanted, and when its vhost has come back. */
  apply(source: Source, vhost: VhostOptions): void {
    const known = this.#streams.get(source);
    if (this.#isStopped || !this.#parts.origins.servesFor(vhost)) {
      this.forget(source);
    } else if (known) known.setVhost(vhost);
    else {
      const stream = new EdgeStream(this.#parts, source, vhost, this.#pushes);
      this.#streams.set(source, stream);
      stream.consider();
    }
  }

  /** A stream is gone, or nothing is to be done about it any more. */
  forget(source: Source): void {
    this.#streams.get(source)?.close();
    this.#streams.delete(source);
  }

  /** Options of a vhost have changed: what comes from or goes to a server that it names no more moves over. */
  setVhost(vhost: VhostOptions): void {
    for (const [source, stream] of this.#streams) {
      if (source.name.vhost === vhost.name) stream.setVhost(vhost);
    }
    this.#pushes.setVhost(vhost);
  }

  /** A vhost is gone: nothing of it is fetched or handed on any more. */
  closeVhost(name: string, reason: string): void {
    for (const source of this.#streams.keys()) {
      if (source.name.vhost === name) this.forget(source);
    }
    this.#pushes.close(name, reason);
  }

  /** Asks the origin of an edge: about each client with `token_traverse`, and about everyone who publishes. */
  authorize(
    action: AccessAction,
    client: ClientIdentity,
  ): Promise<Refusal | undefined> | undefined {
    const vhost = this.#parts.findVhost(client.request.vhost);
    if (vhost?.mode !== 'remote' || this.#isStopped) return undefined;
    if (action === 'publish') return this.#pushes.open(client, vhost);
    const isAsked = action === 'connect' && vhost.tokenTraverse;
    return isAsked ? this.#checks.ask(client, vhost) : undefined;
  }

  ended(action: AccessAction, client: ClientIdentity): void {
    if (action === 'publish') this.#pushes.ended(client);
  }

  /** What is fetched now. */
  pulls(): PullStatus[] {
    return [...this.#streams.values()].flatMap(({ pull }) => (pull ? [pull.status] : []));
  }

  /** What is handed on now. */
  pushes(): PushStatus[] {
    return this.#pushes.status();
  }

  /** Looks after all connections; it does so by itself, a few times a second. */
  check(nowMs: number): void {
    for (const { pull } of this.#streams.values()) pull?.check(nowMs);
    this.#pushes.check(nowMs);
    this.#checks.check(nowMs);
  }

  /** Ends all of it: clients that wait for an answer are refused. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
    for (const source of this.#streams.keys()) this.forget(source);
    this.#pushes.close(undefined, 'the server is shutting down');
    this.#checks.stop();
  }
}
