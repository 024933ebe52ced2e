import assert from 'node:assert/strict';
import { createDecipheriv } from 'node:crypto';
import { access, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { stub } from 'sinon';

import type { HlsOptions } from '../../../../src/app/hls/options';
import { ErrorCode } from '../../../../src/core/errors';
import { FileWriter } from '../../../../src/files/file-writer';
import { fileError } from '../../../../src/files/open-file';
import { TsReader } from '../../../../src/media/ts-reader';

import {
  audioTags,
  avTags,
  Harness,
  hlsOptions,
  openFiles,
  settled,
  TemporaryDirectory,
  until,
} from './harness';

describe('app/hls on disk', () => {
  const directory = new TemporaryDirectory();
  let hls: Harness;

  beforeEach(async () => {
    hls = new Harness();
    await directory.create();
  });

  afterEach(async () => {
    await hls.service.stop();
    await directory.remove();
  });

  function options(changes: Partial<HlsOptions> = {}): HlsOptions {
    return hlsOptions({ path: directory.path, storage: 'disk', ...changes });
  }

  /** A publication from a stream that is ready to its end on disk. */
  async function play(changes: Partial<HlsOptions>, tags = avTags(8000)): Promise<void> {
    const sink = hls.sink(options(changes));
    hls.publish(sink);
    await hls.service.settle();
    hls.send(sink, tags);
    sink.onUnpublish();
    await hls.service.stop();
  }

  function read(name: string): Promise<Buffer> {
    return readFile(join(directory.path, 'live', name));
  }

  async function lines(name = 'show.m3u8'): Promise<string[]> {
    return (await read(name)).toString().split('\n');
  }

  it('writes segments and a playlist, and tells of each when it is there', async () => {
    await play({});
    assert.deepEqual(await directory.list(), [
      ...[0, 1, 2, 3].map((index) => `show-${index}.ts`),
      'show.m3u8',
    ]);
    assert.deepEqual(await lines(), [
      '#EXTM3U',
      '#EXT-X-VERSION:3',
      '#EXT-X-TARGETDURATION:3',
      '#EXT-X-MEDIA-SEQUENCE:0',
      ...[0, 1, 2, 3].flatMap((index) => ['#EXTINF:2.000,', `show-${index}.ts`]),
      '',
    ]);
    assert.deepEqual(
      hls.segments.map(({ file, url, sequence }) => ({ file, url, sequence })),
      [0, 1, 2, 3].map((sequence) => ({
        file: join(directory.path, `live/show-${sequence}.ts`),
        url: `show-${sequence}.ts`,
        sequence,
      })),
    );
    for (const index of [0, 1, 2, 3]) {
      const reader = new TsReader();
      reader.push(await read(`show-${index}.ts`));
      const { pids, continuityErrors, isSyncLost } = reader.finish();
      assert.deepEqual([continuityErrors, isSyncLost], [0, false]);
      assert.ok(
        [...pids.values()].every(
          ({ startsWithKey, streamId }) => startsWithKey || streamId === 0xc0,
        ),
      );
    }
  });

  it('writes bytes of the open segment soon', async () => {
    const sink = hls.sink(options());
    hls.publish(sink);
    await hls.service.settle();
    hls.send(sink, avTags(1000));
    const tmp = join(directory.path, 'live/show-0.ts.tmp');
    await until(async () => ((await stat(tmp).catch(() => undefined))?.size ?? 0) > 188 * 50);
    sink.onUnpublish();
  });

  it('deletes segments one target duration after they have left the list', async () => {
    const sink = hls.sink(options({ windowMs: 2000 }));
    hls.publish(sink);
    await hls.service.settle();
    hls.send(sink, avTags(14_040));
    await until(() => hls.segments.length === 7);
    await hls.service.settle();
    const name = (index: number): string => `show-${index}.ts`;
    assert.ok((await directory.list()).includes(name(0)));
    assert.ok(!(await lines()).includes(name(1)));
    hls.pass(3000);
    await until(async () => !(await directory.list()).includes(name(1)));
    assert.ok((await directory.list()).includes(name(2)));
    sink.onUnpublish();
  });

  it('keeps all files when cleaning up is off', async () => {
    await play({ windowMs: 2000, cleanup: false }, avTags(14_040));
    const segments = (await directory.list()).filter((name) => name.endsWith('.ts'));
    assert.equal(segments.length, 7);
  });

  it('writes fMP4 with its initialisation section', async () => {
    await play({ format: 'fmp4' });
    const list = await lines();
    assert.equal(list[1], '#EXT-X-VERSION:7');
    assert.deepEqual(list.slice(4, 8), [
      '#EXT-X-MAP:URI="show-0.mp4"',
      '#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z',
      '#EXTINF:2.000,',
      'show-0.m4s',
    ]);
    assert.equal((await read('show-0.mp4')).toString('latin1', 4, 8), 'ftyp');
    assert.equal((await read('show-0.m4s')).toString('latin1', 4, 8), 'moof');
  });

  it('encrypts segments so that they can be decrypted by the playlist', async () => {
    await play({ keys: true, fragmentsPerKey: 2 });
    const list = await lines();
    const keys = list.filter((line) => line.startsWith('#EXT-X-KEY:'));
    const used = keys.map((line) =>
      /^#EXT-X-KEY:METHOD=AES-128,URI="(.*)",IV=0x([0-9a-f]{32})$/.exec(line),
    );
    assert.deepEqual(
      used.map((match) => match?.[1]),
      ['show-0.key', 'show-0.key', 'show-2.key', 'show-2.key'],
    );
    assert.equal(new Set(used.map((match) => match?.[2])).size, 4);
    for (const [index, match] of used.entries()) {
      const key = await read(match?.[1] ?? '');
      assert.equal(key.length, 16);
      const iv = Buffer.from(match?.[2] ?? '', 'hex');
      const cipher = createDecipheriv('aes-128-cbc', key, iv);
      const segment = Buffer.concat([
        cipher.update(await read(`show-${index}.ts`)),
        cipher.final(),
      ]);
      const reader = new TsReader();
      reader.push(segment);
      assert.equal(reader.finish().packets, segment.length / 188);
      assert.ok(!hls.log.lines.some((line) => line.includes(key.toString('hex'))));
    }
  });

  it('deletes keys with the last segment that needs them', async () => {
    await play({ keys: true, fragmentsPerKey: 2, windowMs: 2000 }, avTags(14_040));
    const listed = (await lines()).flatMap((line) => /URI="([^"]*)"/.exec(line)?.[1] ?? []);
    const files = (await directory.list()).filter((name) => name.endsWith('.key'));
    assert.deepEqual(files, [...new Set(listed)]);
  });

  it('writes keys elsewhere and names them by their URL', async () => {
    const keyFilePath = join(directory.path, 'secret');
    await play({ keys: true, keyFilePath, keyUrl: 'https://k.example/x' });
    assert.match((await lines())[4] ?? '', /URI="https:\/\/k.example\/x\/live\/show-0.key"/);
    await access(join(keyFilePath, 'live/show-0.key'));
  });

  it('writes a master playlist', async () => {
    await play({ masterFile: '[stream].m3u8' });
    const master = (await readFile(join(directory.path, 'show.m3u8'), 'utf8')).split('\n');
    assert.match(master[2] ?? '', /CODECS="avc1.64001e,mp4a.40.2"/);
    assert.equal(master[3], 'live/show.m3u8');
  });

  it('makes the directories of templates and puts the prefix before URIs', async () => {
    const prefix = {
      entryPrefix: 'http://cdn',
      tsFile: '[vhost]/[2006]-[01]-[02]/[stream]-[seq].ts',
    };
    await play({ ...prefix, m3u8File: '[vhost]/list/[stream].m3u8' });
    await access(join(directory.path, 'v.com/2026-01-01/show-0.ts'));
    const list = await readFile(join(directory.path, 'v.com/list/show.m3u8'), 'utf8');
    assert.equal(list.split('\n')[5], 'http://cdn/v.com/list/../2026-01-01/show-0.ts');
  });

  it('numbers segments by the clock with hls_ts_floor', async () => {
    await play({ tsFloor: true, tsFile: '[app]/[stream]-[timestamp].ts' }, audioTags(7000));
    const floor = Date.UTC(2026, 0, 1) / 2000 - 1;
    const segments = (await lines()).filter((line) => line.endsWith('.ts'));
    assert.deepEqual(
      segments,
      segments.map((_, index) => `show-${floor + index}.ts`),
    );
  });

  it('serves from memory as well when told to', async () => {
    const sink = hls.sink(options({ storage: 'both', lowLatency: true }));
    hls.publish(sink);
    await hls.service.settle();
    hls.send(sink, avTags(4200));
    assert.match(hls.get('/live/show.m3u8').text, /EXT-X-PART:/);
    assert.equal(hls.get('/live/show-0.ts').status, 200);
    sink.onUnpublish();
    await until(() => hls.segments.length === 3);
    await hls.service.settle();
    assert.ok((await read('show-0.ts')).equals(hls.get('/live/show-0.ts').body));
    assert.doesNotMatch((await lines()).join('\n'), /PART/);
  });

  it('refuses a second stream that would write the same keys', () => {
    const same = { keys: true, keyFile: '[seq].key' };
    hls.publish(hls.sink(options(same)));
    const other = { vhost: 'v.com', app: 'live', stream: 'other' };
    hls.publish(hls.sink(options(same), other), other);
    const [line = ''] = hls.log.matching('hls is off');
    assert.match(line, /\/0.key is written by v.com\/live\/show/);
  });

  it('refuses a second stream that would write the same files', () => {
    const same = { m3u8File: '[app]/all.m3u8', tsFile: '[app]/[seq].ts' };
    const sink = hls.sink(options(same));
    hls.publish(sink);
    const other = { vhost: 'v.com', app: 'live', stream: 'other' };
    hls.publish(hls.sink(options(same), other), other);
    assert.match(
      hls.log.matching('hls is off')[0] ?? '',
      /all.m3u8 is written by v.com\/live\/show/,
    );
    const segments = { tsFile: '[app]/[seq].ts' };
    const third = { vhost: 'v.com', app: 'live', stream: 'third' };
    hls.publish(hls.sink(options(segments), third), third);
    assert.equal(hls.log.matching('hls is off').length, 2);
    sink.onUnpublish();
  });

  it('keeps fewer segments when the disk is full, so that the stream goes on', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    const sink = hls.sink(options());
    hls.publish(sink);
    await hls.service.settle();
    hls.send(sink, avTags(10_200));
    await hls.service.settle();
    assert.equal(hls.segments.length, 5);
    const closing = stub(FileWriter.prototype, 'close').callsFake(async function (
      this: FileWriter,
    ) {
      await closing.wrappedMethod.call(this);
      throw fileError(ErrorCode.SYSTEM_FILE_WRITE, 'cannot write', full);
    });
    hls.send(sink, avTags(4000, 1000, 10_240).slice(2));
    await hls.service.settle();
    closing.restore();
    assert.equal((await lines()).filter((line) => line.endsWith('.ts')).length, 4);
    assert.deepEqual((await directory.list()).slice(0, 3), ['show-1.ts', 'show-2.ts', 'show-3.ts']);
    hls.send(sink, avTags(10_200, 1000, 14_240).slice(2));
    await hls.service.settle();
    const listed = (await lines()).filter((line) => line.endsWith('.ts'));
    assert.equal(listed.length, 4);
    assert.equal(listed.at(-1), 'show-11.ts');
  });

  it('tells once of a directory that cannot be written, and goes on when it can', async () => {
    const blocked = join(directory.path, 'live');
    await writeFile(blocked, 'a file where a directory should be');
    const sink = hls.sink(options());
    hls.publish(sink);
    await hls.service.settle();
    hls.send(sink, avTags(6040));
    await until(() => hls.log.matching('hls cannot write').length === 1);
    await settled();
    await rm(blocked);
    hls.send(sink, avTags(6040, 1000, 6040).slice(2));
    sink.onUnpublish();
    await hls.service.stop();
    assert.equal(hls.log.matching('hls cannot write').length, 1);
    assert.equal(hls.log.matching('hls writes again').length, 1);
    assert.equal((await lines())[4], '#EXTINF:2.000,');
  });

  it('removes everything after hls_dispose without packets', async () => {
    const sink = hls.sink(options({ disposeMs: 20_000, format: 'fmp4', masterFile: 'm.m3u8' }));
    hls.publish(sink);
    await hls.service.settle();
    hls.send(sink, avTags(5000));
    await until(() => hls.segments.length === 2);
    hls.pass(19_000);
    assert.ok((await directory.list()).length > 3);
    hls.pass(1000);
    await until(async () => (await directory.list()).length === 0);
    // The publisher was only silent.
    hls.send(sink, avTags(5000, 1000, 30_000).slice(2));
    await until(() => hls.segments.length === 4);
    sink.onUnpublish();
    await hls.service.stop();
    assert.deepEqual(await directory.list(), [], 'also at a stop');
    assert.deepEqual(await directory.list('.'), ['live']);
  });

  it('goes on with other options after a reload', async () => {
    const sink = hls.sink(options());
    hls.publish(sink);
    await hls.service.settle();
    hls.send(sink, avTags(4000));
    sink.onUnpublish();
    const changed = hls.sink(options({ fragmentMs: 4000 }));
    hls.publish(changed);
    await hls.service.settle();
    hls.send(changed, avTags(8000));
    changed.onUnpublish();
    await hls.service.stop();
    assert.deepEqual((await lines()).slice(2, -1), [
      '#EXT-X-TARGETDURATION:6',
      '#EXT-X-MEDIA-SEQUENCE:0',
      '#EXTINF:2.000,',
      'show-0.ts',
      '#EXTINF:2.000,',
      'show-1.ts',
      '#EXT-X-DISCONTINUITY',
      '#EXTINF:4.000,',
      'show-2.ts',
      '#EXTINF:4.000,',
      'show-3.ts',
    ]);
  });

  it('leaves no file open by a publisher that comes and goes 200 times', async () => {
    const before = await openFiles();
    const sink = hls.sink(options());
    for (let round = 0; round < 200; round++) {
      hls.publish(sink);
      if (round === 0) await hls.service.settle();
      hls.send(sink, avTags(round % 3 === 0 ? 60 : 300, 100));
      sink.onUnpublish();
      if (round % 20 === 0) await settled();
    }
    await hls.service.stop();
    assert.ok((await openFiles()) <= before, 'files are left open');
    assert.ok(!(await directory.list()).some((name) => name.endsWith('.tmp')));
  });
});
