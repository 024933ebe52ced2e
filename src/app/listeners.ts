/** Owns the addresses the server listens at: opens them, and keeps clients beyond max_connections out. */
import type { Clock } from '../core/clock';
import { ErrorCode, SrsError } from '../core/errors';
import type { Logger } from '../core/logger';
import type { NetworkSet } from '../core/network-set';
import type { Engine, Listener } from '../net/engine';
import type { Socket } from '../net/socket';

import type { ListenAddress } from './config/config';
import { ProxyGate } from './proxy-gate';

/** At most one line per this time tells of clients beyond max_connections. */
const DROP_LINE_MS = 1000;

/** What is spoken at an address. */
export type ListenProtocol = 'RTMP' | 'RTMPS' | 'HTTP' | 'HTTPS' | 'HTTP API' | 'HTTPS API';

/** What the listeners work with. */
export interface ListenersOptions {
  readonly engine: Pick<Engine, 'listen'>;
  readonly log: Logger;
  readonly clock: Clock;
  /** Most clients of all protocols together, as of now. */
  maxConnections(): number;
  /** Clients there are. */
  clients(): number;
  /** Peers that may say by a PROXY header for whom they connect, as of now; none unless given. */
  trustedProxies?(): NetworkSet;
}

type Accept = (socket: Socket) => void;

/** An address that is listened at. */
interface OpenAddress {
  /** As it was asked for: port 0 stays 0. */
  readonly address: ListenAddress;
  readonly accept: Accept;
  readonly listener: Listener;
}

/** All listening addresses of the server. */
export class Listeners {
  readonly #options: ListenersOptions;
  readonly #open = new Map<ListenProtocol, readonly OpenAddress[]>();
  readonly #proxies: ProxyGate;
  #dropped = 0;
  #dropLineMs = -DROP_LINE_MS;

  constructor(options: ListenersOptions) {
    const { log, clock } = options;
    this.#options = options;
    this.#proxies = new ProxyGate({ log, clock, limit: () => options.maxConnections() });
  }

  /**
   * Listens at these addresses for a protocol, and at no others. Those that are open already stay so, with who accepts
   * there; new ones are opened before others are closed. Clients that are there stay. When one cannot be opened,
   * everything is as it was before.
   *
   * @returns whether an address was opened or closed
   * @throws SrsError SOCKET_BIND naming the address that cannot be listened at
   */
  reconcile(
    protocol: ListenProtocol,
    addresses: readonly ListenAddress[],
    accept: Accept,
  ): boolean {
    const before = this.#open.get(protocol) ?? [];
    const leaving = [...before];
    const staying = addresses.map((address) => takeSame(leaving, address));
    const opened: OpenAddress[] = [];
    const displaced: OpenAddress[] = [];
    try {
      const after = addresses.map((address, index) => {
        const same = staying[index];
        if (same) return same;
        // Another address of the same port may not be free before the one that leaves is closed.
        for (const other of leaving.filter((open) => isSamePort(open.address, address))) {
          displaced.push(other);
          other.listener.close();
        }
        const one = this.#listen(protocol, address, accept);
        opened.push(one);
        return one;
      });
      this.#open.set(protocol, after);
      for (const { listener } of leaving) listener.close();
      return opened.length > 0 || leaving.length > 0;
    } catch (error) {
      for (const { listener } of opened) listener.close();
      this.#open.set(protocol, this.#restored(protocol, before, displaced));
      throw error;
    }
  }

  /** What is open for a protocol, in the order of the configuration, with the ports that were found for 0. */
  addresses(protocol: ListenProtocol): ListenAddress[] {
    return (this.#open.get(protocol) ?? []).map(({ address, listener }) => ({
      host: address.host,
      port: listener.port,
    }));
  }

  /** Stops accepting; clients that are there stay. Idempotent. */
  close(): void {
    for (const open of this.#open.values()) for (const { listener } of open) listener.close();
    this.#proxies.close();
  }

  /** What was open before, with those opened again that had to make room; what cannot be is logged and left out. */
  #restored(
    protocol: ListenProtocol,
    before: readonly OpenAddress[],
    displaced: readonly OpenAddress[],
  ): OpenAddress[] {
    return before.flatMap((one) => {
      if (!displaced.includes(one)) return [one];
      try {
        return [this.#listen(protocol, one.address, one.accept)];
      } catch {
        // The line in the log is all that can be done.
        return [];
      }
    });
  }

  #listen(protocol: ListenProtocol, address: ListenAddress, accept: Accept): OpenAddress {
    const { engine, log } = this.#options;
    const { host, port } = address;
    try {
      const listener = engine.listen(host, port, (socket) => {
        this.#enter(socket, accept);
      });
      const at = host === '' ? `port=${listener.port}` : `${host}:${listener.port}`;
      log.trace(`${protocol} listen at ${at} started success`);
      return { address, accept, listener };
    } catch (cause) {
      log.error(`bind socket error. port=${port}, ret=${ErrorCode.SOCKET_BIND}`, cause);
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message = `${protocol} stream listen at port ${port} failed: ${reason}`;
      throw new SrsError(ErrorCode.SOCKET_BIND, message, { cause });
    }
  }

  /** A trusted proxy is first asked for whom it has come. */
  #enter(socket: Socket, accept: Accept): void {
    const enter: Accept = (client) => {
      if (this.#mayEnter(client)) accept(client);
    };
    const trusted = this.#options.trustedProxies?.();
    if (trusted === undefined || trusted.isEmpty || !trusted.has(socket.remoteAddress)) {
      enter(socket);
    } else this.#proxies.hold(socket, enter);
  }

  #mayEnter(socket: Socket): boolean {
    const { clock, log } = this.#options;
    const maxConnections = this.#options.maxConnections();
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

/** Takes the open address that is this one out of `open`; undefined when there is none. */
function takeSame(open: OpenAddress[], { host, port }: ListenAddress): OpenAddress | undefined {
  const index = open.findIndex(
    ({ address }) => address.port === port && hostOf(address) === hostOf({ host, port }),
  );
  return index < 0 ? undefined : open.splice(index, 1)[0];
}

function isSamePort(one: ListenAddress, other: ListenAddress): boolean {
  return one.port !== 0 && one.port === other.port;
}

/** No host is all of IPv4. */
function hostOf({ host }: ListenAddress): string {
  return host === '' ? '0.0.0.0' : host;
}
