import assert from 'node:assert/strict';

import { HotFiles } from '../../../../src/app/http/hot-files';
import type { FileVersion } from '../../../../src/app/http/hot-files';

const NOW_MS = 1_000_000;

const version = (changes: Partial<FileVersion> = {}): FileVersion => ({
  dev: 1,
  ino: 2,
  size: 3,
  mtimeMs: NOW_MS - 1000,
  ctimeMs: NOW_MS - 1000,
  ...changes,
});

describe('hot files', () => {
  let hot: HotFiles;
  let reads: string[];
  beforeEach(() => {
    hot = new HotFiles();
    reads = [];
  });
  const ask = (
    path: string,
    file: FileVersion = version(),
    content: Buffer | undefined = Buffer.alloc(file.size),
  ): Promise<Buffer | undefined> | undefined =>
    hot.content(path, file, NOW_MS, () => {
      reads.push(path);
      return Promise.resolve(content);
    });

  it('are read when asked for again, once for all', async () => {
    assert.equal(ask('/a'), undefined);
    const both = await Promise.all([ask('/a'), ask('/a')]);
    assert.equal(both[0], both[1]);
    assert.equal(both[0]?.length, 3);
    assert.equal(await ask('/a'), both[0]);
    assert.deepEqual(reads, ['/a']);
    assert.equal(hot.bytes, 3);
  });

  const changes: Partial<FileVersion>[] = [
    { dev: 9 },
    { ino: 9 },
    { size: 9 },
    { mtimeMs: NOW_MS - 999 },
    { ctimeMs: NOW_MS - 999 },
  ];
  for (const change of changes) {
    it(`are forgotten when they change: ${Object.keys(change).join()}`, async () => {
      void ask('/a');
      await ask('/a');
      assert.equal(ask('/a', version(change)), undefined);
      assert.equal(hot.bytes, 0);
    });
  }

  it('are not kept while they may still change without a trace, nor when they are large', () => {
    for (const file of [
      version({ mtimeMs: NOW_MS - 99 }),
      version({ ctimeMs: NOW_MS - 99 }),
      version({ mtimeMs: NOW_MS + 5000 }),
      version({ size: 4 * 1024 * 1024 + 1 }),
    ]) {
      assert.equal(ask('/a', file), undefined);
      assert.equal(ask('/a', file), undefined);
    }
    assert.deepEqual(reads, []);
  });

  it('are forgotten when they cannot be read as that version', async () => {
    void ask('/a');
    const file = version();
    const nothing = hot.content('/a', file, NOW_MS, () => Promise.resolve(undefined));
    assert.equal(await nothing, undefined);
    assert.equal(hot.bytes, 0);
    assert.equal(ask('/a'), undefined);
    const fault = hot.content('/a', file, NOW_MS, () => Promise.reject(new Error('EIO')));
    await assert.rejects(Promise.resolve(fault), /EIO/);
    assert.equal(hot.bytes, 0);
  });

  it('make room for later ones, those unused for longest first', async () => {
    const large = version({ size: 4 * 1024 * 1024 });
    for (const path of ['/1', '/2', '/3', '/4']) {
      void ask(path, large);
      await ask(path, large);
    }
    await ask('/1', large);
    void ask('/5', large);
    await ask('/5', large);
    assert.equal(hot.bytes, 16 * 1024 * 1024);
    reads = [];
    await ask('/1', large);
    await ask('/5', large);
    assert.deepEqual(reads, []);
    assert.equal(ask('/2', large), undefined, 'was forgotten');
  });

  it('are no more than a thousand or so, however many are asked for', async () => {
    for (let n = 0; n < 1100; n++) void ask(`/${n}`);
    assert.equal(ask('/0'), undefined, 'was forgotten');
    assert.equal((await ask('/1099'))?.length, 3);
  });
});
