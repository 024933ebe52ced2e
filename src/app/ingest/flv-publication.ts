/** Owns one connection of an ingester: publishes the file over it at native rate, until either fails or is closed. */
import type { Clock } from '../../core/clock';
import { ErrorCode, SrsError } from '../../core/errors';
import { TagFlags, classifyAudio, classifyVideo } from '../../media/codec';
import { FlvTagType } from '../../media/flv';
import type { FlvTag } from '../../media/flv';
import { ClientSession } from '../../rtmp/client-session';
import type { ClientSessionHandler } from '../../rtmp/client-session';
import type { RtmpUrl } from '../../rtmp/request';
import type { Transport } from '../../rtmp/transport';

import { LoopTimeline } from './loop-timeline';
import type { LoopingFile } from './looping-file';

/** What is told of a connection; as for sockets of `net`, never from within a call. */
export interface IngestSocketHandler {
  onConnect(): void;
  /** Bytes lent for the call. */
  onData(slab: Uint8Array, start: number, end: number): void;
  /** Exactly once; 0 in good order, else an errno. */
  onClose(errno: number): void;
}

/** What is used of a socket; that of `net` fits. */
export interface IngestSocket extends Transport {
  /** Bytes written but not yet sent. */
  readonly pendingBytes: number;
}

/** Opens a connection to a numeric address; `onConnect` or `onClose` follows within `timeoutMs`. */
export type Connect = (
  address: string,
  port: number,
  timeoutMs: number,
  handler: IngestSocketHandler,
) => IngestSocket;

/** What a publication works with. */
export interface PublicationParts {
  readonly url: RtmpUrl;
  /** Numeric address of the url's host. */
  readonly address: string;
  readonly file: LoopingFile;
  readonly connect: Connect;
  readonly clock: Clock;
  /** The server granted the publish. */
  onPublishing(): void;
  /** It is over, once; not called after close. */
  onEnd(error: SrsError): void;
}

/** A server that has not granted the publish by then is given up. */
const grantTimeoutMs = 30_000;
/** Media older than this after a stall is not made up for: the rest is sent that much later. */
const maxCatchUpMs = 500;
/** Beyond this many unsent bytes the file waits for the server. */
const maxPendingBytes = 1024 * 1024;
/** Shortest time between two looks at the clock: frames due within it go out together. */
const tickMs = 10;

/** AMF0 strings that open a script tag: the name, and what makes a server take it as the stream's metadata. */
const onMetaData = Buffer.from('\x02\x00\x0aonMetaData', 'latin1');
const setDataFrame = Buffer.from('\x02\x00\x0d@setDataFrame', 'latin1');

/** A tag, and when it is due. */
interface Upcoming {
  readonly tag: FlvTag;
  readonly timeMs: number;
}

/** Connects when constructed. Uses one timer: first for the grant, then for the pace. */
export class FlvPublication implements IngestSocketHandler {
  readonly #parts: PublicationParts;
  readonly #socket: IngestSocket;
  readonly #session: ClientSession;
  readonly #timeline = new LoopTimeline();
  /** Last header or metadata sent of each tag type: repeating it each round would tell nothing. */
  readonly #sentHeaders = new Map<number, Buffer>();
  #upcoming: Upcoming | undefined;
  /** Clock time at which position 0 was due. */
  #originMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(parts: PublicationParts) {
    this.#parts = parts;
    const { url } = parts;
    this.#socket = parts.connect(parts.address, url.port, grantTimeoutMs, this);
    const { app, param, tcUrl } = url;
    this.#session = new ClientSession(this.#socket, this.#sessionHandler(), {
      app: `${app}${param}`,
      tcUrl,
    });
    this.#timer = setTimeout(() => {
      const message = `expected the server to grant the publish within ${grantTimeoutMs} ms`;
      this.#fail(new SrsError(ErrorCode.SOCKET_TIMEOUT, message));
    }, grantTimeoutMs);
  }

  /** Unpublishes and closes the connection; idempotent. */
  close(): void {
    if (!this.#finish()) return;
    this.#session.close();
  }

  onConnect(): void {
    if (!this.#isOver) this.#session.start();
  }

  onData(slab: Uint8Array, start: number, end: number): void {
    if (this.#isOver) return;
    try {
      this.#session.push(slab, start, end);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.#fail(error);
    }
  }

  onClose(errno: number): void {
    const reason = errno === 0 ? 'the server closed the connection' : `errno ${errno}`;
    this.#fail(new SrsError(ErrorCode.SOCKET_CLOSED, `connection lost: ${reason}`));
  }

  #sessionHandler(): ClientSessionHandler {
    const { url } = this.#parts;
    const ignore = (): void => undefined;
    return {
      onConnected: () => {
        this.#session.publish(`${url.stream}${url.streamParam}`);
      },
      onPublishing: () => {
        this.#begin();
      },
      onError: (error) => {
        this.#fail(error);
      },
      onPlaying: ignore,
      onMedia: ignore,
      onMetadata: ignore,
      onDataMessage: ignore,
    };
  }

  #begin(): void {
    if (this.#isOver) return;
    clearTimeout(this.#timer);
    this.#originMs = this.#parts.clock.nowMs();
    this.#parts.onPublishing();
    this.#pump();
  }

  /** Sends what is due, then waits for what is next. */
  #pump(): void {
    let waitMs = 0;
    try {
      while (waitMs === 0) waitMs = this.#sendNext();
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.#fail(error);
      return;
    }
    this.#timer = setTimeout(() => {
      this.#pump();
    }, waitMs);
  }

  /** Sends the next tag if it is due; returns the ms to wait before the next one, 0 for none. */
  #sendNext(): number {
    this.#upcoming ??= this.#fetch();
    if (this.#upcoming === undefined) return tickMs;
    const { tag, timeMs } = this.#upcoming;
    const lateMs = this.#parts.clock.nowMs() - this.#originMs - timeMs;
    if (lateMs < 0) return Math.max(tickMs, Math.ceil(-lateMs));
    if (this.#socket.pendingBytes > maxPendingBytes) return tickMs;
    this.#originMs += Math.max(0, lateMs - maxCatchUpMs);
    this.#upcoming = undefined;
    this.#session.sendMedia(tag.type, timeMs % 2 ** 32, tag.payload);
    return 0;
  }

  /** The next tag worth sending; undefined while the disk is being read. */
  #fetch(): Upcoming | undefined {
    for (;;) {
      const tag = this.#parts.file.next();
      if (tag === undefined) return undefined;
      if (tag === 'end') this.#startRound();
      else {
        const upcoming = this.#place(tag);
        if (upcoming !== undefined) return upcoming;
      }
    }
  }

  #startRound(): void {
    if (this.#timeline.nextRound()) return;
    const message = 'expected audio or video in the file, found none';
    throw new SrsError(ErrorCode.SYSTEM_FILE_EOF, message);
  }

  /** Gives the tag its time; undefined for what is not sent in an endless stream. */
  #place(tag: FlvTag): Upcoming | undefined {
    const flags = flagsOf(tag);
    if ((flags & TagFlags.endOfSequence) !== 0) return undefined;
    const isHeader = (flags & (TagFlags.sequenceHeader | TagFlags.metadata)) !== 0;
    if (!isHeader) return { tag, timeMs: this.#timeline.place(tag.type, tag.timestamp) };
    if (this.#sentHeaders.get(tag.type)?.equals(tag.payload) === true) return undefined;
    this.#sentHeaders.set(tag.type, tag.payload);
    return { tag: withDataFrame(tag), timeMs: this.#timeline.positionMs };
  }

  #fail(error: SrsError): void {
    if (!this.#finish()) return;
    this.#session.close();
    this.#parts.onEnd(error);
  }

  /** False when it was over before. */
  #finish(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    clearTimeout(this.#timer);
    return true;
  }
}

function flagsOf(tag: FlvTag): number {
  const { type, payload } = tag;
  if (type === FlvTagType.script) return TagFlags.metadata;
  const classify = type === FlvTagType.audio ? classifyAudio : classifyVideo;
  return classify(payload, 0, payload.length);
}

/** A file holds `onMetaData`; a publisher sends `@setDataFrame`, `onMetaData`. */
function withDataFrame(tag: FlvTag): FlvTag {
  const isMetadata = tag.payload.subarray(0, onMetaData.length).equals(onMetaData);
  if (tag.type !== FlvTagType.script || !isMetadata) return tag;
  return { ...tag, payload: Buffer.concat([setDataFrame, tag.payload]) };
}
