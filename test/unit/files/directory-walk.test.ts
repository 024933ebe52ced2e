import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { statsOf, walkFiles } from '../../../src/files/directory-walk';

import { useDirectory, withUnreadable } from './temporary';

describe('walkFiles', () => {
  const directory = useDirectory();

  beforeEach(() => {
    mkdirSync(join(directory(), 'a/b'), { recursive: true });
    writeFileSync(join(directory(), 'a/b/1.flv'), 'abc');
    writeFileSync(join(directory(), 'a/2.flv'), '');
    writeFileSync(join(directory(), 'a/3.txt'), '');
    utimesSync(join(directory(), 'a/b/1.flv'), 100, 100);
    symlinkSync(directory(), join(directory(), 'a/loop'));
    symlinkSync(join(directory(), 'a/2.flv'), join(directory(), 'a/link.flv'));
  });

  const isFlv = (path: string): boolean => path.endsWith('.flv');

  it('finds the wanted files of all directories, following no links', async () => {
    const { files, isPartial } = await walkFiles(directory(), isFlv, 1000);
    assert.equal(isPartial, false);
    const sorted = files.sort((a, b) => a.path.localeCompare(b.path));
    assert.deepEqual(
      sorted.map(({ path }) => path),
      [join(directory(), 'a/2.flv'), join(directory(), 'a/b/1.flv')],
    );
    assert.deepEqual(sorted[1], {
      path: join(directory(), 'a/b/1.flv'),
      bytes: 3,
      modifiedMs: 100_000,
    });
  });

  it('stops at the bound', async () => {
    const { isPartial } = await walkFiles(directory(), isFlv, 3);
    assert.equal(isPartial, true);
  });

  it('takes a missing directory for an empty one', async () => {
    const walk = await walkFiles(join(directory(), 'none'), isFlv, 10);
    assert.deepEqual(walk, { files: [], isPartial: false, error: undefined });
    assert.equal(await statsOf(join(directory(), 'none')), undefined);
  });

  it('passes over a directory inside that cannot be read, and says so', async () => {
    await withUnreadable(directory(), async () => {
      const { files, isPartial, error } = await walkFiles(directory(), isFlv, 1000);
      assert.equal(files.length, 2);
      assert.equal(isPartial, false);
      assert.match(error?.message ?? '', /cannot list .*moved.*: ENAMETOOLONG/);
    });
  });

  it('tells a directory that cannot be read', async () => {
    await assert.rejects(walkFiles(`${directory()}/\0`, isFlv, 10), /cannot list/);
    await assert.rejects(statsOf(`${directory()}/\0`), /cannot look at/);
  });
});
