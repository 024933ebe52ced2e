/** An engine whose sockets come from the test. */
import type { Engine, Listener } from '../../../src/net/engine';
import type { Socket, SocketHandler } from '../../../src/net/socket';

import { FakeSocket } from './fake-socket';

const FIRST_FREE_PORT = 50_000;

export class FakeEngine {
  readonly listening = new Map<number, (socket: Socket) => void>();
  readonly connected: string[] = [];
  isClosed = false;
  /** Port that is taken. */
  takenPort = -1;
  /** Names of what broadcast logs called, in order. */
  readonly nativeCalls: string[] = [];
  readonly native = new Proxy(
    {},
    {
      get: (_target, name) => () => {
        this.nativeCalls.push(String(name));
        return 0;
      },
    },
  );

  get asEngine(): Engine {
    return this as unknown as Engine;
  }

  listen(address: string, port: number, onAccept: (socket: Socket) => void): Listener {
    if (port === this.takenPort) throw new Error(`cannot listen at ${address}: EADDRINUSE`);
    const bound = port === 0 ? FIRST_FREE_PORT + this.listening.size : port;
    this.listening.set(bound, onAccept);
    return {
      address,
      port: bound,
      close: () => {
        this.listening.delete(bound);
      },
    };
  }

  connect(address: string, port: number, _timeoutMs: number, handler: SocketHandler): Socket {
    this.connected.push(`${address}:${port}`);
    const socket = new FakeSocket();
    socket.handler = handler;
    return socket.asSocket;
  }

  close(): void {
    this.isClosed = true;
  }

  /** A client arrives at a port. */
  accept(port: number, socket: FakeSocket): void {
    this.listening.get(port)?.(socket.asSocket);
  }
}
