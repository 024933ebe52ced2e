import assert from 'node:assert/strict';

import { mp3SamplesPerFrame, parseMp3Header } from '../../../src/media/mp3';
import { hex } from '../../support/media';

describe('media/mp3', () => {
  it('reads MPEG-1, MPEG-2 and MPEG-2.5 headers', () => {
    assert.deepEqual(parseMp3Header(hex('fffb9064')), { layer: 3, sampleRate: 44100, channels: 2 });
    assert.deepEqual(parseMp3Header(hex('fff384c4')), { layer: 3, sampleRate: 24000, channels: 1 });
    assert.deepEqual(parseMp3Header(hex('ffe34804')), { layer: 3, sampleRate: 8000, channels: 2 });
    assert.deepEqual(parseMp3Header(hex('fffd8004')), { layer: 2, sampleRate: 44100, channels: 2 });
  });

  it('reads where it is told to', () => {
    assert.equal(parseMp3Header(hex('2ffffb9064'), 1)?.sampleRate, 44100);
    assert.equal(parseMp3Header(hex('fffb9064'), 0, 3), undefined);
  });

  it('refuses what has no frame sync or a reserved field', () => {
    for (const bytes of ['00fb9064', 'ffeb9064', 'fff99064', 'fffb9c64', 'ffdb9064']) {
      assert.equal(parseMp3Header(hex(bytes)), undefined, bytes);
    }
  });

  it('knows the samples of a frame of each layer', () => {
    const rows: [number, number, number][] = [
      [3, 44100, 1152],
      [3, 32000, 1152],
      [3, 24000, 576],
      [3, 8000, 576],
      [2, 16000, 1152],
      [1, 48000, 384],
    ];
    for (const [layer, sampleRate, samples] of rows) {
      assert.equal(mp3SamplesPerFrame({ layer, sampleRate, channels: 2 }), samples);
    }
  });
});
