/** Owns the face of one TCP socket of the engine. */
import type { NativeEngine } from './binding';

/** What the owner of a socket is told. Calls come from the engine's batch, never from within a call of the owner. */
export interface SocketHandler {
  /** Bytes [start, end) of the slab; lent for the duration of the call. A throw closes the socket. */
  onData(slab: Buffer, start: number, end: number): void;
  /** Exactly once: 0 in good order (end of stream, own close), else an errno (ETIMEDOUT for timeouts). */
  onClose(errno: number): void;
  /** Own bytes that had to wait, or were 64 KiB or more, have all been sent. */
  onDrain?(): void;
  /** An outbound connection is established. */
  onConnect?(): void;
  /** The duration that was set for a player has been played. */
  onPlayEnd?(): void;
  /**
   * The peer will send no more, and we may still write: only for sockets with
   * {@link Socket.setHalfOpen}; any other is closed by its peer's end.
   */
  onEnd?(): void;
}

/** What a session needs of its connection, plain or TLS. Calls after the close succeed quietly. */
export interface Channel {
  handler: SocketHandler | undefined;
  readonly isClosed: boolean;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  write(data: Uint8Array): void;
  /** Closes in good order: what waits is sent first. */
  end(): void;
  /** Closes now. */
  destroy(): void;
  pauseRead(): void;
  resumeRead(): void;
  /** Limits on silence of the peer and on lack of progress of what waits, ms, 0 = none. */
  setTimeouts(receiveMs: number, sendMs: number): void;
  setMergedRead(intervalMs: number, maxIntervalMs?: number): void;
  setNoDelay(on: boolean): void;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Own bytes that wait to be sent. */
  readonly pendingBytes: number;
}

const counters = new Float64Array(3);

/** One TCP connection. After it closed every call succeeds quietly and does nothing. */
export class Socket implements Channel {
  /** Who is told of events; events without a handler are dropped. */
  handler: SocketHandler | undefined;
  /** Number of the socket in the engine, reused after the close was told. */
  readonly slot: number;
  readonly #native: NativeEngine;
  #closed = false;
  #remote: string | undefined;
  #local: string | undefined;
  #totals: readonly number[] | undefined;

  constructor(native: NativeEngine, slot: number) {
    this.#native = native;
    this.slot = slot;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Numeric address of the peer; '' when the socket closed before anybody asked. */
  get remoteAddress(): string {
    return hostOf((this.#remote ??= this.#address(true)));
  }

  get remotePort(): number {
    return portOf((this.#remote ??= this.#address(true)));
  }

  /** From here on the peer is said to be this one: the client for whom a proxy has connected. */
  setRemote(address: string, port: number): void {
    this.#remote = `${address} ${port}`;
  }

  /** Numeric address on our side. */
  get localAddress(): string {
    return hostOf((this.#local ??= this.#address(false)));
  }

  get localPort(): number {
    return portOf((this.#local ??= this.#address(false)));
  }

  /**
   * Sends bytes, copied, at the end of this turn; between live media they stand at a message
   * boundary. A peer that lets 16 MiB wait is closed with ENOBUFS. Once 64 KiB or more have waited, the handler's
   * `onDrain` tells that they are sent.
   */
  write(data: Uint8Array): void {
    if (!this.#closed) this.#native.write(this.slot, data, 0, data.length);
  }

  /** Closes in good order: what waits is sent, then the write side is shut and the peer's end awaited for 3 s. */
  end(): void {
    if (!this.#closed) this.#native.end(this.slot);
  }

  /** Closes now; what waits is lost. Has no effect while an {@link end} is under way. */
  destroy(): void {
    if (!this.#closed) this.#native.destroy(this.slot);
  }

  pauseRead(): void {
    if (!this.#closed) this.#native.pauseRead(this.slot, true);
  }

  resumeRead(): void {
    if (!this.#closed) this.#native.pauseRead(this.slot, false);
  }

  /**
   * Limits on silence, ms, 0 = none, checked about once a second: no byte received, or no progress
   * of bytes that wait. The socket then closes with ETIMEDOUT.
   */
  setTimeouts(receiveMs: number, sendMs: number): void {
    if (!this.#closed) this.#native.setTimeouts(this.slot, receiveMs, sendMs);
  }

  /**
   * Reads the socket every `intervalMs` instead of at each packet; 0 = at each packet. With many such
   * sockets the interval grows, by 1 ms for each ten of them, up to `maxIntervalMs`.
   */
  setMergedRead(intervalMs: number, maxIntervalMs = intervalMs): void {
    if (!this.#closed) this.#native.setMergedRead(this.slot, intervalMs, maxIntervalMs);
  }

  /**
   * Whether the peer's end of stream leaves our side open: the handler's `onEnd` is called, nothing
   * is read any more, the limit on its silence no longer counts, and writing goes on until an
   * {@link end}, a reset or an error. Turned off after the peer has ended, it closes the socket.
   */
  setHalfOpen(on: boolean): void {
    if (!this.#closed) this.#native.setHalfOpen(this.slot, on);
  }

  /** TCP_NODELAY, which is on unless this turns it off. */
  setNoDelay(on: boolean): void {
    if (!this.#closed) this.#native.setNoDelay(this.slot, on);
  }

  get bytesReceived(): number {
    return this.#counter(0);
  }

  get bytesSent(): number {
    return this.#counter(1);
  }

  /** Own bytes that wait to be sent. */
  get pendingBytes(): number {
    return this.#counter(2);
  }

  /** For the engine, when it tells of the close: the totals are kept, the slot is not ours any more. */
  markClosed(): void {
    if (this.#closed) return;
    this.#totals = [this.bytesReceived, this.bytesSent, 0];
    this.#closed = true;
  }

  #counter(index: number): number {
    if (this.#totals !== undefined) return this.#totals[index] ?? 0;
    return this.#native.counters(this.slot, counters) ? (counters[index] ?? 0) : 0;
  }

  #address(peer: boolean): string {
    return this.#closed ? '' : this.#native.addressOf(this.slot, peer);
  }
}

function hostOf(address: string): string {
  return address.slice(0, Math.max(0, address.indexOf(' ')));
}

function portOf(address: string): number {
  return Number(address.slice(address.indexOf(' ') + 1));
}
