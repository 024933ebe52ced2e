import assert from 'node:assert/strict';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import type { DvrOptions } from '../../../../src/app/dvr/options';
import { RandomAccessFile } from '../../../../src/files/random-access-file';
import { findLastFragmentEnd } from '../../../../src/media/mp4/last-fragment';
import { useDirectory } from '../../files/temporary';

import {
  Bench,
  describeTags,
  filesIn,
  optionsIn,
  sampleMetadata,
  send,
  startOfDayMs,
  statementOf,
  streamName,
  tagsOf,
} from './harness';

const beforeStart = startOfDayMs / 1000 - 100;

describe('Recovery of unfinished recordings', () => {
  const directory = useDirectory();
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.service.stop());

  /** Makes a recording and gives it back the name it had while it grew; cut by some bytes. */
  async function leave(options: DvrOptions, cutBytes: number, frames = 100): Promise<string> {
    const maker = new Bench();
    const sink = maker.publish(options, streamName, sampleMetadata);
    send(sink, { frames });
    sink.onUnpublish();
    await maker.untilClosed(1);
    const file = maker.closed[0]?.file ?? '';
    renameSync(file, `${file}.tmp`);
    truncateSync(`${file}.tmp`, statSync(`${file}.tmp`).size - cutBytes);
    utimesSync(`${file}.tmp`, beforeStart, beforeStart);
    return file;
  }

  function recover(options: DvrOptions): void {
    bench.service.start([{ name: streamName.vhost, dvr: options }]);
  }

  it('cuts an FLV file to its last whole tag and states what it holds', async () => {
    const options = optionsIn(directory());
    const file = await leave(options, 20);
    recover(options);
    await bench.log.until(() => bench.log.matching('dvr recovered').length > 0);
    assert.deepEqual(filesIn(directory()), [file.slice(directory().length + 1)]);
    assert.equal(describeTags(tagsOf(file)).at(-1), '9 3960 v99');
    const { bytes, durationMs, entries, metadata } = statementOf(file);
    assert.equal(bytes, statSync(file).size);
    assert.equal(durationMs, 3960);
    assert.equal(metadata.get('width'), 640);
    assert.deepEqual(
      entries.map(({ timeMs }) => timeMs),
      [0, 1000, 2000, 3000],
    );
    assert.deepEqual(bench.closed, [
      {
        name: streamName,
        file,
        cwd: process.cwd(),
        durationMs: 3960,
        bytes,
        startedAt: beforeStart * 1000 - 3960,
      },
    ]);
  });

  it('cuts an MP4 file to its last whole fragment and adds the index', async () => {
    const options = optionsIn(directory(), { format: 'mp4' });
    const file = await leave(options, 700);
    recover(options);
    await bench.log.until(() => bench.log.matching('dvr recovered').length > 0);
    const opened = await RandomAccessFile.open(file);
    const whole = await findLastFragmentEnd(opened).finally(() => opened.close());
    assert.ok(whole.durationMs >= 2900 && whole.durationMs < 4000, String(whole.durationMs));
    assert.equal(readFileSync(file).includes('mfra'), true);
    assert.equal(bench.closed[0]?.bytes, statSync(file).size);
  });

  it('removes what holds no media', async () => {
    const options = optionsIn(directory());
    const file = await leave(options, 0, 1);
    truncateSync(`${file}.tmp`, 100);
    utimesSync(`${file}.tmp`, beforeStart, beforeStart);
    recover(options);
    await bench.log.until(() => bench.log.matching('holds no media').length > 0);
    assert.deepEqual(filesIn(directory()), []);
    assert.deepEqual(bench.closed, []);
  });

  it('does not overwrite a file that has the name already', async () => {
    const options = optionsIn(directory(), { path: `${directory()}/[stream].flv` });
    const file = await leave(options, 0);
    writeFileSync(file, 'finished');
    recover(options);
    await bench.log.until(() => bench.log.matching('dvr recovered').length > 0);
    assert.deepEqual(filesIn(directory()), ['cam-2.flv', 'cam.flv']);
    assert.equal(readFileSync(file, 'utf8'), 'finished');
    assert.equal(statementOf(join(directory(), 'cam-2.flv')).durationMs, 3960);
  });

  it('leaves alone what someone else has open, what changed later and what is not ours', async () => {
    const options = optionsIn(directory());
    const opened = await leave(options, 0);
    const fresh = join(directory(), 'live/new.1.flv.tmp');
    writeFileSync(fresh, 'x');
    utimesSync(fresh, startOfDayMs / 1000 + 100, startOfDayMs / 1000 + 100);
    const foreign = join(directory(), 'live/foreign.flv.tmp');
    writeFileSync(foreign, 'x');
    utimesSync(foreign, beforeStart, beforeStart);
    const damaged = await leave(
      { ...options, path: `${directory()}/b/[stream].[timestamp].flv` },
      0,
    );
    const handle = openSync(`${opened}.tmp`, 'r');
    try {
      recover(options);
      await bench.log.until(() => bench.log.matching('dvr recovered').length > 0);
    } finally {
      closeSync(handle);
    }
    const left = filesIn(directory()).map((file) => join(directory(), file));
    assert.deepEqual(left, [damaged, foreign, fresh, `${opened}.tmp`].sort());
  });

  it('neither removes nor cuts what is no recording, though it is called like one', async () => {
    const options = optionsIn(directory());
    await leave(options, 0);
    const download = join(directory(), 'live/film.1.flv.tmp');
    const movie = join(directory(), 'live/film.1.mp4.tmp');
    for (const path of [download, movie]) {
      writeFileSync(path, 'a download of somebody. '.repeat(100));
      utimesSync(path, beforeStart, beforeStart);
    }
    recover(options);
    recover({ ...options, format: 'mp4' });
    await bench.log.until(() => bench.log.matching('alone: it is no recording').length === 2);
    assert.deepEqual([statSync(download).size, statSync(movie).size], [2400, 2400]);
  });

  it('does not cut most of a file off because of damage in the middle', async () => {
    const options = optionsIn(directory());
    const file = `${await leave(options, 0)}.tmp`;
    const path = join(directory(), 'live/cam.2.mp4');
    const movie = await leave({ ...options, format: 'mp4', path }, 0);
    for (const left of [file, `${movie}.tmp`]) {
      truncateSync(left, 80 * 1024 * 1024);
      utimesSync(left, beforeStart, beforeStart);
    }
    recover(options);
    recover({ ...options, format: 'mp4' });
    await bench.log.until(() => bench.log.matching('is damaged at byte').length === 2);
    assert.equal(statSync(file).size, 80 * 1024 * 1024);
    assert.equal(statSync(`${movie}.tmp`).size, 80 * 1024 * 1024);
  });

  it('goes on after a file that cannot be recovered', async () => {
    const options = optionsIn(directory());
    const file = await leave(options, 0);
    mkdirSync(file);
    writeFileSync(join(file, 'inside'), '');
    const [, second] = [file, await leave(options, 0).catch(() => '')];
    recover(options);
    await bench.log.until(() => bench.log.matching('dvr recovered').length > 0);
    assert.ok(filesIn(directory()).length >= 2, second);
  });

  it('stops with the server', async () => {
    const options = optionsIn(directory());
    const file = await leave(options, 0);
    bench = new Bench({ settleMs: 60_000 });
    recover(options);
    await bench.service.stop();
    assert.equal(statSync(`${file}.tmp`).isFile(), true);
  });

  it('tells a directory that cannot be read, and does not mind a missing one', async () => {
    recover(optionsIn(join(directory(), 'none')));
    const options = optionsIn(directory(), { path: `${directory()}/\0/[stream].flv` });
    bench.service.start([{ name: 'v', dvr: options }]);
    await bench.log.until(() => bench.log.matching('error').length > 0);
    assert.match(bench.log.matching('error')[0] ?? '', /dvr cannot look for unfinished files/);
  });
});
