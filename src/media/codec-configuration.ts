/** Finds the codec configuration inside a sequence header message, wherever its kind of header ends. */
import {
  MultitrackType,
  VideoCodecId,
  byteAt,
  fourCcBytes,
  isEnhanced,
  multitrackTypeOf,
  packetTypeOffset,
} from './tag-header';
import type { MediaKind } from './tag-header';

/** The configuration record of (the first track of) a sequence header. */
export interface CodecConfiguration {
  /** FourCC of the codec; for legacy audio and legacy video without one, empty. */
  fourCc: string;
  /** The record: avcC, hvcC, av1C, AudioSpecificConfig, ...; a view on the message. */
  record: Uint8Array;
}

/** Bytes before the record of a legacy video header: FrameType and CodecID, AVCPacketType, CompositionTime. */
const legacyVideoHeaderBytes = 5;
/** Bytes before the record of a legacy AAC header: sound parameters, AACPacketType. */
const legacyAudioHeaderBytes = 2;

/** Locates the record in the message body `data[start, end)`; it may be empty. */
export function locateConfiguration(
  kind: MediaKind,
  data: Uint8Array,
  start: number,
  end: number,
): CodecConfiguration {
  if (isEnhanced(kind, data, start, end)) return locateEnhanced(kind, data, start, end);
  if (kind === 'audio') {
    return { fourCc: '', record: data.subarray(start + legacyAudioHeaderBytes, end) };
  }
  const record = data.subarray(start + legacyVideoHeaderBytes, end);
  switch (byteAt(data, start, end) & 0x0f) {
    case VideoCodecId.avc:
      return { fourCc: 'avc1', record };
    case VideoCodecId.hevc:
      return { fourCc: 'hvc1', record };
    case VideoCodecId.av1:
      return { fourCc: 'av01', record };
    default:
      return { fourCc: '', record };
  }
}

function locateEnhanced(
  kind: MediaKind,
  data: Uint8Array,
  start: number,
  end: number,
): CodecConfiguration {
  const at = packetTypeOffset(kind, data, start, end);
  if (at < 0) return { fourCc: '', record: data.subarray(end, end) };
  if (((data[at] ?? 0) & 0x0f) !== multitrackTypeOf(kind)) {
    const record = data.subarray(at + 1 + fourCcBytes, end);
    return { fourCc: fourCcAt(data, at + 1, end), record };
  }
  const fourCc = fourCcAt(data, at + 2, end);
  const afterTrackId = at + 2 + fourCcBytes + 1;
  if (byteAt(data, at + 1, end) >> 4 === MultitrackType.oneTrack) {
    return { fourCc, record: data.subarray(afterTrackId, end) };
  }
  const [high = 0, middle = 0, low = 0] = data.subarray(afterTrackId, end);
  const recordStart = afterTrackId + 3;
  const size = (high << 16) | (middle << 8) | low;
  return { fourCc, record: data.subarray(recordStart, Math.min(end, recordStart + size)) };
}

function fourCcAt(data: Uint8Array, at: number, end: number): string {
  return String.fromCharCode(...data.subarray(at, Math.min(end, at + fourCcBytes)));
}
