/** Writes the moof box of a fragment and the header of its mdat (ISO/IEC 14496-12, 8.8.4 to 8.8.12). */
import { ByteWriter } from '../byte-writer';

import { boxHeaderBytes, writeU64 } from './box';
import type { Sample } from './sample-queue';

/** The samples of one track in a fragment, in decoding order; at least one. */
export interface TrackRun {
  readonly trackId: number;
  readonly samples: readonly Sample[];
}

/** tf_flags, 8.8.7.1. */
export const TrackFragmentFlag = {
  defaultDuration: 0x8,
  defaultFlags: 0x20,
  defaultBaseIsMoof: 0x020000,
} as const;

/** tr_flags, 8.8.8.1. */
export const TrackRunFlag = {
  dataOffset: 0x1,
  firstSampleFlags: 0x4,
  duration: 0x100,
  size: 0x200,
  flags: 0x400,
  composition: 0x800,
} as const;

/** sample_flags, 8.8.3.1: depends on no other; depends on others and is no sync sample. */
export const SampleFlags = { key: 0x02000000, delta: 0x01010000 } as const;

/** Version 1 in front of 24 flags: 64-bit decode times, signed composition offsets. */
const version1 = 0x01000000;
const mfhdBytes = 16;
const tfdtBytes = 20;
const largestU32 = 0xffffffff;

/** What a run's boxes hold, decided before they are written so that offsets are known. */
interface RunLayout extends TrackRun {
  readonly tfhdFlags: number;
  readonly trunFlags: number;
  /** sample_flags of every sample that does not state its own. */
  readonly defaultFlags: number;
  readonly tfhdBytes: number;
  readonly trunBytes: number;
}

/** The moof box and the header of the mdat that follows it; the payloads are the runs' samples in the order given. */
export function movieFragment(sequence: number, runs: readonly TrackRun[]): Buffer {
  const layouts = runs.map(layOut);
  const moofBytes = layouts.reduce(
    (sum, layout) => sum + trafBytes(layout),
    boxHeaderBytes + mfhdBytes,
  );
  const writer = new ByteWriter(moofBytes + boxHeaderBytes);
  writeHeader(writer, 'moof', moofBytes);
  writeHeader(writer, 'mfhd', mfhdBytes).u32(0).u32(sequence);
  let dataOffset = moofBytes + boxHeaderBytes;
  for (const layout of layouts) {
    writeTrackFragment(writer, layout, dataOffset);
    dataOffset += payloadBytes(layout);
  }
  writeHeader(writer, 'mdat', dataOffset - moofBytes);
  return writer.done();
}

function layOut(run: TrackRun): RunLayout {
  const { samples } = run;
  const [first, second] = samples;
  const defaultFlags = flagsOf(second ?? first);
  let tfhdFlags = TrackFragmentFlag.defaultBaseIsMoof | TrackFragmentFlag.defaultFlags;
  let trunFlags = TrackRunFlag.dataOffset | TrackRunFlag.size;
  if (samples.every((sample) => sample.duration === first?.duration)) {
    tfhdFlags |= TrackFragmentFlag.defaultDuration;
  } else {
    trunFlags |= TrackRunFlag.duration;
  }
  if (samples.slice(1).some((sample) => flagsOf(sample) !== defaultFlags)) {
    trunFlags |= TrackRunFlag.flags;
  } else if (flagsOf(first) !== defaultFlags) {
    trunFlags |= TrackRunFlag.firstSampleFlags;
  }
  if (samples.some((sample) => sample.composition !== 0)) trunFlags |= TrackRunFlag.composition;
  return {
    ...run,
    tfhdFlags,
    trunFlags,
    defaultFlags,
    tfhdBytes: 16 + 4 + (has(tfhdFlags, TrackFragmentFlag.defaultDuration) ? 4 : 0),
    trunBytes: trunBytes(trunFlags, samples.length),
  };
}

function trunBytes(flags: number, count: number): number {
  const fields = [
    TrackRunFlag.duration,
    TrackRunFlag.size,
    TrackRunFlag.flags,
    TrackRunFlag.composition,
  ];
  const sampleBytes = 4 * fields.filter((field) => has(flags, field)).length;
  return 20 + (has(flags, TrackRunFlag.firstSampleFlags) ? 4 : 0) + sampleBytes * count;
}

function trafBytes(layout: RunLayout): number {
  return boxHeaderBytes + layout.tfhdBytes + tfdtBytes + layout.trunBytes;
}

function payloadBytes(run: TrackRun): number {
  return run.samples.reduce((sum, sample) => sum + sample.data.length, 0);
}

function writeTrackFragment(writer: ByteWriter, layout: RunLayout, dataOffset: number): void {
  const { samples, tfhdFlags, trunFlags, defaultFlags } = layout;
  const [first] = samples;
  writeHeader(writer, 'traf', trafBytes(layout));
  writeHeader(writer, 'tfhd', layout.tfhdBytes).u32(tfhdFlags).u32(layout.trackId);
  if (has(tfhdFlags, TrackFragmentFlag.defaultDuration)) writer.u32(durationOf(first));
  writer.u32(defaultFlags);
  writeHeader(writer, 'tfdt', tfdtBytes).u32(version1);
  writeU64(writer, first?.decodeTime ?? 0);
  writeHeader(writer, 'trun', layout.trunBytes).u32(version1 | trunFlags);
  writer.u32(samples.length).u32(dataOffset);
  if (has(trunFlags, TrackRunFlag.firstSampleFlags)) writer.u32(flagsOf(first));
  for (const sample of samples) {
    if (has(trunFlags, TrackRunFlag.duration)) writer.u32(durationOf(sample));
    writer.u32(sample.data.length);
    if (has(trunFlags, TrackRunFlag.flags)) writer.u32(flagsOf(sample));
    if (has(trunFlags, TrackRunFlag.composition)) writer.u32(sample.composition);
  }
}

function writeHeader(writer: ByteWriter, type: string, size: number): ByteWriter {
  return writer.u32(size).bytes(Buffer.from(type, 'latin1'));
}

function has(flags: number, flag: number): boolean {
  return (flags & flag) !== 0;
}

function flagsOf(sample: Sample | undefined): number {
  return sample?.isKey === true ? SampleFlags.key : SampleFlags.delta;
}

/** A longer one cannot be stated; the next fragment's decode time still is right. */
function durationOf(sample: Sample | undefined): number {
  return Math.min(sample?.duration ?? 0, largestU32);
}
