import assert from 'node:assert/strict';

import sinon from 'sinon';

import { Pump } from '../../../../src/app/bandcheck/pump';
import type { PumpParts } from '../../../../src/app/bandcheck/pump';
import { chunkedSize } from '../../../../src/rtmp/chunk-writer';
import { BandwidthName } from '../../../../src/rtmp/packets/bandwidth';

describe('app/bandcheck/pump', () => {
  let time: sinon.SinonFakeTimers;
  let sentBytes: number;
  let pendingBytes: number;
  /** Whether what is sent waits. */
  let waits: boolean;
  let ends: number;

  beforeEach(() => {
    time = sinon.useFakeTimers();
    sentBytes = pendingBytes = ends = 0;
    waits = false;
  });

  afterEach(() => {
    time.restore();
  });

  function pumpOf(more: Partial<PumpParts> = {}): Pump {
    return new Pump({
      clock: { nowMs: () => Date.now() },
      name: BandwidthName.playing,
      limitKbps: 4000,
      durationMs: 3000,
      chunkSize: 128,
      send: (message) => {
        const size = chunkedSize(message, message.payload.length, 128);
        sentBytes += size;
        if (waits) pendingBytes += size;
      },
      pendingBytes: () => pendingBytes,
      onEnd: () => {
        ends++;
      },
      ...more,
    });
  }

  for (const limitKbps of [50, 1000, 4000, 100_000]) {
    it(`keeps its average at ${limitKbps} kbps`, () => {
      const pump = pumpOf({ limitKbps });
      pump.start();
      time.tick(1500);
      const half = (sentBytes * 8) / 1500;
      time.tick(1500);
      const whole = (sentBytes * 8) / 3000;
      assert.equal(ends, 1);
      for (const kbps of [half, whole]) {
        assert.ok(kbps > limitKbps * 0.9 && kbps < limitKbps * 1.15, `${kbps} kbps`);
      }
      assert.equal(pump.sentBytes, sentBytes);
      assert.equal(pump.elapsedMs, 3000);
      assert.equal(time.countTimers(), 0);
    });
  }

  it('looks at the clock no more than a hundred times a second', () => {
    const looks = sinon.spy(() => Date.now());
    pumpOf({ clock: { nowMs: looks }, limitKbps: 1_000_000 }).start();
    time.tick(1000);
    assert.ok(looks.callCount <= 103, `${looks.callCount} times`);
  });

  it('sends a peer that takes nothing no more than a little, and ends in time', () => {
    waits = true;
    pumpOf({ limitKbps: 10_000_000 }).start();
    time.tick(2999);
    assert.ok(sentBytes >= 128 * 1024 && sentBytes < 256 * 1024, `${sentBytes} bytes`);
    assert.equal(ends, 0);
    time.tick(1);
    assert.equal(ends, 1);
  });

  it('goes on as soon as what waited was taken', () => {
    waits = true;
    const pump = pumpOf({ limitKbps: 10_000_000 });
    pump.start();
    time.tick(5);
    const before = sentBytes;
    pendingBytes = 0;
    pump.onDrain();
    assert.ok(sentBytes > before);
    assert.equal(time.countTimers(), 1);
  });

  it('leaves the loop to others, however fast the peer is', () => {
    pumpOf({ limitKbps: 10_000_000 }).start();
    time.tick(10);
    assert.ok(sentBytes > 1e6 && sentBytes < 1.2e6, `${sentBytes} bytes`);
    time.tick(10);
    assert.ok(sentBytes > 2e6 && sentBytes < 2.4e6, `${sentBytes} bytes`);
  });

  it('does nothing once it was stopped', () => {
    const pump = pumpOf();
    pump.start();
    time.tick(100);
    pump.stop();
    const before = sentBytes;
    pump.onDrain();
    time.tick(5000);
    assert.deepEqual([sentBytes, ends, time.countTimers()], [before, 0, 0]);
  });
});
