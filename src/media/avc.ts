/** H.264: the decoder configuration record and the picture size its sequence parameter set states. */
import { ErrorCode, SrsError } from '../core/errors';

import { BitReader, unescapeNalUnit } from './bit-reader';
import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';

/** AVCDecoderConfigurationRecord, ISO/IEC 14496-15, 5.3.3.1. The parameter sets are views on the input. */
export interface AvcConfig {
  profile: number;
  compatibility: number;
  level: number;
  /** Bytes of the length in front of each NAL unit: 1, 2 or 4. */
  lengthSize: number;
  sps: Uint8Array[];
  pps: Uint8Array[];
}

/** The parts of a sequence parameter set worth showing (ISO/IEC 14496-10, 7.3.2.1.1). */
export interface AvcSps {
  profile: number;
  level: number;
  /** Pixels after cropping. */
  width: number;
  height: number;
  /** Frames per second by the VUI timing, 0 when not stated. */
  fps: number;
}

/** NAL unit types, ISO/IEC 14496-10, table 7-1. */
export const AvcNalType = { slice: 1, idr: 5, sei: 6, sps: 7, pps: 8, aud: 9 } as const;

/** Profiles whose sequence parameter set carries the chroma format, 7.3.2.1.1. */
const highProfiles = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);
/** Profiles whose record repeats the chroma format and depths, ISO/IEC 14496-15, 5.3.3.1.2. */
const recordsWithChroma = new Set([100, 110, 122, 144, 244]);
/** What the record's counts can say, in 5 and 8 bits. */
const maxSps = 31;
const maxPps = 255;
/** aspect_ratio_idc followed by an explicit ratio, table E-1. */
const extendedSar = 255;
/** max_num_ref_frames_in_pic_order_cnt_cycle, 7.4.2.1.1. */
const maxPocCycle = 255;

/** Parses an avcC record. Throws `SrsError` when it is truncated or of an unknown version. */
export function parseAvcConfig(data: Uint8Array, start = 0, end = data.length): AvcConfig {
  const reader = new ByteReader(data, start, end);
  const version = reader.u8();
  if (version !== 1) throw malformed(`expected configurationVersion 1, got ${version}`);
  const profile = reader.u8();
  const compatibility = reader.u8();
  const level = reader.u8();
  const lengthSize = (reader.u8() & 0x03) + 1;
  const sps = parameterSets(reader, reader.u8() & 0x1f);
  const pps = parameterSets(reader, reader.u8());
  return { profile, compatibility, level, lengthSize, sps, pps };
}

/**
 * An avcC record with these parameter sets, of which the first sequence parameter set states profile and level.
 * Throws `SrsError` when there is none or it is malformed, or when they are more or longer than a record has room for.
 */
export function makeAvcConfig(
  sps: readonly Uint8Array[],
  pps: readonly Uint8Array[],
  lengthSize: number,
): Buffer {
  const first = sps[0];
  if (first === undefined || first.length < 4) throw malformed('no sequence parameter set');
  checkRoom(sps, pps);
  const [, profile = 0] = first;
  const chroma = recordsWithChroma.has(profile) ? readChromaAndDepth(first) : undefined;
  const setBytes = [...sps, ...pps].reduce((sum, set) => sum + 2 + set.length, 0);
  const writer = new ByteWriter(7 + setBytes + (chroma === undefined ? 0 : 4));
  // Version, then profile, compatibility and level as the set has them behind its header.
  writer.u8(1).bytes(first.subarray(1, 4));
  writer.u8(0xfc | (lengthSize - 1)).u8(0xe0 | sps.length);
  for (const set of sps) writer.u16(set.length).bytes(set);
  writer.u8(pps.length);
  for (const set of pps) writer.u16(set.length).bytes(set);
  if (chroma !== undefined) {
    writer
      .u8(0xfc | chroma.format)
      .u8(0xf8 | chroma.lumaDepth)
      .u8(0xf8 | chroma.chromaDepth)
      .u8(0);
  }
  return writer.done();
}

/** Parses a sequence parameter set NAL unit (with its one-byte header). Throws `SrsError` when it is malformed. */
export function parseAvcSps(nal: Uint8Array): AvcSps {
  const bits = new BitReader(unescapeNalUnit(nal));
  const nalType = bits.bits(8) & 0x1f;
  if (nalType !== AvcNalType.sps) throw malformed(`expected a NAL unit of type 7, got ${nalType}`);
  const profile = bits.bits(8);
  bits.skip(8);
  const level = bits.bits(8);
  bits.unsignedExpGolomb();
  const chromaFormat = highProfiles.has(profile) ? readChroma(bits) : 1;
  bits.unsignedExpGolomb();
  skipPictureOrder(bits);
  bits.unsignedExpGolomb();
  bits.skip(1);
  const size = readSize(bits, chromaFormat);
  return { profile, level, ...size, fps: bits.flag() ? readVuiFps(bits) : 0 };
}

/** The profile's name as encoders print it, or its number. */
export function avcProfileName(profile: number, compatibility = 0): string {
  switch (profile) {
    case 66:
      return (compatibility & 0x40) === 0 ? 'Baseline' : 'Constrained Baseline';
    case 77:
      return 'Main';
    case 88:
      return 'Extended';
    case 100:
      return 'High';
    case 110:
      return 'High 10';
    case 122:
      return 'High 4:2:2';
    case 244:
      return 'High 4:4:4';
    default:
      return String(profile);
  }
}

/** The level as printed: 31 is `3.1`, 9 is `1b`. */
export function avcLevelName(level: number): string {
  if (level === 9) return '1b';
  return level % 10 === 0 ? String(level / 10) : (level / 10).toFixed(1);
}

function checkRoom(sps: readonly Uint8Array[], pps: readonly Uint8Array[]): void {
  const isTooLong = [...sps, ...pps].some((set) => set.length > 0xffff);
  if (isTooLong || sps.length > maxSps || pps.length > maxPps) {
    throw malformed(`${sps.length} and ${pps.length} parameter sets are too many or too long`);
  }
}

/** What the record repeats of a sequence parameter set of these profiles; depths less 8. */
function readChromaAndDepth(nal: Uint8Array): {
  format: number;
  lumaDepth: number;
  chromaDepth: number;
} {
  const bits = new BitReader(unescapeNalUnit(nal));
  bits.skip(32);
  bits.unsignedExpGolomb();
  const format = bits.unsignedExpGolomb();
  if (format === 3) bits.skip(1);
  const lumaDepth = bits.unsignedExpGolomb();
  const chromaDepth = bits.unsignedExpGolomb();
  if (format > 3 || lumaDepth > 6 || chromaDepth > 6) {
    throw malformed(`a chroma format of ${format} with depths of 8+${lumaDepth}, 8+${chromaDepth}`);
  }
  return { format, lumaDepth, chromaDepth };
}

function parameterSets(reader: ByteReader, count: number): Uint8Array[] {
  return Array.from({ length: count }, () => reader.bytes(reader.u16()));
}

/** chroma_format_idc and what follows it up to the scaling lists. */
function readChroma(bits: BitReader): number {
  const chromaFormat = bits.unsignedExpGolomb();
  const isSeparate = chromaFormat === 3 && bits.flag();
  bits.unsignedExpGolomb();
  bits.unsignedExpGolomb();
  bits.skip(1);
  if (bits.flag()) {
    for (let list = 0; list < (chromaFormat === 3 ? 12 : 8); list++) {
      if (bits.flag()) skipScalingList(bits, list < 6 ? 16 : 64);
    }
  }
  return isSeparate ? 0 : chromaFormat;
}

/** scaling_list(), 7.3.2.1.1.1. */
function skipScalingList(bits: BitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let index = 0; index < size; index++) {
    if (next !== 0) next = (last + bits.signedExpGolomb() + 256) % 256;
    if (next !== 0) last = next;
  }
}

function skipPictureOrder(bits: BitReader): void {
  const type = bits.unsignedExpGolomb();
  if (type === 0) bits.unsignedExpGolomb();
  if (type !== 1) return;
  bits.skip(1);
  bits.signedExpGolomb();
  bits.signedExpGolomb();
  const cycle = bits.unsignedExpGolomb();
  if (cycle > maxPocCycle) throw malformed(`a picture order cycle of ${cycle}, at most 255`);
  for (let index = 0; index < cycle; index++) bits.signedExpGolomb();
}

/** Size in macroblocks less the cropping, in units of table 6-1. */
function readSize(bits: BitReader, chromaFormat: number): { width: number; height: number } {
  const widthInMbs = bits.unsignedExpGolomb() + 1;
  const heightInMaps = bits.unsignedExpGolomb() + 1;
  const fieldFactor = bits.flag() ? 1 : 2;
  if (fieldFactor === 2) bits.skip(1);
  bits.skip(1);
  const size = { width: widthInMbs * 16, height: heightInMaps * 16 * fieldFactor };
  if (bits.flag()) {
    const unitX = chromaFormat === 1 || chromaFormat === 2 ? 2 : 1;
    const unitY = (chromaFormat === 1 ? 2 : 1) * fieldFactor;
    size.width -= unitX * (bits.unsignedExpGolomb() + bits.unsignedExpGolomb());
    size.height -= unitY * (bits.unsignedExpGolomb() + bits.unsignedExpGolomb());
  }
  return size;
}

/** vui_parameters() up to the timing information, E.1.1. */
function readVuiFps(bits: BitReader): number {
  if (bits.flag() && bits.bits(8) === extendedSar) bits.skip(32);
  if (bits.flag()) bits.skip(1);
  if (bits.flag()) {
    bits.skip(4);
    if (bits.flag()) bits.skip(24);
  }
  if (bits.flag()) {
    bits.unsignedExpGolomb();
    bits.unsignedExpGolomb();
  }
  if (!bits.flag()) return 0;
  const unitsInTick = bits.bits(32);
  const timeScale = bits.bits(32);
  // One tick is a field, so a frame lasts two.
  return unitsInTick === 0 ? 0 : timeScale / unitsInTick / 2;
}

function malformed(what: string): SrsError {
  return new SrsError(ErrorCode.HLS_DECODE_ERROR, `malformed H.264 configuration: ${what}`);
}
