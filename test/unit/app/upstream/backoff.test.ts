import assert from 'node:assert/strict';

import { Backoff } from '../../../../src/app/upstream/backoff';

describe('a back-off', () => {
  it('doubles up to its limit, and begins anew when all is well', () => {
    const backoff = new Backoff(200, 1000, () => 0.5);
    assert.deepEqual(
      [1, 2, 3, 4, 5].map(() => backoff.next()),
      [200, 400, 800, 1000, 1000],
    );
    backoff.reset();
    assert.equal(backoff.next(), 200);
  });

  it('differs by a quarter from what was planned', () => {
    assert.equal(new Backoff(1000, 5000, () => 0).next(), 750);
    assert.equal(new Backoff(1000, 5000, () => 1).next(), 1250);
    const chance = new Backoff(1000, 1000);
    const waits = Array.from({ length: 100 }, () => chance.next());
    assert.ok(waits.every((wait) => wait >= 750 && wait <= 1250));
    assert.ok(new Set(waits).size > 10);
  });
});
