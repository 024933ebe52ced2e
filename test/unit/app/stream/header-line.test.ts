import assert from 'node:assert/strict';

import { describeHeader } from '../../../../src/app/stream/header-line';
import { aacHeader, avcHeader } from '../../../support/media-bodies';

describe('the log line on a sequence header', () => {
  it('tells size, codec, profile and picture of video', () => {
    const line = describeHeader(9, avcHeader);
    assert.match(line, new RegExp(`^${avcHeader.length}B video sh, codec\\(7, H264, profile=`));
    assert.match(line, /level=\d/);
    assert.match(line, /, \d+x\d+/);
  });

  it('tells codec, profile, channels and rate of audio', () => {
    const line = describeHeader(8, aacHeader);
    assert.match(line, /^4B audio sh, codec\(10, AAC, profile=LC, 2channels, 44100HZ\)$/);
  });

  it('names a body it does not understand', () => {
    const damaged = Buffer.from([0x17, 0, 0, 0, 0, 9]);
    assert.equal(describeHeader(9, damaged), '6B video sh, codec(not understood)');
    assert.equal(describeHeader(8, Buffer.from([0xaf, 0])), '2B audio sh, codec(not understood)');
  });
});
