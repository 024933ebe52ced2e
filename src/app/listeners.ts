/** Owns the addresses the server listens at: opens them, and keeps clients beyond max_connections out. */
import type { Clock } from '../core/clock';
import { ErrorCode, SrsError } from '../core/errors';
import type { Logger } from '../core/logger';
import type { Engine, Listener } from '../net/engine';
import type { Socket } from '../net/socket';

import type { ListenAddress } from './config/config';

/** At most one line per this time tells of clients beyond max_connections. */
const DROP_LINE_MS = 1000;

/** What is spoken at an address. */
export type ListenProtocol = 'RTMP' | 'RTMPS' | 'HTTP' | 'HTTPS';

/** What the listeners work with. */
export interface ListenersOptions {
  readonly engine: Pick<Engine, 'listen'>;
  readonly log: Logger;
  readonly clock: Clock;
  /** Most clients of all protocols together. */
  readonly maxConnections: number;
  /** Clients there are. */
  clients(): number;
}

/** All listening addresses of the server. */
export class Listeners {
  readonly #options: ListenersOptions;
  readonly #open: { readonly protocol: ListenProtocol; readonly listener: Listener }[] = [];
  #dropped = 0;
  #dropLineMs = -DROP_LINE_MS;

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  /**
   * Listens at each of the addresses.
   *
   * @throws SrsError SOCKET_BIND naming the address that cannot be listened at
   */
  open(
    protocol: ListenProtocol,
    addresses: readonly ListenAddress[],
    accept: (socket: Socket) => void,
  ): void {
    for (const address of addresses) this.#listen(protocol, address, accept);
  }

  /** The ports that are open for a protocol, in the order of the configuration. */
  ports(protocol: ListenProtocol): number[] {
    return this.#open
      .filter((entry) => entry.protocol === protocol)
      .map(({ listener }) => listener.port);
  }

  /** Stops accepting; clients that are there stay. Idempotent. */
  close(): void {
    for (const { listener } of this.#open) listener.close();
  }

  #listen(
    protocol: ListenProtocol,
    { host, port }: ListenAddress,
    accept: (socket: Socket) => void,
  ): void {
    const { engine, log } = this.#options;
    try {
      const listener = engine.listen(host, port, (socket) => {
        if (this.#mayEnter(socket)) accept(socket);
      });
      this.#open.push({ protocol, listener });
      const at = host === '' ? `port=${listener.port}` : `${host}:${listener.port}`;
      log.trace(`${protocol} listen at ${at} started success`);
    } catch (cause) {
      log.error(`bind socket error. port=${port}, ret=${ErrorCode.SOCKET_BIND}`, cause);
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `${protocol} stream listen at port ${port} failed: ${reason}`;
      throw new SrsError(ErrorCode.SOCKET_BIND, message, { cause });
    }
  }

  #mayEnter(socket: Socket): boolean {
    const { clock, log, maxConnections } = this.#options;
    const clients = this.#options.clients();
    if (clients < maxConnections) return true;
    this.#dropped++;
    const nowMs = clock.nowMs();
    if (nowMs - this.#dropLineMs >= DROP_LINE_MS) {
      this.#dropLineMs = nowMs;
      log.error(
        `exceed the max connections, drop client: clients=${clients}, ` +
          `max=${maxConnections}, ip=${socket.remoteAddress}, dropped=${this.#dropped}`,
      );
    }
    socket.destroy();
    return false;
  }
}
