/** Turns codec configuration records into what logs and statistics show of them. */
import { aacProfileName, parseAacConfig } from './aac';
import { av1LevelName, av1ProfileName, parseAv1Config } from './av1';
import { avcLevelName, avcProfileName, parseAvcConfig, parseAvcSps } from './avc';
import { HevcNalType, hevcLevelName, hevcProfileName, parseHevcConfig, parseHevcSps } from './hevc';
import { parseMp3Header } from './mp3';
import { SoundFormat, VideoCodecId } from './tag-header';

/** What a video sequence header says, for logs and statistics; a number not stated is 0, a text empty. */
export interface VideoDescription {
  /** H264, HEVC, AV1, VP9, VP8, or a legacy name. */
  codec: string;
  /** Legacy CodecID of that codec (E.4.3.1), 0 when it has none. */
  codecId: number;
  profile: string;
  level: string;
  width: number;
  height: number;
  fps: number;
}

/** What an audio header says, for logs and statistics; a number not stated is 0, a text empty. */
export interface AudioDescription {
  /** AAC, Opus, FLAC, AC-3, E-AC-3, MP3, or a legacy name. */
  codec: string;
  /** SoundFormat of that codec (E.4.2.1); 9 for enhanced messages whose codec has none. */
  codecId: number;
  profile: string;
  sampleRate: number;
  channels: number;
  /** What the legacy sound parameters claim, which for AAC are fixed and often wrong. */
  flv: { bits: number; channels: number; sampleRate: number };
}

const legacyVideoNames: Record<number, string> = {
  2: 'H263',
  3: 'Screen',
  4: 'VP6',
  5: 'VP6Alpha',
  6: 'Screen2',
};
const legacyAudioNames: Record<number, string> = {
  0: 'LinearPCM',
  1: 'ADPCM',
  2: 'MP3',
  3: 'LinearPCMLe',
  4: 'NellymoserKHz16',
  5: 'NellymoserKHz8',
  6: 'Nellymoser',
  7: 'G711APCM',
  8: 'G711MuPCM',
  11: 'Speex',
  14: 'MP3KHz8',
  15: 'DeviceSpecific',
};
/** SoundRate, E.4.2.1. */
const soundRates = [5512, 11025, 22050, 44100];
const noFlvSound = { bits: 0, channels: 0, sampleRate: 0 };
const unknownVideo = { codecId: 0, profile: '', level: '', width: 0, height: 0, fps: 0 };

/** Describes the record of a codec. Throws `SrsError` when it is malformed; undefined for an unknown codec. */
export function describeVideoRecord(
  fourCc: string,
  record: Uint8Array,
): VideoDescription | undefined {
  switch (fourCc) {
    case 'avc1':
      return describeAvc(record);
    case 'hvc1':
    case 'hev1':
      return describeHevc(record);
    case 'av01':
      return describeAv1(record);
    case 'vp09':
    case 'vp08':
      return describeVp(fourCc === 'vp09' ? 'VP9' : 'VP8', record);
    default:
      return undefined;
  }
}

/** Describes a legacy codec that has no sequence header by the first byte of a frame. */
export function describeLegacyVideo(firstByte: number): VideoDescription | undefined {
  const codecId = firstByte & 0x0f;
  const codec = legacyVideoNames[codecId];
  return codec === undefined ? undefined : { ...unknownVideo, codec, codecId };
}

/**
 * Describes the record of an audio codec; `fourCc` is empty for legacy AAC, `firstByte` opens the message. Throws
 * `SrsError` when it is malformed; undefined for an unknown codec.
 */
export function describeAudioRecord(
  fourCc: string,
  record: Uint8Array,
  firstByte: number,
): AudioDescription | undefined {
  switch (fourCc) {
    case '':
      return { ...describeAac(record), flv: flvSound(firstByte) };
    case 'mp4a':
      return describeAac(record);
    case 'Opus':
      return describeOpus(record);
    case 'fLaC':
      return describeFlac(record);
    case 'ac-3':
      return enhancedAudio('AC-3', 0, 0);
    case 'ec-3':
      return enhancedAudio('E-AC-3', 0, 0);
    case '.mp3':
      return enhancedAudio('MP3', 0, 0);
    default:
      return undefined;
  }
}

/** Describes a legacy codec that has no sequence header by one of its frames, sound parameters included. */
export function describeLegacyAudio(frame: Uint8Array): AudioDescription | undefined {
  const firstByte = frame[0] ?? 0;
  const codecId = firstByte >> 4;
  const codec = legacyAudioNames[codecId];
  if (codec === undefined) return undefined;
  const flv = flvSound(firstByte);
  const mp3 = codecId === SoundFormat.mp3 ? parseMp3Header(frame, 1) : undefined;
  const { sampleRate, channels } = mp3 ?? actualSound(codecId, flv);
  return { codec, codecId, profile: '', sampleRate, channels, flv };
}

function describeAvc(record: Uint8Array): VideoDescription {
  const config = parseAvcConfig(record);
  const sps = config.sps[0];
  const size = sps === undefined ? { width: 0, height: 0, fps: 0 } : parseAvcSps(sps);
  return {
    codec: 'H264',
    codecId: VideoCodecId.avc,
    profile: avcProfileName(config.profile, config.compatibility),
    level: avcLevelName(config.level),
    width: size.width,
    height: size.height,
    fps: size.fps,
  };
}

function describeHevc(record: Uint8Array): VideoDescription {
  const config = parseHevcConfig(record);
  const sps = config.nalUnits.find((unit) => unit.type === HevcNalType.sps);
  const size = sps === undefined ? { width: 0, height: 0 } : parseHevcSps(sps.data);
  return {
    codec: 'HEVC',
    codecId: VideoCodecId.hevc,
    profile: hevcProfileName(config.profile),
    level: hevcLevelName(config.level),
    width: size.width,
    height: size.height,
    fps: config.fps,
  };
}

function describeAv1(record: Uint8Array): VideoDescription {
  const config = parseAv1Config(record);
  return {
    codec: 'AV1',
    codecId: VideoCodecId.av1,
    profile: av1ProfileName(config.profile),
    level: av1LevelName(config.level),
    width: config.width,
    height: config.height,
    fps: 0,
  };
}

/** VPCodecConfigurationRecord, with or without the version and flags of its box (VP Codec ISO Binding 1.0, 2.2). */
function describeVp(codec: string, record: Uint8Array): VideoDescription {
  const at = record.length >= 12 ? 4 : 0;
  const level = record[at + 1] ?? 0;
  const profile = String(record[at] ?? 0);
  return { ...unknownVideo, codec, profile, level: level === 0 ? '' : (level / 10).toFixed(1) };
}

function describeAac(record: Uint8Array): AudioDescription {
  const config = parseAacConfig(record);
  return {
    codec: 'AAC',
    codecId: SoundFormat.aac,
    profile: aacProfileName(config),
    sampleRate: config.sampleRate,
    channels: config.channels,
    flv: noFlvSound,
  };
}

/** OpusHead, RFC 7845, 5.1: magic of 8 bytes, version, channels, pre-skip, input rate (little endian). */
function describeOpus(record: Uint8Array): AudioDescription {
  const head = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
  return head.length < 16
    ? enhancedAudio('Opus', 0, 0)
    : enhancedAudio('Opus', head.readUInt32LE(12), head[9] ?? 0);
}

/** `fLaC`, a block header of 4 bytes, STREAMINFO: RFC 9639, 8.2. */
function describeFlac(record: Uint8Array): AudioDescription {
  const streamInfo = record.subarray(8);
  const [high = 0, middle = 0, low = 0] = streamInfo.subarray(10);
  if (streamInfo.length < 13) return enhancedAudio('FLAC', 0, 0);
  return enhancedAudio('FLAC', (high << 12) | (middle << 4) | (low >> 4), ((low >> 1) & 7) + 1);
}

function enhancedAudio(codec: string, sampleRate: number, channels: number): AudioDescription {
  const { enhanced: codecId } = SoundFormat;
  return { codec, codecId, profile: '', sampleRate, channels, flv: noFlvSound };
}

/** SoundRate, SoundSize and SoundType of the first byte, E.4.2.1. */
function flvSound(firstByte: number): AudioDescription['flv'] {
  return {
    bits: (firstByte & 0x02) === 0 ? 8 : 16,
    channels: (firstByte & 0x01) === 0 ? 1 : 2,
    sampleRate: soundRates[(firstByte >> 2) & 0x03] ?? 0,
  };
}

/** Formats that imply a rate, whatever the sound parameters claim (E.4.2.1). */
function actualSound(codecId: number, flv: AudioDescription['flv']): AudioDescription['flv'] {
  switch (codecId) {
    case 4:
    case SoundFormat.speex:
      return { ...flv, sampleRate: 16000, channels: 1 };
    case 5:
      return { ...flv, sampleRate: 8000, channels: 1 };
    case 7:
    case 8:
    case SoundFormat.mp3At8k:
      return { ...flv, sampleRate: 8000 };
    default:
      return flv;
  }
}
