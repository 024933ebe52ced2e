/** Owns what this server fetches from other origins and hands on to them: the pulls, the pushes, the questions of leave. */
import { randomBytes } from 'node:crypto';

import { ErrorCode } from '../../core/errors';
import { RefusalStatus } from '../access/access';
import type { AccessAction, Authorizer, ClientIdentity, Refusal } from '../access/access';
import type { VhostOptions } from '../config/config';
import { StatusLines } from '../stats/status-lines';
import type { Source } from '../stream/source';
import { FailureMemory } from '../upstream/candidates';

import { viaOf } from './asked';
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
const MARK_BYTES = 6;

/**
 * The edge side of the server. Streams of `mode remote` are fetched while they are wanted here, and what is published
 * here is handed on once an origin has granted that; with a finder, streams of other vhosts are fetched too.
 */
export class EdgeService implements Authorizer {
  readonly #parts: EdgeParts;
  readonly #pushes: EdgePushes;
  readonly #checks: TokenChecks;
  readonly #streams = new Map<Source, EdgeStream>();
  /** Runs while there is something to look after. */
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(parts: EdgeServiceParts) {
    const { clock, resolver, finder, pithyPrint } = parts;
    const failures = new FailureMemory(clock);
    this.#parts = {
      ...parts,
      failures,
      origins: new Origins({ resolver, failures, finder }),
      lines: new StatusLines('edge', pithyPrint, clock),
      mark: randomBytes(MARK_BYTES).toString('hex'),
      lookAfter: () => {
        this.#lookAfter();
      },
    };
    this.#pushes = new EdgePushes(this.#parts);
    this.#checks = new TokenChecks(this.#parts);
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

  /**
   * Asks the origin of an edge: about each client with `token_traverse`, and about everyone who publishes. No stream is
   * given to a server that would give it to us.
   */
  authorize(
    action: AccessAction,
    client: ClientIdentity,
  ): Refusal | Promise<Refusal | undefined> | undefined {
    if (action === 'play') return this.#checkCircle(client);
    const vhost = this.#parts.findVhost(client.request.vhost);
    if (vhost?.mode !== 'remote' || this.#isStopped) return undefined;
    if (action === 'connect' && !vhost.tokenTraverse) return undefined;
    this.#lookAfter();
    return action === 'publish'
      ? this.#pushes.open(client, vhost)
      : this.#checks.ask(client, vhost);
  }

  ended(action: AccessAction, client: ClientIdentity): void {
    if (action === 'publish') this.#pushes.ended(client);
  }

  #checkCircle({ request }: ClientIdentity): Refusal | undefined {
    if (!viaOf(request).includes(this.#parts.mark)) return undefined;
    return {
      code: ErrorCode.SYSTEM_FORWARD_LOOP,
      status: RefusalStatus.notFound,
      description: 'the stream would be fetched from here in a circle',
    };
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
    const hasPull = [...this.#streams.values()].some(({ pull }) => pull !== undefined);
    if (!hasPull && this.#pushes.isIdle && this.#checks.isIdle) this.#rest();
  }

  /** Ends all of it: clients that wait for an answer are refused. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    this.#rest();
    for (const source of this.#streams.keys()) this.forget(source);
    this.#pushes.close(undefined, 'the server is shutting down');
    this.#checks.stop();
  }

  /** There is something to look after. */
  #lookAfter(): void {
    if (this.#isStopped) return;
    const { clock } = this.#parts;
    this.#timer ??= setInterval(() => {
      this.check(clock.nowMs());
    }, CHECK_MS).unref();
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
