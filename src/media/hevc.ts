/** H.265: the decoder configuration record and the picture size its sequence parameter set states. */
import { ErrorCode, SrsError } from '../core/errors';

import { BitReader, unescapeNalUnit } from './bit-reader';
import { ByteReader } from './byte-reader';
import { ByteWriter } from './byte-writer';

/** HEVCDecoderConfigurationRecord, ISO/IEC 14496-15, 8.3.3.1. The NAL units are views on the input. */
export interface HevcConfig {
  profile: number;
  /** True for the high tier. */
  isHighTier: boolean;
  /** general_level_idc: 30 times the level. */
  level: number;
  lengthSize: number;
  /** Average frames per second, 0 when not stated. */
  fps: number;
  nalUnits: { type: number; data: Uint8Array }[];
}

/** NAL unit types of the parameter sets and the access unit delimiter, ISO/IEC 23008-2, table 7-1. */
export const HevcNalType = { vps: 32, sps: 33, pps: 34, aud: 35 } as const;

/** Bytes of a record before its arrays of NAL units. */
const recordHeaderBytes = 22;
/** Several times the parameter sets that a stream can refer to; more would cost far more memory than their bytes. */
const maxNalUnits = 1024;
/** Unit of avgFrameRate: frames per 256 seconds. */
const frameRateUnit = 256;

/** Parses an hvcC record. Throws `SrsError` when it is truncated, of an unknown version or has too many NAL units. */
export function parseHevcConfig(data: Uint8Array, start = 0, end = data.length): HevcConfig {
  const reader = new ByteReader(data, start, end);
  const version = reader.u8();
  // Some encoders wrote 0 here while the standard was a draft.
  if (version > 1) throw malformed(`expected configurationVersion 1, got ${version}`);
  const profileByte = reader.u8();
  reader.skip(10);
  const level = reader.u8();
  reader.skip(6);
  const fps = reader.u16() / frameRateUnit;
  const lengthSize = (reader.u8() & 0x03) + 1;
  const nalUnits: HevcConfig['nalUnits'] = [];
  for (let arrays = reader.u8(); arrays > 0; arrays--) {
    const type = reader.u8() & 0x3f;
    for (let count = reader.u16(); count > 0; count--) {
      if (nalUnits.length === maxNalUnits) throw malformed(`more than ${maxNalUnits} NAL units`);
      nalUnits.push({ type, data: reader.bytes(reader.u16()) });
    }
  }
  const isHighTier = (profileByte & 0x20) !== 0;
  return { profile: profileByte & 0x1f, isHighTier, level, lengthSize, fps, nalUnits };
}

/**
 * The hvcC `record` with these parameter sets in place of its own; profile, level and the rest are kept. Throws
 * `SrsError` when a set is longer than a record has room for.
 */
export function withHevcParameterSets(record: Uint8Array, sets: readonly Uint8Array[]): Buffer {
  if (sets.some((set) => set.length > 0xffff))
    throw malformed('a parameter set of over 65535 bytes');
  const types = [HevcNalType.vps, HevcNalType.sps, HevcNalType.pps];
  const arrays = types.map((type) => sets.filter((set) => hevcNalType(set[0] ?? 0) === type));
  const setBytes = sets.reduce((sum, set) => sum + 2 + set.length, 0);
  const writer = new ByteWriter(recordHeaderBytes + 1 + 3 * arrays.length + setBytes);
  writer.bytes(record.subarray(0, recordHeaderBytes)).u8(arrays.length);
  types.forEach((type, index) => {
    const array = arrays[index] ?? [];
    writer.u8(type).u16(array.length);
    for (const set of array) writer.u16(set.length).bytes(set);
  });
  return writer.done();
}

/** The type in the first byte of a NAL unit, ISO/IEC 23008-2, 7.3.1.2. */
export function hevcNalType(firstByte: number): number {
  return (firstByte >> 1) & 0x3f;
}

/** Picture size in pixels of a sequence parameter set NAL unit (with its header), ISO/IEC 23008-2, 7.3.2.2.1. */
export function parseHevcSps(nal: Uint8Array): { width: number; height: number } {
  const bits = new BitReader(unescapeNalUnit(nal));
  const nalType = (bits.bits(16) >> 9) & 0x3f;
  if (nalType !== HevcNalType.sps)
    throw malformed(`expected a NAL unit of type 33, got ${nalType}`);
  bits.skip(4);
  const subLayers = bits.bits(3);
  bits.skip(1);
  skipProfileTierLevel(bits, subLayers);
  bits.unsignedExpGolomb();
  const chromaFormat = bits.unsignedExpGolomb();
  const isSeparate = chromaFormat === 3 && bits.flag();
  const size = { width: bits.unsignedExpGolomb(), height: bits.unsignedExpGolomb() };
  if (bits.flag()) {
    const unitX = !isSeparate && (chromaFormat === 1 || chromaFormat === 2) ? 2 : 1;
    const unitY = !isSeparate && chromaFormat === 1 ? 2 : 1;
    size.width -= unitX * (bits.unsignedExpGolomb() + bits.unsignedExpGolomb());
    size.height -= unitY * (bits.unsignedExpGolomb() + bits.unsignedExpGolomb());
  }
  return size;
}

/** The profile's name, ISO/IEC 23008-2, A.3, or its number. */
export function hevcProfileName(profile: number): string {
  return ['0', 'Main', 'Main 10', 'Main Still Picture', 'Rext'][profile] ?? String(profile);
}

/** The level as printed: 93 is `3.1`. */
export function hevcLevelName(level: number): string {
  return level % 30 === 0 ? String(level / 30) : (level / 30).toFixed(1);
}

/** profile_tier_level(1, subLayers), 7.3.3. */
function skipProfileTierLevel(bits: BitReader, subLayers: number): void {
  bits.skip(88 + 8);
  if (subLayers === 0) return;
  let skip = 0;
  for (let layer = 0; layer < 8; layer++) {
    const hasProfile = bits.flag();
    const hasLevel = bits.flag();
    if (layer < subLayers) skip += (hasProfile ? 88 : 0) + (hasLevel ? 8 : 0);
  }
  bits.skip(skip);
}

function malformed(what: string): SrsError {
  return new SrsError(ErrorCode.HLS_DECODE_ERROR, `malformed H.265 configuration: ${what}`);
}
