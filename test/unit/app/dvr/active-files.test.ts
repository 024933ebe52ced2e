import assert from 'node:assert/strict';

import { ActiveFiles } from '../../../../src/app/dvr/active-files';

describe('ActiveFiles', () => {
  it('gives a file to one at a time, whatever its path is written like', async () => {
    const active = new ActiveFiles();
    const release = await active.claim('./a/b', { key: 'first', isClosing: false });
    assert.equal(active.has('a/./b'), true);
    await assert.rejects(
      active.claim(`${process.cwd()}/a/b`, { key: 'second', isClosing: false }),
      /first is being recorded there/,
    );
    release();
    release();
    assert.equal(active.size, 0);
  });

  it('lets the next one wait for the one that is closing', async () => {
    const active = new ActiveFiles();
    const first = { key: 'first', isClosing: false };
    const release = await active.claim('x', first);
    first.isClosing = true;
    const order: string[] = [];
    const second = active.claim('x', { key: 'second', isClosing: false }).then(() => {
      order.push('second');
    });
    await Promise.resolve();
    order.push('released');
    release();
    await second;
    assert.deepEqual(order, ['released', 'second']);
    assert.equal(active.size, 1);
  });
});
