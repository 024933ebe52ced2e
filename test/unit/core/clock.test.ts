import assert from 'node:assert/strict';

import { systemClock } from '../../../src/core/clock';

describe('systemClock', () => {
  it('never goes back', () => {
    const first = systemClock.nowMs();
    assert.ok(systemClock.nowMs() >= first);
  });
});
