/** Owns a plain connection that was taken out of HTTP after the head of the answer. */
import { constants } from 'node:os';

import { endWithin } from '../../../net/ending';
import type { Socket, SocketHandler } from '../../../net/socket';

import { MAX_RECEIVED_BYTES, SEND_TIMEOUT_MS } from './outlet';
import type { Outlet, OutletHandler } from './outlet';

/** Bytes that may wait in the engine before the rest waits with whoever feeds the outlet. */
const MAX_PENDING = 1024 * 1024;

/** The native socket; the media of FLV flows through it without passing here. */
export class SocketOutlet implements Outlet, SocketHandler {
  handler: OutletHandler | undefined;
  readonly isTaken = true;
  readonly socket: Socket;
  /** What came before: the request, and the head of its answer. */
  readonly #receivedBefore: number;
  /** The reason when it is not that of the socket. */
  #errno: number | undefined;

  constructor(socket: Socket, isNoDelay: boolean) {
    this.socket = socket;
    this.#receivedBefore = socket.bytesReceived;
    socket.handler = this;
    // A player need not say anything, but it has to take what it is sent.
    socket.setTimeouts(0, SEND_TIMEOUT_MS);
    if (!isNoDelay) socket.setNoDelay(false);
  }

  get isReady(): boolean {
    return this.socket.pendingBytes < MAX_PENDING;
  }

  get bytesSent(): number {
    return this.socket.bytesSent;
  }

  get bytesReceived(): number {
    return this.socket.bytesReceived;
  }

  write(bytes: Buffer): boolean {
    this.socket.write(bytes);
    return this.isReady;
  }

  setNoDelay(isOn: boolean): void {
    this.socket.setNoDelay(isOn);
  }

  end(): void {
    this.socket.end();
  }

  /** Bytes say nothing but the stream: the reason is for the log. */
  endWithin(timeoutMs: number): void {
    endWithin(this.socket, timeoutMs, () => undefined);
  }

  destroy(): void {
    this.socket.destroy();
  }

  // Socket events.

  /** Nothing is expected, so nothing is read; a peer that goes on and on is no player. */
  onData(): void {
    if (this.socket.bytesReceived - this.#receivedBefore <= MAX_RECEIVED_BYTES) return;
    this.#errno ??= constants.errno.EMSGSIZE;
    this.socket.destroy();
  }

  onDrain(): void {
    this.handler?.onDrain();
  }

  onClose(errno: number): void {
    this.handler?.onClose(this.#errno ?? errno);
  }
}
