/** Owns the count of those who want to play a stream, published or not. */
import type { RtmpRequest } from '../../rtmp/request';

import type { SourceObserver } from './publisher';

/** The wants of one stream; its observers are told of each, and when there is none left. */
export class Demand {
  readonly #observers: ReadonlySet<SourceObserver>;
  #count = 0;
  #newest: RtmpRequest | undefined;

  constructor(observers: ReadonlySet<SourceObserver>) {
    this.#observers = observers;
  }

  get isWanted(): boolean {
    return this.#count > 0;
  }

  /** What the newest one asked for, also when all have left. */
  get newest(): RtmpRequest | undefined {
    return this.#newest;
  }

  /** One more; returns what ends it, which may be called twice. */
  add(request: RtmpRequest): () => void {
    this.#count++;
    this.#newest = request;
    for (const observer of this.#observers) observer.onWanted?.(request);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#count--;
      if (this.#count > 0) return;
      for (const observer of this.#observers) observer.onUnwanted?.();
    };
  }
}
