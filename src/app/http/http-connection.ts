/** Owns one accepted connection as long as it speaks HTTP: its requests in flight and how long each part may take. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

import type { Logger } from '../../core/logger';
import type { Socket } from '../../net/socket';
import type { SocketStream } from '../../net/socket-stream';

/** A whole head must be here so long after its first byte, and the first byte so long after the connection. */
const HEAD_TIMEOUT_MS = 20_000;
/** Longest silence between two requests. */
const IDLE_TIMEOUT_MS = 60_000;
/** Longest silence within a request body that no route reads. */
const BODY_TIMEOUT_MS = 30_000;
/** A body that nobody reads is taken for so long after the answer. */
const DRAIN_TIMEOUT_MS = 10_000;
/** Largest body that is taken although nobody reads it, so that the connection can be used again. */
const MAX_DRAINED_BYTES = 65_536;
/** Requests that may be sent ahead of the answers. */
const MAX_PIPELINED = 128;

/** How a connection began. */
export interface ConnectionParts {
  readonly log: Logger;
  readonly socket: Socket;
  /** What HTTP reads and writes: the socket itself, or TLS over it. */
  readonly stream: Duplex;
  /** The same stream where it is the plain socket, which can be taken out of HTTP. */
  readonly plain: SocketStream | undefined;
  readonly nowMs: number;
}

/** One client. Sweeps end it when it is too slow; what it sends beyond the limits ends it at once. */
export class HttpConnection {
  readonly log: Logger;
  readonly ip: string;
  readonly isSecure: boolean;
  readonly socket: Socket;
  readonly stream: Duplex;
  readonly #plain: SocketStream | undefined;
  readonly #inFlight = new Set<ServerResponse>();
  /** The request that came last: its body may be still on the way after the answer. */
  #last: IncomingMessage | undefined;
  #lastResponse: ServerResponse | undefined;
  /** The answer to a request of which no more can be read. */
  #broken: ServerResponse | undefined;
  #requests = 0;
  /** Nothing more is served. */
  #isLeaving = false;
  /** It is not HTTP any more, and another's to look after. */
  #isHandedOver = false;
  /** TLS is not agreed on yet. */
  #isHandshaking: boolean;
  /** What is said when it ends. */
  #farewell = '';
  /** When it was made, or had answered all requests. */
  #idleSinceMs: number;
  /** Bytes received when it last made progress, and when a sweep saw that; -1 while there is none to be made. */
  #receivedBytes: number;
  #progressMs = -1;

  constructor({ log, socket, stream, plain, nowMs }: ConnectionParts) {
    this.log = log;
    this.ip = socket.remoteAddress;
    this.isSecure = plain === undefined;
    this.socket = socket;
    this.stream = stream;
    this.#plain = plain;
    this.#idleSinceMs = nowMs;
    this.#receivedBytes = socket.bytesReceived;
    this.#isHandshaking = this.isSecure;
    stream.once('secure', () => {
      this.#isHandshaking = false;
    });
  }

  /** Requests so far. */
  get requests(): number {
    return this.#requests;
  }

  /** Answers are due. */
  get isBusy(): boolean {
    return this.#inFlight.size > 0;
  }

  /** Nothing more is served: handed over, or closing. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Takes a request into account; false when it is not to be answered. `onEnd` follows its answer, or the close. */
  begin(request: IncomingMessage, response: ServerResponse, onEnd: () => void): boolean {
    if (this.#isLeaving) return false;
    if (this.#inFlight.size >= MAX_PIPELINED) {
      this.log.warn(`HTTP client has ${this.#inFlight.size} requests unanswered, closed`);
      this.destroy();
      return false;
    }
    this.#requests++;
    this.#last = request;
    this.#lastResponse = response;
    this.#inFlight.add(response);
    this.#receivedBytes = this.socket.bytesReceived;
    this.#progressMs = -1;
    if (bodyBytes(request) > MAX_DRAINED_BYTES) response.shouldKeepAlive = false;
    response.once('close', () => {
      this.#inFlight.delete(response);
      onEnd();
    });
    return true;
  }

  /** All answers so far are finished, or will never be. */
  rest(nowMs: number): void {
    if (this.#isAnswering || this.#isHandedOver) return;
    this.#idleSinceMs = nowMs;
    this.#receivedBytes = this.socket.bytesReceived;
    this.#progressMs = -1;
    if (this.#isLeaving) this.end();
  }

  /** See `HttpExchange.takeSocket`. */
  take(request: IncomingMessage, response: ServerResponse): Socket | undefined {
    const isAlone = this.#inFlight.size === 1 && this.#inFlight.has(response);
    const isWhole = request.complete || bodyBytes(request) === 0;
    if (this.#plain === undefined || this.#isLeaving || this.stream.destroyed) return undefined;
    if (!isAlone || !isWhole || response.socket !== this.stream) return undefined;
    this.handOver();
    response.shouldKeepAlive = false;
    response.useChunkedEncodingByDefault = false;
    response.flushHeaders();
    return this.#plain.release();
  }

  /** From here on another looks after the stream. */
  handOver(): void {
    this.#isLeaving = true;
    this.#isHandedOver = true;
  }

  /**
   * Bytes came that are no HTTP: this is said after the answers in flight, whatever still comes is not looked at. It is
   * also the answer to the request in whose body they were.
   */
  refuse(answer: string): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#farewell = answer;
    if (this.#isReceivingBody) this.#broken = this.#lastResponse;
    if (this.#broken?.headersSent === true) this.destroy();
    else if (!this.#isAnswering) this.end();
  }

  /** The server stops: answers in flight are finished, then it ends. */
  shutdown(): void {
    if (this.#isLeaving) return;
    for (const response of this.#inFlight) response.shouldKeepAlive = false;
    this.#isLeaving = true;
    if (this.#inFlight.size === 0) this.end();
  }

  end(): void {
    this.#isLeaving = true;
    // An end amid a handshake makes Node fail, for the whole program, at what the peer says next.
    if (this.#isHandshaking) this.stream.destroy();
    else if (this.stream.writable) this.stream.end(this.#farewell);
  }

  destroy(): void {
    this.#isLeaving = true;
    this.stream.destroy();
  }

  /** The stream is closed: answers that had to wait for earlier ones never got hold of it, and are told here. */
  closed(): void {
    this.#isLeaving = true;
    for (const response of [...this.#inFlight]) {
      response.destroy();
      response.emit('close');
    }
  }

  /** Ends a client that is too slow; to be called every few seconds. */
  expire(nowMs: number): void {
    const reason = this.#isHandedOver ? undefined : this.#expiredReason(nowMs);
    if (reason === undefined) return;
    this.log.info(`HTTP client timeout, ${reason}`);
    if (this.#isLeaving || this.#inFlight.size > 0 || this.#isReceivingBody) this.destroy();
    else this.end();
  }

  /** Some answer is still to be expected. */
  get #isAnswering(): boolean {
    const isBroken = this.#broken !== undefined && this.#inFlight.has(this.#broken);
    return this.#inFlight.size > (isBroken ? 1 : 0);
  }

  get #isReceivingBody(): boolean {
    return this.#last?.complete === false;
  }

  /** A route listens to the body, which may be a stream without end: how long that may be silent is its to say. */
  get #isBodyRead(): boolean {
    const last = this.#last;
    return (last?.listenerCount('data') ?? 0) + (last?.listenerCount('readable') ?? 0) > 0;
  }

  #expiredReason(nowMs: number): string | undefined {
    const { bytesReceived } = this.socket;
    const hasProgress = bytesReceived !== this.#receivedBytes;
    if (this.#inFlight.size > 0) {
      if (!this.#isReceivingBody || this.#isBodyRead) return undefined;
      if (hasProgress || this.#progressMs < 0) {
        this.#progressMs = nowMs;
        this.#receivedBytes = bytesReceived;
      }
      return isOver(this.#progressMs, BODY_TIMEOUT_MS, nowMs, 'no more of the request body');
    }
    if (this.#isLeaving) {
      if (this.#progressMs < 0) this.#progressMs = nowMs;
      return isOver(this.#progressMs, DRAIN_TIMEOUT_MS, nowMs, 'no end of the connection');
    }
    if (this.#isReceivingBody) {
      return isOver(this.#idleSinceMs, DRAIN_TIMEOUT_MS, nowMs, 'no end of the request body');
    }
    if (this.#requests === 0) {
      return isOver(this.#idleSinceMs, HEAD_TIMEOUT_MS, nowMs, 'no whole request');
    }
    if (!hasProgress) return isOver(this.#idleSinceMs, IDLE_TIMEOUT_MS, nowMs, 'idle');
    if (this.#progressMs < 0) this.#progressMs = nowMs;
    return isOver(this.#progressMs, HEAD_TIMEOUT_MS, nowMs, 'no whole request');
  }
}

function isOver(sinceMs: number, limitMs: number, nowMs: number, what: string): string | undefined {
  return nowMs - sinceMs >= limitMs ? `${what} for ${Math.round(nowMs - sinceMs)} ms` : undefined;
}

/** Bytes of the body that a request announces; Infinity when it does not say how many. */
function bodyBytes({ headers }: IncomingMessage): number {
  if (headers['transfer-encoding'] !== undefined) return Infinity;
  return Number(headers['content-length'] ?? 0);
}
