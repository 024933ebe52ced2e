import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FileOwners } from '../../../../src/app/hls/file-owners';
import type { NamingOptions, OwningVhost } from '../../../../src/app/hls/file-owners';

import { hlsOptions } from './harness';

function vhost(name: string, changes: Partial<NamingOptions> = {}): OwningVhost {
  return { name, hls: hlsOptions({ path: '/data/html', ...changes }) };
}

/** As `vhost/app/stream`, with `*` for a playlist. */
async function found(
  owners: FileOwners,
  path: string | readonly string[],
  nowMs = 0,
): Promise<string[]> {
  const paths = typeof path === 'string' ? [path] : path;
  return (await owners.find(paths, nowMs)).map(
    ({ vhost: name, app, stream, isPlaylist }) =>
      `${name} ${app} ${stream}${isPlaylist ? ' *' : ''}`,
  );
}

describe('the owners of files', () => {
  const byName = vhost('a.com', { m3u8File: '[vhost]/[app]/[stream].m3u8', tsFile: '[vhost]/[app]/[stream]-[seq].ts', keyFile: '[vhost]/[app]/[stream]-[seq].key', masterFile: '[vhost]/[app]/[stream].master.m3u8' }); // prettier-ignore

  const cases: readonly (readonly [path: string, owner: string | undefined])[] = [
    ['/data/html/a.com/live/show.m3u8', 'a.com live show *'],
    ['/data/html/a.com/live/show.master.m3u8', 'a.com live show *'],
    ['/data/html/a.com/live/show-12.ts', 'a.com live show'],
    ['/data/html/a.com/live/show-12.m4s', 'a.com live show'],
    ['/data/html/a.com/live/show-12.mp4', 'a.com live show'],
    ['/data/html/a.com/live/show-12.key', 'a.com live show'],
    ['/data/html/a.com/live/show-1-2.ts', 'a.com live show-1'],
    ['/data/html/a.com/live/deep/show-2.ts', 'a.com live/deep show'],
    ['/data/html/a.com/live/show-12.ts.tmp', 'a.com live show'],
    ['/data/html/a.com/live/show-12.ts.2.tmp', 'a.com live show'],
    ['/data/html/a.com/live/show.m3u8.tmp', 'a.com live show *'],
    ['/data/html/b.com/live/show.m3u8', undefined],
    ['/data/html/a.com/live/show.flv', undefined],
    ['/data/html/a.com/live/show-x.ts', undefined],
    ['/data/html/a.com/index.html', undefined],
    ['/data/html2/a.com/live/show.m3u8', undefined],
    ['/other/data/html/a.com/live/show.m3u8', undefined],
  ];
  for (const [path, owner] of cases) {
    it(`say that ${path} is ${owner === undefined ? "nobody's" : `that of ${owner}`}`, async () => {
      const [first] = await found(new FileOwners([byName]), path);
      assert.equal(first, owner);
    });
  }

  it('are all vhosts that share a name', async () => {
    const owners = new FileOwners([vhost('a.com'), vhost('b.com', { path: '/data/./html/' })]);
    assert.deepEqual(await found(owners, '/data/html/live/show-1.ts'), [
      'a.com live show',
      'b.com live show',
    ]);
  });

  it('are all streams that the slashes of a name allow', async () => {
    const owners = new FileOwners([vhost('a.com')]);
    assert.deepEqual(await found(owners, '/data/html/a/b/c/d-1.ts'), [
      'a.com a/b/c d',
      'a.com a/b c/d',
      'a.com a b/c/d',
    ]);
    const deep = await found(owners, `/data/html/${'a/'.repeat(40)}d-1.ts`);
    assert.equal(new Set(deep).size, 40);
    const joined = new FileOwners([vhost('a.com', { tsFile: '[app][stream]-[seq].ts' })]);
    assert.equal((await found(joined, '/data/html/abcde-1.ts')).length, 4);
    const others = new FileOwners([vhost('a.com', { tsFile: '[app]-[stream][seq].ts' })]);
    assert.deepEqual(await found(others, '/data/html/a-b-c12.ts'), ['a.com a-b c1', 'a.com a b-c']);
  });

  it('are not those of a media playlist where the name is that of a master', async () => {
    const owners = new FileOwners([byName]);
    const path = '/data/html/a.com/live/show.master.m3u8';
    assert.deepEqual(await found(owners, path), ['a.com live show *']);
  });

  it('tell where the media playlist of the stream lies', async () => {
    const owners = new FileOwners([byName]);
    const [owner] = await owners.find(['/data/html/a.com/live/show-12.ts'], 0);
    assert.equal(owner?.playlist, '/data/html/a.com/live/show.m3u8');
  });

  it('are found by any of several paths', async () => {
    const owners = new FileOwners([vhost('a.com')]);
    const paths = ['/elsewhere/show.m3u8', '/data/html/live/show.m3u8'];
    assert.deepEqual(await found(owners, paths), ['a.com live show *']);
  });

  it('have no name where the template has none', async () => {
    const owners = new FileOwners([vhost('a.com', { m3u8File: 'only.m3u8' })]);
    assert.deepEqual(await found(owners, '/data/html/only.m3u8'), ['a.com   *']);
  });

  it('have keys in a directory of their own', async () => {
    const owners = new FileOwners([vhost('a.com', { keyFilePath: '/keys' })]);
    assert.deepEqual(await found(owners, '/keys/live/show-3.key'), ['a.com live show']);
    assert.deepEqual(await found(owners, '/data/html/live/show-3.key'), []);
  });

  it('are looked for in relative directories as the server writes them', async () => {
    const owners = new FileOwners([vhost('a.com', { path: './objs/nginx/html' })]);
    const path = join(process.cwd(), 'objs/nginx/html/live/show.m3u8');
    assert.deepEqual(await found(owners, path), ['a.com live show *']);
  });

  it('are none without vhosts', async () => {
    assert.equal(new FileOwners([]).isEmpty, true);
    assert.equal(new FileOwners([byName]).isEmpty, false);
    assert.deepEqual(await found(new FileOwners([]), '/data/html/live/show.m3u8'), []);
  });

  it('stay the same for more files than are remembered', async () => {
    const owners = new FileOwners([vhost('a.com')]);
    for (let number = 0; number < 10_000; number++) {
      const [owner] = await owners.find([`/data/html/live/show-${number}.ts`], 0);
      assert.equal(owner?.stream, 'show');
    }
  });

  describe('behind links', () => {
    let base: string;
    beforeEach(() => {
      base = realpathSync(mkdtempSync(join(tmpdir(), 'owners-')));
      mkdirSync(join(base, 'disk1'));
      mkdirSync(join(base, 'disk2'));
      symlinkSync('disk1', join(base, 'html'));
    });
    afterEach(() => {
      rmSync(base, { recursive: true });
    });

    it('are found by the path that is free of them', async () => {
      const owners = new FileOwners([vhost('a.com', { path: join(base, 'html') })]);
      for (const directory of ['html', 'disk1']) {
        const path = join(base, directory, 'live/show-1.ts');
        assert.deepEqual(await found(owners, path), ['a.com live show']);
      }
      assert.deepEqual(await found(owners, join(base, 'disk2/live/show-1.ts')), []);
    });

    it('follow them when they change', async () => {
      const owners = new FileOwners([vhost('a.com', { path: join(base, 'html') })]);
      const path = join(base, 'disk2/live/show-1.ts');
      assert.deepEqual(await found(owners, path), []);
      unlinkSync(join(base, 'html'));
      symlinkSync('disk2', join(base, 'html'));
      assert.deepEqual(await found(owners, path, 5000), ['a.com live show']);
    });

    it('are found in directories that are not there yet', async () => {
      const owners = new FileOwners([vhost('a.com', { path: join(base, 'html/new/deep') })]);
      const path = join(base, 'disk1/new/deep/live/show-1.ts');
      assert.deepEqual(await found(owners, path), ['a.com live show']);
    });
  });
});
