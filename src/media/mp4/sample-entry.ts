/** Sample entries: what a track's frames are coded with, and the configuration its decoder starts from. */
import { ErrorCode, SrsError } from '../../core/errors';
import { ByteWriter } from '../byte-writer';
import type { AudioTrack, MediaTrack, VideoTrack } from '../track';

import { box, fullBox } from './box';

/** ObjectTypeIndication, ISO/IEC 14496-1, table 5. */
const ObjectTypeIndication = { aac: 0x40, mpeg2Audio: 0x69, mpeg1Audio: 0x6b } as const;
/** Descriptor tags, ISO/IEC 14496-1, table 1. */
const DescriptorTag = { es: 3, decoderConfig: 4, decoderSpecific: 5, syncLayer: 6 } as const;
/** Sample rates of MPEG-1 audio; lower ones are MPEG-2. */
const lowestMpeg1Rate = 32000;
const streamInfoBytes = 34;
const opusHeadBytes = 19;
/** A dac3 body has this size, a dec3 body at least that of one substream (ETSI TS 102 366, F.4 and F.6). */
const ac3RecordBytes = { 'ac-3': 3, 'ec-3': 5 } as const;
/** A vpcC body: version and flags, then the record without initialization data (VP Codec ISO Binding 1.0, 2.2). */
const vpcBytes = 12;
/** For streams that send none: version 1, profile 0, level 1.0, 8 bits, 4:2:0, colours not specified. */
const defaultVpc = Buffer.from('01000000000a820202020000', 'hex');
/** Lengths of the records below which they cannot be any. */
const shortestRecord: Record<VideoTrack['codec'], number> = {
  avc1: 7,
  hvc1: 23,
  av01: 4,
  vp09: 0,
  vp08: 0,
};

/** True when `sampleEntry` can describe the track. */
export function isDescribable(track: MediaTrack): boolean {
  if (track.kind === 'video') return track.record.length >= shortestRecord[track.codec];
  switch (track.codec) {
    case 'mp4a':
      return track.record.length >= 2 && track.sampleRate > 0;
    case '.mp3':
      return track.sampleRate > 0;
    case 'Opus':
      return isOpusHead(track.record);
    case 'fLaC':
      return streamInfo(track.record) !== undefined && track.sampleRate > 0;
    case 'ac-3':
      return track.record.length === ac3RecordBytes['ac-3'] && track.sampleRate > 0;
    case 'ec-3':
      return track.record.length >= ac3RecordBytes['ec-3'] && track.sampleRate > 0;
  }
}

/** The entry of a track's stsd box. Throws `SrsError` HLS_DECODE_ERROR when its record does not allow one. */
export function sampleEntry(track: MediaTrack): Buffer {
  if (!isDescribable(track)) {
    const rate = track.kind === 'audio' ? `, ${track.sampleRate} Hz` : '';
    throw new SrsError(
      ErrorCode.HLS_DECODE_ERROR,
      `expected a ${track.codec} track that MP4 can describe, got a record of ${track.record.length} bytes${rate}`,
    );
  }
  return track.kind === 'video' ? videoEntry(track) : audioEntry(track);
}

/** VisualSampleEntry, ISO/IEC 14496-12, 12.1.3. */
function videoEntry(track: VideoTrack): Buffer {
  const fields = new ByteWriter(78)
    .u32(0)
    .u16(0)
    .u16(1)
    .bytes(Buffer.alloc(16))
    .u16(track.width)
    .u16(track.height)
    // 72 dots per inch both ways, then one frame per sample, no compressor name, 24 bits without alpha.
    .u32(0x00480000)
    .u32(0x00480000)
    .u32(0)
    .u16(1)
    .bytes(Buffer.alloc(32))
    .u16(0x0018)
    .u16(0xffff);
  return box(track.codec, fields.done(), videoConfiguration(track));
}

function videoConfiguration(track: VideoTrack): Buffer {
  switch (track.codec) {
    case 'avc1':
      return box('avcC', track.record);
    case 'hvc1':
      // Some encoders wrote version 0 while the standard was a draft; the fields are those of version 1.
      return box('hvcC', Buffer.from([1]), track.record.subarray(1));
    case 'av01':
      return box('av1C', track.record);
    case 'vp09':
    case 'vp08':
      return box('vpcC', track.record.length < vpcBytes ? defaultVpc : track.record);
  }
}

/** AudioSampleEntry, ISO/IEC 14496-12, 12.2.3. */
function audioEntry(track: AudioTrack): Buffer {
  const type = track.codec === '.mp3' ? 'mp4a' : track.codec;
  const sampleRate = track.codec === 'Opus' ? 48000 : track.sampleRate;
  const fields = new ByteWriter(28)
    .u32(0)
    .u16(0)
    .u16(1)
    .bytes(Buffer.alloc(8))
    .u16(track.channels === 0 ? 2 : track.channels)
    .u16(16)
    .u32(0)
    // 16.16: higher rates do not fit, only the decoder's configuration states them.
    .u16(sampleRate > 0xffff ? 0 : sampleRate)
    .u16(0);
  return box(type, fields.done(), audioConfiguration(track));
}

function audioConfiguration(track: AudioTrack): Buffer {
  switch (track.codec) {
    case 'mp4a':
      return esds(ObjectTypeIndication.aac, track.record);
    case '.mp3': {
      const isMpeg1 = track.sampleRate >= lowestMpeg1Rate;
      return esds(isMpeg1 ? ObjectTypeIndication.mpeg1Audio : ObjectTypeIndication.mpeg2Audio);
    }
    case 'Opus':
      return dOps(track.record);
    case 'fLaC': {
      // One metadata block, the last: type 0, RFC 9639, 8.1.
      const header = new ByteWriter(4).u8(0x80).u24(streamInfoBytes).done();
      return fullBox('dfLa', 0, 0, header, streamInfo(track.record) ?? Buffer.alloc(0));
    }
    case 'ac-3':
      return box('dac3', track.record);
    case 'ec-3':
      return box('dec3', track.record);
  }
}

/** ES_Descriptor with its decoder configuration, ISO/IEC 14496-1, 7.2.6.5 and ISO/IEC 14496-14, 5.6. */
function esds(objectType: number, decoderSpecific?: Buffer): Buffer {
  const configuration = new ByteWriter(13)
    .u8(objectType)
    // streamType 5 (audio), upStream 0, reserved 1; then buffer size and bit rates, not known.
    .u8(0x15)
    .u24(0)
    .u32(0)
    .u32(0);
  const specific =
    decoderSpecific === undefined
      ? Buffer.alloc(0)
      : descriptor(DescriptorTag.decoderSpecific, decoderSpecific);
  return fullBox(
    'esds',
    0,
    0,
    descriptor(
      DescriptorTag.es,
      Buffer.alloc(3),
      descriptor(DescriptorTag.decoderConfig, configuration.done(), specific),
      descriptor(DescriptorTag.syncLayer, Buffer.from([2])),
    ),
  );
}

/** A descriptor: tag, size in groups of seven bits (ISO/IEC 14496-1, 8.3.3), content. */
function descriptor(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const size = content.reduce((sum, part) => sum + part.length, 0);
  const sizeBytes = [3, 2, 1, 0].map(
    (group) => ((size >> (7 * group)) & 0x7f) | (group === 0 ? 0 : 0x80),
  );
  return Buffer.concat([Buffer.from([tag, ...sizeBytes]), ...content]);
}

function isOpusHead(record: Buffer): boolean {
  return record.length >= opusHeadBytes && record.toString('latin1', 0, 8) === 'OpusHead';
}

/** OpusSpecificBox: the OpusHead in big-endian, with version 0 (Opus in ISOBMFF, 4.3.2). */
function dOps(head: Buffer): Buffer {
  const [, channels = 0] = head.subarray(8);
  const fields = new ByteWriter(10)
    .u8(0)
    .u8(channels)
    .u16(head.readUInt16LE(10))
    .u32(head.readUInt32LE(12))
    .u16(head.readUInt16LE(16));
  return box('dOps', fields.done(), head.subarray(18));
}

/** The STREAMINFO block of a FLAC record: `fLaC`, a block header of 4 bytes, the block (RFC 9639, 8.2). */
function streamInfo(record: Buffer): Buffer | undefined {
  const hasMagic = record.toString('latin1', 0, 4) === 'fLaC';
  const info = hasMagic ? record.subarray(8) : record;
  return info.length < streamInfoBytes ? undefined : info.subarray(0, streamInfoBytes);
}
