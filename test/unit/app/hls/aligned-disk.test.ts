import assert from 'node:assert/strict';
import { mkdir, readFile, rename, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { HlsOptions } from '../../../../src/app/hls/options';

import { AlignedServer } from './aligned-servers';
import { avTags, TemporaryDirectory } from './harness';

const TAGS = avTags(60_000);

describe('app/hls aligned by atc on disk', () => {
  const directories = [new TemporaryDirectory(), new TemporaryDirectory()] as const;

  beforeEach(() => Promise.all(directories.map((directory) => directory.create())));
  afterEach(() => Promise.all(directories.map((directory) => directory.remove())));

  /** One life of a server, with what the encoder sends in that time. */
  async function live(
    fromMs: number,
    toMs: number,
    changes: Partial<HlsOptions> = {},
    at = 0,
  ): Promise<AlignedServer> {
    const path = directories[at]!.path;
    const server = new AlignedServer({ path, storage: 'disk', windowMs: 20_000, ...changes });
    await server.join(TAGS, fromMs, toMs);
    server.leave();
    await server.stop();
    return server;
  }

  const path = (name: string, at = 0): string => join(directories[at]!.path, 'live', name);
  const text = (at = 0): Promise<string> => readFile(path('show.m3u8', at), 'utf8');
  const entriesOf = async (at = 0): Promise<string[]> => (await text(at)).split('\n').slice(5, -1);

  it('has the same files and the same playlist wherever a server joins', async () => {
    for (const format of ['ts', 'fmp4'] as const) {
      await live(0, 30_000, { format, masterFile: '' });
      await live(3120, 30_000, { format, masterFile: '' }, 1);
      const [one, other] = await Promise.all([text(0), text(1)]);
      const times = /#EXT-X-PROGRAM-DATE-TIME:.*\n/g;
      assert.equal(other.replaceAll(times, ''), one.replaceAll(times, ''));
      const listed = one.split('\n').filter((line) => line.startsWith('show-'));
      assert.ok(listed.length >= 10, one);
      for (const name of listed) {
        assert.deepEqual(await readFile(path(name, 1)), await readFile(path(name, 0)), name);
      }
    }
  });

  it('goes on after a restart on the same clock, with gaps for what it has missed', async () => {
    await live(0, 6000);
    const second = await live(9500, 14_000);
    assert.deepEqual(await entriesOf(), [...segments(0, 3), ...gaps(3, 2), ...segments(5, 2)]);
    assert.equal(second.hls.log.matching('other clock=false').length, 1);
    // Whether all of a slot came is not known where one begins.
    await live(14_000, 16_000);
    await live(16_000, 20_000);
    assert.deepEqual((await entriesOf()).slice(12), [
      ...segments(5, 2),
      ...gaps(7, 2),
      ...segments(9, 1),
    ]);
  });

  it('does not list what a crash has cut off: others have the whole of it', async () => {
    await live(0, 8000);
    const last = path('show-3.ts');
    await rename(last, `${last}.tmp`);
    await truncate(`${last}.tmp`, 5000);
    const list = await text();
    await writeFile(path('show.m3u8'), list.replace('#EXTINF:2.000,\nshow-3.ts\n', ''));
    await live(9500, 12_000);
    assert.deepEqual(await entriesOf(), [...segments(0, 3), ...gaps(3, 2), ...segments(5, 1)]);
    assert.equal((await directories[0].list()).filter((name) => /tmp|-3/.test(name)).length, 0);
  });

  it('lists what is complete and was not listed before a crash', async () => {
    await live(0, 8000);
    const list = await text();
    await writeFile(path('show.m3u8'), list.replace('#EXTINF:2.000,\nshow-3.ts\n', ''));
    const later = Date.now() / 1000 + 1;
    await utimes(path('show-3.ts'), later, later);
    await live(9500, 12_000);
    assert.deepEqual(await entriesOf(), [...segments(0, 4), ...gaps(4, 1), ...segments(5, 1)]);
  });

  it('begins a list anew that counted segments, or slots of another length', async () => {
    await live(0, 6000);
    await live(6000, 15_000, { fragmentMs: 3000 });
    assert.deepEqual(await entriesOf(), [
      '#EXT-X-DISCONTINUITY',
      ...['#EXTINF:3.000,', 'show-3.ts', '#EXTINF:3.000,', 'show-4.ts'],
    ]);
    assert.match(await text(), /MEDIA-SEQUENCE:3\n#SLOT-MS:3000/);
  });

  it('shows a gap where the disk has lost a segment', async () => {
    const server = new AlignedServer({
      ...{ path: directories[0].path, storage: 'disk', windowMs: 60_000 },
      tsFile: '[app]/[seq]/[stream]-[seq].ts',
    });
    // A file is where the directory of one segment should be.
    await mkdir(path('.'));
    await writeFile(path('2'), '');
    await server.join(TAGS, 0, 2000);
    server.send(TAGS, 2000, 10_000);
    server.leave();
    await server.stop();
    assert.deepEqual(await entriesOf(), [
      ...['#EXTINF:2.000,', '0/show-0.ts', '#EXTINF:2.000,', '1/show-1.ts'],
      ...['#EXT-X-GAP', '#EXTINF:2.000,', '2/show-2.ts'],
      ...['#EXTINF:2.000,', '3/show-3.ts', '#EXTINF:2.000,', '4/show-4.ts'],
    ]);
  });

  it('counts on without atc, where it was', async () => {
    await live(0, 6000);
    const server = new AlignedServer({ path: directories[0].path, storage: 'disk' });
    await server.publish(6000, false);
    server.send(TAGS, 6000, 10_000);
    server.leave();
    await server.stop();
    assert.deepEqual((await text()).split('\n').slice(4, -1), [
      ...segments(0, 3),
      '#EXT-X-DISCONTINUITY',
      ...segments(3, 2),
    ]);
  });
});

function segments(first: number, count: number): string[] {
  return numbers(first, count).flatMap((number) => ['#EXTINF:2.000,', `show-${number}.ts`]);
}

function gaps(first: number, count: number): string[] {
  return segments(first, count).flatMap((line) => (line.startsWith('#') ? ['#EXT-X-GAP', line] : [line])); // prettier-ignore
}

function numbers(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
