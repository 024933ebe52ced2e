import assert from 'node:assert/strict';

import { FloorClock } from '../../../../src/app/hls/floor-clock';

describe('app/hls/floor-clock', () => {
  it('grows by one per segment and says how far it is off', () => {
    const clock = new FloorClock(1000);
    assert.equal(clock.next(50_000), 49);
    assert.equal(clock.deviationMs, -300);
    assert.equal(clock.next(50_900), 50);
    assert.equal(clock.deviationMs, 0);
    assert.equal(clock.next(50_950), 51);
    assert.equal(clock.deviationMs, 300);
  });

  it('gives a number out again that was not used', () => {
    const clock = new FloorClock(1000);
    clock.undo();
    assert.equal(clock.next(50_000), 49);
    clock.undo();
    assert.equal(clock.next(50_000), 49);
  });

  it('jumps when it is more than 20 off', () => {
    const clock = new FloorClock(1000);
    for (let number = 49; number <= 70; number++) assert.equal(clock.next(50_000), number);
    assert.equal(clock.next(50_000), 49);
    assert.equal(clock.next(90_000), 89);
  });
});
