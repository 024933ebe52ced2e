/** Owns the text of low-latency playlists: parts, hints, delta updates (RFC 8216bis 4.4.3.7 to 4.4.5.3). */
import { infLines, PlaylistVersion, SegmentLines, seconds, sequenceLines } from './playlist';
import type { MediaPlaylist, SegmentHead } from './playlist';
import type { ListedSegment, PartEnd } from './segment';

/** A part that can be fetched. */
export interface ListedPart extends PartEnd {
  readonly uri: string;
}

/** A segment with the parts it was made of. */
export interface SegmentWithParts extends ListedSegment {
  readonly parts: readonly ListedPart[];
}

/** What a low-latency playlist shows beyond a plain one. */
export interface LowLatencyPlaylist extends Omit<MediaPlaylist, 'version' | 'segments'> {
  readonly segments: readonly SegmentWithParts[];
  /** The segment that is being made. */
  readonly open: (SegmentHead & { readonly parts: readonly ListedPart[] }) | undefined;
  /** The next part; undefined when none is to be expected. */
  readonly hintUri: string | undefined;
  /** Wanted length of a part. */
  readonly partMs: number;
}

/** Parts are listed so many target durations back from the end (4.4.4.9). */
const PARTS_FOR_TARGETS = 3;
/** Segments older than so many target durations may be left out of a delta update (4.4.3.8). */
const SKIP_TARGETS = 6;

/** The text. `isDelta`: segments that the client has seen before are left out, where there are any. */
export function lowLatencyPlaylist(playlist: LowLatencyPlaylist, isDelta = false): string {
  const targetMs = playlist.targetDuration * 1000;
  const recent = withRemaining(playlist);
  const partTargetMs = longestPartMs(playlist);
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${PlaylistVersion.lowLatency}`,
    `#EXT-X-TARGETDURATION:${playlist.targetDuration}`,
    `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${seconds(partTargetMs * 3)}` +
      `,CAN-SKIP-UNTIL=${seconds(targetMs * SKIP_TARGETS)}`,
    `#EXT-X-PART-INF:PART-TARGET=${seconds(partTargetMs)}`,
    ...sequenceLines(playlist.mediaSequence, playlist.discontinuitySequence),
  ];
  const skipped = isDelta
    ? recent.filter(
        ({ segment, toEndMs }) => toEndMs - segment.durationMs >= targetMs * SKIP_TARGETS,
      ).length
    : 0;
  if (skipped > 0) lines.push(`#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped}`);
  const writer = new SegmentLines();
  for (const { segment, toEndMs } of recent.slice(skipped)) {
    lines.push(...writer.head(segment));
    if (toEndMs <= targetMs * PARTS_FOR_TARGETS) lines.push(...segment.parts.map(partLine));
    lines.push(...infLines(segment));
  }
  const { open, hintUri } = playlist;
  if (open !== undefined) lines.push(...writer.head(open), ...open.parts.map(partLine));
  if (hintUri !== undefined) lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${hintUri}"`);
  return `${lines.join('\n')}\n`;
}

/** Each segment with the time from its start to the end of the playlist. */
function withRemaining({
  segments,
  open,
}: LowLatencyPlaylist): { segment: SegmentWithParts; toEndMs: number }[] {
  let toEndMs = (open?.parts ?? []).reduce((sum, part) => sum + part.durationMs, 0);
  return [...segments]
    .reverse()
    .map((segment) => ({ segment, toEndMs: (toEndMs += segment.durationMs) }))
    .reverse();
}

/** PART-TARGET: no part is longer; the wanted length as long as there are none. */
function longestPartMs({ segments, open, partMs }: LowLatencyPlaylist): number {
  const parts = [...segments.flatMap((segment) => segment.parts), ...(open?.parts ?? [])];
  return parts.reduce((longest, part) => Math.max(longest, part.durationMs), 0) || partMs;
}

function partLine({ durationMs, uri, isIndependent }: ListedPart): string {
  const independent = isIndependent ? ',INDEPENDENT=YES' : '';
  return `#EXT-X-PART:DURATION=${seconds(durationMs)},URI="${uri}"${independent}`;
}
