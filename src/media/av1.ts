/** AV1: the codec configuration record and the picture size its sequence header states. */
import { ErrorCode, SrsError } from '../core/errors';

import { BitReader } from './bit-reader';

/** AV1CodecConfigurationRecord (AV1 in ISOBMFF 1.2, 2.3) with the size from its sequence header. */
export interface Av1Config {
  profile: number;
  /** seq_level_idx_0: 0 is level 2.0, four per major level. */
  level: number;
  /** Pixels, 0 when the record carries no sequence header. */
  width: number;
  height: number;
}

const recordBytes = 4;
const sequenceHeaderObu = 1;
/** leb128() is at most 8 bytes, AV1 specification 4.10.5. */
const maxLeb128Bytes = 8;

/** Parses an av1C record. Throws `SrsError` when it is truncated or of an unknown version. */
export function parseAv1Config(data: Uint8Array, start = 0, end = data.length): Av1Config {
  const bits = new BitReader(data.subarray(start, end));
  const markerAndVersion = bits.bits(8);
  if (markerAndVersion !== 0x81) {
    throw malformed(`expected marker and version 129, got ${markerAndVersion}`);
  }
  const profile = bits.bits(3);
  const level = bits.bits(5);
  bits.skip(8 * (recordBytes - 2));
  return { profile, level, ...(readObuSize(bits) ?? { width: 0, height: 0 }) };
}

/** The profile's name, AV1 specification 6.4.1, or its number. */
export function av1ProfileName(profile: number): string {
  return ['Main', 'High', 'Professional'][profile] ?? String(profile);
}

/** The level as printed: index 5 is `3.1`, AV1 specification A.3. */
export function av1LevelName(level: number): string {
  return `${2 + (level >> 2)}.${level & 3}`;
}

/**
 * The first sequence header among the OBUs of a temporal unit, whole with its own header; undefined when there is none
 * or an OBU is cut short.
 */
export function firstAv1SequenceHeader(unit: Buffer): Buffer | undefined {
  for (let at = 0; at < unit.length;) {
    const header = unit[at] ?? 0;
    const hasSize = (header & 0x02) !== 0;
    let end = at + 1 + ((header & 0x04) === 0 ? 0 : 1);
    if (hasSize) {
      const size = leb128At(unit, end);
      if (size === undefined) return undefined;
      end = size.end + size.value;
    } else {
      end = unit.length;
    }
    if (end > unit.length) return undefined;
    if (((header >> 3) & 0x0f) === sequenceHeaderObu) return unit.subarray(at, end);
    at = end;
  }
  return undefined;
}

/** leb128() at `at` and where it ends; undefined when it does not. */
function leb128At(data: Buffer, at: number): { value: number; end: number } | undefined {
  let value = 0;
  for (let index = 0; index < maxLeb128Bytes; index++) {
    const byte = data[at + index];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, end: at + index + 1 };
  }
  return undefined;
}

/** The first OBU (AV1 specification 5.3), when it is a sequence header. */
function readObuSize(bits: BitReader): { width: number; height: number } | undefined {
  if (bits.remaining === 0) return undefined;
  bits.skip(1);
  const type = bits.bits(4);
  const hasExtension = bits.flag();
  const hasSize = bits.flag();
  bits.skip(1 + (hasExtension ? 8 : 0));
  if (hasSize) skipLeb128(bits);
  return type === sequenceHeaderObu ? readSequenceHeader(bits) : undefined;
}

/** sequence_header_obu() up to the frame size, AV1 specification 5.5.1. */
function readSequenceHeader(bits: BitReader): { width: number; height: number } {
  bits.skip(3 + 1);
  if (bits.flag()) bits.skip(5);
  else skipOperatingPoints(bits);
  const widthBits = bits.bits(4) + 1;
  const heightBits = bits.bits(4) + 1;
  return { width: bits.bits(widthBits) + 1, height: bits.bits(heightBits) + 1 };
}

function skipOperatingPoints(bits: BitReader): void {
  const delayBits = bits.flag() ? skipTimingInfo(bits) : 0;
  const hasDisplayDelay = bits.flag();
  for (let points = bits.bits(5) + 1; points > 0; points--) {
    bits.skip(12);
    if (bits.bits(5) > 7) bits.skip(1);
    if (delayBits > 0 && bits.flag()) bits.skip(2 * delayBits + 1);
    if (hasDisplayDelay && bits.flag()) bits.skip(4);
  }
}

/** timing_info() and decoder_model_info(); returns the length in bits of buffer delays, 0 without a decoder model. */
function skipTimingInfo(bits: BitReader): number {
  bits.skip(64);
  if (bits.flag()) bits.unsignedExpGolomb();
  if (!bits.flag()) return 0;
  const delayBits = bits.bits(5) + 1;
  bits.skip(32 + 5 + 5);
  return delayBits;
}

function skipLeb128(bits: BitReader): void {
  for (let index = 0; index < maxLeb128Bytes; index++) {
    if (bits.bits(8) < 0x80) return;
  }
  throw malformed(`a size of more than ${maxLeb128Bytes} bytes`);
}

function malformed(what: string): SrsError {
  return new SrsError(ErrorCode.HLS_DECODE_ERROR, `malformed AV1 configuration: ${what}`);
}
