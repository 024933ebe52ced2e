/** Owns the RTMP connections of the server: makes one per accepted socket, ends them all. */
import type { Clock } from '../../core/clock';
import type { ContextIds } from '../../core/context-id';
import type { Logger } from '../../core/logger';
import { allowAll, withoutUsage } from '../access/access';
import type { AccessContext, Authorizer } from '../access/access';
import type { VhostOptions } from '../config/config';
import type { PithyPrint } from '../stats/pithy-print';
import type { Statistics } from '../stats/statistics';
import { StatusLines } from '../stats/status-lines';
import type { StatusMember } from '../stats/status-lines';
import type { Hub } from '../stream/hub';

import type { BandwidthTester, RtmpChannel } from './client';
import { RtmpConnection } from './connection';
import type { ConnectionHost } from './connection';

/** What the service is given by the composition root. */
export interface RtmpServiceOptions {
  readonly hub: Hub;
  readonly log: Logger;
  readonly clock: Clock;
  readonly ids: ContextIds;
  readonly pithyPrint: PithyPrint;
  readonly findVhost: (name: string) => VhostOptions | undefined;
  readonly authorizer?: Authorizer;
  /** Default: no limit is ever reached. */
  readonly accessContext?: AccessContext;
  /** Told of who publishes and plays. */
  readonly statistics?: Pick<Statistics, 'join'>;
  /** Without it, the clients of a vhost with a bandwidth check find nothing to do there. */
  readonly bandcheck?: BandwidthTester;
}

type Stage = 'publish' | 'play';

/** All RTMP clients. Status lines rotate over them, one per interval and stage. */
export class RtmpService implements ConnectionHost {
  readonly hub: Hub;
  readonly clock: Clock;
  readonly authorizer: Authorizer;
  readonly accessContext: AccessContext;
  readonly statistics: Pick<Statistics, 'join'> | undefined;
  readonly bandcheck: BandwidthTester | undefined;
  readonly findVhost: (name: string) => VhostOptions | undefined;
  readonly #log: Logger;
  readonly #ids: ContextIds;
  readonly #connections = new Set<RtmpConnection>();
  readonly #lines: Readonly<Record<Stage, StatusLines>>;
  #whenEmpty: (() => void) | undefined;

  constructor(options: RtmpServiceOptions) {
    this.hub = options.hub;
    this.clock = options.clock;
    this.authorizer = options.authorizer ?? allowAll;
    this.accessContext = options.accessContext ?? withoutUsage;
    this.statistics = options.statistics;
    this.bandcheck = options.bandcheck;
    this.findVhost = options.findVhost;
    this.#log = options.log;
    this.#ids = options.ids;
    const { pithyPrint, clock } = options;
    this.#lines = {
      publish: new StatusLines('publish', pithyPrint, clock),
      play: new StatusLines('play', pithyPrint, clock),
    };
  }

  /** Open connections, those that are closing included. */
  get size(): number {
    return this.#connections.size;
  }

  /** Serves a connection that was just accepted, plain or TLS. */
  accept(channel: RtmpChannel): void {
    this.#connections.add(new RtmpConnection(channel, this.#log.child(this.#ids.next()), this));
  }

  /** Options of a vhost have changed: its publishers and players go on with these. */
  setVhost(vhost: VhostOptions): void {
    for (const connection of this.#connections) connection.setVhost(vhost);
  }

  /** Ends the clients of a vhost, who are told why. */
  closeVhost(name: string, reason: string): void {
    for (const connection of this.#connections) {
      if (connection.isAt(name)) connection.kick(reason);
    }
  }

  /** Ends the clients that asked for nothing in time; to be called every few seconds, `nowMs` monotonic. */
  sweep(nowMs: number): void {
    for (const connection of this.#connections) connection.expire(nowMs);
  }

  onConnectionClosed(connection: RtmpConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#whenEmpty?.();
  }

  setActive(stage: Stage, member: StatusMember, isActive: boolean): void {
    const lines = this.#lines[stage];
    if (isActive) lines.add(member);
    else lines.remove(member);
  }

  /** Tells every client and lets it go; resolves when all are gone, or `timeoutMs` later. */
  async stop(timeoutMs: number): Promise<void> {
    for (const connection of this.#connections) connection.shutdown();
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#whenEmpty = (): void => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
