/** Owns the answers to requests for the playlist in memory, at once or when there is something new. */
import { readDirectives } from './blocking-request';
import type { BlockingRequest } from './blocking-request';
import { contentType, sendBuffers, sendStatus } from './exchange';
import type { HlsRequest, Resource } from './exchange';
import { lowLatencyPlaylist } from './low-latency-playlist';
import type { ListedPart, SegmentWithParts } from './low-latency-playlist';
import { mediaPlaylist } from './playlist';
import type { SegmentHead } from './playlist';
import type { SegmentList } from './segment-list';
import type { StreamParts } from './stream-parts';
import { Waiters } from './waiters';

/** Requests wait at most so many target durations (RFC 8216bis 6.2.5.2). */
const WAIT_TARGETS = 3;
/** A request may ask for at most so many segments beyond the last one (6.2.5.2). */
const MAX_AHEAD = 2;

/** The segment that is being made, as the playlist shows it. */
export type OpenHead = SegmentHead & { readonly parts: readonly ListedPart[] };

/** The playlist of one stream. */
export class RamPlaylist implements Resource {
  readonly isPlaylist = true;
  readonly waiters = new Waiters();
  /** The segment that is being made; low latency only. */
  open: OpenHead | undefined;
  /** The part that comes next; low latency only. */
  hintUri: string | undefined;
  readonly #parts: StreamParts;
  readonly #list: SegmentList<SegmentWithParts>;
  /** The texts of the present state, made when they are first asked for. */
  #full: Buffer | undefined;
  #delta: Buffer | undefined;

  constructor(parts: StreamParts, list: SegmentList<SegmentWithParts>) {
    this.#parts = parts;
    this.#list = list;
  }

  /** When a request that comes now has waited long enough. */
  get dueMs(): number {
    return this.#parts.clock.nowMs() + this.#list.targetDuration * 1000 * WAIT_TARGETS;
  }

  /** Something is new: requests that wait for it are answered. */
  change(): void {
    this.#full = undefined;
    this.#delta = undefined;
    this.waiters.check();
  }

  serve(request: HlsRequest): boolean {
    if (!this.#list.isShown) return false;
    if (!this.#parts.options.lowLatency) return this.#serveNow(request, false);
    const { isBad, blocking, isDelta } = readDirectives(request.query);
    if (isBad || (blocking !== undefined && this.#isTooFar(blocking))) {
      sendStatus(request, 400);
      return true;
    }
    if (blocking === undefined || this.#has(blocking)) return this.#serveNow(request, isDelta);
    this.waiters.add({
      request,
      dueMs: this.dueMs,
      isReady: () => this.#has(blocking),
      answer: () => {
        if (!this.#serveNow(request, isDelta)) sendStatus(request, 404);
      },
    });
    return true;
  }

  #serveNow(request: HlsRequest, isDelta: boolean): boolean {
    const isEmpty = this.#list.segments.length === 0 && (this.open?.parts.length ?? 0) === 0;
    if (isEmpty) return false;
    const text = isDelta
      ? (this.#delta ??= Buffer.from(this.#text(true)))
      : (this.#full ??= Buffer.from(this.#text(false)));
    sendBuffers(request, [text], { type: contentType('.m3u8'), cacheControl: 'no-cache' });
    return true;
  }

  #text(isDelta: boolean): string {
    const { targetDuration, mediaSequence, discontinuitySequence, segments } = this.#list;
    const state = { targetDuration, mediaSequence, discontinuitySequence, segments };
    const { options, version } = this.#parts;
    if (!options.lowLatency) return mediaPlaylist({ ...state, version });
    const { open, hintUri } = this;
    return lowLatencyPlaylist({ ...state, open, hintUri, partMs: options.partMs }, isDelta);
  }

  /** Whether the playlist holds the segment, or that part of it. */
  #has({ msn, part }: BlockingRequest): boolean {
    if (msn < this.#list.nextSequence) return true;
    if (part === undefined || msn > this.#list.nextSequence) return false;
    return part < (this.open?.parts.length ?? 0);
  }

  #isTooFar({ msn }: BlockingRequest): boolean {
    return msn > this.#list.nextSequence - 1 + MAX_AHEAD;
  }
}
