import assert from 'node:assert/strict';

import { ErrorCode } from '../../../src/core/errors';
import { makeAvcConfig } from '../../../src/media/avc';
import { withHevcParameterSets } from '../../../src/media/hevc';
import { videoTrackOf } from '../../../src/media/track-configuration';
import { Bits } from '../../support/bits';
import { hex, records } from '../../support/media';

/** An H.264 sequence parameter set up to its size, in macroblocks less 1. */
function avcSps(widthMinus1: number, heightMinus1: number): Bits {
  const start = new Bits().u(0x67, 8).u(66, 8).u(0, 8).u(30, 8).ue(0, 0, 0, 0, 1).u(0, 1);
  return start.ue(widthMinus1, heightMinus1).u(1, 1).u(0, 1);
}

const avcRecord = (sps: Bits): Buffer => makeAvcConfig([sps.done()], [hex('68ce')], 4);

describe('media/track-configuration', () => {
  it('refuses pictures of a size that no container can state', () => {
    const rows: [string, Bits][] = [
      ['65536x16', avcSps(4095, 0).u(0, 2)],
      ['16x-8', avcSps(0, 0).u(1, 1).ue(0, 0, 0, 12).u(0, 1)],
      ['0x16', avcSps(0, 0).u(1, 1).ue(0, 8, 0, 0).u(0, 1)],
    ];
    for (const [size, sps] of rows) {
      assert.throws(() => videoTrackOf('avc1', avcRecord(sps)), {
        code: ErrorCode.HLS_DECODE_ERROR,
        message: `expected pictures of 1 to 65535 pixels each way, got ${size}`,
      });
    }
    const hevc = new Bits()
      .u(0x4201, 16)
      .u(0, 4)
      .u(0, 3)
      .u(1, 1)
      .u(0, 96)
      .ue(0, 1, 70000, 16)
      .u(0, 1);
    assert.throws(() => videoTrackOf('hvc1', withHevcParameterSets(records.hevc, [hevc.done()])), {
      message: /got 70000x16/,
    });
    assert.equal(videoTrackOf('avc1', avcRecord(avcSps(4094, 0).u(0, 2))).width, 65520);
  });

  it('takes a frame rate that no encoder means for none', () => {
    const timed = (units: number, scale: number): number => {
      const sps = avcSps(39, 29).u(0, 1).u(1, 1).u(0, 4).u(1, 1).u(units, 32).u(scale, 32);
      return videoTrackOf('avc1', avcRecord(sps)).fps;
    };
    assert.equal(timed(1, 50), 25);
    assert.equal(timed(1, 2000), 1000);
    assert.equal(timed(1, 2002), 0);
    assert.equal(timed(1, 2), 1);
    assert.equal(timed(0xffffffff, 1), 0, 'the last frame would last for centuries');
  });
});
