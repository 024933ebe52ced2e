/** Owns one event loop of the addon: listeners, sockets by slot, and the dispatch of event batches. */
import { getSystemErrorName } from 'node:util';

import { describeFault, ErrorCode, SrsError } from '../core/errors';
import type { Logger } from '../core/logger';

import { EngineEvent, loadBinding } from './binding';
import type { NativeEngine } from './binding';
import { ReaderPumps } from './log-reader-pump';
import { Socket } from './socket';
import type { SocketHandler } from './socket';

/** Bytes that one batch of data events may hold. */
const slabBytes = 1024 * 1024;
const eventCapacity = 4096;
const numbersPerEvent = 4;
const defaultBacklog = 4096;
/** How often it is said at most that connections cannot be accepted. */
const acceptFailedIntervalMs = 1000;

/** A port on which connections are accepted. */
export interface Listener {
  /** Numeric address it is bound to. */
  readonly address: string;
  /** The bound port, also when 0 was asked for. */
  readonly port: number;
  /** Stops accepting; accepted connections stay. Idempotent. */
  close(): void;
}

/** Totals since the engine was made. */
export interface EngineStats {
  readonly sockets: number;
  readonly accepted: number;
  readonly turns: number;
  readonly reads: number;
  readonly writes: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
}

/** One epoll loop under Node's own; everything runs on Node's thread. */
export class Engine {
  readonly #log: Logger;
  readonly #native: NativeEngine;
  readonly #slab = Buffer.allocUnsafeSlow(slabBytes);
  readonly #events = new Int32Array(eventCapacity * numbersPerEvent);
  readonly #sockets: (Socket | undefined)[] = [];
  readonly #acceptors = new Map<number, (socket: Socket) => void>();
  /** When pulled players of any log get their bytes; for the classes of this folder. */
  readonly readerPumps = new ReaderPumps();
  #acceptFailedMs = -acceptFailedIntervalMs;
  #closed = false;

  constructor(log: Logger) {
    this.#log = log;
    const { Engine: Native } = loadBinding();
    this.#native = new Native(this.#slab, this.#events, (count) => {
      this.#dispatch(count);
    });
  }

  /**
   * Listens on a numeric address ('' = all IPv4 addresses); port 0 takes a free one.
   *
   * @throws SrsError SOCKET_BIND (1002) with the reason
   */
  listen(address: string, port: number, onAccept: (socket: Socket) => void): Listener {
    const host = address === '' ? '0.0.0.0' : address;
    const id = this.#native.listen(host, port, defaultBacklog);
    if (id < 0) {
      throw new SrsError(
        ErrorCode.SOCKET_BIND,
        `cannot listen at ${host} port ${String(port)}: ${getSystemErrorName(id)}`,
        { cause: { errno: -id } },
      );
    }
    this.#acceptors.set(id, onAccept);
    return {
      address: host,
      port: this.#native.listenerPort(id),
      close: () => {
        if (!this.#acceptors.delete(id) || this.#closed) return;
        this.#native.closeListener(id);
      },
    };
  }

  /**
   * Connects to a numeric address. The handler's `onConnect` or `onClose` follows, also for an
   * error that the kernel reports at once.
   */
  connect(address: string, port: number, timeoutMs: number, handler: SocketHandler): Socket {
    const slot = this.#native.connect(address, port, timeoutMs);
    const socket = new Socket(this.#native, slot);
    socket.handler = handler;
    if (slot >= 0) {
      this.#sockets[slot] = socket;
    } else {
      socket.markClosed();
      setImmediate(() => {
        handler.onClose(-slot);
      });
    }
    return socket;
  }

  /** The addon's object, for the classes of this folder. */
  get native(): NativeEngine {
    return this.#native;
  }

  get stats(): EngineStats {
    const numbers = new Float64Array(7);
    if (!this.#closed) this.#native.stats(numbers);
    const [sockets = 0, accepted = 0, turns = 0, reads = 0, writes = 0, received = 0, sent = 0] =
      numbers;
    return {
      sockets,
      accepted,
      turns,
      reads,
      writes,
      bytesReceived: received,
      bytesSent: sent,
    };
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Says in the log that the code of a connection or a player threw. */
  reportFailure(error: unknown): void {
    this.#log.error(`a connection failed: ${describeFault(error)}`);
  }

  /** Closes every listener and socket now; handlers hear of it. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#acceptors.clear();
    this.readerPumps.close();
    for (const socket of this.#sockets.splice(0)) {
      if (socket !== undefined && !socket.isClosed) this.#tellClosed(socket, 0);
    }
    this.#native.close();
  }

  #dispatch(count: number): void {
    const events = this.#events;
    for (let at = 0; at < count * numbersPerEvent && !this.#closed; at += numbersPerEvent) {
      const type = events[at] ?? 0;
      const slot = events[at + 1] ?? 0;
      const a = events[at + 2] ?? 0;
      if (type === EngineEvent.data) {
        const socket = this.#sockets[slot];
        if (socket !== undefined) this.#onData(socket, a, a + (events[at + 3] ?? 0));
      } else {
        this.#onEvent(type, slot, a);
      }
    }
  }

  #onData(socket: Socket, start: number, end: number): void {
    try {
      socket.handler?.onData(this.#slab, start, end);
    } catch (error) {
      this.reportFailure(error);
      socket.destroy();
    }
  }

  #onEvent(type: number, slot: number, a: number): void {
    if (type === EngineEvent.accepted) {
      this.#onAccepted(slot, a);
      return;
    }
    if (type === EngineEvent.acceptFailed) {
      this.#onAcceptFailed(a);
      return;
    }
    const socket = this.#sockets[slot];
    if (socket === undefined) return;
    if (type === EngineEvent.closed) {
      this.#sockets[slot] = undefined;
      this.#tellClosed(socket, a);
      return;
    }
    this.#guard(socket, () => {
      if (type === EngineEvent.connected) socket.handler?.onConnect?.();
      else if (type === EngineEvent.drained) socket.handler?.onDrain?.();
      else if (type === EngineEvent.ended) socket.handler?.onEnd?.();
      else if (type === EngineEvent.playEnded) this.#onPlayEnded(socket);
    });
  }

  /** The event may be of a play that was left since, in the same batch. */
  #onPlayEnded(socket: Socket): void {
    if (this.#native.hasEnded(socket.slot)) socket.handler?.onPlayEnd?.();
  }

  #onAccepted(slot: number, listener: number): void {
    const socket = new Socket(this.#native, slot);
    this.#sockets[slot] = socket;
    const accept = this.#acceptors.get(listener);
    if (accept === undefined) {
      socket.destroy();
      return;
    }
    this.#guard(socket, () => {
      accept(socket);
    });
  }

  #onAcceptFailed(errno: number): void {
    const now = performance.now();
    if (now - this.#acceptFailedMs < acceptFailedIntervalMs) return;
    this.#acceptFailedMs = now;
    this.#log.error(`cannot accept connections: ${getSystemErrorName(-errno)}`, errno);
  }

  #tellClosed(socket: Socket, errno: number): void {
    socket.markClosed();
    this.#guard(socket, () => {
      socket.handler?.onClose(errno);
    });
  }

  #guard(socket: Socket, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.reportFailure(error);
      socket.destroy();
    }
  }
}
