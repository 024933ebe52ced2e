import assert from 'node:assert/strict';

import { vp8KeyFrameSize, vp9KeyFrameSize, vpxBoxBody } from '../../../src/media/vpx';
import { hex, records } from '../../support/media';

describe('media/vpx', () => {
  it('reads the size of a VP8 key frame', () => {
    const frame = hex('50 4200 9d012a 4001 f0c0 00');
    assert.deepEqual(vp8KeyFrameSize(frame), { width: 320, height: 240 });
    assert.equal(vp8KeyFrameSize(hex('51 4200 000000 4001 f000')), undefined);
    assert.equal(vp8KeyFrameSize(frame.subarray(0, 9)), undefined);
  });

  it('reads the size of VP9 key frames of all profiles', () => {
    const rows: [string, string][] = [
      // frame_marker, profile, flags, sync code, colour, width less one, height less one.
      ['profile 0', '10 0 0 0 0 1 0 010010011000001101000010 010 0'],
      ['profile 1, RGB', '10 1 0 0 0 1 0 010010011000001101000010 111 0'],
      ['profile 1', '10 1 0 0 0 1 0 010010011000001101000010 010 0 000'],
      ['profile 2', '10 0 1 0 0 1 0 010010011000001101000010 0 010 0'],
      ['profile 3', '10 1 1 0 0 0 1 0 010010011000001101000010 1 010 0 000'],
    ];
    for (const [name, head] of rows) {
      const text = `${head}00000100111111110000001011001111`.replace(/\s/g, '');
      const bytes = text.padEnd(128, '0').match(/.{8}/g) ?? [];
      const frame = Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)));
      assert.deepEqual(vp9KeyFrameSize(frame), { width: 1280, height: 720 }, name);
    }
  });

  it('reads no size off other VP9 frames', () => {
    assert.equal(vp9KeyFrameSize(Buffer.alloc(16, 0x86)), undefined, 'an inter frame');
    assert.equal(vp9KeyFrameSize(Buffer.alloc(16, 0x88)), undefined, 'one shown again');
    assert.equal(vp9KeyFrameSize(Buffer.alloc(16)), undefined, 'no frame marker');
    assert.equal(vp9KeyFrameSize(hex('82498342')), undefined, 'cut short');
    assert.equal(vp9KeyFrameSize(Buffer.alloc(16, 0x82)), undefined, 'no sync code');
  });

  it('adds version and flags where they are missing', () => {
    const bare = hex('001f820202020000');
    assert.deepEqual(vpxBoxBody(bare), records.vp9);
    assert.equal(vpxBoxBody(records.vp9), records.vp9);
    assert.equal(vpxBoxBody(Buffer.alloc(0)).length, 0);
  });
});
