import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';

import type { Answer } from '../harness';

import { playlist, show, startGate, twoVhosts } from './harness';
import type { GateHarness } from './harness';

describe('HLS on disk behind the rules of access', () => {
  let harness: GateHarness;

  function start(vhosts: string): void {
    harness = startGate(vhosts);
  }

  afterEach(() => {
    harness.close();
  });

  it('is protected also in keys and in files that are still written', async () => {
    start(twoVhosts);
    for (const name of ['show-0.key', 'show-2.ts.tmp']) {
      assert.equal(await harness.statusOf(`/a.com/live/${name}`), 403, name);
      assert.equal(await harness.statusOf(`/a.com/live/${name}?key=secret`), 200, name);
    }
  });

  it('cannot be had by way of a link, or another mount', async () => {
    start(
      twoVhosts.replace(
        'vhost b.com {',
        'vhost b.com { http { enabled on; mount /m; dir BASE/a.com; }',
      ),
    );
    symlinkSync('a.com/live/show.m3u8', join(harness.base, 'open.txt'));
    symlinkSync('a.com', join(harness.base, 'link'));
    for (const url of ['/open.txt', '/link/live/show-0.ts', '/m/live/show-0.ts']) {
      assert.equal(await harness.statusOf(url), 403, url);
    }
    assert.equal(await harness.statusOf('/m/live/show-0.ts?key=secret'), 200);
  });

  it('has a tag that fits the playlist with the queries in it', async () => {
    start(twoVhosts);
    const first = await harness.ask('/a.com/live/show.m3u8?key=secret');
    const etag = first.headers['etag'] ?? '';
    assert.match(etag, /^"[\w-]+"$/);
    const ask = (url: string, tag: string): Promise<Answer> =>
      harness.ask(`/a.com/live/${url}`, { 'If-None-Match': tag });
    const again = await ask('show.m3u8?key=secret', etag);
    assert.deepEqual([again.status, again.body.length], [304, 0]);
    assert.equal(again.headers['cache-control'], 'private, no-cache');
    const other = await ask('show.m3u8?key=secret&user=2', etag);
    assert.equal(other.status, 200);
    harness.write('a.com/live/show.m3u8', `${playlist}#EXTINF:2,\nshow-2.ts\n`);
    assert.equal((await ask('show.m3u8?key=secret', etag)).status, 200);
  });

  it('sends what changed meanwhile, not what was there when it was asked about', async () => {
    start(twoVhosts);
    harness.authorizer.answer = () => {
      harness.write('a.com/live/show.m3u8', '#EXTM3U\nnew.ts\n');
      return undefined;
    };
    const { body } = await harness.ask('/a.com/live/show.m3u8?key=secret');
    assert.equal(body.toString(), '#EXTM3U\nnew.ts?key=secret\n');
  });

  it('is missing when a playlist has gone meanwhile', async () => {
    start(twoVhosts);
    harness.write('a.com/live/huge.m3u8', 'x'.repeat(9 * 1024 * 1024));
    assert.equal(await harness.statusOf('/a.com/live/huge.m3u8?key=secret'), 404);
  });

  it('is not served of a vhost that is restricted and switched off', async () => {
    start(twoVhosts.replace('vhost a.com {', 'vhost a.com { enabled off;'));
    assert.equal(await harness.statusOf('/a.com/live/show.m3u8?key=secret'), 404);
    assert.equal(await harness.statusOf('/b.com/live/show.m3u8'), 200);
  });

  it('is that of any restricted vhost with such names while nobody publishes, else of who does', async () => {
    const shared = twoVhosts.replaceAll('[vhost]/', '');
    start(shared);
    harness.write('live/show.m3u8', playlist);
    const url = '/live/show.m3u8';
    assert.equal(await harness.statusOf(url, { Host: 'b.com' }), 403);
    const path = join(harness.base, url);
    harness.memory.running.set(path, { ...show, vhost: 'b.com' });
    assert.equal(await harness.statusOf(url, { Host: 'b.com' }), 200);
    harness.memory.running.set(path, show);
    assert.equal(await harness.statusOf(url, { Host: 'b.com' }), 403);
    assert.equal(await harness.statusOf(`${url}?key=secret`, { Host: 'b.com' }), 200);
  });

  it('wants the rules of all streams to agree that its name may be of', async () => {
    start(twoVhosts.replace('key play secret;', 'key play secret live/*;'));
    harness.write('a.com/live/deep/show-0.ts', 'segment');
    const url = '/a.com/live/deep/show-0.ts';
    assert.equal(await harness.statusOf(url), 403);
    assert.equal(await harness.statusOf(`${url}?key=secret`), 200);
  });

  it('asks nobody where no vhost has HLS', async () => {
    start('vhost a.com { auth { enabled on; key play secret; } }');
    assert.equal(harness.gate.isActive, false);
    assert.equal(await harness.statusOf('/a.com/live/show.m3u8'), 200);
  });
});
