/** Owns one publisher: who may publish a busy stream, what becomes of its messages, its end. */
import { isDeepStrictEqual } from 'node:util';

import { ErrorCode } from '../../core/errors';
import type { SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import type { AmfObject } from '../../rtmp/amf0-value';
import type { MessageHeader } from '../../rtmp/message';
import { RefusalStatus } from '../access/access';
import type { VhostOptions } from '../config/config';
import type { StatusMember } from '../stats/status-lines';
import { mergedReadMs, readPace } from '../stream/delivery';
import type { Publisher, Source } from '../stream/source';

import { SEND_TIMEOUT_MS } from './client';
import type { RtmpClient } from './client';

/** Where the text of an AMF0 string begins: after marker and length. */
const NAME_OFFSET = 3;
/** Names that begin so talk to the server, not to players: `@setDataFrame`, `|RtmpSampleAccess`. */
const PRIVATE_NAMES: readonly (number | undefined)[] = [0x40, 0x7c];

/** A connection from its accepted `publish` to the end of it. */
export class PublishRole implements Publisher, StatusMember {
  readonly #client: RtmpClient;
  readonly source: Source;
  #vhost: VhostOptions;
  readonly #startedMs: number;
  #hasMedia = false;
  /** When media came last, or it began. */
  #mediaMs: number;

  constructor(client: RtmpClient, source: Source, vhost: VhostOptions, nowMs: number) {
    this.#client = client;
    this.source = source;
    this.#vhost = vhost;
    this.#startedMs = nowMs;
    this.#mediaMs = nowMs;
  }

  get contextId(): number {
    return this.#client.id;
  }

  get log(): Logger {
    return this.#client.log;
  }

  /** Other things than media are no sign that there is somebody: a server that pushes to us asks for signs of life. */
  get lastReceivedMs(): number {
    return this.#mediaMs;
  }

  /** Takes the stream over, if it has another publisher, and answers the `publish`. */
  start(): void {
    const { session, socket } = this.#client;
    this.source.acquire(this);
    session.setOutChunkSize(this.#vhost.chunkSize);
    session.acceptPublish();
    socket.setTimeouts(this.#timeoutMs, SEND_TIMEOUT_MS);
    this.#readSeldom();
  }

  /** Goes on with changed options of its vhost. */
  setVhost(vhost: VhostOptions): void {
    const before = this.#vhost;
    const beforeMs = this.#timeoutMs;
    this.#vhost = vhost;
    if (this.#client.isClosing) return;
    if (this.#timeoutMs !== beforeMs) {
      this.#client.socket.setTimeouts(this.#timeoutMs, SEND_TIMEOUT_MS);
    }
    if (!isDeepStrictEqual(readingOf(vhost), readingOf(before))) this.#readSeldom();
  }

  onReplaced(byId: number): void {
    this.#client.refuse('publish', {
      code: ErrorCode.SYSTEM_STREAM_BUSY,
      status: RefusalStatus.badName,
      description: `replaced by id=${byId}`,
    });
  }

  drop({ code, message }: SrsError): void {
    this.#client.refuse('publish', { code, status: RefusalStatus.publish, description: message });
  }

  /** One audio or video message; the bytes are lent. */
  media(header: MessageHeader, payload: Uint8Array, start: number, end: number): void {
    if (!this.#hasMedia) this.#expectMedia();
    this.#mediaMs = this.#client.lastReceivedMs;
    this.source.media(header.type, header.timestamp, payload, start, end);
  }

  metadata(header: MessageHeader, value: AmfObject): void {
    this.source.setMetadata(header.timestamp, value);
  }

  /** Any other data message, whose first value is its name. */
  data(header: MessageHeader, payload: Uint8Array, start: number, end: number): void {
    const isEmpty = end - start <= NAME_OFFSET;
    if (isEmpty || PRIVATE_NAMES.includes(payload[start + NAME_OFFSET])) return;
    this.source.data(header.timestamp, payload, start, end);
  }

  /** Gives the stream up; its players stay. */
  stop(): void {
    this.#client.socket.setMergedRead(0);
    this.source.release(this);
  }

  statusLine(nowMs: number): string {
    const age = Math.round(nowMs - this.#startedMs);
    const merge = `${mergedReadMs(this.#vhost) > 0 ? 1 : 0}/${this.#vhost.mr.latencyMs}`;
    return `<- CPB time=${age}, ${this.#client.traffic(nowMs)}, mr=${merge}`;
  }

  #readSeldom(): void {
    this.#client.socket.setMergedRead(...readPace(this.#vhost));
  }

  #expectMedia(): void {
    this.#hasMedia = true;
    this.#client.socket.setTimeouts(this.#timeoutMs, SEND_TIMEOUT_MS);
  }

  /** How long it may be silent now. */
  get #timeoutMs(): number {
    const { publishFirstPacketTimeoutMs, publishNormalTimeoutMs } = this.#vhost;
    return this.#hasMedia ? publishNormalTimeoutMs : publishFirstPacketTimeoutMs;
  }
}

/** What decides on how often it is read. */
function readingOf({ mr, minLatency, mwLatencyMs }: VhostOptions): unknown[] {
  return [mr, minLatency, mwLatencyMs];
}
