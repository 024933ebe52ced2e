/** Owns one remuxed form of one stream: read off the log once, encoded once, handed to all its players. */
import { describeError, SrsError } from '../../../core/errors';
import { classifyAudio, classifyVideo } from '../../../media/codec';
import { FlvTagType } from '../../../media/flv';
import type { FlvTag } from '../../../media/flv';
import { FlvReader } from '../../../media/flv-reader';
import { TrackReader } from '../../../media/track-reader';
import type { PulledPlayer } from '../../../net/broadcast-log';
import type { Source } from '../../stream/source';

import { ChunkCache } from './chunk-cache';
import type { CacheLimits } from './chunk-cache';
import type { EncoderEvents, FeedChunk, FeedEncoder } from './feed-encoder';
import { FLV_HEAD } from './tap';

/** Half of the range of FLV timestamps: a step back by more is a wrap. */
const HALF_RANGE = 2 ** 31;
/** Tells apart what is said once. */
const MAX_TOLD = 16;

/** Who is handed a feed. */
export interface FeedListener {
  onChunk(chunk: FeedChunk): void;
  /** The stream can no longer be had in this container. */
  onFeedOver(reason: string): void;
}

/** What a feed is made of. */
export interface FeedParts {
  readonly source: Source;
  /** Merged reading of the log, ms. */
  readonly flushMs: number;
  readonly cache: CacheLimits;
  readonly createEncoder: (events: EncoderEvents) => FeedEncoder;
  /** Nobody holds it any more; it is closed. */
  readonly onClosed: () => void;
}

/** Plays the stream as one FLV player of this process as long as somebody holds it. */
export class RemuxFeed implements PulledPlayer, EncoderEvents {
  readonly #parts: FeedParts;
  #flushMs: number;
  readonly #listeners = new Set<FeedListener>();
  readonly #cache: ChunkCache;
  readonly #told = new Set<string>();
  readonly #unobserve: () => void;
  readonly #encoder: FeedEncoder;
  #flv = newReader();
  #tracks: TrackReader;
  #holders = 0;
  /** Added to timestamps, which wrap after 49 days. */
  #offsetMs = 0;
  #lastMs = 0;
  #reason: string | undefined;
  #hasBegun = false;
  readonly #waiting = new Set<() => void>();
  /** What those who wait for the first chunk get with it: in this turn they cannot listen yet. */
  #awaited: FeedChunk[] | undefined;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.#flushMs = parts.flushMs;
    this.#cache = new ChunkCache(parts.cache);
    this.#encoder = parts.createEncoder(this);
    this.#tracks = this.#newTracks();
    parts.source.attach(this, 1, parts.flushMs, 'flv');
    this.#unobserve = parts.source.observe({
      onPublish: () => {
        this.#restart();
      },
      onUnpublish: () => undefined,
    });
  }

  /** What every player gets first, and the chunks that new ones get at once. */
  get beginning(): { readonly head: Buffer | undefined; readonly chunks: readonly FeedChunk[] } {
    const { chunks } = this.#cache;
    return { head: this.#encoder.head, chunks: chunks.length > 0 ? chunks : (this.#awaited ?? []) };
  }

  /** Why the stream cannot be had in this container, as far as is known. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Keeps the feed until the returned function is called, once. */
  hold(): () => void {
    this.#holders++;
    return () => {
      this.#holders--;
      if (this.#holders === 0) this.#close();
    };
  }

  /** Hands on what waits to be merged, as the end of the stream, or of the server, follows. */
  flush(): void {
    const { source } = this.#parts;
    source.setFlushMs(this, 0);
    source.setFlushMs(this, this.#flushMs);
  }

  /** Reads the log at another interval, and keeps something else for new players. */
  setOptions(flushMs: number, cache: CacheLimits): void {
    this.#cache.setLimits(cache);
    if (this.#flushMs === flushMs) return;
    this.#flushMs = flushMs;
    this.#parts.source.setFlushMs(this, flushMs);
  }

  /** Hands on what comes from now on; returns what ends that. */
  listen(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Resolves when there is something to play, or it is known that there will not be, or after `waitMs`, or at `gone`. */
  async whenDecided(waitMs: number, gone: AbortSignal): Promise<boolean> {
    if (this.#isDecided || gone.aborted) return this.#isDecided;
    return new Promise<boolean>((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        gone.removeEventListener('abort', settle);
        this.#waiting.delete(settle);
        resolve(this.#isDecided);
      };
      const timer = setTimeout(settle, waitMs);
      gone.addEventListener('abort', settle);
      this.#waiting.add(settle);
    });
  }

  // What the log hands over.

  takeMedia(bytes: Buffer): boolean {
    this.#flv.push(bytes);
    for (let tag = this.#flv.read(); tag !== undefined; tag = this.#flv.read()) {
      // Script tags bear no time that counts.
      if (tag.type !== FlvTagType.script) this.#read(tag);
    }
    this.#guard(() => {
      this.#encoder.flush();
    });
    return true;
  }

  // What the encoder makes.

  onChunk(chunk: FeedChunk): void {
    if (this.#reason !== undefined) return;
    this.#hasBegun = true;
    this.#cache.add(chunk);
    if (this.#waiting.size > 0 && !this.#awaited) this.#keepForThisTurn();
    this.#awaited?.push(chunk);
    for (const listener of this.#listeners) listener.onChunk(chunk);
    this.#settle();
  }

  onUnsuitable(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#cache.clear();
    for (const listener of [...this.#listeners]) listener.onFeedOver(reason);
    this.#settle();
  }

  onIgnored(reason: string): void {
    if (this.#told.size >= MAX_TOLD || this.#told.has(reason)) return;
    this.#told.add(reason);
    this.#parts.source.publisher?.log.warn(`http remux: ${reason}`);
  }

  get #isDecided(): boolean {
    return this.#hasBegun || this.#reason !== undefined;
  }

  #keepForThisTurn(): void {
    this.#awaited = [];
    setImmediate(() => {
      this.#awaited = undefined;
    });
  }

  #settle(): void {
    for (const settle of [...this.#waiting]) settle();
  }

  #read({ type, timestamp: wrapped, payload }: FlvTag): void {
    const timestamp = this.#unwrap(wrapped);
    const classify = type === FlvTagType.video ? classifyVideo : classifyAudio;
    const flags = classify(payload, 0, payload.length);
    this.#guard(() => {
      this.#tracks.read({ type, timestamp, flags, payload });
    });
  }

  /** A frame that cannot be carried is left out; the stream goes on. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.onIgnored(describeError(error));
    }
  }

  /** Another publisher: its tracks have nothing to do with those before; its timestamps go on. */
  #restart(): void {
    const { source } = this.#parts;
    source.detach(this);
    this.#encoder.restart();
    this.#cache.clear();
    this.#told.clear();
    this.#reason = undefined;
    this.#hasBegun = false;
    this.#flv = newReader();
    this.#tracks = this.#newTracks();
    source.attach(this, 1, this.#flushMs, 'flv');
  }

  #newTracks(): TrackReader {
    return new TrackReader({
      onTrack: (track) => {
        this.#encoder.onTrack(track);
      },
      onFrame: (frame) => {
        this.#encoder.onFrame(frame);
      },
      onIgnored: (reason) => {
        this.onIgnored(reason);
      },
    });
  }

  #unwrap(timestamp: number): number {
    if (timestamp + this.#offsetMs < this.#lastMs - HALF_RANGE) this.#offsetMs += 2 ** 32;
    this.#lastMs = Math.max(this.#lastMs, timestamp + this.#offsetMs);
    return timestamp + this.#offsetMs;
  }

  #close(): void {
    this.#unobserve();
    this.#listeners.clear();
    this.#parts.source.detach(this);
    this.#parts.onClosed();
  }
}

function newReader(): FlvReader {
  const reader = new FlvReader();
  reader.push(FLV_HEAD);
  return reader;
}
