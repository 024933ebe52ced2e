/** Owns an answer that lasts, where the connection cannot be taken out of HTTP: over TLS, or ahead of other requests. */
import type { ServerResponse } from 'node:http';
import { constants } from 'node:os';

import { SEND_TIMEOUT_MS } from './outlet';
import type { Outlet, OutletHandler } from './outlet';

/** The body of an HTTP response; one timer, and only while the client takes nothing. */
export class ResponseOutlet implements Outlet {
  handler: OutletHandler | undefined;
  readonly isTaken = false;
  readonly bytesReceived = 0;
  readonly #response: ServerResponse;
  #bytesSent = 0;
  #errno: number | undefined;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param response its head is set, and not yet sent */
  constructor(response: ServerResponse) {
    this.#response = response;
    response.on('drain', () => {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.handler?.onDrain();
    });
    // An answer that is cut off by the server is expected to be; whoever it is told by, it closes.
    response.on('error', () => undefined);
    const onEnd = (): void => {
      this.destroy();
    };
    const { socket } = response;
    socket?.once('end', onEnd);
    response.once('close', () => {
      socket?.off('end', onEnd);
      this.#close();
    });
    response.flushHeaders();
  }

  get isReady(): boolean {
    return !this.#response.writableNeedDrain;
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  write(bytes: Buffer): boolean {
    if (this.#isClosed || this.#response.writableEnded) return false;
    this.#bytesSent += bytes.length;
    if (this.#response.write(bytes)) return true;
    this.#timer ??= setTimeout(() => {
      this.#errno ??= constants.errno.ETIMEDOUT;
      this.#response.destroy();
    }, SEND_TIMEOUT_MS);
    return false;
  }

  end(): void {
    if (!this.#isClosed) this.#response.end();
  }

  /** Ends the connection, too: it could be used for another request. */
  endWithin(timeoutMs: number): void {
    const { socket } = this.#response;
    if (this.#isClosed || !socket) return;
    const timer = setTimeout(() => {
      socket.destroy();
    }, timeoutMs).unref();
    socket.once('close', () => {
      clearTimeout(timer);
    });
    this.#response.end(() => {
      socket.end();
    });
  }

  destroy(): void {
    if (!this.#isClosed) this.#response.destroy();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const isWhole = this.#response.writableFinished;
    this.handler?.onClose(this.#errno ?? (isWhole ? 0 : constants.errno.ECONNRESET));
  }
}
