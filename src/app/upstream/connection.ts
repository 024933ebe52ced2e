/** Owns one connection to a server upstream: from DNS to the granted publish or play, and to its one end. */
import { ErrorCode, SrsError } from '../../core/errors';
import { redact } from '../../core/redact';
import { TlsChannel } from '../../net/tls-channel';
import type { AmfObject } from '../../rtmp/amf0-value';
import { ClientSession } from '../../rtmp/client-session';
import type { ClientSessionHandler } from '../../rtmp/client-session';
import type { ConnectInfo } from '../../rtmp/packets/connect';
import { ON_METADATA } from '../../rtmp/packets/data';
import type { StatusPacket } from '../../rtmp/packets/status';

import type { UpstreamHandler, UpstreamParts, UpstreamRequest } from './connection-parts';
import { Dial, errorName } from './dial';
import type { UpstreamChannel } from './dial';
import { identityArgs } from './identity';
import { redirectedUrl } from './target';
import type { UpstreamUrl } from './target';
import type { Turn } from './turns';
import { redirectOf, refusalOf, UpstreamError } from './upstream-error';
import type { Redirect } from './upstream-error';

/** A server that has not granted the stream by then is given up. */
const GRANT_TIMEOUT_MS = 30_000;
/** Longest wait for a server to take what it is sent. */
const SEND_TIMEOUT_MS = 30_000;
/** The same, once we leave. */
const CLOSE_TIMEOUT_MS = 3000;
/** So often a server may send us on to another. */
const MAX_REDIRECTS = 3;

/** Begins to connect when constructed; calls its handler later only, and from then on at any time. */
export class UpstreamConnection {
  readonly #parts: UpstreamParts;
  readonly #request: UpstreamRequest;
  readonly #handler: UpstreamHandler;
  #url: UpstreamUrl;
  #dial: Dial;
  #channel: UpstreamChannel | undefined;
  #session: ClientSession | undefined;
  #info: ConnectInfo | undefined;
  #handshake: 'complex' | 'simple' = 'complex';
  #isGranted = false;
  #isClosed = false;
  #redirects = 0;
  #lastReceivedMs: number;
  #limit: NodeJS.Timeout | undefined;
  /** Until the server has said anything. */
  #turn: Turn | undefined;
  /** Runs until a server that was reached has said anything. */
  #firstByte: NodeJS.Timeout | undefined;

  constructor(parts: UpstreamParts, request: UpstreamRequest, handler: UpstreamHandler) {
    this.#parts = parts;
    this.#request = request;
    this.#handler = handler;
    this.#url = request.url;
    this.#lastReceivedMs = parts.clock.nowMs();
    this.#dial = this.#reach();
  }

  /** What a stream flows over; undefined until it is open. */
  get channel(): UpstreamChannel | undefined {
    return this.#channel;
  }

  /** Message stream id; 0 until the server gave one. */
  get streamId(): number {
    return this.#session?.messageStreamId ?? 0;
  }

  /** Where it is connected to: elsewhere than asked after a redirect. */
  get url(): UpstreamUrl {
    return this.#url;
  }

  /** What the server told of itself; undefined until it granted the connect. */
  get info(): ConnectInfo | undefined {
    return this.#info;
  }

  /** When the server sent something last, else when it was begun; milliseconds of the monotonic clock. */
  get lastReceivedMs(): number {
    return this.#lastReceivedMs;
  }

  get bytesSent(): number {
    return this.#channel?.bytesSent ?? 0;
  }

  get bytesReceived(): number {
    return this.#channel?.bytesReceived ?? 0;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Asks to publish; once, after onConnected. */
  publish(): void {
    this.#session?.publish(this.#url.stream);
  }

  /** Asks to play; once, after onConnected. */
  play(): void {
    this.#session?.play(this.#url.stream);
  }

  /** Asks the server for a sign of life. */
  ping(): void {
    this.#session?.ping(Math.trunc(this.#parts.clock.nowMs()));
  }

  /** Sends metadata of what is published, as publishers do. */
  sendMetadata(metadata: AmfObject): void {
    this.#session?.sendMetadata(ON_METADATA, metadata);
  }

  /** Tells the server another chunk size and uses it; once the stream is granted. */
  setChunkSize(chunkSize: number): void {
    this.#session?.setOutChunkSize(chunkSize);
  }

  /** Withdraws the stream and closes; idempotent, at any time. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#limit);
    this.#leave();
  }

  #reach(): Dial {
    const { engine, resolver, turns } = this.#parts;
    const { log, verify } = this.#request;
    const dial = new Dial({ engine, resolver, log, verify }, this.#url.server, {
      onOpen: (channel) => {
        this.#begin(channel);
      },
      onFailed: (error) => {
        this.#end(error);
      },
    });
    const handler = {
      onTurn: () => {
        this.#startLimit();
        dial.start();
      },
      onFailed: (error: UpstreamError) => {
        this.#end(error);
      },
    };
    this.#turn = turns?.take(this.#url.server, verify, handler);
    if (turns === undefined) handler.onTurn();
    return dial;
  }

  #startLimit(): void {
    const { timeoutMs = GRANT_TIMEOUT_MS } = this.#request;
    this.#limit ??= setTimeout(() => {
      const message = `expected ${this.#awaited} within ${timeoutMs} ms, got none`;
      this.#finish(ErrorCode.SOCKET_TIMEOUT, message);
    }, timeoutMs);
  }

  /** The connection is open: speaks RTMP over it. */
  #begin(channel: UpstreamChannel): void {
    this.#channel = channel;
    const session = new ClientSession(channel, this.#sessionHandler(), this.#sessionOptions());
    this.#session = session;
    const isOurs = (): boolean => this.#session === session && !this.#isClosed;
    channel.handler = {
      onData: (slab, start, end) => {
        if (isOurs()) this.#receive(session, slab, start, end);
      },
      onDrain: () => {
        if (isOurs()) this.#handler.onDrain?.();
      },
      onClose: (errno) => {
        if (isOurs()) this.#onClose(session, closeReason(channel, errno));
      },
    };
    session.start();
    this.#awaitFirstByte();
  }

  #awaitFirstByte(): void {
    const { firstByteMs } = this.#request;
    clearTimeout(this.#firstByte);
    if (firstByteMs === undefined) return;
    this.#firstByte = setTimeout(() => {
      const message = `expected ${this.#awaited} within ${firstByteMs} ms, got not a byte`;
      this.#finish(ErrorCode.SOCKET_TIMEOUT, message);
    }, firstByteMs);
  }

  #sessionOptions(): ConstructorParameters<typeof ClientSession>[2] {
    const { args, identify, log, pageUrl, swfUrl, chunkSize } = this.#request;
    const { app, tcUrl } = this.#url;
    const identity = (): AmfObject =>
      identityArgs({ args, serverIp: this.#parts.serverIp(), contextId: log.contextId });
    return {
      app,
      tcUrl,
      pageUrl,
      swfUrl,
      args: identify ? identity() : args,
      handshake: this.#handshake,
      ...(chunkSize !== undefined && { chunkSize }),
    };
  }

  #sessionHandler(): ClientSessionHandler {
    const handler = this.#handler;
    return {
      onConnected: (info) => {
        this.#onConnected(info);
      },
      onPublishing: () => {
        this.#grant();
      },
      onPlaying: () => {
        this.#grant();
      },
      onStatus: (status) => {
        this.#onStatus(status);
      },
      onError: (error, info) => {
        const redirect = redirectOf(info);
        if (redirect) this.#redirect(redirect);
        else this.#end(refusalOf(this.#url.server.label, error, info));
      },
      onPong: () => handler.onPong?.(),
      onStreamControl: (isBegin) => handler.onStreamControl?.(isBegin),
      onMedia: (...message) => {
        // Some servers just play, without a word.
        this.#grant();
        if (!this.#isClosed) handler.onMedia?.(...message);
      },
      onMetadata: (header, _name, metadata) => handler.onMetadata?.(header, metadata),
      onDataMessage: (...message) => handler.onDataMessage?.(...message),
    };
  }

  #receive(session: ClientSession, slab: Uint8Array, start: number, end: number): void {
    this.#lastReceivedMs = this.#parts.clock.nowMs();
    this.#turn?.end();
    if (this.#firstByte) {
      clearTimeout(this.#firstByte);
      this.#firstByte = undefined;
    }
    try {
      session.push(slab, start, end);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.#finish(error.code, error.message, error);
    }
  }

  #onConnected(info: ConnectInfo): void {
    this.#info = info;
    const { serverIp, version, pid, contextId } = info;
    const server =
      pid > 0 ? `, origin-srs ip=${serverIp}, version=${version}, pid=${pid}, id=${contextId}` : '';
    this.#request.log.trace(redact(`upstream connected, url=${this.#url.label}${server}`));
    this.#handler.onConnected(info);
  }

  #grant(): void {
    if (this.#isGranted || this.#isClosed) return;
    this.#isGranted = true;
    clearTimeout(this.#limit);
    // It need not say anything, but it has to take what it is sent.
    this.#channel?.setTimeouts(0, SEND_TIMEOUT_MS);
    if (this.#session?.isPublishing === true) this.#handler.onPublishing?.();
    else this.#handler.onPlaying?.();
  }

  #onStatus(status: StatusPacket): void {
    if (status.level === 'error') return;
    this.#handler.onStatus?.(status);
    const isWithdrawn = status.code === 'NetStream.Unpublish.Success';
    if (!isWithdrawn || this.#session?.isPublishing !== true) return;
    this.#finish(ErrorCode.SOCKET_CLOSED, 'the server ended the publish');
  }

  /** The connection is gone. Servers that mind our handshake leave amid it: they may like the simple one. */
  #onClose(session: ClientSession, reason: string): void {
    if (!session.isHandshaking) {
      this.#finish(ErrorCode.SOCKET_CLOSED, this.#isGranted ? reason : this.#inVain(reason));
      return;
    }
    this.#session = undefined;
    this.#channel = undefined;
    if (this.#handshake === 'complex') {
      this.#handshake = 'simple';
      this.#dial.again();
      return;
    }
    this.#handshake = 'complex';
    this.#dial.next(this.#errorOf(ErrorCode.RTMP_HANDSHAKE, this.#inVain(reason)));
  }

  #redirect({ tcUrl, stream }: Redirect): void {
    if (this.#isGranted) {
      // The owner's stream flows over the connection of now: a new one begins with asking here again.
      this.#finish(ErrorCode.SOCKET_CLOSED, 'the server sends us on to another');
      return;
    }
    this.#redirects++;
    if (this.#redirects > MAX_REDIRECTS) {
      const message = `expected at most ${MAX_REDIRECTS} redirects, got another`;
      this.#finish(ErrorCode.RTMP_ACCESS_DENIED, message);
      return;
    }
    try {
      this.#url = this.#urlBehind(tcUrl, stream);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.#finish(error.code, `redirected to nowhere: ${redact(error.message)}`, error);
      return;
    }
    this.#request.log.trace(`upstream redirected, url=${this.#url.label}`);
    this.#leave();
    this.#handshake = 'complex';
    this.#info = undefined;
    this.#dial = this.#reach();
  }

  #urlBehind(tcUrl: string, stream: string): UpstreamUrl {
    const { schema } = this.#url.server;
    const url = redirectedUrl(this.#url, tcUrl, stream);
    if (schema === 'rtmp' || url.server.schema === 'rtmps') return url;
    const message = 'expected to stay with rtmps, got a redirect to rtmp';
    throw new SrsError(ErrorCode.RTMP_REQ_TCURL, message);
  }

  /** What has not come yet, for messages. */
  get #awaited(): string {
    if (this.#session === undefined) return 'a connection';
    if (this.#session.isHandshaking) return 'the handshake';
    return this.#info === undefined ? 'the answer to connect' : 'the grant of the stream';
  }

  #inVain(reason: string): string {
    return `expected ${this.#awaited}, got: ${reason}`;
  }

  #errorOf(code: ErrorCode, message: string, cause?: unknown): UpstreamError {
    return new UpstreamError(code, `${this.#url.server.label}: ${message}`, { cause });
  }

  #finish(code: ErrorCode, message: string, cause?: unknown): void {
    this.#end(this.#errorOf(code, message, cause));
  }

  #end(error: UpstreamError): void {
    if (this.#isClosed) return;
    // Where it was never reached, others need not try now.
    this.#turn?.fail(error);
    this.close();
    this.#handler.onEnd(error);
  }

  /** Leaves where it is now: in good order where there is someone to say so to. */
  #leave(): void {
    this.#dial.cancel();
    this.#turn?.end();
    clearTimeout(this.#firstByte);
    const session = this.#session;
    const channel = this.#channel;
    this.#session = undefined;
    if (session === undefined || session.isHandshaking) {
      channel?.destroy();
      return;
    }
    channel?.setTimeouts(0, CLOSE_TIMEOUT_MS);
    session.close();
  }
}

function closeReason(channel: UpstreamChannel, errno: number): string {
  const detail = channel instanceof TlsChannel ? channel.reason : '';
  if (errno === 0) return errorName(0);
  return `connection lost: ${detail === '' ? errorName(errno) : detail}`;
}

export type { UpstreamHandler, UpstreamParts, UpstreamRequest };
