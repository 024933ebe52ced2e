/** Owns TLS over a socket of the engine: as a channel for RTMP, and as a stream for HTTP. */
import { constants } from 'node:os';
import { connect, TLSSocket } from 'node:tls';
import type { SecureContext, TLSSocketOptions } from 'node:tls';

import { describeFault } from '../core/errors';
import { parseIp } from '../core/ip-address';
import type { Logger } from '../core/logger';

import type { PulledPlayer } from './broadcast-log';
import type { Channel, Socket, SocketHandler } from './socket';
import { SocketStream } from './socket-stream';
import { trustedRoots } from './trusted-roots';

/** A peer has so long for its handshake, however often it says something. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** What waits to be encrypted and sent before a player gets no more. */
const HIGH_WATER_MARK = 128 * 1024;
/** Limit on own bytes that wait, as the engine has it. */
const MAX_PENDING = 16 * 1024 * 1024;
/** Longest wait, at the end, for a peer that takes nothing, where the owner has set none. */
const END_TIMEOUT_MS = 30_000;

/** Why a connection failed: an errno, and words for the log. */
interface Failure {
  readonly errno: number;
  readonly reason: string;
}

/** The server that a client of TLS means to talk to. */
export interface TlsServerName {
  /** Host name, which the server is told and has to prove; or a numeric address, which it has to prove. */
  readonly host: string;
  /** Whether it has to prove it at all, by a certificate that the {@link trustedRoots} vouch for. */
  readonly verify: boolean;
}

/**
 * One connection that speaks TLS, for its owner like a plain {@link Socket}: `handler.onConnect` tells that the
 * handshake is done, `handler.onDrain` that a player can take media again. A failed handshake is a close with EPROTO,
 * one that takes too long with ETIMEDOUT; {@link reason} says more. What is written before the handshake is done
 * waits for it.
 */
export class TlsChannel implements Channel, PulledPlayer {
  handler: SocketHandler | undefined;
  readonly #socket: Socket;
  readonly #stream: SocketStream;
  readonly #tls: TLSSocket;
  readonly #log: Logger;
  #sendMs = 0;
  #isSecure = false;
  #isEnding = false;
  #isClosed = false;
  #failure: Failure | undefined;

  /**
   * The server's side of a connection that was just accepted, by its certificate; or the client's side of one that was
   * just established, by the server it is to.
   *
   * @throws SrsError as {@link trustedRoots}, on the client's side
   */
  constructor(socket: Socket, side: SecureContext | TlsServerName, log: Logger) {
    const onFailure = (failure: Failure): void => {
      this.#fail(failure);
    };
    const isClient = 'host' in side;
    // Before anything is made that a failure would leave behind.
    const roots = isClient && side.verify ? trustedRoots() : undefined;
    this.#socket = socket;
    this.#log = log;
    this.#stream = new SocketStream(socket, true);
    this.#tls = isClient
      ? startClient(this.#stream, side, roots, onFailure)
      : startServer(this.#stream, side, {}, onFailure);
    this.#tls
      .on(isClient ? 'secureConnect' : 'secure', () => {
        this.#isSecure = true;
        this.#guard(() => this.handler?.onConnect?.());
      })
      .on('data', (bytes: Buffer) => {
        if (!this.#isEnding) this.#guard(() => this.handler?.onData(bytes, 0, bytes.length));
      })
      .on('end', () => {
        this.end();
      })
      .on('drain', () => {
        this.#guard(() => this.handler?.onDrain?.());
      });
    // TLS is done with the connection before the connection is done.
    this.#stream.on('close', () => {
      this.#close();
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether the handshake is done. */
  get isSecure(): boolean {
    return this.#isSecure;
  }

  /** For the log, what failed; '' for nothing. */
  get reason(): string {
    return this.#failure?.reason ?? '';
  }

  /** `TLSv1.3`; '' before the handshake is done. */
  get protocol(): string {
    return this.#isSecure ? (this.#tls.getProtocol() ?? '') : '';
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress;
  }

  get remotePort(): number {
    return this.#socket.remotePort;
  }

  get localAddress(): string {
    return this.#socket.localAddress;
  }

  get localPort(): number {
    return this.#socket.localPort;
  }

  /** On the wire, as {@link bytesSent}: what TLS adds is included. */
  get bytesReceived(): number {
    return this.#socket.bytesReceived;
  }

  get bytesSent(): number {
    return this.#socket.bytesSent;
  }

  get pendingBytes(): number {
    return this.#tls.writableLength + this.#socket.pendingBytes;
  }

  write(data: Uint8Array): void {
    this.#write(Buffer.from(data));
  }

  takeMedia(bytes: Buffer): boolean {
    return this.#write(bytes);
  }

  onPlayEnd(): void {
    this.#guard(() => this.handler?.onPlayEnd?.());
  }

  /** What was written is sent, then TLS is told its end, then the peer has 3 s to close its side. */
  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    if (!this.#isSecure) {
      this.#destroy();
      return;
    }
    if (this.#sendMs === 0) this.#socket.setTimeouts(0, END_TIMEOUT_MS);
    this.#tls.end();
    // What the peer still says is nobody's business, but its end lies behind it.
    this.#tls.resume();
  }

  /** Has no effect while an {@link end} is under way, as with a plain socket. */
  destroy(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#destroy();
  }

  pauseRead(): void {
    if (!this.#isEnding) this.#tls.pause();
  }

  resumeRead(): void {
    this.#tls.resume();
  }

  setTimeouts(receiveMs: number, sendMs: number): void {
    if (this.#isEnding) return;
    this.#sendMs = sendMs;
    this.#socket.setTimeouts(receiveMs, sendMs);
  }

  setMergedRead(intervalMs: number, maxIntervalMs = intervalMs): void {
    this.#socket.setMergedRead(intervalMs, maxIntervalMs);
  }

  setNoDelay(on: boolean): void {
    this.#socket.setNoDelay(on);
  }

  /** Owns the bytes; false when no more should come for now. All that is written in one go is encrypted in one go. */
  #write(bytes: Buffer): boolean {
    const tls = this.#tls;
    if (this.#isEnding || tls.destroyed) return false;
    if (tls.writableLength + bytes.length > MAX_PENDING) {
      this.#fail({ errno: constants.errno.ENOBUFS, reason: 'too much of what was sent waits' });
      return false;
    }
    if (tls.writableCorked === 0) {
      tls.cork();
      process.nextTick(() => {
        tls.uncork();
      });
    }
    return tls.write(bytes);
  }

  /** What goes wrong once it ends, of its own accord or the peer's, is no failure any more. */
  #fail(failure: Failure): void {
    if (!this.#isEnding) this.#failure = failure;
    this.#isEnding = true;
    // An alert of TLS is on its way, and worth to be delivered.
    if (failure.errno !== constants.errno.EPROTO) this.#socket.destroy();
    this.#tls.destroy();
  }

  #destroy(): void {
    this.#socket.destroy();
    this.#tls.destroy();
  }

  #close(): void {
    this.#isClosed = true;
    this.#isEnding = true;
    this.#tls.destroy();
    this.#guard(() => this.handler?.onClose(this.#failure?.errno ?? 0));
  }

  /** Nobody above would catch what a handler throws: the calls come from within Node. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#log.error(`a connection failed: ${describeFault(error)}`);
      this.#isEnding = true;
      this.#destroy();
    }
  }
}

/**
 * TLS for an HTTP server: `server.emit('connection', tlsServerStream(socket, context))`. A handshake that fails or
 * takes too long closes it, with an `error` that need not be listened to.
 */
export function tlsServerStream(socket: Socket, context: SecureContext): TLSSocket {
  const options = { ALPNProtocols: ['http/1.1'] };
  const tls = startServer(new SocketStream(socket, true), context, options, ({ reason }) => {
    tls.destroy(new Error(reason));
  });
  // As Node's own server: it has these of its socket, which is not one of Node's here.
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  Object.defineProperties(tls, {
    remoteAddress: { value: remoteAddress },
    remotePort: { value: remotePort },
    localAddress: { value: localAddress },
    localPort: { value: localPort },
  });
  return tls;
}

/** The server's side of TLS; `onFailure` is told whatever goes wrong, perhaps more than once, and is to destroy it. */
function startServer(
  stream: SocketStream,
  context: SecureContext,
  options: TLSSocketOptions,
  onFailure: (failure: Failure) => void,
): TLSSocket {
  // The high water mark is passed on to the socket within, which the types do not know.
  const own = { isServer: true, secureContext: context, highWaterMark: HIGH_WATER_MARK };
  return watch(new TLSSocket(stream, { ...options, ...own }), 'secure', onFailure);
}

/** The client's side; its handshake is done only when the server has proved who it is. */
function startClient(
  stream: SocketStream,
  { host, verify }: TlsServerName,
  roots: SecureContext | undefined,
  onFailure: (failure: Failure) => void,
): TLSSocket {
  const options = {
    socket: stream,
    host,
    // An address is no name to be told, see RFC 6066; its proof is asked for all the same.
    ...(parseIp(host) === undefined && { servername: host }),
    ...(roots && { secureContext: roots }),
    rejectUnauthorized: verify,
    highWaterMark: HIGH_WATER_MARK,
  };
  return watch(connect(options), 'secureConnect', onFailure);
}

/** Tells of what fails, and ends a handshake that takes too long. */
function watch(
  tls: TLSSocket,
  secureEvent: 'secure' | 'secureConnect',
  onFailure: (failure: Failure) => void,
): TLSSocket {
  // Nobody needs it, and it costs us more than the peer.
  tls.disableRenegotiation();
  let isSecure = false;
  const timer = setTimeout(() => {
    const reason = `no TLS handshake within ${HANDSHAKE_TIMEOUT_MS} ms`;
    onFailure({ errno: constants.errno.ETIMEDOUT, reason });
  }, HANDSHAKE_TIMEOUT_MS).unref();
  const onError = (error: Error): void => {
    onFailure(failureOf(error, isSecure));
  };
  // What Node's own servers listen to: an `error` comes only after they have taken note of the handshake, or to clients.
  tls.on('_tlsError', onError).on('error', onError);
  tls.once(secureEvent, () => {
    isSecure = true;
    clearTimeout(timer);
  });
  tls.once('end', () => {
    if (isSecure) return;
    onFailure({ errno: constants.errno.EPROTO, reason: 'the peer left before the TLS handshake' });
  });
  tls.once('close', () => {
    clearTimeout(timer);
  });
  return tls;
}

/** Errors of the connection keep their number, all that TLS minds is EPROTO. */
function failureOf(error: Error & { code?: string; reason?: string }, isSecure: boolean): Failure {
  const known = Object.entries(constants.errno).find(([name]) => name === error.code);
  if (known) return { errno: known[1], reason: isSecure ? '' : 'lost in the TLS handshake' };
  const what = isSecure ? 'TLS failed' : 'TLS handshake failed';
  // What follows is advice about the options of Node.
  const [message = ''] = (error.reason ?? error.message).split(';');
  return { errno: constants.errno.EPROTO, reason: `${what}: ${message}` };
}
