import assert from 'node:assert/strict';
import { cp, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { HlsOptions } from '../../../../src/app/hls/options';

import { avTags, Harness, hlsOptions, TemporaryDirectory } from './harness';

describe('app/hls after a restart', () => {
  const directory = new TemporaryDirectory();

  beforeEach(() => directory.create());
  afterEach(() => directory.remove());

  /** One life of the server. */
  async function live(durationMs: number, changes: Partial<HlsOptions> = {}): Promise<Harness> {
    const hls = new Harness();
    const sink = hls.sink(hlsOptions({ path: directory.path, storage: 'disk', ...changes }));
    hls.publish(sink);
    await hls.service.settle();
    hls.send(sink, avTags(durationMs));
    sink.onUnpublish();
    await hls.service.stop();
    return hls;
  }

  function path(name: string): string {
    return join(directory.path, 'live', name);
  }

  async function lines(): Promise<string[]> {
    return (await readFile(path('show.m3u8'), 'utf8')).split('\n').slice(3, -1);
  }

  it('goes on with numbers and list, and marks the seam', async () => {
    await live(4000);
    const second = await live(4000);
    assert.deepEqual(await lines(), [
      '#EXT-X-MEDIA-SEQUENCE:0',
      '#EXTINF:2.000,',
      'show-0.ts',
      '#EXTINF:2.000,',
      'show-1.ts',
      '#EXT-X-DISCONTINUITY',
      '#EXTINF:2.000,',
      'show-2.ts',
      '#EXTINF:2.000,',
      'show-3.ts',
    ]);
    assert.deepEqual(second.log.matching('hls goes on with'), [
      `trace 100 hls goes on with ${path('show.m3u8')}, segments=2, recovered=0, sequence_no=2`,
    ]);
  });

  it('counts discontinuities that leave the list', async () => {
    for (let round = 0; round < 6; round++) await live(4000, { windowMs: 4000 });
    assert.deepEqual((await lines()).slice(0, 2), [
      '#EXT-X-MEDIA-SEQUENCE:7',
      '#EXT-X-DISCONTINUITY-SEQUENCE:3',
    ]);
    const files = (await directory.list()).filter((name) => name.endsWith('.ts'));
    assert.deepEqual(files, ['show-10.ts', 'show-11.ts', 'show-7.ts', 'show-8.ts', 'show-9.ts']);
  });

  /** The last segment looks as if the process had been killed while it was written. */
  async function breakLast(extension: string, missingBytes: number): Promise<void> {
    const last = path(`show-1.${extension}`);
    const { length } = await readFile(last);
    await rename(last, `${last}.tmp`);
    await truncate(`${last}.tmp`, length - missingBytes);
    const list = await readFile(path('show.m3u8'), 'utf8');
    const without = list.replace(/(#EXT-X-PROGRAM[^\n]*\n)?#EXTINF[^\n]*\nshow-1[^\n]*\n/, '');
    await writeFile(path('show.m3u8'), without);
  }

  it('lists the whole part of a TS segment that was being written', async () => {
    await live(4000);
    await breakLast('ts', 4000);
    const hls = await live(2000);
    assert.equal(hls.log.matching('recovered=1').length, 1);
    const list = await lines();
    assert.match(list[3] ?? '', /^#EXTINF:1\.\d{3},$/);
    assert.deepEqual(list.slice(4), [
      'show-1.ts',
      '#EXT-X-DISCONTINUITY',
      '#EXTINF:2.000,',
      'show-2.ts',
    ]);
    assert.equal((await readFile(path('show-1.ts'))).length % 188, 0);
    assert.ok(!(await directory.list()).some((name) => name.endsWith('.tmp')));
  });

  it('lists the whole fragments of an fMP4 segment that was being written', async () => {
    await live(4000, { format: 'fmp4' });
    await breakLast('m4s', 10);
    await live(2000, { format: 'fmp4' });
    const list = (await lines()).filter((line) => !line.includes('DATE-TIME'));
    // The sound of the last whole fragment lasts a little longer than its pictures.
    const shown = list.slice(1).map((line) => line.replace(/1\.0\d\d/, '1.0xx'));
    assert.deepEqual(shown, [
      '#EXT-X-MAP:URI="show-0.mp4"',
      '#EXTINF:2.000,',
      'show-0.m4s',
      '#EXTINF:1.0xx,',
      'show-1.m4s',
      '#EXT-X-DISCONTINUITY',
      '#EXTINF:2.000,',
      'show-2.m4s',
    ]);
  });

  it('removes remains that are too short', async () => {
    await live(4000);
    await breakLast('ts', 0);
    await truncate(path('show-1.ts.tmp'), 188 * 4);
    await live(2000);
    assert.deepEqual(await directory.list(), ['show-0.ts', 'show-1.ts', 'show.m3u8']);
    assert.ok((await lines()).includes('#EXT-X-DISCONTINUITY'));
  });

  it('lists a segment that was complete when the playlist was not written any more', async () => {
    await live(4000);
    const list = await readFile(path('show.m3u8'), 'utf8');
    await writeFile(path('show.m3u8'), list.replace(/#EXTINF[^\n]*\nshow-1.ts\n/, ''));
    const soon = new Date(Date.now() + 5000);
    await utimes(path('show-1.ts'), soon, soon);
    await live(2000);
    assert.deepEqual((await lines()).slice(3, 5), ['#EXTINF:2.000,', 'show-1.ts']);
  });

  it('removes files that had just left the list, and leaves other ones alone', async () => {
    await live(4000);
    await cp(path('show-0.ts'), path('old-0.ts'));
    const list = await readFile(path('show.m3u8'), 'utf8');
    const removed = list
      .replace(/#EXTINF[^\n]*\nshow-0.ts\n/, '')
      .replace('SEQUENCE:0', 'SEQUENCE:1');
    await writeFile(path('show.m3u8'), removed);
    const later = new Date(Date.now() + 5000);
    await utimes(path('show.m3u8'), later, later);
    await live(2000);
    assert.deepEqual(await directory.list(), ['old-0.ts', 'show-1.ts', 'show-2.ts', 'show.m3u8']);
  });

  it('lists only what follows a file that is missing', async () => {
    await live(8000);
    await rm(path('show-1.ts'));
    await live(2000);
    const list = await lines();
    assert.equal(list[0], '#EXT-X-MEDIA-SEQUENCE:2');
    assert.equal(list[2], 'show-2.ts');
  });

  it('does not overwrite segments without a playlist', async () => {
    await live(4000);
    await rm(path('show.m3u8'));
    await live(2000);
    assert.deepEqual(await lines(), ['#EXT-X-MEDIA-SEQUENCE:0', '#EXTINF:2.000,', 'show-2.ts']);
  });

  it('begins anew with a playlist that is none', async () => {
    await live(2000);
    await writeFile(path('show.m3u8'), 'garbage');
    const hls = await live(2000);
    assert.deepEqual(await lines(), ['#EXT-X-MEDIA-SEQUENCE:0', '#EXTINF:2.000,', 'show-1.ts']);
    assert.equal(hls.log.matching('warn').length, 0);
  });

  it('goes on with encrypted segments and their keys', async () => {
    await live(4000, { keys: true, fragmentsPerKey: 1 });
    await live(2000, { keys: true, fragmentsPerKey: 1 });
    const keys = (await lines()).flatMap((line) => /URI="([^"]*)"/.exec(line)?.[1] ?? []);
    assert.deepEqual(keys, ['show-0.key', 'show-1.key', 'show-2.key']);
  });
});
