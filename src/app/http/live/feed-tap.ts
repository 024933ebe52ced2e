/** Owns one player's place in a remuxed stream: what waits for it, and when it has to jump forward. */
import type { PlayerFigures } from '../../stats/stat-types';

import type { FeedChunk } from './feed-encoder';
import type { Outlet } from './outlet';
import type { FeedListener, RemuxFeed } from './remux-feed';
import type { Tap, TapOptions } from './tap';

/** A player that still has to jump after so much media without ever having caught up is closed, ms. */
const HOPELESS_MS = 60_000;

/** Bounds of what waits for one player; the bytes themselves are shared by all. */
export interface BacklogLimits {
  /** Media, ms. */
  readonly spanMs: number;
  readonly bytes: number;
}

/** What becomes of a player beyond back-pressure. */
export interface FeedTapEvents {
  /** The player cannot follow the stream. */
  onHopeless(): void;
  /** The stream cannot be had any more; what was sent stands. */
  onFeedOver(reason: string): void;
}

/** Hands chunks to an outlet as it takes them. */
export class FeedTap implements Tap, FeedListener {
  readonly #feed: RemuxFeed;
  readonly #outlet: Outlet;
  #limits: BacklogLimits;
  readonly #events: FeedTapEvents;
  readonly #release: () => void;
  #unlisten: (() => void) | undefined;
  #queue: FeedChunk[] = [];
  #queuedBytes = 0;
  /** Nothing is sent until a chunk with which a player may begin. */
  #isSeeking = true;
  /** Time of the first jump since it had caught up. */
  #behindSinceMs: number | undefined;
  #messages = 0;
  #dropped = 0;
  #jumps = 0;

  /** `release` gives up the hold on the feed that the caller has. */
  constructor(
    feed: RemuxFeed,
    release: () => void,
    outlet: Outlet,
    limits: BacklogLimits,
    events: FeedTapEvents,
  ) {
    this.#feed = feed;
    this.#release = release;
    this.#outlet = outlet;
    this.#limits = limits;
    this.#events = events;
  }

  get stats(): PlayerFigures {
    const lagMs = (this.#queue.at(-1)?.timeMs ?? 0) - (this.#queue[0]?.timeMs ?? 0);
    const [messages, dropped, jumps] = [this.#messages, this.#dropped, this.#jumps];
    return { messages, dropped, lagMs, jumps };
  }

  start(): void {
    const { head, chunks } = this.#feed.beginning;
    if (head) this.#outlet.write(head);
    this.#unlisten = this.#feed.listen(this);
    for (const chunk of chunks) this.onChunk(chunk);
  }

  onChunk(chunk: FeedChunk): void {
    if (this.#isSeeking && !chunk.isStart) {
      if (this.#messages > 0) this.#dropped += chunk.frames;
      return;
    }
    this.#isSeeking = false;
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.data.length;
    this.#send();
    if (this.#isOverfull(chunk)) this.#jump(chunk.timeMs);
  }

  onFeedOver(reason: string): void {
    this.#events.onFeedOver(reason);
  }

  onDrain(): void {
    this.#send();
  }

  /** How often the feed reads is its own affair. */
  setOptions({ queueLengthMs, gopCacheMaxBytes }: TapOptions): void {
    this.#limits = { spanMs: queueLengthMs, bytes: gopCacheMaxBytes };
  }

  /** What the outlet does not take now is lost with the end. */
  finish(): void {
    this.#feed.flush();
    this.#send();
  }

  stop(): void {
    this.#leave();
    this.#release();
  }

  #leave(): void {
    this.#unlisten?.();
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  #send(): void {
    while (this.#queue.length > 0 && this.#outlet.isReady) {
      const chunk = this.#queue.shift();
      if (!chunk) return;
      this.#queuedBytes -= chunk.data.length;
      this.#messages += chunk.frames;
      this.#outlet.write(chunk.data);
    }
    if (this.#queue.length === 0 && this.#outlet.isReady) this.#behindSinceMs = undefined;
  }

  #isOverfull(newest: FeedChunk): boolean {
    const [oldest] = this.#queue;
    if (!oldest) return false;
    const spanMs = newest.timeMs - oldest.timeMs;
    return spanMs > this.#limits.spanMs || this.#queuedBytes > this.#limits.bytes;
  }

  /** Forgets what waits, up to the newest chunk with which a player may begin. */
  #jump(nowMs: number): void {
    this.#jumps++;
    let start = this.#queue.length - 1;
    while (start > 0 && this.#queue[start]?.isStart !== true) start--;
    const kept = start > 0 ? this.#queue.splice(start) : [];
    this.#dropped += this.#queue.reduce((sum, { frames }) => sum + frames, 0);
    this.#queue = kept;
    this.#queuedBytes = kept.reduce((sum, { data }) => sum + data.length, 0);
    this.#isSeeking = kept.length === 0;
    this.#behindSinceMs ??= nowMs;
    if (nowMs - this.#behindSinceMs < HOPELESS_MS) return;
    this.#leave();
    this.#events.onHopeless();
  }
}
