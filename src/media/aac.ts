/** AAC: the AudioSpecificConfig that opens every AAC stream. */
import { ErrorCode, SrsError } from '../core/errors';

import { BitReader } from './bit-reader';

/** AudioSpecificConfig, ISO/IEC 14496-3, 1.6.2.1. */
export interface AacConfig {
  /** Object type of the core coder (2 = AAC LC), table 1.17. */
  objectType: number;
  /** Hz of the core coder. */
  coreSampleRate: number;
  /** Hz heard: that of SBR when it is signalled, else of the core coder. */
  sampleRate: number;
  /** Channels coded; a decoder turns one into two when `hasPs`. */
  channels: number;
  /** Spectral band replication is signalled, explicitly or backward compatibly. */
  hasSbr: boolean;
  /** Parametric stereo is signalled. */
  hasPs: boolean;
  /** Samples of one frame at `sampleRate`: 1024 or 960, twice that with SBR; 0 when another object type decides. */
  samplesPerFrame: number;
}

const ObjectType = { main: 1, lc: 2, ssr: 3, ltp: 4, sbr: 5, escape: 31, ps: 29 } as const;

/** Table 1.18; index 15 is followed by the rate itself. */
const sampleRates = [
  96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
];
const explicitRateIndex = 15;
/** Table 1.19; 0 says that a program_config_element follows. */
const channelsOfConfiguration = [0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 0, 8];
const sbrSyncExtension = 0x2b7;
const psSyncExtension = 0x548;

/** Parses an AudioSpecificConfig. Throws `SrsError` when it is truncated or states a reserved sample rate. */
export function parseAacConfig(data: Uint8Array, start = 0, end = data.length): AacConfig {
  const bits = new BitReader(data.subarray(start, end));
  const signalled = readObjectType(bits);
  const coreSampleRate = readSampleRate(bits);
  const channelConfiguration = bits.bits(4);
  const config: AacConfig = {
    objectType: signalled,
    coreSampleRate,
    sampleRate: coreSampleRate,
    channels: channelsOfConfiguration[channelConfiguration] ?? 0,
    hasSbr: signalled === ObjectType.sbr || signalled === ObjectType.ps,
    hasPs: signalled === ObjectType.ps,
    samplesPerFrame: 0,
  };
  if (config.hasSbr) {
    config.sampleRate = readSampleRate(bits);
    config.objectType = readObjectType(bits);
  }
  if (isGeneralAudio(config.objectType)) {
    const general = readGeneralAudioConfig(bits, channelConfiguration);
    config.channels = channelConfiguration === 0 ? general.channels : config.channels;
    if (!config.hasSbr) readSyncExtension(bits, config);
    const outputRatio = config.sampleRate === 2 * config.coreSampleRate ? 2 : 1;
    config.samplesPerFrame = general.frameLength * outputRatio;
  }
  return config;
}

/** The index of a sample rate in table 1.18, -1 when it has none. */
export function aacSampleRateIndex(sampleRate: number): number {
  return sampleRates.indexOf(sampleRate);
}

/** The profile's name as media servers print it: LC, HE, HEv2, ... or the object type's number. */
export function aacProfileName(config: AacConfig): string {
  if (config.hasPs) return 'HEv2';
  if (config.hasSbr) return 'HE';
  return ['', 'Main', 'LC', 'SSR', 'LTP'][config.objectType] ?? String(config.objectType);
}

function readObjectType(bits: BitReader): number {
  const type = bits.bits(5);
  return type === ObjectType.escape ? 32 + bits.bits(6) : type;
}

function readSampleRate(bits: BitReader): number {
  const index = bits.bits(4);
  if (index === explicitRateIndex) return bits.bits(24);
  const rate = sampleRates[index];
  if (rate === undefined) {
    throw new SrsError(
      ErrorCode.HLS_DECODE_ERROR,
      `expected an AAC sample rate index of 0 to 12 or 15, got ${index}`,
    );
  }
  return rate;
}

/** The object types whose configuration is a GASpecificConfig without a layer number, 1.6.2.1. */
function isGeneralAudio(objectType: number): boolean {
  return objectType >= ObjectType.main && objectType <= ObjectType.ltp;
}

/**
 * GASpecificConfig, 4.4.1: samples of a frame of the core coder, and the channels of the program_config_element if
 * there is one. Tolerates its absence.
 */
function readGeneralAudioConfig(
  bits: BitReader,
  channelConfiguration: number,
): { frameLength: number; channels: number } {
  if (bits.remaining < 3) return { frameLength: 1024, channels: 0 };
  const frameLength = bits.flag() ? 960 : 1024;
  if (bits.flag()) bits.skip(14);
  const hasExtension = bits.flag();
  const channels = channelConfiguration === 0 ? readProgramConfig(bits) : 0;
  if (hasExtension) bits.skip(Math.min(1, bits.remaining));
  return { frameLength, channels };
}

/** program_config_element, 4.4.1.1, from whose element lists only the number of channels is taken. */
function readProgramConfig(bits: BitReader): number {
  bits.skip(4 + 2 + 4);
  const pairable = bits.bits(4) + bits.bits(4) + bits.bits(4);
  const lfe = bits.bits(2);
  bits.skip(3 + 4);
  if (bits.flag()) bits.skip(4);
  if (bits.flag()) bits.skip(4);
  if (bits.flag()) bits.skip(3);
  let channels = lfe;
  for (let element = 0; element < pairable; element++) {
    channels += bits.flag() ? 2 : 1;
    bits.skip(4);
  }
  return channels;
}

/** Backward compatible signalling of SBR and PS behind the configuration, 1.6.6. */
function readSyncExtension(bits: BitReader, config: AacConfig): void {
  if (bits.remaining < 16 || bits.bits(11) !== sbrSyncExtension) return;
  if (bits.bits(5) !== ObjectType.sbr || bits.remaining < 5 || !bits.flag()) return;
  config.hasSbr = true;
  config.sampleRate = readSampleRate(bits);
  if (bits.remaining >= 12 && bits.bits(11) === psSyncExtension) config.hasPs = bits.flag();
}
