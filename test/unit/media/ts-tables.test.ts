import assert from 'node:assert/strict';

import { crc32Mpeg } from '../../../src/media/crc32';
import { patSection, pmtSection } from '../../../src/media/ts-tables';
import { hex } from '../../support/media';

describe('media/crc32', () => {
  it('has the check value of CRC-32/MPEG-2', () => {
    assert.equal(crc32Mpeg(Buffer.from('123456789')), 0x0376e6e7);
    assert.equal(crc32Mpeg(Buffer.from('x123456789x'), 1, 10), 0x0376e6e7);
    assert.equal(crc32Mpeg(Buffer.alloc(0)), 0xffffffff);
  });

  it('is 0 over data and its CRC', () => {
    assert.equal(crc32Mpeg(hex('313233343536373839 0376e6e7')), 0);
  });
});

describe('media/ts-tables', () => {
  it('writes a PAT of one program', () => {
    assert.deepEqual(patSection(), hex('00 b00d 0001 c1 00 00 0001 f001 2e701905'));
  });

  it('lists H.264 and AAC with the clock on the pictures', () => {
    const streams = [
      { streamType: 0x1b, pid: 0x100 },
      { streamType: 0x0f, pid: 0x101 },
    ];
    const expected = '02 b017 0001 c1 00 00 e100 f000 1b e100 f000 0f e101 f000 2f44b99b';
    assert.deepEqual(pmtSection(streams, 0x100, 0), hex(expected));
  });

  it('states the version in five bits', () => {
    const versions = [1, 31, 32].map((version) => pmtSection([], 0x1fff, version)[5]);
    assert.deepEqual(versions, [0xc3, 0xff, 0xc1]);
  });

  it('registers the formats whose stream type is not understood everywhere', () => {
    const section = pmtSection([{ streamType: 0x24, pid: 0x100 }], 0x100, 0);
    assert.equal(section.toString('hex', 12, 23), `24e100f006050448455643`);
    assert.equal(crc32Mpeg(section), 0);
    const sound = pmtSection([{ streamType: 0x81, pid: 0x102 }], 0x102, 0);
    assert.equal(sound.toString('latin1', 19, 23), 'AC-3');
  });
});
