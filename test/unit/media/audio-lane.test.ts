import assert from 'node:assert/strict';

import { ErrorCode } from '../../../src/core/errors';
import { aacFrame, aacSequenceHeader, hex, records } from '../../support/media';
import { Heard, enhanced } from '../../support/track-heard';

const decodeError = { code: ErrorCode.HLS_DECODE_ERROR };

describe('media/audio-lane', () => {
  const opus = enhanced('90', 'Opus', records.opus);

  it('reads legacy AAC', () => {
    const heard = new Heard().audio(aacFrame(), aacSequenceHeader(), aacFrame('x'));
    assert.deepEqual(heard.codecs, ['mp4a 44100x2 /1024']);
    assert.deepEqual(heard.frames, [
      { kind: 'audio', timestamp: 23, compositionMs: 0, isKey: true, data: Buffer.from('x') },
    ]);
    assert.deepEqual(heard.ignored, ['audio frames before their configuration']);
    heard.audio(aacSequenceHeader(), hex('af00'), hex('af01'), hex('af02aa'), hex('af'));
    assert.equal(heard.tracks.length, 1);
    assert.equal(heard.frames.length, 1);
  });

  it('states the samples of AAC frames at the rate heard', () => {
    const heard = new Heard().audio(
      aacSequenceHeader(records.aacSbr),
      aacSequenceHeader(hex('eb098800')),
      aacSequenceHeader(hex('1214')),
      aacSequenceHeader(records.aac51),
    );
    assert.deepEqual(heard.codecs, [
      'mp4a 44100x2 /2048',
      'mp4a 48000x2 /2048',
      'mp4a 44100x2 /960',
      'mp4a 48000x6 /1024',
    ]);
  });

  it('reads MP3 by its frames, MPEG-2 and 8 kHz included, and tells when they change', () => {
    const heard = new Heard().audio(
      hex('2f fffb9064 00'),
      hex('2f fffb9064 01'),
      hex('2a fff384c4 00'),
      hex('ef ffe34804 00'),
      hex('2f 00000000'),
    );
    assert.deepEqual(heard.codecs, ['.mp3 44100x2 /1152', '.mp3 24000x1 /576', '.mp3 8000x2 /576']);
    assert.deepEqual(heard.data[1], 'fffb906401');
    assert.deepEqual(heard.ignored, ['.mp3 frames without a header']);
  });

  it('reads enhanced AAC, Opus, FLAC, MP3, AC-3 and E-AC-3', () => {
    const heard = new Heard().audio(
      enhanced('90', 'mp4a', records.aac),
      enhanced('91', 'mp4a', hex('21')),
      opus,
      enhanced('91', 'Opus', hex('fc')),
      enhanced('90', 'fLaC', records.flac),
      enhanced('91', 'fLaC', hex('fff8')),
      enhanced('90', '.mp3', hex('00')),
      enhanced('91', '.mp3', hex('fffb9064')),
      enhanced('91', 'ac-3', hex('0b77e06b144043e1')),
      enhanced('91', 'ec-3', hex('0b77017f34860000')),
      enhanced('92', 'ec-3'),
    );
    assert.deepEqual(heard.codecs, [
      'mp4a 44100x2 /1024',
      'Opus 48000x1 /0',
      'fLaC 48000x1 /4608',
      '.mp3 44100x2 /1152',
      'ac-3 48000x2 /1536',
      'ec-3 48000x2 /1536',
    ]);
    assert.deepEqual(heard.data.slice(0, 3), ['21', 'fc', 'fff8']);
    assert.equal(heard.frames.length, 6);
    assert.deepEqual(heard.ended, ['audio']);
  });

  it('refuses malformed configurations', () => {
    const heard = new Heard();
    for (const body of [
      aacSequenceHeader(hex('12')),
      enhanced('90', 'Opus', hex('4f707573')),
      enhanced('90', 'fLaC', records.flac.subarray(4)),
    ]) {
      assert.throws(() => heard.audio(body), decodeError);
    }
    assert.deepEqual(heard.tracks, []);
  });
});
