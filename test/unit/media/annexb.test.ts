import assert from 'node:assert/strict';

import { ErrorCode } from '../../../src/core/errors';
import {
  annexBUnits,
  isLengthPrefixed,
  joinLengthPrefixed,
  nalUnitLength,
  nalUnits,
  startsWithStartCode,
  toLengthPrefixed,
} from '../../../src/media/annexb';
import { hex } from '../../support/media';

const hexes = (units: Buffer[]): string[] => units.map((unit) => unit.toString('hex'));

describe('media/annexb', () => {
  it('splits a byte stream at start codes of three and four bytes', () => {
    const stream = hex('00000001 0910 000001 674d00 00000001 68ee 000001 65b80403');
    assert.deepEqual(hexes(annexBUnits(stream)), ['0910', '674d', '68ee', '65b80403']);
  });

  it('leaves out zeros behind units, empty units, and what stands before the first start code', () => {
    assert.deepEqual(hexes(annexBUnits(hex('ff 000001 000001 4100 0000'))), ['41']);
    assert.deepEqual(hexes(annexBUnits(hex('4101'))), []);
    assert.deepEqual(hexes(annexBUnits(hex('000001 000003 01 000001 42'))), ['00000301', '42']);
  });

  it('walks lengths of one, two and four bytes', () => {
    assert.deepEqual(hexes(nalUnits(hex('02 4101 01 42'), 1)), ['4101', '42']);
    assert.deepEqual(hexes(nalUnits(hex('0002 4101 0000 0001 42'), 2)), ['4101', '42']);
    assert.deepEqual(hexes(nalUnits(hex('00000002 4101'), 4)), ['4101']);
    assert.equal(nalUnitLength(hex('80000000'), 0, 4), 2 ** 31);
    assert.equal(nalUnitLength(hex('800000'), 0, 4), -1);
  });

  it('refuses lengths that do not fill the frame', () => {
    for (const frame of ['00000003 4101', '00000002 4101 00', 'ffffffff 41']) {
      assert.equal(isLengthPrefixed(hex(frame), 4), false, frame);
      assert.throws(() => nalUnits(hex(frame), 4), { code: ErrorCode.HLS_DECODE_ERROR });
      assert.throws(() => toLengthPrefixed(hex(frame), 4), {
        message: /lengths of 4 bytes, got a frame of \d bytes that they do not fill/,
      });
    }
  });

  it('converts a byte stream, and only what is one', () => {
    const stream = hex('00000001 0910 000001 65b804');
    assert.equal(toLengthPrefixed(stream, 4).toString('hex'), '0000000209100000000365b804');
    assert.equal(toLengthPrefixed(stream, 1).toString('hex'), '0209100365b804');
    const prefixed = hex('00000002 4101');
    assert.equal(toLengthPrefixed(prefixed, 4), prefixed);
  });

  it('does not take a length of 256 to 511, or of 1, for a start code', () => {
    const long = Buffer.concat([hex('0000012c'), Buffer.alloc(300, 0x41)]);
    assert.equal(startsWithStartCode(long), true);
    assert.equal(toLengthPrefixed(long, 4), long);
    const short = hex('00000001 0a');
    assert.equal(toLengthPrefixed(short, 4), short);
  });

  it('refuses more units than an encoder makes, whose bytes are far fewer than their cost', () => {
    const most = 16384;
    const prefixed = (count: number): Buffer => Buffer.alloc(2 * count, 1);
    const stream = (count: number): Buffer => Buffer.alloc(4 * count, hex('00000165'));
    assert.equal(toLengthPrefixed(prefixed(most), 1).length, 2 * most);
    assert.equal(nalUnits(prefixed(most), 1).length, most);
    assert.equal(annexBUnits(stream(most)).length, most);
    for (const refused of [
      () => toLengthPrefixed(prefixed(most + 1), 1),
      () => nalUnits(prefixed(most + 1), 1),
      () => toLengthPrefixed(stream(most + 1), 4),
    ]) {
      assert.throws(refused, {
        code: ErrorCode.HLS_DECODE_ERROR,
        message: /up to 16384 NAL units/,
      });
    }
  });

  it('refuses a unit that is too long for its length field', () => {
    assert.throws(() => joinLengthPrefixed([Buffer.alloc(256)], 1), {
      code: ErrorCode.HLS_DECODE_ERROR,
      message: /fit a length of 1 bytes, got one of 256 bytes/,
    });
  });
});
