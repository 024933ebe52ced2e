/** VP8 and VP9: the configuration record they share and the picture size that key frames state. */
import { BitReader } from './bit-reader';

const recordBytes = 8;
const fullBoxBytes = 4;
/** start_code of a VP8 key frame, RFC 6386, 9.1. */
const vp8StartCode = 0x9d012a;
/** frame_sync_code, VP9 bitstream specification, 7.2. */
const vp9SyncCode = 0x498342;
/** color_space without chroma subsampling, 7.2.2. */
const csRgb = 7;

/**
 * A VPCodecConfigurationRecord as the body of its box: with version and flags, which some encoders leave out (VP Codec
 * ISO Binding 1.0, 2.2). Empty stays empty.
 */
export function vpxBoxBody(record: Buffer): Buffer {
  if (record.length < recordBytes || record.length >= recordBytes + fullBoxBytes) return record;
  return Buffer.concat([Buffer.from([1, 0, 0, 0]), record]);
}

/** Pixels by the header of a VP8 key frame (RFC 6386, 9.1); undefined when it is none. */
export function vp8KeyFrameSize(frame: Buffer): { width: number; height: number } | undefined {
  if (frame.length < 10 || frame.readUIntBE(3, 3) !== vp8StartCode) return undefined;
  return { width: frame.readUInt16LE(6) & 0x3fff, height: frame.readUInt16LE(8) & 0x3fff };
}

/** Pixels by the uncompressed header of a VP9 key frame (6.2); undefined when it is none. */
export function vp9KeyFrameSize(frame: Buffer): { width: number; height: number } | undefined {
  if (frame.length < 11) return undefined;
  const bits = new BitReader(frame.subarray(0, 16));
  if (bits.bits(2) !== 2) return undefined;
  const profile = bits.bits(1) + 2 * bits.bits(1);
  if (profile === 3) bits.skip(1);
  const isShownAgain = bits.flag();
  const isInter = bits.flag();
  bits.skip(2);
  if (isShownAgain || isInter || bits.bits(24) !== vp9SyncCode) return undefined;
  if (profile >= 2) bits.skip(1);
  skipColor(bits, profile);
  return { width: bits.bits(16) + 1, height: bits.bits(16) + 1 };
}

/** color_config() behind the bit depth, 6.2.2. */
function skipColor(bits: BitReader, profile: number): void {
  const isRgb = bits.bits(3) === csRgb;
  if (!isRgb) bits.skip(1);
  if (profile === 1 || profile === 3) bits.skip(isRgb ? 1 : 3);
}
