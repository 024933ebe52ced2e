/** What a key frame tells of its track that the configuration record did not: parameter sets and picture sizes. */
import { nalUnits } from './annexb';
import { firstAv1SequenceHeader } from './av1';
import { AvcNalType, makeAvcConfig, parseAvcConfig } from './avc';
import { HevcNalType, hevcNalType, parseHevcConfig, withHevcParameterSets } from './hevc';
import type { VideoTrack } from './track';
import { videoTrackOf } from './track-configuration';
import { vp8KeyFrameSize, vp9KeyFrameSize } from './vpx';

/** Bytes of an av1C before its OBUs. */
const av1RecordBytes = 4;

/**
 * The track as this key frame of it (length-prefixed for codecs with NAL units) says it is, or `track` itself when
 * that is nothing new. Throws `SrsError` HLS_DECODE_ERROR when the frame's parameter sets are malformed.
 */
export function trackByKeyFrame(track: VideoTrack, frame: Buffer): VideoTrack {
  switch (track.codec) {
    case 'avc1':
      return byAvcFrame(track, frame);
    case 'hvc1':
      return byHevcFrame(track, frame);
    case 'av01':
      return track.width > 0 ? track : byAv1Frame(track, frame);
    case 'vp09':
      return sized(track, vp9KeyFrameSize(frame));
    case 'vp08':
      return sized(track, vp8KeyFrameSize(frame));
  }
}

/** The track of an H.264 stream whose key frames carry what no record announced; undefined when this one does not. */
export function avcTrackOfFrame(frame: Buffer, lengthSize: number): VideoTrack | undefined {
  const { sps, pps } = avcSets(nalUnits(frame, lengthSize));
  const isWhole = sps.length > 0 && pps.length > 0;
  return isWhole ? videoTrackOf('avc1', makeAvcConfig(sps, pps, lengthSize)) : undefined;
}

function byAvcFrame(track: VideoTrack, frame: Buffer): VideoTrack {
  const { sps, pps } = avcSets(nalUnits(frame, track.lengthSize));
  if (sps.length === 0 || pps.length === 0) return track;
  const known = parseAvcConfig(track.record);
  if (areAllIn(sps, known.sps) && areAllIn(pps, known.pps)) return track;
  return videoTrackOf('avc1', makeAvcConfig(sps, pps, track.lengthSize));
}

function avcSets(units: Buffer[]): { sps: Buffer[]; pps: Buffer[] } {
  const ofType = (type: number): Buffer[] =>
    units.filter((unit) => ((unit[0] ?? 0) & 0x1f) === type);
  return { sps: ofType(AvcNalType.sps), pps: ofType(AvcNalType.pps) };
}

function byHevcFrame(track: VideoTrack, frame: Buffer): VideoTrack {
  const sets = nalUnits(frame, track.lengthSize).filter((unit) => {
    const type = hevcNalType(unit[0] ?? 0);
    return type >= HevcNalType.vps && type <= HevcNalType.pps;
  });
  const types = new Set(sets.map((set) => hevcNalType(set[0] ?? 0)));
  const known = parseHevcConfig(track.record).nalUnits.map((unit) => unit.data);
  if (types.size < 3 || areAllIn(sets, known)) return track;
  return videoTrackOf('hvc1', withHevcParameterSets(track.record, sets));
}

function areAllIn(sets: readonly Buffer[], known: readonly Uint8Array[]): boolean {
  return sets.every((set) => known.some((other) => set.equals(other)));
}

function byAv1Frame(track: VideoTrack, frame: Buffer): VideoTrack {
  const header = firstAv1SequenceHeader(frame);
  if (header === undefined) return track;
  return videoTrackOf('av01', Buffer.concat([track.record.subarray(0, av1RecordBytes), header]));
}

function sized(track: VideoTrack, size: { width: number; height: number } | undefined): VideoTrack {
  const isSame = size?.width === track.width && size.height === track.height;
  return size === undefined || isSame ? track : { ...track, ...size };
}
