import assert from 'node:assert/strict';

import { ErrorCode } from '../../../../src/core/errors';
import {
  durationPatches,
  mp4InitSegment,
  mp4RecordingHeader,
  mp4Supports,
} from '../../../../src/media/mp4/init-segment';
import type { AudioTrack, MediaTrack, VideoTrack } from '../../../../src/media/track';
import { hex, records } from '../../../support/media';

import { all, audio, boxesOf, one, video } from './boxes';

const stsd = 'moov/trak/mdia/minf/stbl/stsd';
/** Bytes of a sample entry before the boxes in it: SampleEntry and the fields of its kind. */
const entryFields = { video: 78, audio: 28 };

/** The type of the only sample entry of a one-track init segment and the box in it. */
function entryOf(track: MediaTrack): {
  type: string;
  fields: Buffer;
  inner: string;
  config: Buffer;
} {
  const [entry] = boxesOf(one(mp4InitSegment([track]), stsd).subarray(8));
  const fields = entry!.body.subarray(0, entryFields[track.kind]);
  const [config, ...more] = boxesOf(entry!.body.subarray(fields.length));
  assert.deepEqual(more, []);
  return { type: entry!.type, fields, inner: config!.type, config: config!.body };
}

function videoOf(codec: VideoTrack['codec'], record: Buffer): VideoTrack {
  return { ...video, codec, record };
}

function audioOf(
  codec: AudioTrack['codec'],
  record: Buffer,
  sampleRate = 48000,
  channels = 2,
): AudioTrack {
  return { kind: 'audio', codec, record, sampleRate, channels, samplesPerFrame: 0 };
}

describe('media/mp4/init-segment', () => {
  it('begins with a file type and describes each track without samples', () => {
    const segment = mp4InitSegment([video, audio]);
    assert.deepEqual(
      boxesOf(segment).map((box) => box.type),
      ['ftyp', 'moov'],
    );
    assert.equal(one(segment, 'ftyp').toString('latin1'), 'iso6\0\0\0\0iso6iso5mp41');
    assert.deepEqual(
      boxesOf(one(segment, 'moov')).map((box) => box.type),
      ['mvhd', 'trak', 'trak', 'mvex'],
    );
    const mvhd = one(segment, 'moov/mvhd');
    assert.equal(mvhd.length, 100);
    assert.equal(mvhd.readUInt32BE(12), 1000);
    assert.equal(mvhd.readUInt32BE(16), 0);
    assert.equal(mvhd.readUInt32BE(96), 3);
    for (const [table, bytes] of Object.entries({ stts: 8, stsc: 8, stsz: 12, stco: 8 })) {
      for (const body of all(segment, `moov/trak/mdia/minf/stbl/${table}`)) {
        assert.deepEqual(body, Buffer.alloc(bytes), table);
      }
    }
    assert.deepEqual(
      all(segment, 'moov/trak/mdia/minf/dinf/dref'),
      [0, 1].map(() => hex('00000000 00000001 0000000c 75726c20 00000001')),
    );
  });

  it('gives tracks ids from 1 in their order, with the time scale of their kind', () => {
    const segment = mp4InitSegment([audio, video]);
    const [sound, picture] = all(segment, 'moov/trak/tkhd');
    assert.deepEqual([sound!.length, picture!.length], [84, 84]);
    assert.deepEqual([sound!.readUInt32BE(0), picture!.readUInt32BE(0)], [3, 3]);
    assert.deepEqual([sound!.readUInt32BE(12), picture!.readUInt32BE(12)], [1, 2]);
    assert.deepEqual([sound!.readUInt16BE(36), picture!.readUInt16BE(36)], [0x100, 0]);
    assert.deepEqual(
      [picture!.readUInt32BE(76), picture!.readUInt32BE(80)],
      [640 << 16, 360 << 16],
    );
    const scales = all(segment, 'moov/trak/mdia/mdhd').map((mdhd) => mdhd.readUInt32BE(12));
    assert.deepEqual(scales, [44100, 90000]);
    const handlers = all(segment, 'moov/trak/mdia/hdlr').map((hdlr) =>
      hdlr.toString('latin1', 8, 12),
    );
    assert.deepEqual(handlers, ['soun', 'vide']);
    assert.equal(all(segment, 'moov/trak/mdia/minf/vmhd').length, 1);
    assert.equal(all(segment, 'moov/trak/mdia/minf/smhd').length, 1);
    assert.deepEqual(all(segment, 'moov/mvex/trex'), [
      hex('00000000 00000001 00000001 00000000 00000000 02000000'),
      hex('00000000 00000002 00000001 00000000 00000000 01010000'),
    ]);
  });

  it('says that a single track fits CMAF, and that AV1 is in it', () => {
    const brandsOf = (...tracks: MediaTrack[]): string =>
      one(mp4InitSegment(tracks), 'ftyp').toString('latin1', 8);
    assert.equal(brandsOf(audio), 'iso6iso5mp41cmfc');
    assert.equal(brandsOf(videoOf('av01', records.av1), audio), 'iso6iso5mp41av01');
  });

  it('puts the configuration record of each video codec into its box', () => {
    const cases: [VideoTrack['codec'], string, Buffer][] = [
      ['avc1', 'avcC', records.avc],
      ['hvc1', 'hvcC', records.hevc],
      ['av01', 'av1C', records.av1],
      ['vp09', 'vpcC', records.vp9],
      ['vp08', 'vpcC', records.vp9],
    ];
    for (const [codec, inner, record] of cases) {
      const entry = entryOf(videoOf(codec, record));
      assert.equal(entry.type, codec);
      assert.equal(entry.inner, inner);
      assert.deepEqual(entry.config, record);
      assert.equal(entry.fields.readUInt16BE(6), 1);
      assert.deepEqual([entry.fields.readUInt16BE(24), entry.fields.readUInt16BE(26)], [640, 360]);
    }
  });

  it('makes up what VP8 and VP9 encoders leave out and mends a draft of hvcC', () => {
    const { config } = entryOf(videoOf('vp09', Buffer.alloc(0)));
    assert.deepEqual(config, hex('01000000 000a82020202 0000'));
    const draft = Buffer.concat([hex('00'), records.hevc.subarray(1)]);
    assert.deepEqual(entryOf(videoOf('hvc1', draft)).config, records.hevc);
  });

  it('wraps an AudioSpecificConfig in descriptors', () => {
    const { type, fields, inner, config } = entryOf(audio);
    assert.deepEqual([type, inner], ['mp4a', 'esds']);
    assert.deepEqual([fields.readUInt16BE(16), fields.readUInt16BE(18)], [2, 16]);
    assert.equal(fields.readUInt32BE(24), 44100 * 65536);
    assert.deepEqual(
      config,
      hex(`00000000 03 80808025 0000 00
           04 80808017 40 15 000000 00000000 00000000
           05 80808005 1210 56e500
           06 80808001 02`),
    );
  });

  it('names MP3 by the generation of MPEG audio that has its rate', () => {
    const objectType = (rate: number): number => {
      const { type, config } = entryOf(audioOf('.mp3', Buffer.alloc(0), rate));
      assert.equal(type, 'mp4a');
      assert.equal(config.indexOf(Buffer.from([5, 0x80])), -1);
      return config[4 + 5 + 3 + 5]!;
    };
    assert.deepEqual([44100, 32000, 24000].map(objectType), [0x6b, 0x6b, 0x69]);
  });

  it('turns an OpusHead around', () => {
    const plain = entryOf(audioOf('Opus', records.opus, 48000, 1));
    assert.deepEqual([plain.type, plain.inner], ['Opus', 'dOps']);
    assert.deepEqual(plain.config, hex('00 01 0138 0000bb80 0000 00'));
    const surround = Buffer.concat([records.opus.subarray(0, 18), hex('01 0402 000401020305')]);
    surround[9] = 6;
    const { config, fields } = entryOf(audioOf('Opus', surround, 44100, 6));
    assert.deepEqual(config, hex('00 06 0138 0000bb80 0000 01 0402 000401020305'));
    assert.equal(fields.readUInt16BE(24), 48000);
  });

  it('takes the STREAMINFO of FLAC with or without its magic, as the last metadata block', () => {
    const expected = Buffer.concat([hex('00000000 80000022'), records.flac.subarray(8)]);
    for (const record of [records.flac, records.flac.subarray(8)]) {
      const { type, inner, config } = entryOf(audioOf('fLaC', record, 48000, 1));
      assert.deepEqual([type, inner], ['fLaC', 'dfLa']);
      assert.deepEqual(config, expected);
    }
  });

  it('states no sample rate in the entry when it does not fit, and two channels when not known', () => {
    const { fields } = entryOf(audioOf('fLaC', records.flac, 96000, 0));
    assert.equal(fields.readUInt32BE(24), 0);
    assert.equal(fields.readUInt16BE(16), 2);
  });

  it('copies the records of AC-3 and Enhanced AC-3', () => {
    assert.deepEqual(entryOf(audioOf('ac-3', hex('10 3dc0'))).config, hex('10 3dc0'));
    const enhanced = entryOf(audioOf('ec-3', hex('0600 200f00')));
    assert.deepEqual([enhanced.inner, enhanced.config], ['dec3', hex('0600 200f00')]);
  });

  it('refuses tracks without the record that a decoder needs', () => {
    const refused: MediaTrack[] = [
      videoOf('avc1', hex('0164001e')),
      videoOf('hvc1', Buffer.alloc(22)),
      videoOf('av01', hex('81')),
      audioOf('mp4a', hex('12')),
      audioOf('mp4a', records.aac, 0),
      audioOf('.mp3', Buffer.alloc(0), 0),
      audioOf('Opus', records.opus.subarray(0, 18)),
      audioOf('Opus', Buffer.alloc(19)),
      audioOf('fLaC', records.flac.subarray(0, 41)),
      audioOf('fLaC', records.flac, 0),
      audioOf('ac-3', Buffer.alloc(0)),
      audioOf('ec-3', Buffer.alloc(4)),
    ];
    for (const track of refused) {
      assert.equal(mp4Supports(track), false, track.codec);
      assert.throws(() => mp4InitSegment([track]), {
        code: ErrorCode.HLS_DECODE_ERROR,
        message: /expected a .* track that MP4 can describe, got a record of \d+ bytes/,
      });
    }
    assert.equal(mp4Supports(video), true);
    assert.equal(mp4Supports(audio), true);
  });

  it('leaves room for the duration of a recording and says what to write there', () => {
    const header = mp4RecordingHeader([video, audio]);
    assert.deepEqual(
      boxesOf(one(header, 'moov/mvex')).map((box) => box.type),
      ['mehd', 'trex', 'trex'],
    );
    for (const patch of durationPatches(header, 61234.4)) {
      patch.bytes.copy(header, patch.position);
    }
    assert.equal(one(header, 'moov/mvhd').readUInt32BE(16), 61234);
    assert.equal(one(header, 'moov/mvex/mehd').readUInt32BE(4), 61234);
    assert.equal(one(header, 'moov/mvhd').readUInt32BE(12), 1000);
  });

  it('states the longest duration for one that does not fit, and nothing in other bytes', () => {
    const [patch] = durationPatches(mp4RecordingHeader([audio]), 2 ** 40);
    assert.deepEqual(patch?.bytes, hex('fffffffe'));
    assert.deepEqual(durationPatches(Buffer.from('FLV no boxes at all'), 1), []);
    assert.equal(durationPatches(mp4InitSegment([audio]), 1).length, 1);
  });
});
