/** Owns the text of plain media playlists, RFC 8216 4.3, and the lines that low-latency ones share with them. */
import type { ListedSegment } from './segment';

/** Least protocol versions that clients must know for what a playlist holds, RFC 8216 7. */
export const PlaylistVersion = {
  /** Fractions in EXTINF. */
  ts: 3,
  /** EXT-X-MAP, in a form that all players of fMP4 take. */
  fmp4: 7,
  /** EXT-X-SKIP. */
  lowLatency: 9,
} as const;

/** A comment for players, RFC 8216 4.1. */
export const SLOT_NOTE = '#SLOT-MS';

/** What a playlist shows. */
export interface MediaPlaylist {
  readonly version: number;
  /** Seconds. */
  readonly targetDuration: number;
  readonly mediaSequence: number;
  readonly discontinuitySequence: number;
  readonly segments: readonly ListedSegment[];
  /** Numbers count slots of the timeline of this length: a note for who goes on with the list. */
  readonly slotMs?: number;
}

/** The whole text. A live playlist has no end tag, not even when nobody publishes. */
export function mediaPlaylist(playlist: MediaPlaylist): string {
  const lines = ['#EXTM3U', `#EXT-X-VERSION:${playlist.version}`];
  lines.push(`#EXT-X-TARGETDURATION:${playlist.targetDuration}`);
  lines.push(...sequenceLines(playlist.mediaSequence, playlist.discontinuitySequence));
  const { slotMs = 0 } = playlist;
  if (slotMs > 0) lines.push(`${SLOT_NOTE}:${slotMs}`);
  const writer = new SegmentLines();
  for (const segment of playlist.segments) lines.push(...writer.next(segment));
  return `${lines.join('\n')}\n`;
}

/** EXT-X-MEDIA-SEQUENCE, and EXT-X-DISCONTINUITY-SEQUENCE where it is not 0. */
export function sequenceLines(mediaSequence: number, discontinuitySequence: number): string[] {
  const lines = [`#EXT-X-MEDIA-SEQUENCE:${mediaSequence}`];
  if (discontinuitySequence > 0) {
    lines.push(`#EXT-X-DISCONTINUITY-SEQUENCE:${discontinuitySequence}`);
  }
  return lines;
}

/** What the lines in front of a segment, or of its first part, are made of. */
export type SegmentHead = Pick<
  ListedSegment,
  'isDiscontinuity' | 'startEpochMs' | 'mapUri' | 'key'
>;

/** Writes segment after segment; tags that apply to several of them are written when they change. */
export class SegmentLines {
  #mapUri: string | undefined;
  #key: string | undefined;

  /** The lines of a segment. */
  next(segment: ListedSegment): string[] {
    return [...this.head(segment), ...infLines(segment)];
  }

  /** The tags that come before a segment. */
  head({ isDiscontinuity, startEpochMs, mapUri, key }: SegmentHead): string[] {
    const lines: string[] = [];
    if (isDiscontinuity) lines.push('#EXT-X-DISCONTINUITY');
    if (mapUri !== undefined && mapUri !== this.#mapUri) {
      // The section itself is not encrypted: no key may apply to it.
      if (this.#key !== undefined) lines.push('#EXT-X-KEY:METHOD=NONE');
      lines.push(`#EXT-X-MAP:URI="${mapUri}"`);
      this.#mapUri = mapUri;
      this.#key = undefined;
    }
    if (key !== this.#key) lines.push(`#EXT-X-KEY:${key ?? 'METHOD=NONE'}`);
    this.#key = key;
    if (startEpochMs !== undefined) {
      lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(startEpochMs).toISOString()}`);
    }
    return lines;
  }
}

/** EXTINF and the URI. */
export function infLines({
  durationMs,
  uri,
  isGap,
}: Pick<ListedSegment, 'durationMs' | 'uri' | 'isGap'>): string[] {
  const lines = [`#EXTINF:${seconds(durationMs)},`, uri];
  return isGap === true ? ['#EXT-X-GAP', ...lines] : lines;
}

/** Seconds with three decimals, as whole milliseconds give them. */
export function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
