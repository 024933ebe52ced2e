/** Owns the face of one native broadcast log: a stream encoded once, read by any number of players. */
import type { NativeEngine } from './binding';
import type { Engine } from './engine';
import type { Socket } from './socket';

/** How a log keeps and hands out its stream. */
export interface BroadcastLogOptions {
  /** Outgoing RTMP chunk size, bytes; fixed for the life of the log. */
  readonly chunkSize: number;
  /** A player that lags by more media than this jumps to the newest key frame, ms. */
  readonly queueMs: number;
  readonly gopCache: boolean;
  /** A GOP that grows beyond this is not kept for new players, bytes. */
  readonly gopCacheMaxBytes: number;
  /** Players see the log's own timestamps; otherwise each player's time starts at zero. */
  readonly absolute: boolean;
}

/** What one player got. */
export interface PlayerStats {
  readonly messages: number;
  readonly dropped: number;
  readonly lagMs: number;
  /** How often it jumped forward because it lagged too far. */
  readonly jumps: number;
}

/** What the log holds. */
export interface BroadcastLogStats {
  readonly players: number;
  readonly messages: number;
  readonly bytes: number;
  readonly heldBytes: number;
  readonly gopMs: number;
  readonly gopBytes: number;
}

const numbers = new Float64Array(6);

/** One live stream in the engine. Calls after {@link close} do nothing. */
export class BroadcastLog {
  readonly #native: NativeEngine;
  readonly #engine: Engine;
  readonly #id: number;
  #closed = false;

  constructor(engine: Engine, options: BroadcastLogOptions) {
    this.#engine = engine;
    this.#native = engine.native;
    this.#id = this.#native.createLog(
      options.chunkSize,
      options.queueMs,
      options.gopCache,
      options.gopCacheMaxBytes,
      options.absolute,
    );
  }

  /**
   * Adds the message [start, end) of `payload`: audio 8, video 9 or data 18.
   *
   * @param timestamp ms, corrected for all players alike
   * @param flags TagFlags of media/codec
   * @param headerSlot -1, or the place in the preface of new players: 0 metadata, 1 + track video
   *   header, 33 + track audio header
   */
  // eslint-disable-next-line max-params -- called for each message: no object is made for it
  append(
    type: number,
    timestamp: number,
    flags: number,
    headerSlot: number,
    payload: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (this.#isGone) return;
    this.#native.append(this.#id, type, timestamp, flags, headerSlot, payload, start, end);
  }

  /** The publisher left: the GOP and the preface are forgotten, attached players stay. */
  reset(): void {
    if (!this.#isGone) this.#native.resetLog(this.#id);
  }

  /** Applies changed options at once; the chunk size keeps its value. */
  setOptions(options: BroadcastLogOptions): void {
    if (this.#isGone) return;
    this.#native.setLogOptions(
      this.#id,
      options.chunkSize,
      options.queueMs,
      options.gopCache,
      options.gopCacheMaxBytes,
      options.absolute,
    );
  }

  /**
   * Makes the socket a player: preface and cached GOP first, then the stream, sent every `flushMs`
   * (0 = as soon as a message is there). Bytes written before come first.
   */
  attach(socket: Socket, streamId: number, flushMs: number): void {
    if (!this.#isGone && !socket.isClosed) {
      this.#native.attach(socket.slot, this.#id, streamId, flushMs);
    }
  }

  /** The socket plays no longer; the message in flight is completed. */
  detach(socket: Socket): void {
    if (!this.#isGone && !socket.isClosed) this.#native.detach(socket.slot);
  }

  /** A paused player gets no media; up to `queueMs` of it wait. */
  setPaused(socket: Socket, paused: boolean): void {
    if (!this.#isGone && !socket.isClosed) this.#native.setPaused(socket.slot, paused);
  }

  setFlushMs(socket: Socket, flushMs: number): void {
    if (!this.#isGone && !socket.isClosed) this.#native.setFlushMs(socket.slot, flushMs);
  }

  /** Ends after `limitMs` of media: the player is paused and its handler's `onPlayEnd` called. */
  setDurationLimit(socket: Socket, limitMs: number): void {
    if (!this.#isGone && !socket.isClosed) this.#native.setDurationLimit(socket.slot, limitMs);
  }

  playerStats(socket: Socket): PlayerStats {
    const known =
      !this.#isGone && !socket.isClosed && this.#native.playerStats(socket.slot, numbers);
    const [messages = 0, dropped = 0, lagMs = 0, jumps = 0] = known ? numbers : [];
    return { messages, dropped, lagMs, jumps };
  }

  get stats(): BroadcastLogStats {
    const known = !this.#isGone && this.#native.logStats(this.#id, numbers);
    const [players = 0, messages = 0, bytes = 0, heldBytes = 0, gopMs = 0, gopBytes = 0] = known
      ? numbers
      : [];
    return { players, messages, bytes, heldBytes, gopMs, gopBytes };
  }

  /** Frees the log; players still on it stay connected and get nothing more. Idempotent. */
  close(): void {
    if (this.#isGone) return;
    this.#closed = true;
    this.#native.closeLog(this.#id);
  }

  get #isGone(): boolean {
    return this.#closed || this.#engine.isClosed;
  }
}
