import assert from 'node:assert/strict';

import { ErrorCode } from '../../../src/core/errors';
import {
  aacFrame,
  aacSequenceHeader,
  avcEndOfSequence,
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
  hevcInterFrame,
  hevcKeyFrame,
  hevcSequenceHeader,
  hex,
  records,
} from '../../support/media';
import { Heard, enhanced, legacy, unit } from '../../support/track-heard';

const decodeError = { code: ErrorCode.HLS_DECODE_ERROR };

describe('media/track-reader video', () => {
  it('reads legacy H.264: its track, then its frames with signed composition time', () => {
    const heard = new Heard().video(
      avcSequenceHeader(),
      legacy('17 01 000050', unit(hex('6588'))),
      legacy('27 01 ffffd8', unit(hex('4101'))),
      avcEndOfSequence(),
    );
    assert.deepEqual(heard.codecs, ['avc1 640x360 /4']);
    assert.deepEqual(heard.tracks[0]?.record, records.avc);
    const common = { kind: 'video', timestamp: 40 };
    assert.deepEqual(heard.frames, [
      { ...common, compositionMs: 80, isKey: true, data: hex('000000026588') },
      { ...common, compositionMs: -40, isKey: false, data: hex('000000024101') },
    ]);
    assert.deepEqual(heard.ended, ['video']);
    assert.deepEqual(heard.ignored, []);
  });

  it('reads legacy H.265 and AV1', () => {
    const hevc = new Heard().video(
      legacy('1c 00 000000', records.hevc),
      legacy('1c 01 000028', unit(hex('2601af'))),
    );
    assert.deepEqual(hevc.codecs, ['hvc1 1280x720 /4']);
    assert.equal(hevc.frames[0]?.compositionMs, 40);
    const av1 = new Heard().video(
      legacy('1d 00 000000', records.av1),
      legacy('2d 01 000000', hex('1200')),
    );
    assert.deepEqual(av1.codecs, ['av01 1280x720 /0']);
    assert.deepEqual(av1.data, ['1200']);
  });

  it('reads enhanced H.265 with and without composition time', () => {
    const heard = new Heard().video(
      hevcSequenceHeader(),
      enhanced('91', 'hvc1', hex('fffff6'), unit(hex('2601'))),
      hevcKeyFrame(),
      hevcInterFrame(),
      enhanced('92', 'hvc1'),
    );
    assert.deepEqual(heard.codecs, ['hvc1 1280x720 /4']);
    assert.deepEqual(
      heard.frames.map((frame) => [frame.compositionMs, frame.isKey]),
      [
        [-10, true],
        [0, true],
        [0, false],
      ],
    );
    assert.equal(heard.data[0], '000000022601');
    assert.deepEqual(heard.ended, ['video']);
  });

  it('reads enhanced H.264 and AV1 behind ModEx', () => {
    const avc = new Heard().video(
      enhanced('97 02 0f4240 00', 'avc1', records.avc),
      enhanced('97 02 0f4240 01', 'avc1', hex('000028'), unit(hex('6588'))),
      enhanced('a3', 'avc1', unit(hex('4101'))),
    );
    assert.deepEqual(avc.codecs, ['avc1 640x360 /4']);
    assert.deepEqual(
      avc.frames.map((frame) => frame.compositionMs),
      [40, 0],
    );
    const av1 = new Heard().video(
      enhanced('90', 'av01', records.av1),
      enhanced('91', 'av01', hex('0a01')),
    );
    assert.deepEqual(av1.codecs, ['av01 1280x720 /0']);
    assert.deepEqual(av1.data, ['0a01']);
  });

  it('takes the size of VP8, VP9 and bare AV1 from their key frames', () => {
    const vp8 = hex('50 4200 9d012a 4001 f000 00');
    const heard = new Heard().video(enhanced('90', 'vp08'), enhanced('91', 'vp08', vp8));
    assert.deepEqual(heard.codecs, ['vp08 320x240 /0']);
    const vp9 = hex('824983424004ff02cf00000000000000');
    const bare = records.vp9.subarray(4);
    const nine = new Heard().video(enhanced('90', 'vp09', bare), enhanced('91', 'vp09', vp9));
    assert.equal(nine.tracks[0]?.record.toString('hex'), records.vp9.toString('hex'));
    assert.equal(nine.frames.length, 1);
    const headless = records.av1.subarray(0, 4);
    const unitOfObus = Buffer.concat([hex('1200'), records.av1.subarray(4), hex('320110')]);
    const av1 = new Heard().video(
      enhanced('90', 'av01', headless),
      enhanced('91', 'av01', unitOfObus),
    );
    assert.deepEqual(av1.codecs, ['av01 1280x720 /0']);
    assert.deepEqual(av1.tracks[0]?.record, records.av1);
  });

  it('tells a track once when its header is repeated, and again when it changes', () => {
    const heard = new Heard().video(avcSequenceHeader(), avcKeyFrame(), avcSequenceHeader());
    assert.equal(heard.tracks.length, 1);
    heard.video(avcSequenceHeader(records.avcInterlaced), hevcSequenceHeader());
    assert.deepEqual(heard.codecs.slice(1), ['avc1 1280x720 /4', 'hvc1 1280x720 /4']);
  });

  it('converts Annex B frames, and accepts length sizes of 1 and 2', () => {
    const stream = hex('00000001 0910 000001 6588');
    const heard = new Heard().video(avcSequenceHeader(), legacy('1701000000', stream));
    assert.deepEqual(heard.data, ['000000020910000000026588']);
    for (const [size, frame] of [
      [1, hex('02 6588')],
      [2, hex('0002 6588')],
    ] as const) {
      const record = Buffer.from(records.avc);
      record[4] = 0xfc | (size - 1);
      const short = new Heard().video(avcSequenceHeader(record), legacy('1701000000', frame));
      assert.deepEqual(short.codecs, [`avc1 640x360 /${size}`]);
      assert.deepEqual(short.frames[0]?.data, frame);
    }
  });

  it('refuses malformed configurations and frames, and stays usable', () => {
    const heard = new Heard().video(avcSequenceHeader());
    const threeBytes = Buffer.from(records.avc);
    threeBytes[4] = 0xfe;
    const bad: [Buffer, RegExp][] = [
      [avcSequenceHeader(records.avc.subarray(0, 20)), /avc1 configuration: expected 26 bytes/],
      [avcSequenceHeader(threeBytes), /lengths of 1, 2 or 4 bytes, got 3/],
      [hevcSequenceHeader(records.hevc.subarray(0, 40)), /hvc1 configuration/],
      [legacy('2701000000', hex('00000009 41')), /do not fill/],
    ];
    for (const [body, message] of bad) {
      assert.throws(() => heard.video(body), { ...decodeError, message });
    }
    heard.video(avcKeyFrame());
    assert.deepEqual(heard.codecs, ['avc1 640x360 /4']);
    assert.equal(heard.frames.length, 1);
  });

  it('ignores frames before their configuration, and tells it once', () => {
    const heard = new Heard().video(avcInterFrame(), avcKeyFrame(), hevcKeyFrame());
    heard.video(legacy('1701000000', hex('0002 6588')));
    assert.deepEqual(heard.frames, []);
    assert.deepEqual(heard.ignored, ['video frames before their configuration']);
  });
});

describe('media/track-reader tracks and what is ignored', () => {
  it('reads the first of several tracks, and tells it once', () => {
    const heard = new Heard().video(
      enhanced('9600', 'hvc1', hex('03'), records.hevc),
      enhanced('9600', 'hvc1', hex('04'), records.hevcMain10),
      enhanced('9603', 'hvc1', hex('04'), unit(hex('2601'))),
      enhanced('9603', 'hvc1', hex('03'), unit(hex('2602'))),
    );
    assert.deepEqual(heard.codecs, ['hvc1 1280x720 /4']);
    assert.deepEqual(heard.data, ['000000022602']);
    assert.deepEqual(heard.ignored, ['more than one video track, only track 3 is used']);
  });

  it('prefers track 0 when that comes later', () => {
    const heard = new Heard().video(
      enhanced('9600', 'hvc1', hex('03'), records.hevc),
      avcSequenceHeader(),
      avcKeyFrame(),
      enhanced('9603', 'hvc1', hex('03'), unit(hex('2602'))),
    );
    assert.deepEqual(heard.codecs, ['hvc1 1280x720 /4', 'avc1 640x360 /4']);
    assert.equal(heard.frames.length, 1);
  });

  it('finds its track among others of one message', () => {
    const first = records.avc;
    const both = (type: string, ...tracks: Buffer[]): Buffer =>
      Buffer.concat([hex(type), Buffer.from('avc1'), ...tracks]);
    const size = (data: Buffer): Buffer => hex(data.length.toString(16).padStart(6, '0'));
    const frame = unit(hex('6588'));
    const heard = new Heard().video(
      both('9610', hex('00'), size(first), first, hex('01 000001 ff')),
      both('9613', hex('01 000001 ff'), hex('00'), size(frame), frame),
    );
    assert.deepEqual(heard.codecs, ['avc1 640x360 /4']);
    assert.deepEqual(heard.frames[0]?.data, frame);
    const own = new Heard().audio(
      Buffer.concat([
        hex('9520'),
        Buffer.from('Opus'),
        hex('05'),
        size(records.opus),
        records.opus,
        Buffer.from('mp4a'),
        hex('06 000002 1210'),
      ]),
      hex('9521'),
      enhanced('9521', 'Opus', hex('05 0000')),
    );
    assert.deepEqual(own.codecs, ['Opus 48000x1 /0']);
  });

  it('tells once of each codec it does not know, in printable words', () => {
    const heard = new Heard().video(
      hex('2200'),
      hex('2200'),
      enhanced('91', 'vvc1', hex('000000 00')),
      hex('91 0a0d1b00 00'),
    );
    heard.audio(hex('b63054'));
    assert.deepEqual(heard.ignored, [
      'video codec id 2 is not supported',
      'video codec vvc1 is not supported',
      'video codec 0x0a0d1b00 is not supported',
      'audio codec id 11 is not supported',
    ]);
  });

  it('does not let a peer make up reasons without end', () => {
    const heard = new Heard();
    for (let index = 0; index < 100; index++) heard.video(enhanced('91', `x${index + 100}`));
    assert.equal(heard.ignored.length, 16);
  });

  it('passes over data, commands, metadata and what is cut short', () => {
    const heard = new Heard().video(
      hex('5700'),
      hex('d700'),
      hex('94 68766331 02'),
      hex('17'),
      hex('170100'),
      hex('91 6876'),
      hex('96 00 687663'),
      hex('96'),
      hex('91 68766331 00'),
      hex('97 ff'),
      Buffer.alloc(0),
    );
    heard.reader.read({ type: 18, timestamp: 0, flags: 0, payload: hex('020000') });
    heard.audio(Buffer.alloc(0), hex('95 10 4f707573 00 0000'), hex('94 4f707573 00'));
    assert.deepEqual(heard.frames, []);
    assert.deepEqual(heard.ignored, []);
  });

  it('forgets everything on reset', () => {
    const heard = new Heard().video(avcSequenceHeader()).audio(aacSequenceHeader());
    heard.video(hex('2200'));
    heard.reader.reset();
    heard.video(avcKeyFrame(), hex('2200')).audio(aacFrame());
    assert.deepEqual(heard.frames, []);
    assert.equal(heard.ignored.length, 4);
    heard.video(avcSequenceHeader()).audio(aacSequenceHeader());
    assert.equal(heard.tracks.length, 4);
  });
});
