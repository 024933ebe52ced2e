/** Writes the header of a fragmented MP4: ftyp and a moov without samples (ISO/IEC 14496-12, 4.3 and 8.2). */
import { ByteWriter } from '../byte-writer';
import type { MediaTrack } from '../track';

import { box, findBox, fullBox } from './box';
import { SampleFlags } from './movie-fragment';
import { isDescribable, sampleEntry } from './sample-entry';
import { timescaleOf } from './track-clock';

/** Ticks per second of the movie's own durations. */
const movieTimescale = 1000;
/** The largest duration that a 32-bit field holds; one more means unknown. */
const longestDuration = 0xfffffffe;
/** Where the duration stands in the content of mvhd and mehd, both of version 0. */
const durationAt = { mvhd: 16, mehd: 4 } as const;

/** True when a track can be part of an MP4; not so, say, AC-3 without its configuration record. */
export function mp4Supports(track: MediaTrack): boolean {
  return isDescribable(track);
}

/**
 * The initialization segment of these tracks, with ids from 1 in the order given. Throws `SrsError` HLS_DECODE_ERROR
 * for a track that is not supported.
 */
export function mp4InitSegment(tracks: readonly MediaTrack[]): Buffer {
  return Buffer.concat([ftyp(tracks), moov(tracks)]);
}

/** The same for a recording: it has room for the duration, which `durationPatches` fills in at the end. */
export function mp4RecordingHeader(tracks: readonly MediaTrack[]): Buffer {
  return Buffer.concat([ftyp(tracks), moov(tracks, fullBox('mehd', 0, 0, Buffer.alloc(4)))]);
}

/** Bytes to write over those of a file. */
export interface FilePatch {
  readonly position: number;
  readonly bytes: Buffer;
}

/** What states the duration in a file that begins with `header`, of `mp4RecordingHeader`; empty for other bytes. */
export function durationPatches(header: Buffer, durationMs: number): FilePatch[] {
  const bytes = new ByteWriter(4).u32(Math.min(Math.round(durationMs), longestDuration)).done();
  const movie = findBox(header, 'moov', 'mvhd');
  const extends_ = findBox(header, 'moov', 'mvex', 'mehd');
  const patches: FilePatch[] = [];
  if (movie?.content[0] === 0) patches.push({ position: movie.start + durationAt.mvhd, bytes });
  if (extends_?.content[0] === 0) {
    patches.push({ position: extends_.start + durationAt.mehd, bytes });
  }
  return patches;
}

/**
 * File type: iso6 has decode times and signed composition offsets in fragments. A single track also fits the structure
 * of CMAF (ISO/IEC 23000-19, 7.2).
 */
function ftyp(tracks: readonly MediaTrack[]): Buffer {
  const brands = ['iso6', 'iso5', 'mp41'];
  if (tracks.length === 1) brands.push('cmfc');
  if (tracks.some((track) => track.codec === 'av01')) brands.push('av01');
  return box('ftyp', Buffer.from('iso6'), Buffer.alloc(4), Buffer.from(brands.join('')));
}

function moov(tracks: readonly MediaTrack[], ...mehd: Buffer[]): Buffer {
  return box(
    'moov',
    mvhd(tracks.length + 1),
    ...tracks.map((track, index) => trak(track, index + 1)),
    box('mvex', ...mehd, ...tracks.map((track, index) => trex(track, index + 1))),
  );
}

/** MovieHeaderBox, 8.2.2. */
function mvhd(nextTrackId: number): Buffer {
  const fields = new ByteWriter(96)
    .bytes(Buffer.alloc(8))
    .u32(movieTimescale)
    .u32(0)
    // Rate 1.0, volume 1.0.
    .u32(0x00010000)
    .u16(0x0100)
    .bytes(Buffer.alloc(10))
    .bytes(unityMatrix())
    .bytes(Buffer.alloc(24))
    .u32(nextTrackId);
  return fullBox('mvhd', 0, 0, fields.done());
}

function trak(track: MediaTrack, id: number): Buffer {
  return box('trak', tkhd(track, id), box('mdia', mdhd(track), hdlr(track), minf(track)));
}

/** TrackHeaderBox, 8.3.2; flags: enabled, in movie. */
function tkhd(track: MediaTrack, id: number): Buffer {
  const { width, height } = track.kind === 'video' ? track : { width: 0, height: 0 };
  const fields = new ByteWriter(80)
    .bytes(Buffer.alloc(8))
    .u32(id)
    .bytes(Buffer.alloc(16))
    // Layer and alternate group, then the volume.
    .u32(0)
    .u16(track.kind === 'audio' ? 0x0100 : 0)
    .u16(0)
    .bytes(unityMatrix())
    .u16(width)
    .u16(0)
    .u16(height)
    .u16(0);
  return fullBox('tkhd', 0, 3, fields.done());
}

/** MediaHeaderBox, 8.4.2. */
function mdhd(track: MediaTrack): Buffer {
  const fields = new ByteWriter(20)
    .bytes(Buffer.alloc(8))
    .u32(timescaleOf(track))
    .u32(0)
    // Language "und", three letters of five bits each.
    .u16(0x55c4)
    .u16(0);
  return fullBox('mdhd', 0, 0, fields.done());
}

/** HandlerBox, 8.4.3. */
function hdlr(track: MediaTrack): Buffer {
  const [type, name] =
    track.kind === 'video' ? ['vide', 'VideoHandler\0'] : ['soun', 'SoundHandler\0'];
  return fullBox(
    'hdlr',
    0,
    0,
    Buffer.alloc(4),
    Buffer.from(type),
    Buffer.alloc(12),
    Buffer.from(name),
  );
}

/** MediaInformationBox, 8.4.4: media header, one data reference to the file itself, empty sample tables. */
function minf(track: MediaTrack): Buffer {
  const mediaHeader =
    track.kind === 'video'
      ? fullBox('vmhd', 0, 1, Buffer.alloc(8))
      : fullBox('smhd', 0, 0, Buffer.alloc(4));
  const one = new ByteWriter(4).u32(1).done();
  const none = Buffer.alloc(4);
  return box(
    'minf',
    mediaHeader,
    box('dinf', fullBox('dref', 0, 0, one, fullBox('url ', 0, 1))),
    box(
      'stbl',
      fullBox('stsd', 0, 0, one, sampleEntry(track)),
      fullBox('stts', 0, 0, none),
      fullBox('stsc', 0, 0, none),
      fullBox('stsz', 0, 0, none, none),
      fullBox('stco', 0, 0, none),
    ),
  );
}

/** TrackExtendsBox, 8.8.3; fragments state what differs. */
function trex(track: MediaTrack, id: number): Buffer {
  const fields = new ByteWriter(20)
    .u32(id)
    .u32(1)
    .u32(0)
    .u32(0)
    .u32(track.kind === 'video' ? SampleFlags.delta : SampleFlags.key);
  return fullBox('trex', 0, 0, fields.done());
}

/** No rotation or scaling, in 16.16 and 2.30 numbers, 6.2.2. */
function unityMatrix(): Buffer {
  const writer = new ByteWriter(36);
  for (const value of [0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0, 0x40000000]) writer.u32(value);
  return writer.done();
}
