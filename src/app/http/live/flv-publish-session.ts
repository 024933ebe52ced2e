/** Owns one publisher whose media comes as an FLV stream, whatever carries it. */
import type { Clock } from '../../../core/clock';
import { describeError, ErrorCode, SrsError } from '../../../core/errors';
import type { Logger } from '../../../core/logger';
import { redact } from '../../../core/redact';
import { FlvTagType } from '../../../media/flv';
import type { FlvTag } from '../../../media/flv';
import { FlvReader } from '../../../media/flv-reader';
import { decodeData } from '../../../rtmp/packets/data';
import type { DataPacket } from '../../../rtmp/packets/data';
import type { VhostOptions } from '../../config/config';
import type { Publisher, Source } from '../../stream/source';

/** Names that begin so talk to the server, not to players: `@setDataFrame`, `|RtmpSampleAccess`. */
const PRIVATE_NAME = /^[@|]/;

/** How long a publisher may be silent. */
export type PublishTimeouts = Pick<
  VhostOptions,
  'publishFirstPacketTimeoutMs' | 'publishNormalTimeoutMs'
>;

/** What a session is made of. */
export interface PublishParts {
  readonly contextId: number;
  readonly log: Logger;
  readonly source: Source;
  readonly vhost: PublishTimeouts;
  readonly clock: Clock;
  /** The session has ended by itself: silence, another publisher, an operator. Not called for what the owner does. */
  onEnded(error: SrsError): void;
}

/**
 * A publisher from its acceptance to its end. The owner pushes what it receives; `finish` or `fail` ends the session,
 * and so does the session itself, which it tells. After the end every call does nothing.
 */
export class FlvPublishSession implements Publisher {
  readonly contextId: number;
  readonly log: Logger;
  readonly #parts: PublishParts;
  readonly #reader = new FlvReader();
  readonly #startedMs: number;
  #timeouts: PublishTimeouts;
  #lastReceivedMs: number;
  #messages = 0;
  #hasIgnored = false;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: PublishParts) {
    this.contextId = parts.contextId;
    this.log = parts.log;
    this.#parts = parts;
    this.#timeouts = parts.vhost;
    this.#startedMs = parts.clock.nowMs();
    this.#lastReceivedMs = this.#startedMs;
  }

  get lastReceivedMs(): number {
    return this.#lastReceivedMs;
  }

  /** Audio and video messages so far. */
  get messages(): number {
    return this.#messages;
  }

  /** Takes the stream, from another publisher if need be; its players stay. */
  start(): void {
    this.#parts.source.acquire(this);
    this.#arm(this.#timeouts.publishFirstPacketTimeoutMs);
  }

  /** May be silent so long from now on. */
  setVhost(timeouts: PublishTimeouts): void {
    const before = this.#limitMs;
    this.#timeouts = timeouts;
    if (this.#limitMs === before || this.#timer === undefined || this.#isOver) return;
    clearTimeout(this.#timer);
    this.#arm(Math.max(0, Math.ceil(this.#leftMs)));
  }

  /**
   * Takes the next bytes, which must not change afterwards.
   *
   * @throws SrsError KERNEL_FLV_HEADER at damage, after all before it was passed on; `fail` is to follow
   */
  push(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#lastReceivedMs = this.#parts.clock.nowMs();
    this.#reader.push(bytes);
    // Passing on may end the session.
    while (!this.#isEnded()) {
      const tag = this.#reader.read();
      if (tag === undefined) return;
      this.#pass(tag);
    }
  }

  /**
   * The stream has ended.
   *
   * @throws SrsError SYSTEM_FILE_EOF when it ended inside a tag; the session is over all the same
   */
  finish(): void {
    if (this.#isOver) return;
    this.#end();
    this.#reader.finish();
  }

  /** The stream cannot go on: gives it up. */
  fail(): void {
    if (!this.#isOver) this.#end();
  }

  onReplaced(byId: number): void {
    this.drop(new SrsError(ErrorCode.SYSTEM_STREAM_BUSY, `replaced by id=${byId}`));
  }

  drop(error: SrsError): void {
    if (this.#isOver) return;
    this.#end();
    this.#parts.onEnded(error);
  }

  #pass({ type, timestamp, payload }: FlvTag): void {
    if (type === FlvTagType.script) {
      this.#passData(timestamp, payload);
      return;
    }
    this.#messages++;
    this.#parts.source.media(type, timestamp, payload, 0, payload.length);
  }

  #passData(timestamp: number, payload: Buffer): void {
    const data = this.#decode(payload);
    if (data === undefined || PRIVATE_NAME.test(data.name)) return;
    const { source } = this.#parts;
    if (data.metadata) source.setMetadata(timestamp, data.metadata);
    else source.data(timestamp, payload, data.start, payload.length);
  }

  #decode(payload: Buffer): DataPacket | undefined {
    try {
      return decodeData(FlvTagType.script, payload, 0, payload.length);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      if (!this.#hasIgnored) {
        const reason = redact(describeError(error));
        this.log.warn(`ignore a script tag that cannot be decoded (and others to come), ${reason}`);
      }
      this.#hasIgnored = true;
      return undefined;
    }
  }

  #isEnded(): boolean {
    return this.#isOver;
  }

  #end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#parts.source.release(this);
  }

  /** One timer, set anew only when it has run out. */
  #arm(afterMs: number): void {
    this.#timer = setTimeout(() => {
      this.#onTimer();
    }, afterMs).unref();
  }

  #onTimer(): void {
    const leftMs = this.#leftMs;
    if (leftMs > 0) {
      this.#arm(Math.ceil(leftMs));
      return;
    }
    const what = this.#messages > 0 ? 'the next packet' : 'audio or video';
    this.drop(new SrsError(ErrorCode.SOCKET_TIMEOUT, `expect ${what} within ${this.#limitMs} ms`));
  }

  /** How long it may be silent, now that media has come, or not. */
  get #limitMs(): number {
    const { publishFirstPacketTimeoutMs, publishNormalTimeoutMs } = this.#timeouts;
    return this.#messages > 0 ? publishNormalTimeoutMs : publishFirstPacketTimeoutMs;
  }

  get #leftMs(): number {
    const sinceMs = this.#messages > 0 ? this.#lastReceivedMs : this.#startedMs;
    return sinceMs + this.#limitMs - this.#parts.clock.nowMs();
  }
}
