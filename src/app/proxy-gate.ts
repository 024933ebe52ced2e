/** Owns accepted connections of trusted proxies until it is known for which client they speak. */
import type { Clock } from '../core/clock';
import type { Logger } from '../core/logger';
import { RateLimit } from '../core/rate-limit';
import { readProxyHeader } from '../net/proxy-protocol';
import type { Socket } from '../net/socket';

/** A proxy has so long for its header, however it sends it; a client that needs none, for its first byte. */
const HEADER_TIMEOUT_MS = 10_000;
/** Lines that a broken proxy can cause: so many at once, then one per interval. */
const WARNINGS_AT_ONCE = 10;
const WARNING_INTERVAL_MS = 1000;

/** What the gate works with. */
export interface ProxyGateParts {
  readonly log: Logger;
  readonly clock: Clock;
  /** Most connections that are held at a time, as of now; one more is closed. */
  limit(): number;
}

/** Holds connections while their PROXY header is read. One that sends none passes with its own address. */
export class ProxyGate {
  readonly #parts: ProxyGateParts;
  readonly #held = new Set<Socket>();
  readonly #warnings = new RateLimit(WARNINGS_AT_ONCE, WARNING_INTERVAL_MS);

  constructor(parts: ProxyGateParts) {
    this.#parts = parts;
  }

  /** Connections that are held. */
  get size(): number {
    return this.#held.size;
  }

  /**
   * Takes a socket that was just accepted from a trusted peer. Once its header is read, `accept` gets it as if the
   * client itself had come, and the bytes behind the header follow.
   */
  hold(socket: Socket, accept: (socket: Socket) => void): void {
    if (this.#held.size >= this.#parts.limit()) {
      this.#warn(`too many connections wait for a PROXY header, ip=${socket.remoteAddress}`);
      socket.destroy();
      return;
    }
    this.#held.add(socket);
    const sinceMs = this.#parts.clock.nowMs();
    let received: Buffer = Buffer.alloc(0);
    // A peer may say all it has to say, and be done: what it said counts.
    socket.setHalfOpen(true);
    socket.setTimeouts(HEADER_TIMEOUT_MS, 0);
    socket.handler = {
      onData: (slab, start, end) => {
        const bytes = slab.subarray(start, end);
        received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
        const isDone = this.#read(socket, received, accept);
        if (isDone) return;
        // The slab is lent.
        received = Buffer.from(received);
        if (this.#parts.clock.nowMs() - sinceMs > HEADER_TIMEOUT_MS) {
          this.#refuse(socket, `expect it within ${HEADER_TIMEOUT_MS} ms`);
        }
      },
      onEnd: () => {
        this.#release(socket);
        socket.destroy();
      },
      onClose: () => {
        this.#held.delete(socket);
      },
    };
  }

  /** Closes all that are held. */
  close(): void {
    for (const socket of [...this.#held]) {
      this.#release(socket);
      socket.destroy();
    }
  }

  /** Whether the bytes so far decide on the connection, which is passed on or refused then. */
  #read(socket: Socket, received: Buffer, accept: (socket: Socket) => void): boolean {
    const header = readProxyHeader(received);
    switch (header.kind) {
      case 'partial':
        return false;
      case 'malformed':
        this.#refuse(socket, header.reason);
        return true;
      case 'none':
        this.#pass(socket, accept, received, 0);
        return true;
      case 'header': {
        const { client, length } = header;
        if (client) socket.setRemote(client.address, client.port);
        this.#pass(socket, accept, received, length);
        return true;
      }
    }
  }

  #pass(
    socket: Socket,
    accept: (socket: Socket) => void,
    received: Buffer,
    headerBytes: number,
  ): void {
    this.#release(socket);
    accept(socket);
    if (received.length > headerBytes) {
      socket.handler?.onData(received, headerBytes, received.length);
    }
    // As a new socket is, unless its owner wants it otherwise; closed, if its peer has ended already.
    if (socket.handler?.onEnd === undefined) socket.setHalfOpen(false);
  }

  #refuse(socket: Socket, reason: string): void {
    this.#release(socket);
    this.#warn(`PROXY header is malformed, ${reason}, ip=${socket.remoteAddress}`);
    socket.destroy();
  }

  #release(socket: Socket): void {
    this.#held.delete(socket);
    socket.handler = undefined;
    socket.setTimeouts(0, 0);
  }

  #warn(line: string): void {
    const { log, clock } = this.#parts;
    if (this.#warnings.take(clock.nowMs())) log.warn(line);
    else log.info(line);
  }
}
