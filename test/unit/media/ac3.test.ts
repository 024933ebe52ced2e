import assert from 'node:assert/strict';

import { parseAc3Header } from '../../../src/media/ac3';
import { hex } from '../../support/media';

describe('media/ac3', () => {
  it('reads AC-3: stereo at 48 kHz, 5.1 at 44.1 kHz, mono at 32 kHz', () => {
    const rows: [string, number, number][] = [
      ['0b77 e06b 14 40 43e1', 48000, 2],
      ['0b77 0000 5c 40 e1 00', 44100, 6],
      ['0b77 0000 80 40 2000', 32000, 1],
    ];
    for (const [bytes, sampleRate, channels] of rows) {
      assert.deepEqual(parseAc3Header(hex(bytes)), { sampleRate, channels, samplesPerFrame: 1536 });
    }
  });

  it('reads E-AC-3, with fewer blocks and at half rates', () => {
    const at48 = parseAc3Header(hex('0b77 017f 34 86 0000'));
    assert.deepEqual(at48, { sampleRate: 48000, channels: 2, samplesPerFrame: 1536 });
    const oneBlock = parseAc3Header(hex('0b77 017f 0f 86 0000'));
    assert.deepEqual(oneBlock, { sampleRate: 48000, channels: 6, samplesPerFrame: 256 });
    const half = parseAc3Header(hex('0b77 017f d2 86 0000'));
    assert.deepEqual(half, { sampleRate: 22050, channels: 1, samplesPerFrame: 1536 });
  });

  it('refuses what has no sync word, is cut short or has reserved fields', () => {
    for (const bytes of [
      '0b76 e06b 14 40 43e1',
      '0b77 e06b 14 40 43',
      '0b77 0000 c0 40 4000',
      '0b77 0000 00 88 4000',
      '0b77 0000 f0 86 0000',
    ]) {
      assert.equal(parseAc3Header(hex(bytes)), undefined, bytes);
    }
  });
});
