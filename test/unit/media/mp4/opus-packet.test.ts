import assert from 'node:assert/strict';

import { opusPacketSamples } from '../../../../src/media/mp4/opus-packet';
import { hex } from '../../../support/media';

describe('media/mp4/opus-packet', () => {
  it('knows the samples of all kinds of Opus packets', () => {
    const cases: [string, number][] = [
      ['00', 480],
      ['18', 2880],
      ['60', 480],
      ['68', 960],
      ['80', 120],
      ['f8', 960],
      ['fa', 1920],
      ['fb 03', 2880],
      ['fb 86', 5760],
      ['fb 07', 0],
      ['fb', 0],
      ['', 0],
    ];
    for (const [packet, samples] of cases) {
      assert.equal(opusPacketSamples(hex(packet)), samples, packet);
    }
  });
});
