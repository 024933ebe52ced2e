import assert from 'node:assert/strict';

import { Lookups } from '../../../../src/app/http/lookups';

describe('Lookups', () => {
  it('looks a name up once for all who ask at the same moment', async () => {
    const lookups = new Lookups<number>();
    let count = 0;
    const ask = (name: string, nowMs: number): Promise<number | undefined> =>
      lookups.find(name, nowMs, () => Promise.resolve(++count));
    assert.deepEqual(
      await Promise.all([ask('a', 0), ask('a', 5), ask('b', 5), ask('a', 19)]),
      [1, 1, 2, 1],
    );
    assert.equal(await ask('a', 20), 3);
    assert.equal(await ask('b', 39), 4);
    assert.equal(await ask('b', 40), 5);
  });

  it('asks again for what was not there, or could not be looked up', async () => {
    const lookups = new Lookups<string>();
    const here = (): Promise<string> => Promise.resolve('here');
    const nothing = (): Promise<undefined> => Promise.resolve(undefined);
    const failing = (): Promise<never> => Promise.reject(new Error('gone'));
    const both = [lookups.find('a', 100, nothing), lookups.find('a', 100, here)];
    assert.deepEqual(await Promise.all(both), [undefined, undefined]);
    await assert.rejects(lookups.find('a', 101, failing), /gone/);
    assert.equal(await lookups.find('a', 102, here), 'here');
    assert.equal(await lookups.find('a', 103, failing), 'here');
  });
});
