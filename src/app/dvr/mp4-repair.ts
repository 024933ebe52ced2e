/** Owns MP4 files left by earlier recordings: cutting them to what is whole, stating what they hold, going on. */
import { durationPatches } from '../../media/mp4/init-segment';
import { findLastFragmentEnd } from '../../media/mp4/last-fragment';
import type { RandomAccessSource } from '../../media/mp4/last-fragment';
import type { RandomAccessIndex } from '../../media/mp4/random-access-index';

import type { Repair } from './flv-repair';

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
  if (whole.fragments === 0) return { end: 0, durationMs: 0, patches: [] };
  return { end, durationMs, patches: [...patches, { position: end, bytes: index.toBuffer() }] };
}

/**
 * Finds out how to go on with a file whose header is to be `header`, of `mp4RecordingHeader`. Undefined for a file that
 * is empty, no recording of ours, or of other tracks. Rejects only when it cannot be read.
 */
export async function resumeMp4(
  source: RandomAccessSource,
  header: Buffer,
): Promise<Mp4Resume | undefined> {
  const start = Buffer.from(await source.read(0, header.length));
  for (const { position, bytes } of durationPatches(start, 0)) bytes.copy(start, position);
  if (!start.equals(header)) return undefined;
  const { end, durationMs, fragments, index } = await findLastFragmentEnd(source);
  return { end, durationMs, index, sequence: fragments + 1 };
}
