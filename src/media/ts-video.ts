/** Frames of H.264 and H.265 as access units of a byte stream, ready for MPEG-TS (ISO/IEC 13818-1, 2.14 and 2.17). */
import { ErrorCode, SrsError } from '../core/errors';

import { nalUnitLength } from './annexb';
import { AvcNalType, parseAvcConfig } from './avc';
import { HevcNalType, hevcNalType, parseHevcConfig } from './hevc';
import type { VideoTrack } from './track';
import type { TsPacketWriter } from './ts-packet-writer';

/** What differs between the two codecs. */
interface NalSyntax {
  typeOf(firstByte: number): number;
  readonly delimiterType: number;
  /** An access unit delimiter for any kind of slices. */
  readonly delimiter: Buffer;
  /** Types of parameter sets, without a gap between them. */
  readonly firstSet: number;
  readonly lastSet: number;
  /** Types of pictures that decoding may start at. */
  readonly firstEntry: number;
  readonly lastEntry: number;
}

const avcSyntax: NalSyntax = {
  typeOf: (firstByte) => firstByte & 0x1f,
  delimiterType: AvcNalType.aud,
  delimiter: Buffer.from([0, 0, 0, 1, 0x09, 0xf0]),
  firstSet: AvcNalType.sps,
  lastSet: AvcNalType.pps,
  firstEntry: AvcNalType.idr,
  lastEntry: AvcNalType.idr,
};
/** Pictures to enter at: BLA, IDR and CRA, types 16 to 21 (ISO/IEC 23008-2, table 7-1). */
const hevcSyntax: NalSyntax = {
  typeOf: hevcNalType,
  delimiterType: HevcNalType.aud,
  delimiter: Buffer.from([0, 0, 0, 1, 0x46, 0x01, 0x50]),
  firstSet: HevcNalType.vps,
  lastSet: HevcNalType.pps,
  firstEntry: 16,
  lastEntry: 21,
};
const startCode = Buffer.from([0, 0, 0, 1]);

/** Writes the frames of one track. */
export class TsVideo {
  readonly #lengthSize: number;
  readonly #syntax: NalSyntax;
  /** All parameter sets of the configuration, with start codes. */
  readonly #sets: Buffer;
  /** Facts of the frame measured last. */
  #hasDelimiter = false;
  #needsSets = false;
  #hasEntry = false;
  /** Bit n: a parameter set of type `firstSet` + n is in the frame. */
  #setTypes = 0;

  constructor(track: VideoTrack) {
    this.#lengthSize = track.lengthSize;
    this.#syntax = track.codec === 'avc1' ? avcSyntax : hevcSyntax;
    this.#sets = Buffer.concat(parameterSets(track).flatMap((set) => [startCode, set]));
  }

  /**
   * Bytes that `write` will put for this frame, 0 when there is nothing in it. Throws `SrsError` HLS_AVC_SAMPLE_SIZE
   * when its NAL units do not fill it.
   */
  measure(data: Buffer, isKey: boolean): number {
    this.#forget();
    let bytes = 0;
    for (let at = 0; at < data.length;) {
      const length = nalUnitLength(data, at, this.#lengthSize);
      const start = at + this.#lengthSize;
      at = start + length;
      if (length < 0 || at > data.length) throw outOfFrame(length, start, data.length);
      if (length > 0) bytes += this.#measureUnit(data, start, length);
    }
    if (bytes === 0) return 0;
    const { firstSet, lastSet, delimiter } = this.#syntax;
    const allTypes = 2 ** (lastSet - firstSet + 1) - 1;
    this.#needsSets = (isKey || this.#hasEntry) && this.#setTypes !== allTypes;
    const first = nalUnitLength(data, 0, this.#lengthSize) + startCode.length;
    const delimiterBytes = this.#hasDelimiter ? first : delimiter.length;
    return delimiterBytes + (this.#needsSets ? this.#sets.length : 0) + bytes;
  }

  #forget(): void {
    this.#hasDelimiter = false;
    this.#hasEntry = false;
    this.#setTypes = 0;
  }

  /** Notes what the unit is; bytes it takes behind the delimiter, which counts apart. */
  #measureUnit(data: Buffer, start: number, length: number): number {
    const syntax = this.#syntax;
    const type = syntax.typeOf(data[start] ?? 0);
    if (type === syntax.delimiterType) {
      if (start === this.#lengthSize) this.#hasDelimiter = true;
      return 0;
    }
    if (isIn(type, syntax.firstSet, syntax.lastSet))
      this.#setTypes |= 1 << (type - syntax.firstSet);
    if (isIn(type, syntax.firstEntry, syntax.lastEntry)) this.#hasEntry = true;
    return length + startCodeBytes(syntax, type);
  }

  /**
   * Puts the frame measured last: delimiter, the parameter sets it lacks, its NAL units. Start codes have four bytes
   * at the start and before parameter sets, else three (H.264 B.1.2, H.265 B.2.2).
   */
  write(writer: TsPacketWriter, data: Buffer): void {
    const syntax = this.#syntax;
    if (!this.#hasDelimiter) {
      writer.put(syntax.delimiter);
      if (this.#needsSets) writer.put(this.#sets);
    }
    for (let at = 0; at < data.length;) {
      const length = nalUnitLength(data, at, this.#lengthSize);
      const start = at + this.#lengthSize;
      at = start + length;
      if (length === 0) continue;
      const type = syntax.typeOf(data[start] ?? 0);
      const isDelimiter = type === syntax.delimiterType;
      const isFirst = start === this.#lengthSize;
      // One inside the frame would make two access units of it.
      if (isDelimiter && !isFirst) continue;
      writer.put(startCode, isDelimiter ? 0 : 4 - startCodeBytes(syntax, type));
      writer.put(data, start, at);
      if (isDelimiter && this.#needsSets) writer.put(this.#sets);
    }
  }
}

function parameterSets(track: VideoTrack): Uint8Array[] {
  if (track.codec === 'avc1') {
    const { sps, pps } = parseAvcConfig(track.record);
    return [...sps, ...pps];
  }
  const { nalUnits } = parseHevcConfig(track.record);
  const sets = nalUnits.filter(({ type }) => isIn(type, HevcNalType.vps, HevcNalType.pps));
  return sets.sort((one, other) => one.type - other.type).map(({ data }) => data);
}

function startCodeBytes(syntax: NalSyntax, type: number): number {
  return isIn(type, syntax.firstSet, syntax.lastSet) ? 4 : 3;
}

function isIn(type: number, first: number, last: number): boolean {
  return type >= first && type <= last;
}

function outOfFrame(length: number, at: number, size: number): SrsError {
  return new SrsError(
    ErrorCode.HLS_AVC_SAMPLE_SIZE,
    `expected NAL units inside a frame of ${size} bytes, got one of ${length} bytes at ${at}`,
  );
}
