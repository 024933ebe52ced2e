/** Makes tracks from configuration records, and from the headers of frames where a codec has no record. */
import { ErrorCode, SrsError, describeError } from '../core/errors';

import { parseAacConfig } from './aac';
import { parseAc3Header } from './ac3';
import { annexBUnits, startsWithStartCode } from './annexb';
import { parseAv1Config } from './av1';
import { AvcNalType, makeAvcConfig, parseAvcConfig, parseAvcSps } from './avc';
import { HevcNalType, parseHevcConfig, parseHevcSps } from './hevc';
import { mp3SamplesPerFrame, parseMp3Header } from './mp3';
import type { AudioTrack, VideoTrack } from './track';
import { vpxBoxBody } from './vpx';

/** Opus is always decoded at this rate, RFC 7845, 5.1. */
const opusSampleRate = 48000;
const opusHeadBytes = 19;
/** `fLaC`, the header of the STREAMINFO block and the block itself, RFC 9639, 8.2. */
const flacHeadBytes = 4 + 4 + 34;
/** Length size of records made here. */
const usualLengthSize = 4;
/** Width and height that containers can state. */
const maxPixels = 0xffff;
/** A frame rate outside is taken for not stated: it would say that the last frame lasts for hours. */
const fpsRange = { from: 1, to: 1000 } as const;

export function isVideoCodec(codec: string): codec is VideoTrack['codec'] {
  return ['avc1', 'hvc1', 'av01', 'vp09', 'vp08'].includes(codec);
}

export function isAudioCodec(codec: string): codec is AudioTrack['codec'] {
  return ['mp4a', '.mp3', 'Opus', 'fLaC', 'ac-3', 'ec-3'].includes(codec);
}

/**
 * The track that a video configuration record describes; its size is 0 when only key frames tell it. Throws `SrsError`
 * HLS_DECODE_ERROR when the record is malformed.
 */
export function videoTrackOf(codec: VideoTrack['codec'], record: Buffer): VideoTrack {
  return orDecodeError(`${codec} configuration`, () => {
    switch (codec) {
      case 'avc1':
        return avcTrack(startsWithStartCode(record) ? avcRecordOfUnits(record) : record);
      case 'hvc1':
        return hevcTrack(record);
      case 'av01': {
        const { width, height } = parseAv1Config(record);
        return { kind: 'video', codec, record, width, height, fps: 0, lengthSize: 0 };
      }
      case 'vp09':
      case 'vp08': {
        const body = vpxBoxBody(record);
        return { kind: 'video', codec, record: body, width: 0, height: 0, fps: 0, lengthSize: 0 };
      }
    }
  });
}

/**
 * The track that an audio configuration record describes; undefined for codecs described by their frames. Throws
 * `SrsError` HLS_DECODE_ERROR when the record is malformed.
 */
export function audioTrackOf(codec: AudioTrack['codec'], record: Buffer): AudioTrack | undefined {
  return orDecodeError(`${codec} configuration`, () => {
    switch (codec) {
      case 'mp4a':
        return aacTrack(record);
      case 'Opus':
        return opusTrack(record);
      case 'fLaC':
        return flacTrack(record);
      default:
        return undefined;
    }
  });
}

/** The track that a frame's own header describes; undefined when it has none that can be read. */
export function audioTrackOfFrame(
  codec: AudioTrack['codec'],
  frame: Buffer,
): AudioTrack | undefined {
  if (codec === '.mp3') {
    const header = parseMp3Header(frame);
    if (header === undefined) return undefined;
    const { sampleRate, channels } = header;
    return audioTrack(codec, sampleRate, channels, mp3SamplesPerFrame(header));
  }
  if (codec !== 'ac-3' && codec !== 'ec-3') return undefined;
  const header = parseAc3Header(frame);
  if (header === undefined) return undefined;
  return audioTrack(codec, header.sampleRate, header.channels, header.samplesPerFrame);
}

function avcTrack(record: Buffer): VideoTrack {
  const { lengthSize, sps } = parseAvcConfig(record);
  checkLengthSize(lengthSize);
  const picture = sps[0] && checkSize(parseAvcSps(sps[0]));
  const { width, height, fps } = picture ?? { width: 0, height: 0, fps: 0 };
  return { kind: 'video', codec: 'avc1', record, width, height, fps: credibleFps(fps), lengthSize };
}

function credibleFps(fps: number): number {
  return fps >= fpsRange.from && fps <= fpsRange.to ? fps : 0;
}

function checkSize<Size extends { width: number; height: number }>(size: Size): Size {
  const { width, height } = size;
  const isSize = Math.min(width, height) > 0 && Math.max(width, height) <= maxPixels;
  if (isSize) return size;
  throw malformed(`expected pictures of 1 to ${maxPixels} pixels each way, got ${width}x${height}`);
}

/** Some encoders send the parameter sets as a byte stream where a record belongs. */
function avcRecordOfUnits(stream: Buffer): Buffer {
  const units = annexBUnits(stream);
  const ofType = (type: number): Buffer[] =>
    units.filter((unit) => ((unit[0] ?? 0) & 0x1f) === type);
  return makeAvcConfig(ofType(AvcNalType.sps), ofType(AvcNalType.pps), usualLengthSize);
}

function hevcTrack(record: Buffer): VideoTrack {
  const { lengthSize, nalUnits, fps } = parseHevcConfig(record);
  checkLengthSize(lengthSize);
  const sps = nalUnits.find((unit) => unit.type === HevcNalType.sps);
  const picture = sps && checkSize(parseHevcSps(sps.data));
  const { width, height } = picture ?? { width: 0, height: 0 };
  return { kind: 'video', codec: 'hvc1', record, width, height, fps: credibleFps(fps), lengthSize };
}

function checkLengthSize(lengthSize: number): void {
  if (lengthSize !== 3) return;
  throw malformed('expected NAL unit lengths of 1, 2 or 4 bytes, got 3');
}

function aacTrack(record: Buffer): AudioTrack {
  const config = parseAacConfig(record);
  const channels = config.hasPs ? 2 : config.channels;
  return audioTrack('mp4a', config.sampleRate, channels, config.samplesPerFrame, record);
}

/** OpusHead: magic of 8 bytes, version, channels, pre-skip, input rate, gain, mapping. */
function opusTrack(record: Buffer): AudioTrack {
  const magic = record.toString('latin1', 0, 8);
  if (record.length < opusHeadBytes || magic !== 'OpusHead') {
    throw malformed(`expected an OpusHead of ${opusHeadBytes} bytes, got ${record.length} bytes`);
  }
  return audioTrack('Opus', opusSampleRate, record[9] ?? 0, 0, record);
}

function flacTrack(record: Buffer): AudioTrack {
  if (record.length < flacHeadBytes || record.toString('latin1', 0, 4) !== 'fLaC') {
    throw malformed(`expected fLaC with a STREAMINFO, got ${record.length} bytes`);
  }
  const streamInfo = record.subarray(8);
  const isFixed = streamInfo.readUInt16BE(0) === streamInfo.readUInt16BE(2);
  const sampleRate = streamInfo.readUIntBE(10, 3) >> 4;
  const channels = ((streamInfo.readUInt8(12) >> 1) & 7) + 1;
  return audioTrack('fLaC', sampleRate, channels, isFixed ? streamInfo.readUInt16BE(0) : 0, record);
}

function audioTrack(
  codec: AudioTrack['codec'],
  sampleRate: number,
  channels: number,
  samplesPerFrame: number,
  record: Buffer = Buffer.alloc(0),
): AudioTrack {
  return { kind: 'audio', codec, record, sampleRate, channels, samplesPerFrame };
}

/** Errors of the readers below, whatever their code, as what they are here. */
function orDecodeError<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const isOurs = error instanceof SrsError && error.code === ErrorCode.HLS_DECODE_ERROR;
    if (isOurs || !(error instanceof SrsError)) throw error;
    throw malformed(`${what}: ${describeError(error)}`, error);
  }
}

function malformed(what: string, cause?: unknown): SrsError {
  return new SrsError(ErrorCode.HLS_DECODE_ERROR, what, { cause });
}
