/** MP3: the four-byte header of an MPEG audio frame. */

import { ByteReader } from './byte-reader';

/** What a frame header says, ISO/IEC 11172-3, 2.4.1.3 and ISO/IEC 13818-3, 2.4.2.3. */
export interface Mp3Header {
  /** 1 to 3. */
  layer: number;
  /** Hz. */
  sampleRate: number;
  channels: number;
}

const headerBytes = 4;
/** Eleven set bits open the header. */
const frameSync = 0xffe00000;
const ratesOfMpeg1 = [44100, 48000, 32000];
/** Version bits 3 = MPEG-1, 2 = MPEG-2 (half the rate), 0 = MPEG-2.5 (a quarter), 1 is reserved. */
const rateDivisors = [4, 0, 2, 1];

/** Reads the header at `start`; undefined when there is no frame sync or a field has a reserved value. */
export function parseMp3Header(
  data: Uint8Array,
  start = 0,
  end = data.length,
): Mp3Header | undefined {
  if (end - start < headerBytes) return undefined;
  const word = new ByteReader(data, start, end).u32();
  if (word < frameSync) return undefined;
  const divisor = rateDivisors[(word >>> 19) & 3] ?? 0;
  const layer = 4 - ((word >>> 17) & 3);
  const baseRate = ratesOfMpeg1[(word >>> 10) & 3] ?? 0;
  if (divisor === 0 || layer === 4 || baseRate === 0) return undefined;
  return { layer, sampleRate: baseRate / divisor, channels: ((word >>> 6) & 3) === 3 ? 1 : 2 };
}

/** Samples of one frame, ISO/IEC 11172-3, 2.4.2.1 and ISO/IEC 13818-3, 2.4.2.1: layer III halves below 32 kHz. */
export function mp3SamplesPerFrame(header: Mp3Header): number {
  if (header.layer === 1) return 384;
  return header.layer === 3 && header.sampleRate < 32000 ? 576 : 1152;
}
