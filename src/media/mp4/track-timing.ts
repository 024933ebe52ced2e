/** Reads back when tracks and fragments begin and end, from the moov and moof boxes written here. */
import { ErrorCode, SrsError } from '../../core/errors';
import { ByteReader } from '../byte-reader';

import { findBox, innerBoxes } from './box';
import type { InnerBox } from './box';
import { SampleFlags, TrackFragmentFlag, TrackRunFlag } from './movie-fragment';

/** What a moov says of one track. */
export interface TrackTiming {
  readonly id: number;
  /** Ticks per second, above 0. */
  readonly timescale: number;
  readonly isVideo: boolean;
}

/** When a fragment plays. */
export interface FragmentTiming {
  /** Earliest decoding time of all tracks. */
  readonly startMs: number;
  /** Latest end of all tracks. */
  readonly endMs: number;
  /** Presentation time of the first sample of its first run. */
  readonly presentationMs: number;
  /** Decoding may start with its first run: of video when there is any. */
  readonly isIndependent: boolean;
}

interface RunTiming extends TrackTiming {
  readonly start: number;
  readonly end: number;
  readonly composition: number;
  readonly isKey: boolean;
}

/** The tracks of a moov's content that state a time scale. */
export function readTrackTimings(moov: Buffer): TrackTiming[] {
  return [...innerBoxes(moov)].flatMap((candidate) => {
    if (candidate.type !== 'trak') return [];
    const tkhd = findBox(candidate.content, 'tkhd')?.content;
    const mdhd = findBox(candidate.content, 'mdia', 'mdhd')?.content;
    const hdlr = findBox(candidate.content, 'mdia', 'hdlr')?.content;
    const id = tkhd === undefined ? 0 : wordAt(tkhd, tkhd[0] === 1 ? 20 : 12);
    const timescale = mdhd === undefined ? 0 : wordAt(mdhd, mdhd[0] === 1 ? 20 : 12);
    const isVideo = hdlr?.toString('latin1', 8, 12) === 'vide';
    return timescale === 0 ? [] : [{ id, timescale, isVideo }];
  });
}

/** When the fragment of a moof's content plays; undefined when it is malformed or of other tracks. */
export function readFragmentTiming(
  moof: Buffer,
  tracks: readonly TrackTiming[],
): FragmentTiming | undefined {
  try {
    const runs = [...innerBoxes(moof)]
      .filter((candidate) => candidate.type === 'traf')
      .map((traf) => readRun(traf, tracks));
    const [main] = runs;
    if (main === undefined) return undefined;
    const hasVideoTrack = tracks.some((track) => track.isVideo);
    return {
      startMs: Math.min(...runs.map((run) => ms(run, run.start))),
      endMs: Math.max(...runs.map((run) => ms(run, run.end))),
      presentationMs: ms(main, main.start + main.composition),
      isIndependent: main.isKey && main.isVideo === hasVideoTrack,
    };
  } catch (error) {
    // Boxes too short for their fields are damage like any other.
    if (error instanceof SrsError) return undefined;
    throw error;
  }
}

/** The one run of a track fragment, 8.8.7, 8.8.8 and 8.8.12 of ISO/IEC 14496-12. */
function readRun(traf: InnerBox, tracks: readonly TrackTiming[]): RunTiming {
  const header = readTfhd(boxReader(traf, 'tfhd'));
  const track = tracks.find((candidate) => candidate.id === header.trackId);
  if (track === undefined) {
    throw new SrsError(
      ErrorCode.HLS_DECODE_ERROR,
      `expected a track that moov declares, got ${header.trackId}`,
    );
  }
  const tfdt = boxReader(traf, 'tfdt');
  const isLong = tfdt.u8() === 1;
  tfdt.skip(3);
  const start = isLong ? tfdt.u32() * 2 ** 32 + tfdt.u32() : tfdt.u32();
  const run = readTrun(boxReader(traf, 'trun'), header);
  return { ...track, ...run, start, end: start + run.duration };
}

interface RunDefaults {
  readonly trackId: number;
  readonly duration: number;
  readonly flags: number;
}

function readTfhd(reader: ByteReader): RunDefaults {
  const present = reader.u32();
  const trackId = reader.u32();
  const duration = has(present, TrackFragmentFlag.defaultDuration) ? reader.u32() : 0;
  const flags = has(present, TrackFragmentFlag.defaultFlags) ? reader.u32() : 0;
  return { trackId, duration, flags };
}

function readTrun(
  reader: ByteReader,
  defaults: RunDefaults,
): { duration: number; composition: number; isKey: boolean } {
  const present = reader.u32();
  const count = reader.u32();
  reader.skip(4);
  let flags = has(present, TrackRunFlag.firstSampleFlags) ? reader.u32() : defaults.flags;
  let duration = 0;
  let composition = 0;
  const isWithDuration = has(present, TrackRunFlag.duration);
  for (let index = 0; index < count; index++) {
    duration += isWithDuration ? reader.u32() : defaults.duration;
    reader.skip(4);
    const own = has(present, TrackRunFlag.flags) ? reader.u32() : flags;
    const offset = has(present, TrackRunFlag.composition) ? reader.u32() | 0 : 0;
    if (index === 0) [flags, composition] = [own, offset];
  }
  return { duration, composition, isKey: flags === SampleFlags.key };
}

function boxReader(parent: InnerBox, type: string): ByteReader {
  return new ByteReader(findBox(parent.content, type)?.content ?? Buffer.alloc(0));
}

function wordAt(data: Buffer, at: number): number {
  return data.length < at + 4 ? 0 : data.readUInt32BE(at);
}

function has(flags: number, flag: number): boolean {
  return (flags & flag) !== 0;
}

function ms(track: TrackTiming, ticks: number): number {
  return (ticks * 1000) / track.timescale;
}
