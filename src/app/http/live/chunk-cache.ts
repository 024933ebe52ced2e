/** Owns what a new player of a remuxed stream gets at once. */
import type { FeedChunk } from './feed-encoder';

/** Bounds of a cache. */
export interface CacheLimits {
  readonly maxBytes: number;
  /** Keeps that much media, ms; `start` keeps what came since the last chunk that a player may begin with. */
  readonly span: number | 'start';
}

/** The last chunks, shared with whoever is sending them. */
export class ChunkCache {
  #limits: CacheLimits;
  #chunks: FeedChunk[] = [];
  #bytes = 0;

  constructor(limits: CacheLimits) {
    this.#limits = limits;
  }

  get chunks(): readonly FeedChunk[] {
    return this.#chunks;
  }

  /** Keeps by other bounds from now on; of what is kept all goes that they would not have kept. */
  setLimits(limits: CacheLimits): void {
    this.#limits = limits;
    const kept = this.#chunks;
    this.clear();
    for (const chunk of kept) this.add(chunk);
  }

  add(chunk: FeedChunk): void {
    const { maxBytes, span } = this.#limits;
    if (span === 'start') {
      if (chunk.isStart) this.clear();
      else if (this.#chunks.length === 0) return;
    }
    this.#chunks.push(chunk);
    this.#bytes += chunk.data.length;
    if (span === 'start') {
      // What does not begin with its start is of no use.
      if (this.#bytes > maxBytes) this.clear();
      return;
    }
    for (let first = this.#chunks[0]; first; first = this.#chunks[0]) {
      const spanMs = chunk.timeMs - first.timeMs;
      if (this.#bytes <= maxBytes && spanMs >= 0 && spanMs < span) break;
      this.#bytes -= first.data.length;
      this.#chunks.shift();
    }
  }

  clear(): void {
    this.#chunks = [];
    this.#bytes = 0;
  }
}
