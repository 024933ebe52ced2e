/**
 * Answers, for one FLV tag body (which is also one RTMP audio or video message): is it a key frame, a sequence
 * header, an end of sequence, and of which track. Legacy FLV (Video File Format 10.1, annex E.4.2 and E.4.3) and
 * Enhanced RTMP v1 and v2. The classification runs once per message: it allocates nothing. Nothing here throws.
 */

import {
  describeAudioRecord,
  describeLegacyAudio,
  describeLegacyVideo,
  describeVideoRecord,
} from './codec-description';
import type { AudioDescription, VideoDescription } from './codec-description';
import { locateTagBody } from './tag-body';
import {
  AudioPacketType,
  SoundFormat,
  VideoCodecId,
  VideoPacketType,
  byteAt,
  fourCcBytes,
  isEnhanced,
  multitrackTypeOf,
  packetTypeOffset,
} from './tag-header';
import type { MediaKind } from './tag-header';

/** What a message is to the hub: a set of bits. A raw audio frame, or anything not understood, is 0. */
export const TagFlags = {
  /** A picture decoding may start at; never set together with `sequenceHeader`. */
  keyFrame: 1,
  /** The decoder configuration of a track, needed before any frame of it. */
  sequenceHeader: 2,
  /** The track ends here; a new sequence header follows if it goes on. */
  endOfSequence: 4,
  /** A picture that needs earlier ones. */
  interFrame: 8,
  /** Enhanced video colour information or audio channel layout: late joiners need it, like a header. */
  metadata: 16,
} as const;

const FrameType = { key: 1, inter: 2, disposableInter: 3, generatedKey: 4, command: 5 } as const;
const AvcPacketType = { sequenceHeader: 0, nalUnits: 1, endOfSequence: 2 } as const;

/** Classifies a video message body, `data[start, end)`; returns a set of `TagFlags`. */
export function classifyVideo(data: Uint8Array, start: number, end: number): number {
  const first = byteAt(data, start, end);
  if (first >= 0x80) return classifyEnhancedVideo(data, start, end);
  if (first < 0) return 0;
  const frame = frameFlags(first >> 4);
  const codecId = first & 0x0f;
  if (frame === 0 || !hasAvcPacketType(codecId)) return frame;
  switch (byteAt(data, start + 1, end)) {
    case AvcPacketType.sequenceHeader:
      return frame === TagFlags.keyFrame ? TagFlags.sequenceHeader : frame;
    case AvcPacketType.nalUnits:
      return frame;
    case AvcPacketType.endOfSequence:
      return TagFlags.endOfSequence;
    default:
      return 0;
  }
}

/** Classifies an audio message body, `data[start, end)`; returns a set of `TagFlags`. */
export function classifyAudio(data: Uint8Array, start: number, end: number): number {
  const first = byteAt(data, start, end);
  if (first < 0) return 0;
  const format = first >> 4;
  if (format === SoundFormat.enhanced) return classifyEnhancedAudio(data, start, end);
  const isHeader = format === SoundFormat.aac && byteAt(data, start + 1, end) === 0;
  return isHeader ? TagFlags.sequenceHeader : 0;
}

/**
 * The track a message belongs to: the TrackId (0 to 255) of its first track when it is an Enhanced RTMP v2
 * multitrack message, else 0.
 */
export function trackIdOf(kind: MediaKind, data: Uint8Array, start: number, end: number): number {
  if (!isEnhanced(kind, data, start, end)) return 0;
  const at = packetTypeOffset(kind, data, start, end);
  if (at < 0 || ((data[at] ?? 0) & 0x0f) !== multitrackTypeOf(kind)) return 0;
  // Whether one FourCC serves all tracks or each track has its own, the first TrackId follows the first FourCC.
  return Math.max(0, byteAt(data, at + 2 + fourCcBytes, end));
}

function classifyEnhancedVideo(data: Uint8Array, start: number, end: number): number {
  const frameType = ((data[start] ?? 0) >> 4) & 0x07;
  const packetType = effectivePacketType('video', data, start, end);
  if (packetType === VideoPacketType.metadata) return TagFlags.metadata;
  if (frameType === FrameType.command) return 0;
  switch (packetType) {
    case VideoPacketType.sequenceStart:
    case VideoPacketType.mpeg2TsSequenceStart:
      return TagFlags.sequenceHeader;
    case VideoPacketType.codedFrames:
    case VideoPacketType.codedFramesX:
      return frameFlags(frameType);
    case VideoPacketType.sequenceEnd:
      return TagFlags.endOfSequence;
    default:
      return 0;
  }
}

function classifyEnhancedAudio(data: Uint8Array, start: number, end: number): number {
  switch (effectivePacketType('audio', data, start, end)) {
    case AudioPacketType.sequenceStart:
      return TagFlags.sequenceHeader;
    case AudioPacketType.sequenceEnd:
      return TagFlags.endOfSequence;
    case AudioPacketType.multichannelConfig:
      return TagFlags.metadata;
    default:
      return 0;
  }
}

/** The packet type below ModEx and Multitrack wrappers; -1 when the body ends before its FourCC does. */
function effectivePacketType(
  kind: MediaKind,
  data: Uint8Array,
  start: number,
  end: number,
): number {
  const at = packetTypeOffset(kind, data, start, end);
  if (at < 0) return -1;
  const packetType = (data[at] ?? 0) & 0x0f;
  if (packetType !== multitrackTypeOf(kind)) return at + fourCcBytes < end ? packetType : -1;
  // A multitrack body goes on with one byte (multitrack type, packet type), the FourCC and the first TrackId.
  return at + 2 + fourCcBytes < end ? (data[at + 1] ?? 0) & 0x0f : -1;
}

/** Frame type to flag; a "video info/command frame" (5) and reserved types are no pictures. */
function frameFlags(frameType: number): number {
  switch (frameType) {
    case FrameType.key:
    case FrameType.generatedKey:
      return TagFlags.keyFrame;
    case FrameType.inter:
    case FrameType.disposableInter:
      return TagFlags.interFrame;
    default:
      return 0;
  }
}

/** True for the legacy codecs whose second byte is an AVCPacketType (E.4.3.1), or was modelled on it. */
function hasAvcPacketType(codecId: number): boolean {
  return (
    codecId === VideoCodecId.avc || codecId === VideoCodecId.hevc || codecId === VideoCodecId.av1
  );
}

/**
 * Describes a video sequence header, or any frame of a legacy codec that has none. Undefined when the body is neither
 * or its configuration record is malformed. Never throws.
 */
export function describeVideoHeader(
  data: Uint8Array,
  start: number,
  end: number,
): VideoDescription | undefined {
  if (classifyVideo(data, start, end) & TagFlags.sequenceHeader) {
    const { fourCc, record } = configurationOf('video', data, start, end);
    return attempt(() => describeVideoRecord(fourCc, record));
  }
  const isLegacy = end > start && !isEnhanced('video', data, start, end);
  return isLegacy ? describeLegacyVideo(byteAt(data, start, end)) : undefined;
}

/**
 * Describes an audio sequence header, or any frame of a codec that has none (for MP3 by its frame header). Undefined
 * when the body is neither or its configuration record is malformed. Never throws.
 */
export function describeAudioHeader(
  data: Uint8Array,
  start: number,
  end: number,
): AudioDescription | undefined {
  if (classifyAudio(data, start, end) & TagFlags.sequenceHeader) {
    const { fourCc, record } = configurationOf('audio', data, start, end);
    return attempt(() => describeAudioRecord(fourCc, record, byteAt(data, start, end)));
  }
  const isLegacy = end > start && !isEnhanced('audio', data, start, end);
  return isLegacy ? describeLegacyAudio(data.subarray(start, end)) : undefined;
}

/** The record of (the first track of) a sequence header; the FourCC is empty for legacy AAC. */
function configurationOf(
  kind: MediaKind,
  data: Uint8Array,
  start: number,
  end: number,
): { fourCc: string; record: Uint8Array } {
  const payload = Buffer.from(data.buffer, data.byteOffset + start, end - start);
  const body = locateTagBody(kind, payload, undefined);
  if (!body) return { fourCc: '', record: payload.subarray(payload.length) };
  const isLegacyAudio = kind === 'audio' && !isEnhanced(kind, data, start, end);
  return {
    fourCc: isLegacyAudio ? '' : body.codec,
    record: payload.subarray(body.start, body.end),
  };
}

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
