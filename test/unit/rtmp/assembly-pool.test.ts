import assert from 'node:assert/strict';

import { AssemblyPool } from '../../../src/rtmp/assembly-pool';

describe('AssemblyPool', () => {
  it('gives buffers of the next power of two, 1 KiB at least', () => {
    const pool = new AssemblyPool(0);
    const sizes = [1, 1024, 1025, 4096, 4097, 0xffffff].map((size) => pool.take(size).length);
    assert.deepEqual(sizes, [1024, 1024, 2048, 4096, 8192, 0x1000000]);
  });

  it('gives a released buffer again', () => {
    const pool = new AssemblyPool(8192);
    const buffer = pool.take(2000);
    pool.release(buffer);
    assert.equal(pool.spareBytes, 2048);
    assert.equal(pool.take(1500), buffer);
    assert.equal(pool.spareBytes, 0);
  });

  it('keeps no more than it may', () => {
    const pool = new AssemblyPool(3000);
    pool.release(pool.take(2048));
    pool.release(new Uint8Array(1024));
    assert.equal(pool.spareBytes, 2048);
  });

  it('keeps no buffer above 1 MiB', () => {
    const pool = new AssemblyPool(1e9);
    pool.release(pool.take(0x100001));
    assert.equal(pool.spareBytes, 0);
  });
});
