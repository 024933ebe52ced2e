import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ActiveFiles } from '../../../../src/app/dvr/active-files';
import { openNewTarget, RecordingFile } from '../../../../src/app/dvr/recording-file';
import { aacFrame, avcInterFrame, avcKeyFrame } from '../../../support/media';
import { openDescriptors, useDirectory } from '../../files/temporary';

import { Bench, describeTags, filesIn, message, optionsIn, send, tagsOf } from './harness';

const tooMuch = 17 * 1024 * 1024;

describe('Recording to a failing disk', () => {
  const directory = useDirectory();
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.service.stop());

  const errors = (): string[] => bench.log.matching('error');

  for (const format of ['flv', 'mp4'] as const) {
    it(`tells once that ${format} files cannot be made, tries again, and tells when it works`, async () => {
      writeFileSync(join(directory(), 'live'), 'in the way');
      const sink = bench.publish(optionsIn(directory(), { format }));
      let fromMs = 0;
      const second = (): void => {
        send(sink, { frames: 25, fromMs, hasHeaders: fromMs === 0 });
        fromMs += 1000;
      };
      second();
      await bench.log.until(() => errors().length > 0);
      assert.match(
        errors()[0] ?? '',
        /dvr stops recording example.com\/live\/cam, tried again in 5 s: cannot .*live.*, ret=\d+/,
      );
      second();
      for (const waitMs of [5000, 10_000, 20_000, 40_000, 60_000]) {
        bench.clock.advance(waitMs - 1);
        second();
        bench.clock.advance(1);
        second();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      assert.equal(errors().length, 1);

      rmSync(join(directory(), 'live'));
      bench.clock.advance(60_000);
      // Only a key frame may begin a file.
      sink.onMessage(message(9, fromMs, avcInterFrame('v1')));
      sink.onMessage(message(8, fromMs, aacFrame('a1')));
      while (bench.log.matching('again').length < 2) {
        second();
        await new Promise(setImmediate);
      }
      assert.match(
        bench.log.matching('again')[1] ?? '',
        /dvr recording example.com\/live\/cam again/,
      );
      sink.onUnpublish();
      await bench.untilClosed(1);
      assert.equal(filesIn(directory()).length, 1);
      assert.deepEqual(openDescriptors(directory()), []);
      assert.equal(errors().length, 1);
    });

    it(`keeps what is whole of an ${format} file when the disk is too slow`, async () => {
      const sink = bench.publish(optionsIn(directory(), { format }));
      send(sink, { frames: 100 });
      await bench.log.until(() => bench.log.matching('dvr stream').length > 0);
      const temporary = join(directory(), filesIn(directory())[0] ?? '');
      while (!readFileSync(temporary).includes(format === 'mp4' ? 'v74' : 'a99')) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      for (let at = 0; at < tooMuch; at += 2 ** 20) {
        sink.onMessage(message(9, 4000, avcKeyFrame('v100', 2 ** 20)));
      }
      await bench.untilClosed(1);
      assert.match(errors()[0] ?? '', /fast enough/);
      const [file] = bench.closed;
      assert.ok(file !== undefined && file.durationMs >= 2900, JSON.stringify(file));
      assert.equal(statSync(file.file).size, file.bytes);
      assert.deepEqual(openDescriptors(directory()), []);
      if (format === 'flv') assert.match(describeTags(tagsOf(file.file)).join(), /a99/);
    });

    it(`gives up when no ${format} file can be opened in time`, async () => {
      const sink = bench.publish(optionsIn(directory(), { format }));
      send(sink, { frames: 1 });
      for (let at = 0; at < tooMuch; at += 2 ** 20) {
        sink.onMessage(message(9, 0, avcKeyFrame('v0', 2 ** 20)));
      }
      await bench.log.until(() => errors().length > 0);
      assert.match(errors()[0] ?? '', /cannot open a file fast enough/);
      sink.onUnpublish();
      await bench.service.stop();
      assert.deepEqual(filesIn(directory()), []);
    });
  }

  it('tells a file that cannot get its name', async () => {
    const sink = bench.publish(optionsIn(directory()));
    send(sink, { frames: 5 });
    await bench.log.until(() => bench.log.matching('dvr stream').length > 0);
    // Until it is open, it would be made anew.
    while (openDescriptors(directory()).length === 0) await new Promise(setImmediate);
    rmSync(join(directory(), 'live'), { recursive: true });
    sink.onUnpublish();
    await bench.log.until(() => errors().length > 0);
    assert.match(errors()[0] ?? '', /dvr cannot finish a file: cannot rename .*ENOENT/);
    assert.deepEqual(bench.closed, []);
  });

  it('cuts a file to the last whole part that is on disk', async () => {
    const active = new ActiveFiles();
    const path = join(directory(), 'x.flv');
    const target = await openNewTarget(path, { key: 'k', isClosing: true }, active);
    assert.equal(active.has(`${path}.tmp`), true);
    let told = 0;
    const file = new RecordingFile(target, 0, () => told++);
    file.write(Buffer.from('header'));
    assert.equal(file.isOnDisk, false);
    file.mark(0);
    file.write(Buffer.from('whole'));
    file.mark(1000.4);
    file.write(Buffer.from('partial'));
    while (statSync(`${path}.tmp`).size < 18) await new Promise(setImmediate);
    file.write(Buffer.alloc(tooMuch));
    file.mark(2000);
    const closed = await file.close(({ end, durationMs }) => {
      assert.deepEqual([end, durationMs], [11, 1000.4]);
      return [{ position: 0, bytes: Buffer.from('HEADER') }];
    });
    assert.deepEqual(closed, { file: path, durationMs: 1000, bytes: 11 });
    assert.equal(readFileSync(path, 'utf8'), 'HEADERwhole');
    assert.equal(active.size, 0);
    assert.equal(told, 1);
  });
});
