import assert from 'node:assert/strict';

import sinon from 'sinon';

import { ReadLimit } from '../../../../src/app/bandcheck/read-limit';

describe('app/bandcheck/read-limit', () => {
  let time: sinon.SinonFakeTimers;
  let receivedBytes: number;
  let isPaused: boolean;

  beforeEach(() => {
    time = sinon.useFakeTimers();
    receivedBytes = 0;
    isPaused = false;
  });

  afterEach(() => {
    time.restore();
  });

  /** 1000 kbps: 125 bytes a millisecond. */
  function limit(): ReadLimit {
    return new ReadLimit({
      socket: {
        pauseRead: () => {
          assert.equal(isPaused, false);
          isPaused = true;
        },
        resumeRead: () => {
          assert.equal(isPaused, true);
          isPaused = false;
        },
      },
      limitKbps: 1000,
      receivedBytes: () => receivedBytes,
      elapsedMs: () => Date.now(),
    });
  }

  it('lets a client be that keeps to it, more or less', () => {
    const reads = limit();
    for (let ms = 0; ms < 3000; ms += 10) {
      receivedBytes = 125 * (ms + 15);
      reads.check();
      time.tick(10);
      assert.equal(isPaused, false);
    }
    reads.stop();
    assert.equal(time.countTimers(), 0);
  });

  it('stops to read until the average fits', () => {
    const reads = limit();
    receivedBytes = 125 * 500;
    reads.check();
    assert.equal(isPaused, true);
    time.tick(499);
    assert.equal(isPaused, true);
    time.tick(1);
    assert.equal(isPaused, false);
    reads.stop();
  });

  it('sees what nobody tells it of', () => {
    const reads = limit();
    receivedBytes = 125 * 500;
    time.tick(50);
    assert.equal(isPaused, true);
    reads.stop();
  });

  it('reads on when it is stopped', () => {
    const reads = limit();
    receivedBytes = 125 * 5000;
    reads.check();
    reads.check();
    reads.stop();
    assert.equal(isPaused, false);
    reads.stop();
    assert.equal(time.countTimers(), 0);
  });
});
