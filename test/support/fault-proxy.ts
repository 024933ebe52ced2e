/** Owns a TCP link for tests that can fail: it passes bytes on, slowly, late or not at all, and can be cut. */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

import { ProxyLane } from './proxy-lane';
import type { LaneState } from './proxy-lane';
import { Waits } from './waits';

/** `up` is from who connects to the server behind the proxy, `down` the other way. */
export type Direction = 'up' | 'down';

/** An end of the link. */
export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

/** How a link is cut: by a reset, or as if either side had said all. */
export type Cut = 'rst' | 'fin';

/** What has gone through so far. */
export interface ProxyStats {
  /** Connections that are open at the side of who connects. */
  readonly open: number;
  /** Connections ever taken. */
  readonly accepted: number;
  /** Bytes passed on. */
  readonly up: number;
  readonly down: number;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  readonly lanes: Record<Direction, ProxyLane>;
}

const BOTH: readonly Direction[] = ['up', 'down'];

/** A link between whoever connects to its port and one server. Faults hold for what is open and for what comes. */
export class FaultProxy {
  /** Where connections go that come from now on. */
  target: ProxyTarget;
  readonly #states: Record<Direction, LaneState> = {
    up: { isFrozen: false, bytesPerSecond: Infinity, latencyMs: 0, passed: 0 },
    down: { isFrozen: false, bytesPerSecond: Infinity, latencyMs: 0, passed: 0 },
  };
  readonly #links = new Set<Link>();
  readonly #waits = new Waits(() => JSON.stringify(this.stats));
  readonly #host: string;
  #server: Server | undefined;
  #port = 0;
  #accepted = 0;

  private constructor(target: ProxyTarget, host: string) {
    this.target = target;
    this.#host = host;
  }

  /** Listens at an address, by default at a free port of 127.0.0.1. */
  static async start(target: ProxyTarget, at: Partial<ProxyTarget> = {}): Promise<FaultProxy> {
    const proxy = new FaultProxy(target, at.host ?? '127.0.0.1');
    await proxy.#listen(at.port ?? 0);
    return proxy;
  }

  /** The port to connect to; it stays the same over {@link refuse}. */
  get port(): number {
    return this.#port;
  }

  get stats(): ProxyStats {
    return {
      open: this.#links.size,
      accepted: this.#accepted,
      up: this.#states.up.passed,
      down: this.#states.down.passed,
    };
  }

  /** Resolves when so many connections are open. */
  untilOpen(count: number): Promise<void> {
    return this.#waits.until(`${count} open links`, () => this.#links.size === count);
  }

  /** Resolves when so many connections have been taken since the start. */
  untilAccepted(count: number): Promise<void> {
    return this.#waits.until(`${count} links`, () => this.#accepted >= count);
  }

  /** Ends what is open now; what is on its way is lost. */
  cut(how: Cut = 'rst'): void {
    for (const { client, server, lanes } of this.#links) {
      for (const lane of Object.values(lanes)) lane.stop();
      for (const socket of [client, server]) {
        if (how === 'rst') socket.resetAndDestroy();
        else socket.destroySoon();
      }
    }
  }

  /** Whoever connects is refused from now on; what is open stays. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    // Closed at once; the callback would come only when the last connection has ended.
    server.close();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Takes connections again, at the same port. */
  async accept(): Promise<void> {
    if (this.#server === undefined) await this.#listen(this.#port);
  }

  /** Passes nothing on, not even an end; connections stay and are still taken. */
  freeze(...directions: Direction[]): void {
    this.#change(directions, { isFrozen: true });
  }

  /** Passes on again, what has waited first. */
  thaw(...directions: Direction[]): void {
    this.#change(directions, { isFrozen: false });
  }

  /** Passes on at most so many bytes a second over each connection; Infinity lifts it. */
  limit(bytesPerSecond: number, ...directions: Direction[]): void {
    this.#change(directions, { bytesPerSecond });
  }

  /** Passes on what comes from now on so much later. */
  delay(latencyMs: number, ...directions: Direction[]): void {
    this.#change(directions, { latencyMs });
  }

  /** Lifts every fault. */
  async pass(): Promise<void> {
    this.#change([], { isFrozen: false, bytesPerSecond: Infinity, latencyMs: 0 });
    await this.accept();
  }

  /** Ends all there is. */
  async close(): Promise<void> {
    await this.refuse();
    this.cut();
    await this.untilOpen(0);
    this.#waits.close('the proxy was closed');
  }

  async #listen(port: number): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      this.#take(client);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, this.#host, resolve);
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  #take(client: Socket): void {
    const server = connect({ ...this.target, allowHalfOpen: true, noDelay: true });
    const lanes = {
      up: new ProxyLane(client, server, this.#states.up),
      down: new ProxyLane(server, client, this.#states.down),
    };
    const link = { client, server, lanes };
    this.#links.add(link);
    this.#accepted++;
    client.once('close', () => {
      this.#links.delete(link);
      this.#waits.look();
    });
    this.#waits.look();
  }

  #change(directions: readonly Direction[], change: Partial<LaneState>): void {
    for (const direction of directions.length > 0 ? directions : BOTH) {
      Object.assign(this.#states[direction], change);
      for (const { lanes } of this.#links) lanes[direction].pump();
    }
  }
}
