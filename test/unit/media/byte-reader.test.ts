import assert from 'node:assert/strict';

import { ErrorCode } from '../../../src/core/errors';
import { ByteReader } from '../../../src/media/byte-reader';
import { ByteWriter } from '../../../src/media/byte-writer';
import { hex } from '../../support/media';

describe('media/byte-reader', () => {
  it('reads big-endian numbers in order', () => {
    const reader = new ByteReader(hex('01 fffe 800001 fedcba98'));
    assert.equal(reader.u8(), 1);
    assert.equal(reader.u16(), 0xfffe);
    assert.equal(reader.u24(), 0x800001);
    assert.equal(reader.position, 6);
    assert.equal(reader.u32(), 0xfedcba98);
    assert.equal(reader.remaining, 0);
  });

  it('keeps within its range of a larger buffer', () => {
    const reader = new ByteReader(hex('000102030405'), 1, 4);
    reader.skip(1);
    assert.deepEqual(Buffer.from(reader.bytes(2)), hex('0203'));
    assert.equal(reader.remaining, 0);
  });

  it('says what is missing, and stays where it was', () => {
    const reader = new ByteReader(hex('010203'), 0, 10);
    reader.skip(1);
    assert.throws(() => reader.bytes(3), {
      code: ErrorCode.KERNEL_STREAM_INIT,
      message: /expected 3 bytes at offset 1, only 2 left/,
    });
    assert.throws(() => reader.u24(), { code: ErrorCode.KERNEL_STREAM_INIT });
    assert.throws(() => {
      reader.skip(-1);
    });
    assert.equal(reader.u16(), 0x0203);
  });
});

describe('media/byte-writer', () => {
  it('writes what the reader reads', () => {
    const writer = new ByteWriter(13).u8(1).u16(0xfffe).u24(0x800001).u32(0xfedcba98);
    assert.equal(writer.position, 10);
    assert.deepEqual(writer.bytes(hex('aabbcc')).done(), hex('01fffe800001fedcba98aabbcc'));
  });

  it('refuses to write beyond its size, and keeps what it has', () => {
    const writer = new ByteWriter(3).u16(7);
    assert.throws(() => writer.u16(7), {
      code: ErrorCode.KERNEL_STREAM_INIT,
      message: /room for 2 bytes at offset 2 of a 3 byte buffer/,
    });
    assert.deepEqual(writer.done(), hex('0007'));
  });
});
