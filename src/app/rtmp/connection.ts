/** Owns one accepted RTMP connection from its first byte to its closing line in the log. */
import { constants } from 'node:os';

import { describeError, ErrorCode, SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import { redact } from '../../core/redact';
import { endWithin } from '../../net/ending';
import type { SocketHandler } from '../../net/socket';
import { TlsChannel } from '../../net/tls-channel';
import { redirectMessage } from '../../rtmp/redirect';
import type { RtmpRequest } from '../../rtmp/request';
import { ServerSession } from '../../rtmp/server-session';
import { RefusalStatus } from '../access/access';
import type { AccessAction, Refusal } from '../access/access';
import type { VhostOptions } from '../config/config';
import { Kbps } from '../stats/kbps';

import { KICK_TIMEOUT_MS, SEND_TIMEOUT_MS } from './client';
import type { RtmpChannel, RtmpClient, RtmpHost } from './client';
import { Dialogue } from './dialogue';

/** Longest silence of a peer that neither publishes nor plays yet. */
const IDLE_TIMEOUT_MS = 30_000;
/** A peer may take so long, however often it says something, until it publishes or plays. */
const BEGIN_TIMEOUT_MS = 60_000;
/** No reason to close yet. */
const OPEN = -1;

/** What the owner of the connections is told. */
export interface ConnectionHost extends RtmpHost {
  onConnectionClosed(connection: RtmpConnection): void;
}

/**
 * One client. It is refused in words of RTMP, then closed; the reason is logged where it arises, and one closing line
 * with the totals ends every connection.
 */
export class RtmpConnection implements SocketHandler, RtmpClient {
  readonly id: number;
  readonly log: Logger;
  readonly socket: RtmpChannel;
  readonly session: ServerSession;
  readonly acceptedMs: number;
  lastReceivedMs: number;
  readonly #ip: string;
  readonly #dialogue: Dialogue;
  readonly #host: ConnectionHost;
  /** OPEN, or why we close: an error code, 0 for none. */
  #closeCode = OPEN;
  #sent: Kbps | undefined;
  #received: Kbps | undefined;

  constructor(socket: RtmpChannel, log: Logger, host: ConnectionHost) {
    this.id = log.contextId;
    this.log = log;
    this.socket = socket;
    this.#host = host;
    this.acceptedMs = host.clock.nowMs();
    this.lastReceivedMs = this.acceptedMs;
    this.#dialogue = new Dialogue(this, host);
    this.session = new ServerSession(socket, this.#dialogue);
    socket.handler = this;
    socket.setTimeouts(IDLE_TIMEOUT_MS, SEND_TIMEOUT_MS);
    this.#ip = socket.remoteAddress;
    if (!(socket instanceof TlsChannel)) log.trace(`RTMP client ip=${this.#ip}`);
  }

  get ip(): string {
    return this.#ip;
  }

  get request(): RtmpRequest {
    return this.session.request;
  }

  bytesSent(): number {
    return this.socket.bytesSent;
  }

  bytesReceived(): number {
    return this.socket.bytesReceived;
  }

  get isClosing(): boolean {
    return this.#closeCode !== OPEN;
  }

  traffic(nowMs: number): string {
    this.#sent ??= new Kbps(this.acceptedMs);
    this.#received ??= new Kbps(this.acceptedMs);
    const sent = this.#sent.sample(nowMs, this.socket.bytesSent);
    const received = this.#received.sample(nowMs, this.socket.bytesReceived);
    return `okbps=${sent.toString()}, ikbps=${received.toString()}`;
  }

  // Socket events.

  /** The TLS handshake is done; a peer that never gets so far has but one line in the log. */
  onConnect(): void {
    const protocol = this.socket instanceof TlsChannel ? this.socket.protocol : '';
    this.log.trace(`RTMPS client ip=${this.#ip}, ${protocol}`);
  }

  onData(slab: Buffer, start: number, end: number): void {
    if (this.isClosing) return;
    this.lastReceivedMs = this.#host.clock.nowMs();
    try {
      this.session.push(slab, start, end);
    } catch (error) {
      this.fail(error);
    }
  }

  onPlayEnd(): void {
    if (!this.isClosing) this.#dialogue.endPlay();
  }

  onDrain(): void {
    this.#dialogue.resumePlay();
  }

  onClose(errno: number): void {
    if (errno === constants.errno.ENOBUFS) this.fail(takesNothing());
    const line = this.#closingLine(errno);
    const isOurs = this.isClosing;
    this.#close(0);
    this.#dialogue.leave();
    this.#host.onConnectionClosed(this);
    if (isOurs) this.log.trace(line);
    else this.log.warn(line, errno);
  }

  // Endings that are ours.

  /** The server stops: the peer is told, and what was sent to it is delivered. */
  shutdown(): void {
    if (this.isClosing) return;
    this.session.shutDown('server is shutting down');
    this.#end(0);
  }

  /** Whether it is at a vhost: publishes or plays there, or has asked for nothing else yet. */
  isAt(vhost: string): boolean {
    return !this.isClosing && this.#dialogue.isAt(vhost);
  }

  /** Options of a vhost have changed. */
  setVhost(vhost: VhostOptions): void {
    this.#dialogue.setVhost(vhost);
  }

  kick(reason: string): void {
    if (this.isClosing) return;
    const { session } = this;
    this.#closeCode = ErrorCode.USER_DISCONNECT;
    this.log.warn(`client is closed, ${redact(reason)}`);
    // What waits of the stream is not more than the rest of a message, then.
    this.#dialogue.leave();
    endWithin(this.socket, KICK_TIMEOUT_MS, () => {
      if (session.role === 'publish') session.rejectPublish(RefusalStatus.publish, reason);
      else if (session.role === 'play') session.rejectPlay(RefusalStatus.play, reason);
      else session.shutDown(reason);
      session.close();
    });
  }

  /** Ends a peer that holds its place without ever having published or played. */
  expire(nowMs: number): void {
    if (this.isClosing || this.#dialogue.hasBegun) return;
    if (nowMs - this.acceptedMs < BEGIN_TIMEOUT_MS) return;
    const text = `expect a publish or play within ${BEGIN_TIMEOUT_MS} ms`;
    this.fail(new SrsError(ErrorCode.SOCKET_TIMEOUT, text));
  }

  refuse(action: AccessAction, refusal: Refusal): void {
    if (this.isClosing) return;
    const { code, description, redirectUrl } = refusal;
    if (redirectUrl !== undefined) {
      this.#redirect(action, redirectUrl);
      return;
    }
    this.log.error(`${action} refused, ${redact(description)}, ret=${code}`);
    this.#tell(action, refusal);
    this.#end(code);
  }

  finish(): void {
    if (!this.isClosing) this.#end(0);
  }

  onRefused(error: SrsError): void {
    this.log.error(`connect refused, ${redact(describeError(error))}`);
    this.#end(error.code);
  }

  fail(error: unknown): void {
    if (this.isClosing) return;
    const isKnown = error instanceof SrsError;
    const text = isKnown || !(error instanceof Error) ? describeError(error) : error.stack;
    this.log.error(`serve client failed, ${redact(text ?? '')}`, error);
    this.#close(isKnown ? error.code : ErrorCode.SYSTEM_ASSERT_FAILED);
    this.#dialogue.leave();
    this.socket.destroy();
  }

  #redirect(action: AccessAction, url: string): void {
    this.log.trace(`${action} redirected to ${redact(url)}`);
    this.session.send(redirectMessage(this.request, url));
    this.#end(0);
  }

  #tell(action: AccessAction, { status, description }: Refusal): void {
    const { session } = this;
    if (action === 'connect') session.rejectConnect(description, status);
    else if (action === 'publish') session.rejectPublish(status, description);
    else session.rejectPlay(status, description);
  }

  #end(code: number): void {
    this.#dialogue.finish();
    this.#close(code);
    this.socket.end();
  }

  #close(code: number): void {
    this.#closeCode = code;
    this.session.close();
  }

  /** What a closing line adds about TLS: who it was that never spoke RTMP, and what failed. */
  get #tlsNote(): string {
    if (!(this.socket instanceof TlsChannel)) return '';
    const { isSecure, reason } = this.socket;
    const who = isSecure ? '' : `, RTMPS ip=${this.#ip}`;
    return reason === '' ? who : `${who}, ${reason}`;
  }

  #closingLine(errno: number): string {
    const { bytesReceived, bytesSent } = this.socket;
    const timeMs = Math.round(this.#host.clock.nowMs() - this.acceptedMs);
    const totals = `time=${timeMs}, received=${bytesReceived}, sent=${bytesSent}${this.#tlsNote}`;
    if (this.#closeCode === 0) return `client finished. ${totals}`;
    if (this.isClosing) return `client finished. ret=${this.#closeCode}, ${totals}`;
    const isTimeout = errno === constants.errno.ETIMEDOUT;
    const ret = isTimeout ? ErrorCode.SOCKET_TIMEOUT : ErrorCode.SOCKET_CLOSED;
    return `client ${isTimeout ? 'timeout' : 'disconnect peer'}. ret=${ret}, ${totals}`;
  }
}

/** The engine gave up a peer for which too much of what we sent waits. */
function takesNothing(): SrsError {
  return new SrsError(
    ErrorCode.SOCKET_WRITE,
    'expect the peer to take what it is sent, too much of it waits',
  );
}
