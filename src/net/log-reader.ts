/** Owns one player of a log whose bytes pass through TypeScript: what it is given, and what stops it. */
import { NativeFormat } from './binding';
import type { NativeEngine } from './binding';
import type { Engine } from './engine';

/** How the messages of a log are framed: an RTMP chunk stream, or FLV tags. */
export type LogFormat = keyof typeof NativeFormat;

/** A player whose bytes pass through TypeScript: TLS, WebSocket, remux. */
export interface PulledPlayer {
  /**
   * Whole messages (RTMP chunks or FLV tags), owned by the callee; never from within a call of the
   * owner, but for a flush interval that is set to 0. A throw detaches the player.
   *
   * @returns false: nothing more until the log's `resume`
   */
  takeMedia(bytes: Buffer): boolean;
  /** The duration limit was reached. */
  onPlayEnd?(): void;
}

/** What the engine tells of a read. */
const ReadState = { more: 1, ended: 2 } as const;
const state = new Float64Array(1);

/** What a pulled player plays. */
interface ReaderPlace {
  /** Number of the log in the engine. */
  readonly log: number;
  /** Message stream id of its RTMP messages. */
  readonly streamId: number;
  readonly format: LogFormat;
}

/** One pulled player: a place in the native log. Calls after {@link close} do nothing. */
export class LogReader {
  readonly #player: PulledPlayer;
  readonly #engine: Engine;
  readonly #native: NativeEngine;
  readonly #onFailure: (error: unknown) => void;
  readonly #id: number;
  #isStopped = false;
  #isClosed = false;

  /**
   * @param onFailure is called when the player's own code threw
   * @throws Error ENOMEM when there is no memory for its preface
   */
  constructor(
    engine: Engine,
    player: PulledPlayer,
    place: ReaderPlace,
    onFailure: (error: unknown) => void,
  ) {
    this.#engine = engine;
    this.#native = engine.native;
    this.#player = player;
    this.#onFailure = onFailure;
    this.#id = this.#native.openReader(place.log, place.streamId, NativeFormat[place.format]);
    this.wake();
  }

  get isClosed(): boolean {
    return this.#isClosed || this.#engine.isClosed;
  }

  /** Hands on what there is at the end of this turn. */
  wake(): void {
    if (!this.isClosed) this.#engine.readerPumps.add(this, 0);
  }

  /** The player can take bytes again. */
  resume(): void {
    this.#isStopped = false;
    this.wake();
  }

  /** Hands on what there is now, unless the player has asked to wait; a long backlog in several turns. */
  flush(): void {
    if (this.#isStopped || this.isClosed) return;
    try {
      this.#flush();
    } catch (error) {
      this.#onFailure(error);
    }
  }

  setPaused(paused: boolean): void {
    if (this.isClosed) return;
    this.#native.setReaderPaused(this.#id, paused);
    if (!paused) this.wake();
  }

  setDurationLimit(limitMs: number): void {
    if (this.isClosed) return;
    this.#native.setReaderLimit(this.#id, limitMs);
    this.wake();
  }

  /** Messages, dropped, lag in ms, jumps. Returns whether it plays. */
  fillStats(numbers: Float64Array): boolean {
    return !this.isClosed && this.#native.readerStats(this.#id, numbers);
  }

  /** Gives up the place in the log. Idempotent. */
  close(): void {
    if (!this.isClosed) {
      this.#engine.readerPumps.remove(this);
      this.#native.closeReader(this.#id);
    }
    this.#isClosed = true;
  }

  #flush(): void {
    const bytes = this.#native.read(this.#id, state);
    const [told = 0] = state;
    if (bytes !== undefined) {
      // Stopped beforehand, so that a resume from within the call counts.
      this.#isStopped = true;
      if (this.#player.takeMedia(bytes)) this.#isStopped = false;
    }
    if (this.isClosed) return;
    if ((told & ReadState.more) !== 0 && !this.#isStopped) this.wake();
    if ((told & ReadState.ended) !== 0) this.#player.onPlayEnd?.();
  }
}
