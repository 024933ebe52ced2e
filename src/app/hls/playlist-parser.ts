/** Reads media playlists that were written here. */
import { SLOT_NOTE } from './playlist';
import type { ListedSegment } from './segment';

/** A segment of a playlist: what the text says of it. */
export type ParsedSegment = Omit<ListedSegment, 'sequence' | 'bytes'>;

/** A playlist. */
export interface ParsedPlaylist {
  readonly segments: readonly ParsedSegment[];
  readonly mediaSequence: number;
  readonly discontinuitySequence: number;
  /** Seconds. */
  readonly targetDuration: number;
  /** Numbers count slots of the timeline of this length; 0: they count segments. */
  readonly slotMs: number;
}

/** The tags that apply to the segments that follow. */
interface Tags {
  durationMs: number;
  isDiscontinuity: boolean;
  startEpochMs: number | undefined;
  mapUri: string | undefined;
  key: string | undefined;
  isGap: boolean;
}

/** The content of a playlist; undefined for a text that is none. Tags that are not known are passed over. */
export function parsePlaylist(text: string): ParsedPlaylist | undefined {
  if (!text.startsWith('#EXTM3U')) return undefined;
  const segments: ParsedSegment[] = [];
  const numbers = new Map<string, number>();
  const tags: Tags = {
    durationMs: 0,
    isDiscontinuity: false,
    startEpochMs: undefined,
    mapUri: undefined,
    key: undefined,
    isGap: false,
  };
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) readTag(line, tags, numbers);
    else if (line !== '') {
      const { isGap, ...rest } = tags;
      segments.push({ uri: line, ...rest, ...(isGap && { isGap }) });
      tags.isDiscontinuity = false;
      tags.startEpochMs = undefined;
      tags.isGap = false;
    }
  }
  return {
    segments,
    mediaSequence: numbers.get('#EXT-X-MEDIA-SEQUENCE') ?? 0,
    discontinuitySequence: numbers.get('#EXT-X-DISCONTINUITY-SEQUENCE') ?? 0,
    targetDuration: numbers.get('#EXT-X-TARGETDURATION') ?? 0,
    slotMs: numbers.get(SLOT_NOTE) ?? 0,
  };
}

function readTag(line: string, tags: Tags, numbers: Map<string, number>): void {
  const colon = line.indexOf(':');
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? '' : line.slice(colon + 1);
  switch (name) {
    case '#EXTINF':
      tags.durationMs = Math.round(finite(Number.parseFloat(value)) * 1000);
      break;
    case '#EXT-X-DISCONTINUITY':
      tags.isDiscontinuity = true;
      break;
    case '#EXT-X-GAP':
      tags.isGap = true;
      break;
    case '#EXT-X-MAP':
      tags.mapUri = attribute(value, 'URI');
      break;
    case '#EXT-X-KEY':
      tags.key = value === 'METHOD=NONE' ? undefined : value;
      break;
    case '#EXT-X-PROGRAM-DATE-TIME': {
      const epochMs = Date.parse(value);
      tags.startEpochMs = Number.isNaN(epochMs) ? undefined : epochMs;
      break;
    }
    default:
      if (/^\d+$/.test(value)) numbers.set(name, finite(Number(value)));
  }
}

/** The quoted value of an attribute. */
export function attribute(list: string, name: string): string | undefined {
  return new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(list)?.[1];
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}
