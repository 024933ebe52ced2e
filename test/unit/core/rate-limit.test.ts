import assert from 'node:assert/strict';

import { RateLimit } from '../../../src/core/rate-limit';

describe('RateLimit', () => {
  it('lets so many happen at once, then one per interval', () => {
    const limit = new RateLimit(3, 100);
    const at = (nowMs: number): boolean => limit.take(nowMs);
    assert.deepEqual([0, 0, 0, 0, 99].map(at), [true, true, true, false, false]);
    assert.deepEqual([100, 100, 200, 250].map(at), [true, false, true, false]);
  });

  it('forgives all after a pause, and no more than all', () => {
    const limit = new RateLimit(2, 100);
    for (let i = 0; i < 5; i++) limit.take(0);
    const after = [9000, 9000, 9000].map((nowMs) => limit.take(nowMs));
    assert.deepEqual(after, [true, true, false]);
  });
});
