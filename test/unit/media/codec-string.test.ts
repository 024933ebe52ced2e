import assert from 'node:assert/strict';

import { ErrorCode } from '../../../src/core/errors';
import { codecString } from '../../../src/media/codec-string';
import type { AudioTrack, VideoTrack } from '../../../src/media/track';
import { hex, records } from '../../support/media';

function videoString(codec: VideoTrack['codec'], record: Buffer): string {
  return codecString({ kind: 'video', codec, record, width: 0, height: 0, fps: 0, lengthSize: 4 });
}

function audioString(codec: AudioTrack['codec'], record: Buffer = Buffer.alloc(0)): string {
  const numbers = { sampleRate: 48000, channels: 2, samplesPerFrame: 0 };
  return codecString({ kind: 'audio', codec, record, ...numbers });
}

describe('media/codec-string', () => {
  it('names H.264 by profile, constraints and level', () => {
    assert.equal(videoString('avc1', records.avc), 'avc1.64001e');
    assert.equal(videoString('avc1', records.avcBaseline), 'avc1.42c028');
  });

  it('names H.265 with reversed flags and without trailing zero bytes', () => {
    assert.equal(videoString('hvc1', records.hevc), 'hvc1.1.6.L93.90');
    assert.equal(videoString('hvc1', records.hevcMain10), 'hvc1.2.4.L120.90');
    const plain = Buffer.concat([hex('01 01 60000000 b00000000000 5d'), Buffer.alloc(10)]);
    assert.equal(videoString('hvc1', plain), 'hvc1.1.6.L93.B0');
    const odd = Buffer.concat([hex('01 64 80000001 000c00000000 96'), Buffer.alloc(10)]);
    assert.equal(videoString('hvc1', odd), 'hvc1.A4.80000001.H150.0.C');
    const bare = Buffer.concat([hex('01 02 20000000 000000000000 78'), Buffer.alloc(10)]);
    assert.equal(videoString('hvc1', bare), 'hvc1.2.4.L120');
  });

  it('names AV1 by profile, level, tier and depth, and by more when it is not 4:2:0', () => {
    assert.equal(videoString('av01', records.av1), 'av01.0.05M.08');
    assert.equal(videoString('av01', hex('81 0d cc 00')), 'av01.0.13H.10');
    assert.equal(videoString('av01', hex('81 2d 40 00')), 'av01.1.13M.10.0.000.01.01.01.0');
    assert.equal(videoString('av01', hex('81 4d e8 00')), 'av01.2.13H.12.0.100.01.01.01.0');
    assert.equal(videoString('av01', hex('81 04 1e 00')), 'av01.0.04M.08.1.112.01.01.01.0');
  });

  it('names VP8 and VP9 by profile, level and depth, with a guess for what is not stated', () => {
    assert.equal(videoString('vp09', records.vp9), 'vp09.00.31.08');
    assert.equal(videoString('vp09', hex('01000000 0229a2 020202 0000')), 'vp09.02.41.10');
    assert.equal(videoString('vp09', Buffer.alloc(0)), 'vp09.00.10.08');
    assert.equal(videoString('vp08', hex('01000000 000080 020202 0000')), 'vp08.00.10.08');
  });

  it('names AAC by what is signalled', () => {
    assert.equal(audioString('mp4a', records.aac), 'mp4a.40.2');
    assert.equal(audioString('mp4a', records.aacSbr), 'mp4a.40.5');
    // HE-AAC and HE-AAC v2 signalled hierarchically: object type 5 or 29, 22050 and 44100 Hz, core AAC LC.
    assert.equal(audioString('mp4a', hex('2b920800')), 'mp4a.40.5');
    assert.equal(audioString('mp4a', hex('eb8a0800')), 'mp4a.40.29');
    assert.equal(audioString('mp4a', hex('0a10')), 'mp4a.40.1');
  });

  it('names the other audio codecs', () => {
    assert.equal(audioString('.mp3'), 'mp4a.40.34');
    assert.equal(audioString('Opus'), 'opus');
    assert.equal(audioString('fLaC'), 'fLaC');
    assert.equal(audioString('ac-3'), 'ac-3');
    assert.equal(audioString('ec-3'), 'ec-3');
  });

  it('refuses records too short to say', () => {
    for (const codec of ['avc1', 'hvc1', 'av01'] as const) {
      assert.throws(() => videoString(codec, hex('0142')), {
        code: ErrorCode.HLS_DECODE_ERROR,
        message: /expected a .* configuration of at least \d+ bytes, got 2/,
      });
    }
    assert.throws(() => audioString('mp4a', hex('12')), { code: ErrorCode.HLS_DECODE_ERROR });
  });
});
