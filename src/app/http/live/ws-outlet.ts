/** Owns players that are connected by WebSocket, and whether they are still there. */
import type { IncomingMessage } from 'node:http';
import { constants } from 'node:os';
import type { Duplex } from 'node:stream';

import { WebSocketServer } from 'ws';
import type { RawData, WebSocket } from 'ws';

import { MAX_RECEIVED_BYTES, SEND_TIMEOUT_MS } from './outlet';
import type { Outlet, OutletHandler } from './outlet';

/** Largest message that a player may send. */
const MAX_PAYLOAD_BYTES = 4096;
/** Bytes that may wait in the connection. */
const MAX_BUFFERED = 256 * 1024;
/** A player has so long to answer a ping; then comes the next. */
const PING_INTERVAL_MS = 30_000;
/** Status codes of a close, RFC 6455, 7.4.1. */
const CloseCode = { normal: 1000, abnormal: 1006, policy: 1008 } as const;
/** Room for a reason in a close frame, RFC 6455, 5.5. */
const MAX_REASON_BYTES = 123;

/** One WebSocket; each write is a binary message. */
export class WsOutlet implements Outlet {
  handler: OutletHandler | undefined;
  readonly isTaken = false;
  /** It has answered, or is new, since the last ping. */
  isAlive = true;
  readonly #socket: WebSocket;
  readonly #onClosed: () => void;
  #bytesSent = 0;
  #bytesReceived = 0;
  #errno: number | undefined;
  #isBlocked = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: WebSocket, onClosed: () => void) {
    this.#socket = socket;
    this.#onClosed = onClosed;
    socket.on('pong', () => {
      this.isAlive = true;
    });
    socket.on('message', (data) => {
      this.#receive(data);
    });
    // The close that follows is what counts.
    socket.on('error', () => undefined);
    socket.once('close', (code) => {
      this.#close(code);
    });
  }

  get isReady(): boolean {
    return this.#socket.bufferedAmount < MAX_BUFFERED;
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  write(bytes: Buffer): boolean {
    if (this.#socket.readyState !== this.#socket.OPEN) return false;
    this.#bytesSent += bytes.length;
    this.#socket.send(bytes, { binary: true }, () => {
      this.#onSent();
    });
    if (this.isReady) return true;
    this.#isBlocked = true;
    this.#timer ??= setTimeout(() => {
      this.#terminate(constants.errno.ETIMEDOUT);
    }, SEND_TIMEOUT_MS);
    return false;
  }

  end(): void {
    this.#socket.close(CloseCode.normal);
  }

  endWithin(timeoutMs: number, reason: string): void {
    const timer = setTimeout(() => {
      this.destroy();
    }, timeoutMs).unref();
    this.#socket.once('close', () => {
      clearTimeout(timer);
    });
    this.#socket.close(CloseCode.policy, cut(reason));
  }

  destroy(): void {
    this.#socket.terminate();
  }

  /** Asks whether the player is there; one that did not answer the last time is closed. */
  ping(): void {
    if (!this.isAlive) {
      this.#terminate(constants.errno.ETIMEDOUT);
      return;
    }
    this.isAlive = false;
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  #onSent(): void {
    if (!this.#isBlocked || !this.isReady) return;
    this.#isBlocked = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.handler?.onDrain();
  }

  #receive(data: RawData): void {
    this.#bytesReceived += Array.isArray(data)
      ? data.reduce((sum, part) => sum + part.length, 0)
      : data.byteLength;
    if (this.#bytesReceived > MAX_RECEIVED_BYTES) this.#terminate(constants.errno.EMSGSIZE);
  }

  #terminate(errno: number): void {
    this.#errno ??= errno;
    this.#socket.terminate();
  }

  #close(code: number): void {
    clearTimeout(this.#timer);
    this.#onClosed();
    const isAbnormal = code === CloseCode.abnormal;
    this.handler?.onClose(this.#errno ?? (isAbnormal ? constants.errno.ECONNRESET : 0));
  }
}

/** Whole characters only. */
function cut(reason: string): string {
  const bytes = Buffer.from(reason);
  let end = Math.min(bytes.length, MAX_REASON_BYTES);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

/** Makes outlets of upgrade requests; pings all of them with one timer, none while there are none. */
export class WsAcceptor {
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_PAYLOAD_BYTES,
  });
  readonly #outlets = new Set<WsOutlet>();
  #timer: NodeJS.Timeout | undefined;

  /** Answers the request; undefined when it is no proper one: it has been told so, and its connection closed, then. */
  accept(request: IncomingMessage, head: Buffer): WsOutlet | undefined {
    let opened: WsOutlet | undefined;
    const stream: Duplex = request.socket;
    this.#server.handleUpgrade(request, stream, head, (socket) => {
      const outlet = new WsOutlet(socket, () => {
        this.#remove(outlet);
      });
      this.#outlets.add(outlet);
      this.#timer ??= setInterval(() => {
        for (const one of this.#outlets) one.ping();
      }, PING_INTERVAL_MS).unref();
      opened = outlet;
    });
    return opened;
  }

  #remove(outlet: WsOutlet): void {
    this.#outlets.delete(outlet);
    if (this.#outlets.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
