/** NAL units of H.264 and H.265 in both framings: length-prefixed (ISO/IEC 14496-15) and Annex B byte streams. */
import { ErrorCode, SrsError } from '../core/errors';

const startCode = Buffer.from([0, 0, 1]);
/** NAL units of one frame: several times those of 8K pictures cut into network packets. Each costs far more than its bytes. */
const maxNalUnits = 16384;

/** The length of the NAL unit whose length field of `lengthSize` bytes stands at `at`; -1 when the field is cut short. */
export function nalUnitLength(data: Uint8Array, at: number, lengthSize: number): number {
  if (at + lengthSize > data.length) return -1;
  let length = 0;
  for (let index = 0; index < lengthSize; index++) length = length * 256 + (data[at + index] ?? 0);
  return length;
}

/** True when `data` is nothing but whole length-prefixed NAL units, and not too many of them. */
export function isLengthPrefixed(data: Uint8Array, lengthSize: number): boolean {
  let at = 0;
  for (let units = 0; at < data.length; units++) {
    const length = nalUnitLength(data, at, lengthSize);
    if (length < 0 || units === maxNalUnits) return false;
    at += lengthSize + length;
  }
  return at === data.length;
}

/** The NAL units of length-prefixed `data`, as views; empty ones are left out. Throws `SrsError` when it is malformed. */
export function nalUnits(data: Buffer, lengthSize: number): Buffer[] {
  if (!isLengthPrefixed(data, lengthSize)) throw malformed(data, lengthSize);
  const units: Buffer[] = [];
  for (let at = 0; at < data.length;) {
    const length = nalUnitLength(data, at, lengthSize);
    at += lengthSize;
    if (length > 0) units.push(data.subarray(at, at + length));
    at += length;
  }
  return units;
}

/** True when `data` begins with a start code of three or four bytes. */
export function startsWithStartCode(data: Uint8Array): boolean {
  const zeros = data[0] === 0 && data[1] === 0;
  return zeros && (data[2] === 1 || (data[2] === 0 && data[3] === 1));
}

/**
 * The NAL units of a byte stream that begins with a start code, as views, without the zeros behind them (B.1.1). Throws
 * `SrsError` when they are too many.
 */
export function annexBUnits(data: Buffer): Buffer[] {
  const units: Buffer[] = [];
  for (let at = data.indexOf(startCode); at >= 0;) {
    const start = at + startCode.length;
    at = data.indexOf(startCode, start);
    let end = at < 0 ? data.length : at;
    while (end > start && data[end - 1] === 0) end--;
    if (end > start) units.push(data.subarray(start, end));
    if (units.length > maxNalUnits) throw tooMany(data);
  }
  return units;
}

/** Joins NAL units, each behind its length. Throws `SrsError` when one is too long for the length field. */
export function joinLengthPrefixed(units: readonly Buffer[], lengthSize: number): Buffer {
  const total = units.reduce((sum, unit) => sum + lengthSize + unit.length, 0);
  const data = Buffer.allocUnsafe(total);
  let at = 0;
  for (const unit of units) {
    if (unit.length >= 256 ** lengthSize) {
      throw new SrsError(
        ErrorCode.HLS_DECODE_ERROR,
        `expected NAL units that fit a length of ${lengthSize} bytes, got one of ${unit.length} bytes`,
      );
    }
    at = data.writeUIntBE(unit.length, at, lengthSize);
    at += unit.copy(data, at);
  }
  return data;
}

/**
 * A frame's body in length-prefixed form: `data` itself when it is that, converted when it is an Annex B byte stream.
 * A body is taken for Annex B only when it is not length-prefixed throughout: `00 00 01 xx` is also the length of a
 * unit of 256 to 511 bytes. Throws `SrsError` when it is neither.
 */
export function toLengthPrefixed(data: Buffer, lengthSize: number): Buffer {
  if (isLengthPrefixed(data, lengthSize)) return data;
  if (!startsWithStartCode(data)) throw malformed(data, lengthSize);
  return joinLengthPrefixed(annexBUnits(data), lengthSize);
}

function malformed(data: Uint8Array, lengthSize: number): SrsError {
  return new SrsError(
    ErrorCode.HLS_DECODE_ERROR,
    `expected up to ${maxNalUnits} NAL units behind lengths of ${lengthSize} bytes, got a frame of ${data.length} bytes that they do not fill`,
  );
}

function tooMany(data: Uint8Array): SrsError {
  return new SrsError(
    ErrorCode.HLS_DECODE_ERROR,
    `expected up to ${maxNalUnits} NAL units, got more in ${data.length} bytes`,
  );
}
