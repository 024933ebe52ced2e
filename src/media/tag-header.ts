/**
 * Where things stand in an FLV tag body, which is also an RTMP audio or video message: the codes of legacy FLV (Video
 * File Format 10.1, annex E.4.2 and E.4.3) and the header of Enhanced RTMP v1 and v2. Pure, and allocates nothing.
 */

export type MediaKind = 'audio' | 'video';

/** Legacy video CodecID, E.4.3.1; 12 and 13 are in wide use though not in the standard. */
export const VideoCodecId = { h263: 2, avc: 7, hevc: 12, av1: 13 } as const;

/** Legacy audio SoundFormat, E.4.2.1; 9 announces the enhanced header. */
export const SoundFormat = { mp3: 2, enhanced: 9, aac: 10, speex: 11, mp3At8k: 14 } as const;

/** Enhanced RTMP v2 VideoPacketType. */
export const VideoPacketType = {
  sequenceStart: 0,
  codedFrames: 1,
  sequenceEnd: 2,
  codedFramesX: 3,
  metadata: 4,
  mpeg2TsSequenceStart: 5,
  multitrack: 6,
  modEx: 7,
} as const;

/** Enhanced RTMP v2 AudioPacketType. */
export const AudioPacketType = {
  sequenceStart: 0,
  codedFrames: 1,
  sequenceEnd: 2,
  multichannelConfig: 4,
  multitrack: 5,
  modEx: 7,
} as const;

/** Enhanced RTMP v2 AvMultitrackType. */
export const MultitrackType = { oneTrack: 0, manyTracks: 1, manyTracksManyCodecs: 2 } as const;

/** Length of the FourCC that names the codec in an enhanced header. */
export const fourCcBytes = 4;

/** True when the body begins with the enhanced header (video: IsExVideoHeader bit; audio: SoundFormat 9). */
export function isEnhanced(kind: MediaKind, data: Uint8Array, start: number, end: number): boolean {
  const first = byteAt(data, start, end);
  return kind === 'video' ? first >= 0x80 : first >> 4 === SoundFormat.enhanced;
}

/**
 * Where the enhanced header states its packet type (low nibble), after all ModEx blocks; -1 when the body ends
 * before. A ModEx block is `UI8 size - 1` (255: `UI16 size - 1` follows), the data, then one byte holding the ModEx
 * type and the next packet type (Enhanced RTMP v2, ExVideoTagHeader and ExAudioTagHeader).
 */
export function packetTypeOffset(
  kind: MediaKind,
  data: Uint8Array,
  start: number,
  end: number,
): number {
  const modEx = kind === 'video' ? VideoPacketType.modEx : AudioPacketType.modEx;
  let at = start;
  while (at < end && ((data[at] ?? 0) & 0x0f) === modEx) {
    let size = byteAt(data, at + 1, end) + 1;
    at += 2;
    if (size === 256) {
      size = (byteAt(data, at, end) << 8) + byteAt(data, at + 1, end) + 1;
      at += 2;
    }
    at += Math.max(1, size);
  }
  return at < end ? at : -1;
}

/** The packet type that announces a multitrack body. */
export function multitrackTypeOf(kind: MediaKind): number {
  return kind === 'video' ? VideoPacketType.multitrack : AudioPacketType.multitrack;
}

/** The byte at an absolute position, -1 outside the body. */
export function byteAt(data: Uint8Array, at: number, end: number): number {
  return at < end ? (data[at] ?? -1) : -1;
}
