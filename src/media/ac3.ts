/** AC-3 and Enhanced AC-3: the header of a syncframe (ETSI TS 102 366, 4.4 and E.1.3). */
import { BitReader } from './bit-reader';

/** What a syncframe says. */
export interface Ac3Header {
  /** Hz. */
  sampleRate: number;
  /** Full range channels and the low frequency one. */
  channels: number;
  samplesPerFrame: number;
}

const headerBytes = 8;
const syncWord = 0x0b77;
const sampleRates = [48000, 44100, 32000];
/** Full range channels by acmod, table 4.3. */
const channelsOfMode = [2, 1, 2, 3, 3, 4, 4, 5];
const blocksOfCode = [1, 2, 3, 6];
const samplesPerBlock = 256;
/** bsid of AC-3 is at most 10, of Enhanced AC-3 11 to 16. */
const maxAc3Bsid = 10;
const maxBsid = 16;

/** Reads the header of the first syncframe in `data`; undefined when there is none or a field is reserved. */
export function parseAc3Header(data: Uint8Array): Ac3Header | undefined {
  if (data.length < headerBytes) return undefined;
  const bits = new BitReader(data.subarray(0, headerBytes));
  if (bits.bits(16) !== syncWord) return undefined;
  const bsid = (data[5] ?? 0) >> 3;
  if (bsid > maxBsid) return undefined;
  return bsid <= maxAc3Bsid ? readAc3(bits) : readEnhancedAc3(bits);
}

function readAc3(bits: BitReader): Ac3Header | undefined {
  bits.skip(16);
  const sampleRate = sampleRates[bits.bits(2)];
  bits.skip(6 + 5 + 3);
  const mode = bits.bits(3);
  if (mode === 2 || ((mode & 1) !== 0 && mode !== 1)) bits.skip(2);
  if ((mode & 4) !== 0) bits.skip(2);
  const channels = (channelsOfMode[mode] ?? 0) + bits.bits(1);
  return sampleRate === undefined
    ? undefined
    : { sampleRate, channels, samplesPerFrame: 6 * samplesPerBlock };
}

function readEnhancedAc3(bits: BitReader): Ac3Header | undefined {
  bits.skip(2 + 3 + 11);
  const rateCode = bits.bits(2);
  const second = bits.bits(2);
  const halfRate = (sampleRates[second] ?? 0) / 2;
  const sampleRate = rateCode === 3 ? halfRate : (sampleRates[rateCode] ?? 0);
  const blocks = rateCode === 3 ? 6 : (blocksOfCode[second] ?? 6);
  const channels = (channelsOfMode[bits.bits(3)] ?? 0) + bits.bits(1);
  return sampleRate === 0
    ? undefined
    : { sampleRate, channels, samplesPerFrame: blocks * samplesPerBlock };
}
