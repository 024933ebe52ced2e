/** Owns the face of one native broadcast log: a stream encoded once, read by any number of players. */
import { NativeFormat } from './binding';
import type { NativeEngine } from './binding';
import type { Engine } from './engine';
import type { LogFormat, PulledPlayer } from './log-reader';
import { LogReaders } from './log-readers';
import type { Socket } from './socket';

export type { LogFormat, PulledPlayer };

/** Who plays a log: a socket of the engine, or someone who is handed the bytes. */
export type LogPlayer = Socket | PulledPlayer;

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
  /** Made for the first pulled player. */
  #readers: LogReaders | undefined;
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
    this.#readers?.onAppend();
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
   * Makes a socket or a pulled player one of this log: preface and cached GOP first, then the
   * stream, sent every `flushMs` (0 = as soon as a message is there). Bytes written before come
   * first. RTMP players have a message stream id; FLV ones get tags with the log's own timestamps
   * and no file header.
   */
  attach(player: LogPlayer, streamId: number, flushMs: number, format: LogFormat = 'rtmp'): void {
    if (this.#isGone) return;
    if (isPulled(player)) {
      this.#readers ??= new LogReaders(this.#engine, this.#id);
      this.#readers.add(player, streamId, flushMs, format);
    } else if (!player.isClosed) {
      this.#native.attach(player.slot, this.#id, streamId, flushMs, NativeFormat[format]);
    }
  }

  /** The player plays no longer; the message in flight is completed. */
  detach(player: LogPlayer): void {
    if (this.#isGone) return;
    if (isPulled(player)) {
      this.#readers?.remove(player);
      if (this.#readers?.isEmpty === true) this.#readers = undefined;
    } else if (!player.isClosed) this.#native.detach(player.slot);
  }

  /** A pulled player that wanted nothing more can take bytes again. */
  resume(player: PulledPlayer): void {
    if (!this.#isGone) this.#readers?.get(player)?.resume();
  }

  /** A paused player gets no media; up to `queueMs` of it wait. */
  setPaused(player: LogPlayer, paused: boolean): void {
    if (this.#isGone) return;
    if (isPulled(player)) this.#readers?.get(player)?.setPaused(paused);
    else if (!player.isClosed) this.#native.setPaused(player.slot, paused);
  }

  /** 0 sends what waits before this returns, ahead of anything that is written next. */
  setFlushMs(player: LogPlayer, flushMs: number): void {
    if (this.#isGone) return;
    if (isPulled(player)) this.#readers?.setFlushMs(player, flushMs);
    else if (!player.isClosed) this.#native.setFlushMs(player.slot, flushMs);
  }

  /** Ends after `limitMs` of media: the player is paused and `onPlayEnd` called. */
  setDurationLimit(player: LogPlayer, limitMs: number): void {
    if (this.#isGone) return;
    if (isPulled(player)) this.#readers?.get(player)?.setDurationLimit(limitMs);
    else if (!player.isClosed) this.#native.setDurationLimit(player.slot, limitMs);
  }

  playerStats(player: LogPlayer): PlayerStats {
    const known = !this.#isGone && this.#fillStats(player);
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
    this.#readers?.close();
    this.#closed = true;
    this.#native.closeLog(this.#id);
  }

  #fillStats(player: LogPlayer): boolean {
    if (isPulled(player)) return this.#readers?.get(player)?.fillStats(numbers) ?? false;
    return !player.isClosed && this.#native.playerStats(player.slot, numbers);
  }

  get #isGone(): boolean {
    return this.#closed || this.#engine.isClosed;
  }
}

function isPulled(player: LogPlayer): player is PulledPlayer {
  return 'takeMedia' in player;
}
