/** Owns the saving of a segment that a crash has cut off: its whole part is kept. */
import { open, readFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

import { findLastFragmentEnd } from '../../media/mp4/last-fragment';
import { TsReader } from '../../media/ts-reader';
import type { TsPidSummary } from '../../media/ts-reader';

/** What is whole of a segment. */
export interface WholePart {
  readonly bytes: number;
  readonly durationMs: number;
}

/** Bytes read at once. */
const PIECE_BYTES = 1024 * 1024;
const TICKS_PER_MS = 90;
/** Stream ids of pictures (ISO/IEC 13818-1 table 2-22). */
const VIDEO_STREAM_ID = 0xe0;

/**
 * Cuts a segment to its whole part. `initPath`: its initialisation section, for fMP4. Rejects when the file cannot be
 * read or cut.
 */
export async function recoverSegment(
  path: string,
  initPath: string | undefined,
): Promise<WholePart> {
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    const whole =
      initPath === undefined
        ? await wholePackets(file, size)
        : await wholeFragments(file, size, await readFile(initPath));
    if (whole.bytes < size) await file.truncate(whole.bytes);
    return whole;
  } finally {
    await file.close();
  }
}

async function wholePackets(file: FileHandle, size: number): Promise<WholePart> {
  const reader = new TsReader();
  for (let at = 0; at < size; at += PIECE_BYTES) reader.push(await readAt(file, at, PIECE_BYTES));
  const { pids, wholeBytes } = reader.finish();
  const streams = [...pids.values()];
  const leading = streams.find(({ streamId }) => streamId === VIDEO_STREAM_ID) ?? streams[0];
  return { bytes: wholeBytes, durationMs: leading === undefined ? 0 : durationMs(leading) };
}

/** From the first frame to the end of the last, which is taken to be as long as the others. */
function durationMs({ firstDts, lastDts, pesPackets }: TsPidSummary): number {
  if (firstDts === undefined || lastDts === undefined || pesPackets < 2) return 0;
  const spanMs = (lastDts - firstDts) / TICKS_PER_MS;
  return Math.max(0, Math.round((spanMs * pesPackets) / (pesPackets - 1)));
}

async function wholeFragments(file: FileHandle, size: number, init: Buffer): Promise<WholePart> {
  const found = await findLastFragmentEnd({
    size: init.length + size,
    read: async (position, length) => {
      const head = init.subarray(position, position + length);
      if (head.length === length) return head;
      const at = Math.max(0, position - init.length);
      return Buffer.concat([head, await readAt(file, at, length - head.length)]);
    },
  });
  const bytes = Math.max(0, found.end - init.length);
  return { bytes, durationMs: bytes === 0 ? 0 : Math.round(found.durationMs) };
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, position);
  return bytes.subarray(0, bytesRead);
}
