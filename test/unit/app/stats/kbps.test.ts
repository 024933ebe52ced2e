import assert from 'node:assert/strict';

import { Kbps } from '../../../../src/app/stats/kbps';

describe('Kbps', () => {
  it('is zero before anything was counted', () => {
    const kbps = new Kbps(1000);
    assert.equal(String(kbps.sample(1000, 0)), '0,0,0');
  });

  it('shows the rate so far while no window is full', () => {
    const kbps = new Kbps(0);
    // 125 bytes a millisecond are 1000 kbps.
    assert.equal(String(kbps.sample(10_000, 1_250_000)), '1000,1000,1000');
  });

  it('keeps the 30 seconds apart from the lifetime', () => {
    const kbps = new Kbps(0);
    kbps.sample(30_000, 3_750_000);
    kbps.sample(60_000, 3_750_000);
    assert.equal(kbps.kbps30s, 0);
    assert.equal(kbps.average, 500);
    assert.equal(kbps.kbps5m, 500);
  });

  it('holds a full window until the next one is full', () => {
    const kbps = new Kbps(0);
    kbps.sample(30_000, 3_750_000);
    kbps.sample(45_000, 3_750_000);
    assert.equal(kbps.kbps30s, 1000);
  });

  it('counts from where the counter stood', () => {
    const kbps = new Kbps(500, 1_000_000);
    assert.equal(kbps.sample(1500, 1_001_000).average, 8);
  });

  it('gives whole numbers', () => {
    const kbps = new Kbps(0);
    assert.equal(kbps.sample(3000, 1000).average, 2);
  });
});
