/** Owns the newest metadata and decoder configurations of one stream: tells repeats, serves late sinks. */
import { TagFlags, trackIdOf } from '../../media/codec';
import type { MediaKind } from '../../media/tag-header';

import type { StreamMessage } from './sink';

/** The place of the metadata in the cache of the broadcast log. */
export const METADATA_SLOT = 0;
/** A larger header or metadata is passed on, but not kept for those who come later, bytes. */
export const MAX_HEADER_BYTES = 64 * 1024;
/** The slot of a message that is not cached. */
export const NO_SLOT = -1;
/** Decoder configurations have one place per track, and so has what enhanced RTMP calls metadata of a track. */
const MAX_TRACKS = 32;
const FIRST_VIDEO_SLOT = 1;
const FIRST_AUDIO_SLOT = FIRST_VIDEO_SLOT + MAX_TRACKS;
const FIRST_VIDEO_EXTRA_SLOT = FIRST_AUDIO_SLOT + MAX_TRACKS;
const FIRST_AUDIO_EXTRA_SLOT = FIRST_VIDEO_EXTRA_SLOT + MAX_TRACKS;
const VIDEO = 9;

/** A cache of at most one message per slot. */
export class SequenceHeaders {
  readonly #messages = new Map<number, StreamMessage>();

  /** What is cached, metadata first, then video, then audio, as a reader needs it. */
  list(): StreamMessage[] {
    return [...this.#messages].sort(([a], [b]) => a - b).map(([, message]) => message);
  }

  /** The configuration of the first video or audio track that has one. */
  first(kind: MediaKind): StreamMessage | undefined {
    const from = kind === 'video' ? FIRST_VIDEO_SLOT : FIRST_AUDIO_SLOT;
    for (let slot = from; slot < from + MAX_TRACKS; slot++) {
      const message = this.#messages.get(slot);
      if (message) return message;
    }
    return undefined;
  }

  /** Replaces the metadata. */
  setMetadata(message: StreamMessage): void {
    this.#messages.set(METADATA_SLOT, message);
  }

  /** Takes a header, whose payload is lent: keeps a copy, or returns false when the slot holds the same bytes. */
  update(slot: number, lent: StreamMessage): boolean {
    if (this.#messages.get(slot)?.payload.equals(lent.payload)) return false;
    this.#messages.set(slot, { ...lent, payload: Buffer.from(lent.payload) });
    return true;
  }

  /** A track may end: then even an equal configuration is news. */
  endTrack(lent: StreamMessage): void {
    if ((lent.flags & TagFlags.endOfSequence) === 0) return;
    this.#messages.delete(headerSlot({ ...lent, flags: TagFlags.sequenceHeader }));
  }

  /** The publisher left. */
  clear(): void {
    this.#messages.clear();
  }
}

/** The cache slot of a header; -1 for other messages, for a large one and for a track beyond the 32 that are cached. */
export function headerSlot({ type, flags, payload }: StreamMessage): number {
  if (payload.length > MAX_HEADER_BYTES) return NO_SLOT;
  const isConfiguration = (flags & TagFlags.sequenceHeader) !== 0;
  if (!isConfiguration && (flags & TagFlags.metadata) === 0) return NO_SLOT;
  const isVideo = type === VIDEO;
  const track = trackIdOf(isVideo ? 'video' : 'audio', payload, 0, payload.length);
  if (track >= MAX_TRACKS) return NO_SLOT;
  if (isVideo) return track + (isConfiguration ? FIRST_VIDEO_SLOT : FIRST_VIDEO_EXTRA_SLOT);
  return track + (isConfiguration ? FIRST_AUDIO_SLOT : FIRST_AUDIO_EXTRA_SLOT);
}
