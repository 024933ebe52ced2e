/** Owns those who are at one stream over HTTP while nobody publishes it: players to come, and players left waiting. */
import type { PulledPlayer } from '../../../net/broadcast-log';
import type { Source } from '../../stream/source';

/** Keeps a source that only waiting clients are at. It takes nothing, ever. */
class Placeholder implements PulledPlayer {
  takeMedia(): boolean {
    return false;
  }
}

/** Someone who plays. */
export interface Listener {
  /** Nobody publishes the stream any more, and the time for another publisher is over. */
  onStreamOver(): void;
}

/** The HTTP clients of one stream; uses one timer after an unpublish, and one per client that waits for the first. */
export class Audience {
  readonly source: Source;
  #waitMs: number;
  readonly #onEmpty: () => void;
  readonly #unobserve: () => void;
  readonly #listeners = new Set<Listener>();
  readonly #waiting = new Set<(isPublished: boolean) => void>();
  #placeholder: Placeholder | undefined;
  #overTimer: NodeJS.Timeout | undefined;

  /** @param waitMs how long a publisher is waited for, each time; `onEmpty`: the audience may be forgotten */
  constructor(source: Source, waitMs: number, onEmpty: () => void) {
    this.source = source;
    this.#waitMs = waitMs;
    this.#onEmpty = onEmpty;
    this.#unobserve = source.observe({
      onPublish: () => {
        clearTimeout(this.#overTimer);
        this.#settle(true);
      },
      onUnpublish: () => {
        this.#expectPublisher();
      },
    });
  }

  get isPublished(): boolean {
    return this.source.publisher !== undefined;
  }

  /** Waits so long from the next time on. */
  setWaitMs(waitMs: number): void {
    this.#waitMs = waitMs;
  }

  /** Adds a player; returns what takes it out, to be called once. */
  join(listener: Listener): () => void {
    this.#listeners.add(listener);
    if (!this.isPublished && this.#listeners.size === 1) this.#expectPublisher();
    return () => {
      this.#listeners.delete(listener);
      this.#leaveIfEmpty();
    };
  }

  /** Whether the stream is published, now or within the time for it; false at once when `gone` says so. */
  async waitForPublisher(gone: AbortSignal): Promise<boolean> {
    if (this.isPublished || gone.aborted || this.#waitMs === 0) {
      // Who goes on to play joins then, and may not get so far.
      this.#leaveIfEmpty();
      return this.isPublished;
    }
    this.#hold();
    return new Promise<boolean>((resolve) => {
      const settle = (isPublished: boolean): void => {
        clearTimeout(timer);
        gone.removeEventListener('abort', giveUp);
        this.#waiting.delete(settle);
        resolve(isPublished);
        this.#leaveIfEmpty();
      };
      const giveUp = (): void => {
        settle(false);
      };
      const timer = setTimeout(giveUp, this.#waitMs);
      gone.addEventListener('abort', giveUp);
      this.#waiting.add(settle);
    });
  }

  /** Ends the waiting of all, as the server stops. */
  stop(): void {
    this.#settle(false);
  }

  #settle(isPublished: boolean): void {
    for (const settle of [...this.#waiting]) settle(isPublished);
  }

  #expectPublisher(): void {
    clearTimeout(this.#overTimer);
    this.#overTimer = setTimeout(() => {
      for (const listener of [...this.#listeners]) listener.onStreamOver();
    }, this.#waitMs);
  }

  #hold(): void {
    if (this.#placeholder) return;
    this.#placeholder = new Placeholder();
    this.source.attach(this.#placeholder, 1, 0);
  }

  #leaveIfEmpty(): void {
    if (this.#waiting.size > 0) return;
    if (this.#placeholder) this.source.detach(this.#placeholder);
    this.#placeholder = undefined;
    if (this.#listeners.size > 0) return;
    clearTimeout(this.#overTimer);
    this.#unobserve();
    this.#onEmpty();
  }
}
