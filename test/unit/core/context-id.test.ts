import assert from 'node:assert/strict';

import { ContextIds } from '../../../src/core/context-id';

describe('ContextIds', () => {
  it('counts up from 100', () => {
    const ids = new ContextIds();
    assert.deepEqual([ids.next(), ids.next(), ids.next()], [100, 101, 102]);
  });
});
