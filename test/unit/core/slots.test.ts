import assert from 'node:assert/strict';

import { Slots } from '../../../src/core/slots';

describe('the places of calls', () => {
  it('are given in the order of asking, so many at a time', () => {
    const slots = new Slots(2);
    const begun: number[] = [];
    const taken = [1, 2, 3, 4].map((n) => slots.take(() => begun.push(n)));
    assert.deepEqual(begun, [1, 2]);
    taken[1]?.release();
    assert.deepEqual(begun, [1, 2, 3]);
    taken[0]?.release();
    assert.deepEqual(begun, [1, 2, 3, 4]);
  });

  it('go back once, however often they are released', () => {
    const slots = new Slots(1);
    const begun: number[] = [];
    const first = slots.take(() => begun.push(1));
    first.release();
    first.release();
    slots.take(() => begun.push(2));
    slots.take(() => begun.push(3));
    assert.deepEqual(begun, [1, 2]);
  });

  it('are not given to who has stopped waiting', () => {
    const slots = new Slots(1);
    const begun: number[] = [];
    const first = slots.take(() => begun.push(1));
    const second = slots.take(() => begun.push(2));
    second.release();
    first.release();
    assert.deepEqual(begun, [1]);
    assert.equal(slots.isIdle, true);
  });
});
