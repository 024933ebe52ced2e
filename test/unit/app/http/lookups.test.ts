import assert from 'node:assert/strict';

import { Lookups } from '../../../../src/app/http/lookups';

describe('Lookups', () => {
  it('looks a name up once for all who ask at the same moment', async () => {
    const lookups = new Lookups<number>();
    let count = 0;
    const ask = (name: string, nowMs: number): Promise<number> =>
      lookups.find(name, nowMs, () => Promise.resolve(++count));
    assert.deepEqual(
      await Promise.all([ask('a', 0), ask('a', 5), ask('b', 5), ask('a', 19)]),
      [1, 1, 2, 1],
    );
    assert.equal(await ask('a', 20), 3);
    assert.equal(await ask('b', 39), 4);
    assert.equal(await ask('b', 40), 5);
  });

  it('tells a failure to all of the moment, and asks anew after it', async () => {
    const lookups = new Lookups<string>();
    const failing = (): Promise<string> => Promise.reject(new Error('gone'));
    await assert.rejects(lookups.find('a', 100, failing), /gone/);
    await assert.rejects(
      lookups.find('a', 110, () => Promise.resolve('here')),
      /gone/,
    );
    assert.equal(await lookups.find('a', 120, () => Promise.resolve('here')), 'here');
  });
});
