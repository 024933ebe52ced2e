/** Names codecs and their profiles the way playlists and browsers do: RFC 6381 and what each codec's binding adds. */
import { ErrorCode, SrsError } from '../core/errors';

import { parseAacConfig } from './aac';
import type { AudioTrack, MediaTrack, VideoTrack } from './track';

/** Audio object types that stand in AAC strings when signalled, ISO/IEC 14496-3, table 1.17. */
const AacObjectType = { sbr: 5, ps: 29 } as const;
/** Fields of the second and third byte of an av1C record. */
const av1Bits = { profileShift: 5, level: 0x1f, highTier: 0x80 } as const;
/** A vpcC body opens with version and flags, 4 bytes; streams without one are taken for profile 0, 8 bits. */
const vpcBytes = 12;
const defaultVp = [0, 0, 0x80];
/** VP level "undefined" and what is put in its place: 1.0. */
const vpLevel = { undefined: 0, lowest: 10 } as const;

/**
 * The `codecs` parameter of a track: `avc1.64001f`, `hvc1.1.6.L93.B0`, `av01.0.05M.08`, `mp4a.40.2`. Throws `SrsError`
 * HLS_DECODE_ERROR when its record is too short.
 */
export function codecString(track: MediaTrack): string {
  return track.kind === 'video' ? videoString(track) : audioString(track);
}

function videoString(track: VideoTrack): string {
  const { codec, record } = track;
  switch (codec) {
    case 'avc1':
      return `avc1.${need(track, 4).toString('hex', 1, 4)}`;
    case 'hvc1':
      return hevcString(need(track, 13));
    case 'av01':
      return av1String(need(track, 3));
    case 'vp09':
    case 'vp08':
      return vpString(codec, record);
  }
}

function audioString(track: AudioTrack): string {
  switch (track.codec) {
    case 'mp4a': {
      const { objectType, hasSbr, hasPs } = parseAacConfig(track.record);
      const extended = hasSbr ? AacObjectType.sbr : objectType;
      return `mp4a.40.${hasPs ? AacObjectType.ps : extended}`;
    }
    case '.mp3':
      return 'mp4a.40.34';
    case 'Opus':
      return 'opus';
    case 'fLaC':
    case 'ac-3':
    case 'ec-3':
      return track.codec;
  }
}

/**
 * ISO/IEC 14496-15, E.3: profile space and profile, compatibility flags in reverse bit order, tier and level, the
 * constraint bytes up to the last that is not zero.
 */
function hevcString(record: Buffer): string {
  const [profileByte = 0] = record.subarray(1);
  const space = ['', 'A', 'B', 'C'][profileByte >> 6] ?? '';
  const tier = (profileByte & 0x20) === 0 ? 'L' : 'H';
  const compatibility = reverseBits(record.readUInt32BE(2));
  const constraints = [...record.subarray(6, 12)];
  while (constraints.length > 0 && constraints[constraints.length - 1] === 0) constraints.pop();
  return [
    'hvc1',
    `${space}${profileByte & 0x1f}`,
    hexOf(compatibility),
    `${tier}${record.readUInt8(12)}`,
    ...constraints.map(hexOf),
  ].join('.');
}

/** AV1 in ISOBMFF 1.2, 5: profile, level and tier, bit depth; the rest only when it is not 4:2:0. */
function av1String(record: Buffer): string {
  const second = record.readUInt8(1);
  const third = record.readUInt8(2);
  const profile = second >> av1Bits.profileShift;
  const tier = (third & av1Bits.highTier) === 0 ? 'M' : 'H';
  const isHighDepth = (third & 0x40) !== 0;
  const is12 = isHighDepth && (third & 0x20) !== 0;
  const depth = is12 ? '12' : isHighDepth ? '10' : '08';
  const short = `av01.${profile}.${digits(second & av1Bits.level)}${tier}.${depth}`;
  const isMonochrome = (third & 0x10) !== 0;
  const subsampling = `${(third >> 3) & 1}${(third >> 2) & 1}`;
  if (!isMonochrome && subsampling === '11') return short;
  const position = subsampling === '11' ? third & 3 : 0;
  // Colour primaries, transfer and matrix as the shorter form implies: BT.709, limited range.
  return `${short}.${isMonochrome ? 1 : 0}.${subsampling}${position}.01.01.01.0`;
}

/** VP Codec ISO Binding 1.0, "Codecs Parameter String": profile, level, bit depth. */
function vpString(codec: 'vp08' | 'vp09', record: Buffer): string {
  const isWhole = record.length >= vpcBytes;
  const [profile = 0, level = 0, depthAndChroma = 0] = isWhole ? record.subarray(4) : defaultVp;
  const named = level === vpLevel.undefined ? vpLevel.lowest : level;
  return `${codec}.${digits(profile)}.${digits(named)}.${digits(depthAndChroma >> 4)}`;
}

function need(track: VideoTrack, bytes: number): Buffer {
  if (track.record.length >= bytes) return track.record;
  throw new SrsError(
    ErrorCode.HLS_DECODE_ERROR,
    `expected a ${track.codec} configuration of at least ${bytes} bytes, got ${track.record.length}`,
  );
}

function reverseBits(word: number): number {
  let reversed = 0;
  for (let bit = 0; bit < 32; bit++) reversed = reversed * 2 + ((word >>> bit) & 1);
  return reversed;
}

function hexOf(value: number): string {
  return value.toString(16).toUpperCase();
}

function digits(value: number): string {
  return String(value).padStart(2, '0');
}
