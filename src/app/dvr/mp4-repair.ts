/** Owns MP4 files left by earlier recordings: cutting them to what is whole, stating what they hold, going on. */
import { durationPatches } from '../../media/mp4/init-segment';
import { findLastFragmentEnd } from '../../media/mp4/last-fragment';
import type { RandomAccessSource } from '../../media/mp4/last-fragment';
import type { RandomAccessIndex } from '../../media/mp4/random-access-index';

import { MAX_TORN_BYTES } from './flv-repair';
import type { Repair } from './flv-repair';

/** A smaller file does not even hold the header of a recording. */
const shortestHeader = 512;
/** A recording states its duration in two places, other MP4 files in one. */
const statedDurations = 2;

/** An existing recording, as far as going on with it needs. */
export interface Mp4Resume {
  /** Where the last whole fragment ends. */
  readonly end: number;
  readonly durationMs: number;
  readonly index: RandomAccessIndex;
  /** Number of the next fragment. */
  readonly sequence: number;
}

/** Finds out how a file is made whole. Rejects only when it cannot be read. */
export async function inspectMp4(source: RandomAccessSource): Promise<Repair> {
  const whole = await findLastFragmentEnd(source);
  const { end, durationMs, patches, index } = whole;
  const isRecording = patches.length === statedDurations || source.size < shortestHeader;
  if (whole.fragments === 0) return { isRecording, end: 0, durationMs: 0, patches: [] };
  const footer = { position: end, bytes: index.toBuffer() };
  return { isRecording, end, durationMs, patches: [...patches, footer] };
}

/**
 * Finds out how to go on with a file whose header is to be `header`, of `mp4RecordingHeader`. Undefined for a file that
 * is empty, no recording of ours, of other tracks, or damaged in the middle. Rejects only when it cannot be read.
 */
export async function resumeMp4(
  source: RandomAccessSource,
  header: Buffer,
): Promise<Mp4Resume | undefined> {
  const start = Buffer.from(await source.read(0, header.length));
  for (const { position, bytes } of durationPatches(start, 0)) bytes.copy(start, position);
  if (!start.equals(header)) return undefined;
  const { end, durationMs, fragments, index } = await findLastFragmentEnd(source);
  if (source.size - end > MAX_TORN_BYTES) return undefined;
  return { end, durationMs, index, sequence: fragments + 1 };
}
