/** Reads bits and Exp-Golomb numbers, most significant bit first, for the headers of video and audio codecs. */
import { ErrorCode, SrsError } from '../core/errors';

/** Longest Exp-Golomb prefix of a 32-bit value (ISO/IEC 14496-10, 9.1). */
const maxLeadingZeros = 32;

/** A bit cursor over `data`. Reading beyond the end throws `SrsError` HLS_DECODE_ERROR. */
export class BitReader {
  readonly #data: Uint8Array;
  #at = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  /** Bits left to read. */
  get remaining(): number {
    return this.#data.length * 8 - this.#at;
  }

  /** One bit as a truth value. */
  flag(): boolean {
    return this.bits(1) === 1;
  }

  /** An unsigned number of `count` bits, 0 to 32. */
  bits(count: number): number {
    this.#need(count);
    let value = 0;
    for (let end = this.#at + count; this.#at < end; this.#at++) {
      value = value * 2 + (((this.#data[this.#at >> 3] ?? 0) >> (7 - (this.#at & 7))) & 1);
    }
    return value;
  }

  skip(count: number): void {
    this.#need(count);
    this.#at += count;
  }

  /** ue(v), ISO/IEC 14496-10, 9.1. */
  unsignedExpGolomb(): number {
    let zeros = 0;
    while (!this.flag()) {
      if (++zeros > maxLeadingZeros) throw malformed('an Exp-Golomb number longer than 32 bits');
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** se(v), ISO/IEC 14496-10, 9.1.1. */
  signedExpGolomb(): number {
    const code = this.unsignedExpGolomb();
    return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
  }

  #need(count: number): void {
    if (count > this.remaining) throw malformed(`${count} bits wanted, ${this.remaining} left`);
  }
}

/**
 * Removes the emulation prevention bytes of a NAL unit: each `00 00 03` becomes `00 00` (ISO/IEC 14496-10, 7.3.1;
 * ISO/IEC 23008-2, 7.3.1.1).
 */
export function unescapeNalUnit(nal: Uint8Array): Uint8Array {
  const out = new Uint8Array(nal.length);
  let length = 0;
  let zeros = 0;
  for (const byte of nal) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[length++] = byte;
  }
  return out.subarray(0, length);
}

function malformed(what: string): SrsError {
  return new SrsError(ErrorCode.HLS_DECODE_ERROR, `malformed codec header: ${what}`);
}
