/** ADTS: the header in front of each AAC frame in MPEG-TS (ISO/IEC 14496-3, 1.A.3.2). */
import { ErrorCode, SrsError } from '../core/errors';

import type { AacConfig } from './aac';
import { aacSampleRateIndex } from './aac';

export const adtsHeaderBytes = 7;
/** frame_length has 13 bits and counts the header. */
const maxFrameBytes = 8191;
/** Object types that the two bits of profile_ObjectType can name: Main, LC, SSR, LTP. */
const maxObjectType = 4;
/** channel_configuration by number of channels; 0 would promise a program_config_element in the frames. */
const configurationOfChannels = [0, 1, 2, 3, 4, 5, 6, 0, 7];

/** What is the same in the headers of all frames of a track. */
export interface AdtsParameters {
  /** Object type of the core coder less one. */
  readonly profile: number;
  readonly rateIndex: number;
  readonly channelConfiguration: number;
}

/**
 * What ADTS states for a configuration: HE-AAC as its core coder, as decoders find SBR by themselves. Undefined when
 * ADTS cannot carry it: another object type, a sample rate that has no index, no known channels.
 */
export function adtsParameters(config: AacConfig): AdtsParameters | undefined {
  const rateIndex = aacSampleRateIndex(config.coreSampleRate);
  const channelConfiguration = configurationOfChannels[config.channels] ?? 0;
  const { objectType } = config;
  if (objectType < 1 || objectType > maxObjectType || rateIndex < 0) return undefined;
  if (channelConfiguration === 0) return undefined;
  return { profile: objectType - 1, rateIndex, channelConfiguration };
}

/**
 * Writes the header of a frame of `size` bytes at `at`, without CRC. Throws `SrsError` HLS_AAC_FRAME_LENGTH when the
 * frame is empty or too long.
 */
export function writeAdtsHeader(
  target: Uint8Array,
  at: number,
  parameters: AdtsParameters,
  size: number,
): void {
  const length = size + adtsHeaderBytes;
  if (size <= 0 || length > maxFrameBytes) {
    throw new SrsError(
      ErrorCode.HLS_AAC_FRAME_LENGTH,
      `expected an AAC frame of 1 to ${maxFrameBytes - adtsHeaderBytes} bytes, got ${size}`,
    );
  }
  const { profile, rateIndex, channelConfiguration } = parameters;
  // syncword, ID 0 (MPEG-4), layer 0, protection_absent.
  target[at] = 0xff;
  target[at + 1] = 0xf1;
  target[at + 2] = (profile << 6) | (rateIndex << 2) | (channelConfiguration >> 2);
  target[at + 3] = ((channelConfiguration & 3) << 6) | (length >> 11);
  target[at + 4] = length >> 3;
  // adts_buffer_fullness 0x7ff says a variable rate; one raw_data_block.
  target[at + 5] = ((length & 7) << 5) | 0x1f;
  target[at + 6] = 0xfc;
}
