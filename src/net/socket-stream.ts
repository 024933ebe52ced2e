/** Owns the face of an engine's socket that Node's http and tls can work with: a Duplex. */
import { constants } from 'node:os';
import { Duplex } from 'node:stream';
import { getSystemErrorName } from 'node:util';

import type { Socket } from './socket';

/** Bytes that wait on one side before the other is held up. */
const HIGH_WATER_MARK = 64 * 1024;
/** The engine is handed more only while less than this waits there; that much is enough to be told of its drain. */
const MAX_PENDING = 256 * 1024;
/** Room for what tells a peer in TLS why it is left. */
const MAX_LAST_WORDS = 1024;

type Callback = (error?: Error | null) => void;

/** Writes that the engine has not taken yet. */
interface Sending {
  readonly chunks: Buffer[];
  readonly callback: Callback;
}

/**
 * One TCP connection as Node's own `net.Socket` would show it to an HTTP server, a WebSocket or a `TLSSocket`:
 * `server.emit('connection', stream)`. It is the socket's handler from its making on.
 *
 * A peer's end of stream leaves the other direction open. For an HTTP server to answer such a peer in full, set
 * `httpAllowHalfOpen` on it. The stream's `close` comes when the connection is really gone; an `error` that nobody
 * listens to is harmless, for a peer that resets its connection must never end the program.
 */
export class SocketStream extends Duplex {
  /** As `net.Socket` says it. */
  readonly connecting = false;
  readonly #socket: Socket;
  readonly #hasLastWords: boolean;
  #isReleased = false;
  #isReadPaused = false;
  #sending: Sending | undefined;
  #onGone: (() => void) | undefined;
  #timeoutMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #sentAtTimer = 0;

  /**
   * @param hasLastWords for TLS, which destroys the stream right after its alert: that little is sent all the same
   */
  constructor(socket: Socket, hasLastWords = false) {
    super({
      allowHalfOpen: true,
      readableHighWaterMark: HIGH_WATER_MARK,
      writableHighWaterMark: HIGH_WATER_MARK,
    });
    this.#socket = socket;
    this.#hasLastWords = hasLastWords;
    this.on('error', () => undefined);
    socket.handler = {
      onData: (slab, start, end) => {
        this.#receive(slab, start, end);
      },
      onEnd: () => {
        this.push(null);
      },
      onDrain: () => {
        this.#touch();
        this.#send();
      },
      onClose: (errno) => {
        this.#gone(errno);
      },
    };
    socket.setHalfOpen(true);
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress;
  }

  get remotePort(): number {
    return this.#socket.remotePort;
  }

  get remoteFamily(): string {
    return familyOf(this.remoteAddress);
  }

  get localAddress(): string {
    return this.#socket.localAddress;
  }

  get localPort(): number {
    return this.#socket.localPort;
  }

  get localFamily(): string {
    return familyOf(this.localAddress);
  }

  get bytesRead(): number {
    return this.#socket.bytesReceived;
  }

  /** Bytes written to the stream, those that wait included. */
  get bytesWritten(): number {
    return this.#socket.bytesSent + this.#socket.pendingBytes + this.writableLength;
  }

  /** What {@link setTimeout} set, ms; 0 = none. */
  get timeout(): number {
    return this.#timeoutMs;
  }

  address(): { address: string; family: string; port: number } {
    return { address: this.localAddress, family: this.localFamily, port: this.localPort };
  }

  /** Emits `timeout`, and does nothing else, after `ms` without a byte in either direction; 0 = never. */
  setTimeout(ms: number, onTimeout?: () => void): this {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timeoutMs = ms;
    if (onTimeout) {
      if (ms > 0) this.once('timeout', onTimeout);
      else this.off('timeout', onTimeout);
    }
    if (ms > 0 && !this.destroyed) {
      this.#sentAtTimer = this.#socket.bytesSent;
      this.#timer = setTimeout(() => {
        this.#onTimer();
      }, ms).unref();
    }
    return this;
  }

  setNoDelay(on = true): this {
    if (!this.#isReleased) this.#socket.setNoDelay(on);
    return this;
  }

  /** Does nothing: the engine has probes on for every connection. */
  setKeepAlive(): this {
    return this;
  }

  /** Does nothing: what keeps the program alive is the engine. */
  ref(): this {
    return this;
  }

  /** Does nothing, as {@link ref}. */
  unref(): this {
    return this;
  }

  /** Ends, and destroys once all has been handed to the engine, which sends it within its limits of time. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /**
   * Gives the socket back: read again, without a handler, closed by its peer's end as at first. Everything written to
   * the stream so far, corked or held back, is with the socket, before whatever is written to that from now on; what
   * was received and not consumed is lost. The stream emits `close` and is dead. An HTTP response has written its
   * head only after `flushHeaders()`.
   */
  release(): Socket {
    const socket = this.#socket;
    if (this.destroyed) return socket;
    this.#isReleased = true;
    while (this.writableCorked > 0) this.uncork();
    this.#send();
    socket.handler = undefined;
    socket.setHalfOpen(false);
    socket.resumeRead();
    this.destroy();
    return socket;
  }

  // What Duplex asks for.

  override _read(): void {
    if (!this.#isReadPaused || this.#isReleased) return;
    this.#isReadPaused = false;
    this.#socket.resumeRead();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.#sending = { chunks: [chunk], callback };
    this.#send();
  }

  override _writev(writes: { chunk: Buffer }[], callback: Callback): void {
    this.#sending = { chunks: writes.map(({ chunk }) => chunk), callback };
    this.#send();
  }

  override _final(callback: Callback): void {
    this.#socket.end();
    callback();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    clearTimeout(this.#timer);
    const unsent = this.#sending?.callback;
    this.#sending = undefined;
    unsent?.(error ?? connectionError(constants.errno.ECANCELED));
    if (this.#isReleased || this.#socket.isClosed) {
      callback(error);
      return;
    }
    this.#onGone = () => {
      callback(error);
    };
    const { pendingBytes } = this.#socket;
    const isAlert = this.#hasLastWords && pendingBytes > 0 && pendingBytes <= MAX_LAST_WORDS;
    if (isAlert) this.#socket.end();
    else this.#socket.destroy();
  }

  /** The slab is lent: what is kept is copied. */
  #receive(slab: Buffer, start: number, end: number): void {
    if (this.destroyed) return;
    this.#touch();
    if (this.push(Buffer.from(slab.subarray(start, end))) || this.#isReadPaused) return;
    // A release from within the push has given the socket away.
    if (this.#isReleased) return;
    this.#isReadPaused = true;
    this.#socket.pauseRead();
  }

  /** Hands the engine, which copies, as much as may wait there; all of it when the socket is given back. */
  #send(): void {
    const sending = this.#sending;
    if (!sending) return;
    const { chunks, callback } = sending;
    for (let chunk = chunks[0]; chunk; chunk = chunks[0]) {
      if (!this.#isReleased && this.#socket.pendingBytes >= MAX_PENDING) return;
      const isWhole = this.#isReleased || chunk.length <= MAX_PENDING;
      this.#socket.write(isWhole ? chunk : chunk.subarray(0, MAX_PENDING));
      if (isWhole) chunks.shift();
      else chunks[0] = chunk.subarray(MAX_PENDING);
    }
    this.#sending = undefined;
    this.#touch();
    callback();
  }

  #gone(errno: number): void {
    this.destroy(errno === 0 ? undefined : connectionError(errno));
    this.#onGone?.();
    this.#onGone = undefined;
  }

  #touch(): void {
    this.#timer?.refresh();
  }

  /** Bytes that the engine got rid of count as activity, too. */
  #onTimer(): void {
    const { bytesSent } = this.#socket;
    const hasMoved = bytesSent !== this.#sentAtTimer;
    this.#sentAtTimer = bytesSent;
    this.#touch();
    if (!hasMoved) this.emit('timeout');
  }
}

/** An error as `net.Socket` would have it. */
function connectionError(errno: number): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`connection: ${code}`), { code, errno: -errno, syscall: 'read' });
}

function familyOf(address: string): string {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}
