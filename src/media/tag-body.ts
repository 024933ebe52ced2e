/** Finds what one audio or video message holds of a track: its configuration or a coded frame. */
import {
  AudioPacketType,
  MultitrackType,
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

/** The part of a message that belongs to one track. */
export interface TagBody {
  readonly content: 'configuration' | 'frame' | 'end' | 'other';
  /** FourCC of the codec, for legacy codecs that of their Enhanced RTMP twin; `id` and the code for one without. */
  readonly codec: string;
  readonly trackId: number;
  /** Composition time offset in milliseconds, signed; 0 where none is sent. */
  readonly compositionMs: number;
  /** The record or frame is `payload[start, end)`. */
  readonly start: number;
  readonly end: number;
}

/** FrameType 5, or the enhanced one: a command to the decoder, no picture (E.4.3.1). */
const commandFrame = 5;
/** FrameType and CodecID, AVCPacketType, CompositionTime. */
const legacyVideoHeaderBytes = 5;
const compositionTimeBytes = 3;
/** Length of a track's size in a multitrack body. */
const trackSizeBytes = 3;
const legacyVideo: Record<number, string> = {
  [VideoCodecId.avc]: 'avc1',
  [VideoCodecId.hevc]: 'hvc1',
  [VideoCodecId.av1]: 'av01',
};
const legacyContent = ['configuration', 'frame', 'end'] as const;
const enhancedContent = {
  video: new Map<number, TagBody['content']>([
    [VideoPacketType.sequenceStart, 'configuration'],
    [VideoPacketType.codedFrames, 'frame'],
    [VideoPacketType.codedFramesX, 'frame'],
    [VideoPacketType.sequenceEnd, 'end'],
  ]),
  audio: new Map<number, TagBody['content']>([
    [AudioPacketType.sequenceStart, 'configuration'],
    [AudioPacketType.codedFrames, 'frame'],
    [AudioPacketType.sequenceEnd, 'end'],
  ]),
};

/**
 * What the message holds of track `trackId`, or of its first track when that is not in it or undefined. Undefined for
 * commands and for bodies that end inside their header.
 */
export function locateTagBody(
  kind: MediaKind,
  payload: Buffer,
  trackId: number | undefined,
): TagBody | undefined {
  const first = payload[0];
  if (first === undefined) return undefined;
  if (isEnhanced(kind, payload, 0, payload.length)) {
    const isCommand = kind === 'video' && ((first >> 4) & 0x07) === commandFrame;
    return isCommand ? undefined : locateEnhanced(kind, payload, trackId);
  }
  return kind === 'video' ? locateLegacyVideo(payload, first) : locateLegacyAudio(payload, first);
}

function locateLegacyVideo(payload: Buffer, first: number): TagBody | undefined {
  if (first >> 4 === commandFrame) return undefined;
  const codec = legacyVideo[first & 0x0f];
  if (codec === undefined) return legacyBody('frame', `id ${first & 0x0f}`, payload, 1, 0);
  const content = legacyContent[byteAt(payload, 1, payload.length)] ?? 'other';
  if (content === 'end') return legacyBody(content, codec, payload, payload.length, 0);
  if (payload.length < legacyVideoHeaderBytes) return undefined;
  return legacyBody(content, codec, payload, legacyVideoHeaderBytes, payload.readIntBE(2, 3));
}

function locateLegacyAudio(payload: Buffer, first: number): TagBody | undefined {
  const format = first >> 4;
  if (format === SoundFormat.mp3 || format === SoundFormat.mp3At8k) {
    return legacyBody('frame', '.mp3', payload, 1, 0);
  }
  if (format !== SoundFormat.aac) return legacyBody('frame', `id ${format}`, payload, 1, 0);
  const packetType = byteAt(payload, 1, payload.length);
  if (packetType < 0) return undefined;
  const content = packetType <= 1 ? (legacyContent[packetType] ?? 'other') : 'other';
  return legacyBody(content, 'mp4a', payload, 2, 0);
}

function legacyBody(
  content: TagBody['content'],
  codec: string,
  payload: Buffer,
  start: number,
  compositionMs: number,
): TagBody {
  return { content, codec, trackId: 0, compositionMs, start, end: payload.length };
}

function locateEnhanced(
  kind: MediaKind,
  payload: Buffer,
  trackId: number | undefined,
): TagBody | undefined {
  const at = packetTypeOffset(kind, payload, 0, payload.length);
  if (at < 0) return undefined;
  const packetType = (payload[at] ?? 0) & 0x0f;
  if (packetType === multitrackTypeOf(kind)) return locateTrack(kind, payload, at + 1, trackId);
  const codec = fourCcAt(payload, at + 1);
  if (codec === undefined) return undefined;
  const start = at + 1 + fourCcBytes;
  return enhancedBody(kind, payload, packetType, { codec, trackId: 0, start, end: payload.length });
}

/** Walks the tracks of a multitrack body, from its AvMultitrackType at `at` on (Enhanced RTMP v2). */
function locateTrack(
  kind: MediaKind,
  payload: Buffer,
  at: number,
  wanted: number | undefined,
): TagBody | undefined {
  const types = byteAt(payload, at, payload.length);
  const multitrackType = types >> 4;
  const hasOwnCodecs = multitrackType === MultitrackType.manyTracksManyCodecs;
  const shared = hasOwnCodecs ? '' : fourCcAt(payload, at + 1);
  if (types < 0 || shared === undefined) return undefined;
  let position = at + 1 + shared.length;
  let first: TrackPart | undefined;
  while (position < payload.length) {
    const part = trackPart(payload, position, shared, multitrackType);
    if (part === undefined) break;
    first ??= part;
    if (wanted === undefined || part.trackId === wanted) {
      first = part;
      break;
    }
    position = part.end;
  }
  return first && enhancedBody(kind, payload, types & 0x0f, first);
}

interface TrackPart {
  codec: string;
  trackId: number;
  start: number;
  end: number;
}

/** One track's part: its FourCC unless all share one, its TrackId, its size unless it is the only one, its body. */
function trackPart(
  payload: Buffer,
  at: number,
  shared: string,
  multitrackType: number,
): TrackPart | undefined {
  const codec = shared === '' ? fourCcAt(payload, at) : shared;
  if (codec === undefined) return undefined;
  const idAt = shared === '' ? at + fourCcBytes : at;
  const trackId = payload[idAt];
  if (trackId === undefined) return undefined;
  if (multitrackType === MultitrackType.oneTrack) {
    return { codec, trackId, start: idAt + 1, end: payload.length };
  }
  const start = idAt + 1 + trackSizeBytes;
  if (start > payload.length) return undefined;
  const end = Math.min(payload.length, start + payload.readUIntBE(idAt + 1, trackSizeBytes));
  return { codec, trackId, start, end };
}

function enhancedBody(
  kind: MediaKind,
  payload: Buffer,
  packetType: number,
  track: TrackPart,
): TagBody | undefined {
  const content = enhancedContent[kind].get(packetType) ?? 'other';
  const hasCompositionTime =
    kind === 'video' &&
    packetType === VideoPacketType.codedFrames &&
    (track.codec === 'avc1' || track.codec === 'hvc1' || track.codec === 'vvc1');
  if (!hasCompositionTime) return { content, ...track, compositionMs: 0 };
  const start = track.start + compositionTimeBytes;
  if (start > track.end) return undefined;
  return { content, ...track, start, compositionMs: payload.readIntBE(track.start, 3) };
}

function fourCcAt(payload: Buffer, at: number): string | undefined {
  const end = at + fourCcBytes;
  return end > payload.length ? undefined : payload.toString('latin1', at, end);
}
