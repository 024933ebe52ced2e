import assert from 'node:assert/strict';
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { ActiveFiles } from '../../../../src/app/dvr/active-files';
import type { DvrOptions } from '../../../../src/app/dvr/options';
import { RecordingPaths } from '../../../../src/app/dvr/recording-paths';
import { Retention } from '../../../../src/app/dvr/retention';
import { RecordingLogger } from '../../../support/fakes/recording-logger';
import { useDirectory, withUnreadable } from '../../files/temporary';

import { Bench, filesIn, optionsIn, send, startOfDayMs, streamName } from './harness';

describe('Retention', () => {
  const directory = useDirectory();
  let log: RecordingLogger;
  let active: ActiveFiles;
  beforeEach(() => {
    log = new RecordingLogger();
    active = new ActiveFiles();
  });

  /** A file of some bytes, last changed some seconds ago. */
  function make(name: string, bytes: number, ageS: number): string {
    const path = join(directory(), name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, Buffer.alloc(bytes));
    utimesSync(path, startOfDayMs / 1000 - ageS, startOfDayMs / 1000 - ageS);
    return path;
  }

  function retain(limits: Partial<DvrOptions>, path?: string): Promise<void> {
    const options = optionsIn(directory(), { ...limits, ...(path ? { path } : {}) });
    return new Retention({
      paths: new RecordingPaths(options, () => true, streamName.vhost),
      limits: options,
      active,
      log,
      timeOfDayMs: () => startOfDayMs,
    }).run();
  }

  it('deletes what is too old, with the directories that become empty', async () => {
    make('a/x/cam.1.flv', 10, 100);
    make('a/cam.2.flv', 10, 100);
    make('b/cam.3.flv', 10, 50);
    const notOurs = make('a/notes.txt', 10, 1000);
    await retain({ retainAgeMs: 60_000 });
    assert.deepEqual(filesIn(directory()), ['a/notes.txt', 'b/cam.3.flv']);
    assert.equal(existsSync(join(directory(), 'a/x')), false);
    assert.equal(existsSync(notOurs), true);
    const lines = log.matching('dvr deleted');
    assert.equal(lines.length, 2);
    assert.match(lines.join(), /a\/x\/cam\.1\.flv, bytes=10: it is 100 s old/);
  });

  it('deletes the oldest while all together take too much', async () => {
    make('live/cam.1.flv', 100, 30);
    make('live/cam.2-2.flv', 100, 40);
    make('live/cam.3.flv', 100, 10);
    await retain({ retainBytes: 200 });
    assert.deepEqual(filesIn(directory()), ['live/cam.1.flv', 'live/cam.3.flv']);
    assert.match(log.matching('dvr deleted')[0] ?? '', /take more than 200 bytes/);
    await retain({ retainBytes: 200 });
    assert.equal(filesIn(directory()).length, 2);
  });

  it('counts files being written, but never deletes one', async () => {
    make('live/cam.1.flv.tmp', 150, 500);
    const appended = make('live/cam.2.flv', 100, 400);
    make('live/cam.3.flv', 100, 10);
    await active.claim(appended, { key: 'k', isClosing: false });
    await retain({ retainBytes: 250, retainAgeMs: 60_000 });
    assert.deepEqual(filesIn(directory()), ['live/cam.1.flv.tmp', 'live/cam.2.flv']);
  });

  it('leaves the files of other vhosts alone when the template tells them apart', async () => {
    make('example.com/cam.1.flv', 10, 100);
    make('other.com/cam.1.flv', 10, 100);
    await retain({ retainAgeMs: 1000 }, `${directory()}/[vhost]/[stream].[timestamp].flv`);
    assert.deepEqual(filesIn(directory()), ['other.com/cam.1.flv']);
  });

  it('tells what it cannot look at', async () => {
    await retain({ retainAgeMs: 1000 }, `${directory()}/\0/[stream].flv`);
    assert.match(log.lines[0] ?? '', /error 0 dvr cannot look for old files/);
    await retain({ retainAgeMs: 1000 }, `${directory()}/none/[stream].flv`);
    assert.equal(log.lines.length, 1);
  });

  it('deletes what is elsewhere when one directory cannot be read, and tells that once', async () => {
    make('a/cam.1.flv', 10, 100);
    const retention = new Retention({
      paths: new RecordingPaths(optionsIn(directory()), () => true, streamName.vhost),
      limits: { retainAgeMs: 60_000, retainBytes: 0 },
      active,
      log,
      timeOfDayMs: () => startOfDayMs,
    });
    await withUnreadable(directory(), async () => {
      await retention.run();
      await retention.run();
      assert.deepEqual(existsSync(join(directory(), 'a')), false);
    });
    assert.equal(log.matching('does not look for old files everywhere').length, 1);
  });

  it('lets a stream that begins to append wait for the deletion', async () => {
    const path = make('cam.1.flv', 10, 100);
    const retaining = retain({ retainAgeMs: 60_000 }, `${directory()}/[stream].[timestamp].flv`);
    while (!active.has(path)) await new Promise(setImmediate);
    const release = await active.claim(path, { key: 'k', isClosing: false });
    assert.equal(existsSync(path), false);
    release();
    await retaining;
    assert.equal(active.size, 0);
  });

  it('runs when the service starts', async () => {
    make('live/cam.1.flv', 10, 100);
    const bench = new Bench();
    const options = optionsIn(directory(), { retainAgeMs: 60_000 });
    bench.service.start([
      { name: streamName.vhost, dvr: options },
      { name: 'off', dvr: { ...options, enabled: false } },
    ]);
    await bench.log.until(() => bench.log.matching('dvr deleted').length > 0);
    const sink = bench.publish(options);
    send(sink, { frames: 1 });
    sink.onUnpublish();
    await bench.untilClosed(1);
    await bench.service.stop();
    assert.equal(filesIn(directory()).length, 1);
  });

  it('runs by the limits of a reload, and ends with them', async () => {
    make('live/cam.1.flv', 10, 100);
    const bench = new Bench();
    const vhost = (limits: Partial<DvrOptions>): { name: string; dvr: DvrOptions } => ({
      name: streamName.vhost,
      dvr: optionsIn(directory(), limits),
    });
    bench.service.start([vhost({})]);
    bench.service.setVhosts([vhost({ retainAgeMs: 60_000 })]);
    await bench.log.until(() => bench.log.matching('dvr deleted').length > 0);
    bench.service.setVhosts([]);
    await bench.service.stop();
    bench.service.setVhosts([vhost({ retainAgeMs: 60_000 })]);
    assert.deepEqual(filesIn(directory()), []);
  });
});
