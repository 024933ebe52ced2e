import assert from 'node:assert/strict';

import sinon from 'sinon';

import { keepMemorySmall, limitHeapGrowth } from '../../../../src/app/process/memory';

describe('memory of the process', () => {
  it('is released once the start is over and every ten seconds from then on', () => {
    const clock = sinon.useFakeTimers();
    const release = sinon.fake.resolves(undefined);
    keepMemorySmall(release);
    clock.tick(2000);
    assert.equal(release.callCount, 1);
    clock.tick(8000);
    assert.equal(release.callCount, 2);
    clock.tick(10_000);
    assert.equal(release.callCount, 3);
    clock.restore();
  });

  it('takes the flag for the space of new objects', () => {
    assert.doesNotThrow(limitHeapGrowth);
  });
});
