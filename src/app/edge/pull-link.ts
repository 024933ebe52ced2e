/** Owns one connection by which a stream is fetched: what comes over it, and whether it is still worth having. */
import { ErrorCode, SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import { RateLimit } from '../../core/rate-limit';
import type { AmfObject } from '../../rtmp/amf0-value';
import type { MessageHeader } from '../../rtmp/message';
import type { StatusPacket } from '../../rtmp/packets/status';
import type { RtmpRequest } from '../../rtmp/request';
import type { VhostOptions } from '../config/config';
import { clientNames } from '../stats/client-names';
import type { StatClient } from '../stats/stat-types';
import { readPace } from '../stream/delivery';
import type { Publisher } from '../stream/publisher';
import type { Source } from '../stream/source';
import { UpstreamConnection } from '../upstream/connection';
import type { UpstreamHandler } from '../upstream/connection';
import { namesFrom } from '../upstream/names';
import { urlOf } from '../upstream/target';
import type { UpstreamServer } from '../upstream/target';
import type { UpstreamError } from '../upstream/upstream-error';

import type { EdgeParts } from './edge-parts';
import { isVerdict } from './verdict';

/** A server may think for so long about who wants to play. */
const GRANT_MS = 15_000;
/** A server that plays, but answers no pings, may be silent for so long. */
const MUTE_MS = 10_000;
/** Servers that are not told for whom a stream is asked cannot tell a circle, which ends when one of them lets go, ms. */
const UNTOLD_MS = 60_000;
/** What the server sent before it told of the end of the stream may come after it, for so long. */
const STALE_MS = 500;
/** A server that tells that it has nothing of the stream is waited for no longer, where others may have it, ms. */
const ABSENT_MS = 1000;
/** So often the stream may begin over one connection at once, and then once each interval, ms. */
const BEGINS = 10;
const BEGIN_INTERVAL_MS = 1000;
/** Where the text of an AMF0 string begins: after marker and length. */
const NAME_OFFSET = 3;
/** Data messages that talk to us, not to our players: `|RtmpSampleAccess`, `@setDataFrame`, `onStatus`, `onPlayStatus`. */
const PRIVATE_NAME = /^(?:[@|]|on(?:Play)?Status$)/;
/** No private name is longer. */
const MAX_NAME = 32;

/** What is fetched from where. */
export interface PullTask {
  readonly source: Source;
  readonly server: UpstreamServer;
  /** Whose names and tokens are passed on. */
  readonly request: RtmpRequest;
  readonly vhost: VhostOptions;
  readonly log: Logger;
  /** Whether another server could be asked instead. */
  readonly hasOthers: boolean;
  /** Who publishes the stream here when media comes. */
  readonly publisher: Publisher;
}

/** Why a link is over: the connection is gone, the server said no, or it has nothing to send where others may. */
export interface LinkEnd {
  readonly why: 'lost' | 'refused' | 'idle';
  readonly error: SrsError;
}

/** Fetches from the moment it is made; the stream is published here as long as media comes. */
export class PullLink implements UpstreamHandler {
  readonly #parts: EdgeParts;
  readonly #task: PullTask;
  readonly #onOver: (end: LinkEnd) => void;
  readonly #connection: UpstreamConnection;
  #vhost: VhostOptions;
  /** When the server granted the play, or media came last. */
  #mediaMs: number | undefined;
  /** When the first media came. */
  #firstMediaMs: number | undefined;
  /** When the server told last that the stream is over, unless it told since that there is another. */
  #unpublishedMs = -Infinity;
  #pingedMs = -Infinity;
  /** The server answers pings. */
  #hasAnswered = false;
  readonly #begins = new RateLimit(BEGINS, BEGIN_INTERVAL_MS);
  #isFeeding = false;
  #isOver = false;
  #leaveStatistics: (() => void) | undefined;

  constructor(parts: EdgeParts, task: PullTask, onOver: (end: LinkEnd) => void) {
    const { source, server, request, vhost, log } = task;
    this.#parts = parts;
    this.#task = task;
    this.#onOver = onOver;
    this.#vhost = vhost;
    this.#connection = new UpstreamConnection(
      parts,
      {
        url: urlOf(server, namesFrom({ ...request, ...source.name }, vhost)),
        verify: vhost.upstreamVerify,
        pageUrl: request.pageUrl,
        swfUrl: request.swfUrl,
        args: vhost.debugSrsUpnode ? request.args : undefined,
        identify: vhost.debugSrsUpnode,
        log,
        timeoutMs: GRANT_MS,
        firstByteMs: vhost.edgeTimeoutMs,
      },
      this,
    );
  }

  get server(): UpstreamServer {
    return this.#task.server;
  }

  /** For log and API. */
  get label(): string {
    return this.#connection.url.label;
  }

  get isFeeding(): boolean {
    return this.#isFeeding;
  }

  get isConnected(): boolean {
    return this.#mediaMs !== undefined;
  }

  get lastReceivedMs(): number {
    return this.#connection.lastReceivedMs;
  }

  get bytesSent(): number {
    return this.#connection.bytesSent;
  }

  get bytesReceived(): number {
    return this.#connection.bytesReceived;
  }

  /** How long it has been since the first media came, ms; 0 when none has. */
  fedMs(nowMs: number): number {
    return this.#firstMediaMs === undefined ? 0 : nowMs - this.#firstMediaMs;
  }

  /** Goes on with changed options of the vhost. */
  setVhost(vhost: VhostOptions): void {
    this.#vhost = vhost;
    if (this.#isFeeding) this.#connection.channel?.setMergedRead(...readPace(vhost));
  }

  /** Looks whether the server is alive and has something to send; to be called a few times a second. */
  check(nowMs: number): void {
    const { edgeTimeoutMs } = this.#vhost;
    // Until the play is granted the connection has limits of its own.
    if (this.#mediaMs === undefined) return;
    const silentMs = nowMs - this.#connection.lastReceivedMs;
    const limitMs = this.#hasAnswered ? edgeTimeoutMs : Math.max(edgeTimeoutMs, MUTE_MS);
    if (silentMs >= limitMs) {
      const text = `expect a sign of life of the origin within ${limitMs} ms`;
      this.#end({ why: 'lost', error: new SrsError(ErrorCode.SOCKET_TIMEOUT, text) });
      return;
    }
    const pingMs = edgeTimeoutMs / 2;
    if (silentMs >= pingMs && nowMs - this.#pingedMs >= pingMs) this.#ping(nowMs);
    this.#checkMedia(nowMs - this.#mediaMs);
  }

  #checkMedia(idleMs: number): void {
    const { edgeTimeoutMs, publishNormalTimeoutMs, debugSrsUpnode } = this.#vhost;
    const isAbsent = this.#unpublishedMs !== -Infinity;
    const patienceMs = isAbsent ? Math.min(ABSENT_MS, edgeTimeoutMs) : edgeTimeoutMs;
    if (this.#task.hasOthers && idleMs >= patienceMs) {
      this.#endIdle(`expect media of the origin within ${patienceMs} ms, others may have some`);
    } else if (!this.#isFeeding && !debugSrsUpnode && idleMs >= UNTOLD_MS) {
      this.#endIdle(`expect media of the origin within ${UNTOLD_MS} ms, it may wait for ours`);
    } else if (this.#isFeeding && idleMs >= publishNormalTimeoutMs) {
      this.#task.log.warn(`edge pull gets no media for ${Math.round(idleMs)} ms`);
      this.#release();
    }
  }

  #endIdle(text: string): void {
    this.#end({ why: 'idle', error: new SrsError(ErrorCode.SOCKET_TIMEOUT, text) });
  }

  /** Ends it; its end is not told then. Idempotent. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#release();
    this.#connection.close();
  }

  onConnected(): void {
    this.#connection.play();
  }

  onPlaying(): void {
    const nowMs = this.#parts.clock.nowMs();
    this.#mediaMs ??= nowMs;
    this.#ping(nowMs);
  }

  onPong(): void {
    this.#hasAnswered = true;
  }

  onStatus({ code }: StatusPacket): void {
    switch (code) {
      case 'NetStream.Play.UnpublishNotify':
      case 'NetStream.Play.Stop':
        this.#pause();
        break;
      case 'NetStream.Play.PublishNotify':
        this.#unpublishedMs = -Infinity;
        break;
      default:
    }
  }

  /** Servers that send no such status send this. */
  onStreamControl(isBegin: boolean): void {
    if (isBegin) this.#unpublishedMs = -Infinity;
    else this.#pause();
  }

  onMedia(header: MessageHeader, payload: Uint8Array, start: number, end: number): void {
    if (this.#takes()) {
      this.#task.source.media(header.type, header.timestamp, payload, start, end);
    }
  }

  onMetadata(header: MessageHeader, metadata: AmfObject): void {
    if (this.#takes()) this.#task.source.setMetadata(header.timestamp, metadata);
  }

  onDataMessage(header: MessageHeader, payload: Uint8Array, start: number, end: number): void {
    const nameEnd = Math.min(end, start + NAME_OFFSET + MAX_NAME);
    const length = ((payload[start + 1] ?? 0) << 8) | (payload[start + 2] ?? 0);
    const name = Buffer.from(payload.subarray(start + NAME_OFFSET, nameEnd)).subarray(0, length);
    if (PRIVATE_NAME.test(name.toString('latin1'))) return;
    if (this.#isFeeding) this.#task.source.data(header.timestamp, payload, start, end);
  }

  onEnd(error: UpstreamError): void {
    this.#end({ why: isVerdict(error) ? 'refused' : 'lost', error });
  }

  #ping(nowMs: number): void {
    this.#pingedMs = nowMs;
    this.#connection.ping();
  }

  /** Media has come: whether it is for our players. */
  #takes(): boolean {
    this.#mediaMs = this.#connection.lastReceivedMs;
    return this.#isFeeding || this.#begin();
  }

  #begin(): boolean {
    const { source, publisher } = this.#task;
    const nowMs = this.#parts.clock.nowMs();
    if (source.publisher !== undefined || this.#isOver) return false;
    if (nowMs - this.#unpublishedMs < STALE_MS) return false;
    if (!this.#begins.take(nowMs)) {
      const text = 'expect a stream that lasts, it begins and ends again and again';
      this.#end({ why: 'lost', error: new SrsError(ErrorCode.SYSTEM_STREAM_BUSY, text) });
      return false;
    }
    this.#isFeeding = true;
    this.#unpublishedMs = -Infinity;
    this.#firstMediaMs ??= nowMs;
    source.acquire(publisher);
    this.#connection.channel?.setMergedRead(...readPace(this.#vhost));
    this.#leaveStatistics = this.#parts.statistics.join(this.#seen(nowMs));
    this.#task.log.trace(`edge pull gets media, url=${this.label}, players=${source.players}`);
    return true;
  }

  /** The server has no more of the stream for now. */
  #pause(): void {
    this.#unpublishedMs = this.#parts.clock.nowMs();
    this.#release();
  }

  /** The stream is not published by us any more; the connection stays. */
  #release(): void {
    if (!this.#isFeeding) return;
    this.#isFeeding = false;
    this.#leaveStatistics?.();
    this.#leaveStatistics = undefined;
    this.#task.source.release(this.#task.publisher);
  }

  #end(end: LinkEnd): void {
    if (this.#isOver) return;
    this.close();
    this.#onOver(end);
  }

  #seen(nowMs: number): StatClient {
    const { source, request, publisher, server } = this.#task;
    const connection = this.#connection;
    const before = { sent: connection.bytesSent, received: connection.bytesReceived };
    return {
      id: publisher.contextId,
      ip: connection.channel?.remoteAddress ?? '',
      protocol: server.schema,
      type: 'edge-pull',
      isPublisher: true,
      isOwn: true,
      names: { ...clientNames(request), ...source.name, tcUrl: connection.url.tcUrl },
      startedMs: nowMs,
      bytesSent: () => connection.bytesSent - before.sent,
      bytesReceived: () => connection.bytesReceived - before.received,
      kick: (reason) => {
        publisher.drop(new SrsError(ErrorCode.USER_DISCONNECT, reason));
      },
    };
  }
}
