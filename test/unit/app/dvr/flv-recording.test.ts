import assert from 'node:assert/strict';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { product } from '../../../../src/core/version';
import { AmfObject } from '../../../../src/rtmp/amf0-value';
import { avcEndOfSequence, hevcKeyFrame, hevcSequenceHeader } from '../../../support/media';
import { openDescriptors, useDirectory } from '../../files/temporary';

import {
  Bench,
  describeTags,
  filesIn,
  message,
  optionsIn,
  sampleMetadata,
  send,
  startOfDayMs,
  statementOf,
  streamName,
  tagsOf,
} from './harness';

describe('FlvRecording', () => {
  const directory = useDirectory();
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.service.stop());

  it('records a publish under its temporary name, then its own', async () => {
    const sink = bench.publish(optionsIn(directory()), streamName, sampleMetadata);
    send(sink, { frames: 60, fromMs: 5000 });
    const file = `live/cam.${startOfDayMs + 2}.flv`;
    await bench.log.until(() => bench.log.matching('dvr stream').length > 0);
    assert.deepEqual(filesIn(directory()), [`${file}.tmp`]);
    sink.onUnpublish();
    await bench.untilClosed(1);
    assert.deepEqual(filesIn(directory()), [file]);
    const path = join(directory(), file);
    assert.deepEqual(bench.log.matching('dvr stream'), [
      `trace 0 dvr stream example.com/live/cam to file ${path}`,
    ]);
    assert.deepEqual(bench.closed, [
      {
        name: streamName,
        file: path,
        cwd: process.cwd(),
        durationMs: 2360,
        bytes: statSync(path).size,
        startedAt: bench.closed[0]?.startedAt,
      },
    ]);
    assert.deepEqual(openDescriptors(directory()), []);
  });

  it('begins with metadata and headers, and with time 0', async () => {
    const sink = bench.publish(optionsIn(directory()));
    send(sink, { frames: 2, fromMs: 5000 });
    sink.onUnpublish();
    await bench.untilClosed(1);
    const tags = tagsOf(bench.closed[0]?.file ?? '');
    assert.deepEqual(describeTags(tags), [
      '18 0 -',
      '9 0 -',
      '8 0 -',
      '9 0 v0',
      '8 0 a0',
      '9 40 v1',
      '8 40 a1',
    ]);
  });

  it('states duration, size, index and what the publisher said of the stream', async () => {
    const sink = bench.publish(optionsIn(directory()));
    send(sink, { frames: 10 });
    // It may come late.
    sink.onMetadata(sampleMetadata, message(18, 0, Buffer.alloc(0)));
    send(sink, { frames: 60, fromMs: 400, hasHeaders: false });
    sink.onUnpublish();
    await bench.untilClosed(1);
    const path = bench.closed[0]?.file ?? '';
    const { metadata, bytes, durationMs, entries } = statementOf(path);
    assert.deepEqual(
      [...metadata.entries],
      [
        ['width', 640],
        ['height', 360],
        ['encoder', 'test'],
      ],
    );
    const content = readFileSync(path);
    assert.equal(bytes, content.length);
    assert.equal(durationMs, 400 + 59 * 40);
    assert.deepEqual(
      entries.map(({ timeMs }) => timeMs),
      [0, 400, 1400, 2400],
    );
    for (const { position } of entries) assert.equal(content[position], 9);
    assert.ok(content.includes(product.serverName));
    assert.equal(content[4], 5);
  });

  it('states in the file header what really came', async () => {
    for (const [hasAudio, hasVideo, flags] of [
      [true, false, 4],
      [false, true, 1],
    ] as const) {
      const sink = bench.publish(optionsIn(directory()));
      send(sink, { frames: 200, hasAudio, hasVideo });
      sink.onUnpublish();
      await bench.untilClosed(flags === 4 ? 1 : 2);
      const path = bench.closed.at(-1)?.file ?? '';
      assert.equal(readFileSync(path)[4], flags);
      const times = statementOf(path).entries.map(({ timeMs }) => timeMs);
      assert.deepEqual(times, hasVideo ? [0, 1000, 2000, 3000, 4000, 5000, 6000, 7000] : [0, 5000]);
    }
  });

  it('goes on when the codec changes', async () => {
    const sink = bench.publish(optionsIn(directory()));
    send(sink, { frames: 3, hasAudio: false });
    sink.onMessage(message(9, 120, avcEndOfSequence()));
    sink.onMessage(message(9, 120, hevcSequenceHeader()));
    sink.onMessage(message(9, 120, hevcKeyFrame('v9')));
    sink.onUnpublish();
    await bench.untilClosed(1);
    const tags = tagsOf(bench.closed[0]?.file ?? '');
    assert.deepEqual(tags[6]?.payload, hevcSequenceHeader());
    assert.equal(describeTags(tags).at(-1), '9 120 v9');
  });

  it('reaches the disk while it grows, and is brought up to date every minute', async () => {
    const sink = bench.publish(optionsIn(directory()));
    send(sink, { frames: 1600 });
    const temporary = join(directory(), `live/cam.${startOfDayMs + 2}.flv.tmp`);
    await bench.log.until(() => bench.log.matching('dvr stream').length > 0);
    while (statSync(temporary).size < 60_000) await new Promise(setImmediate);
    while (statementOf(temporary).durationMs === 0) await new Promise(setImmediate);
    const { durationMs, entries } = statementOf(temporary);
    assert.equal(durationMs, 60_000);
    assert.equal(entries.length, 61);
    sink.onUnpublish();
    await bench.untilClosed(1);
  });

  describe('when appending', () => {
    const file = (): string => join(directory(), 'cam.flv');
    const appending = (): ReturnType<typeof optionsIn> =>
      optionsIn(directory(), { plan: 'append', path: `${directory()}/[stream].flv` });

    async function record(frames: number, fromMs: number): Promise<void> {
      const count = bench.closed.length + 1;
      const sink = bench.publish(appending(), streamName, sampleMetadata);
      send(sink, { frames, fromMs });
      sink.onUnpublish();
      await bench.untilClosed(count);
    }

    it('goes on in the same file with continuing times', async () => {
      await record(30, 7000);
      await record(30, 3000);
      assert.deepEqual(filesIn(directory()), ['cam.flv']);
      const tags = describeTags(tagsOf(file()));
      const second = tags.lastIndexOf('9 1360 v0');
      assert.deepEqual(tags.slice(second - 4, second + 2), [
        '9 1160 v29',
        '8 1160 a29',
        '9 1360 -',
        '8 1360 -',
        '9 1360 v0',
        '8 1360 a0',
      ]);
      const { durationMs, bytes, entries } = statementOf(file());
      assert.equal(durationMs, 2520);
      assert.equal(bytes, statSync(file()).size);
      assert.deepEqual(
        entries.map(({ timeMs }) => timeMs),
        [0, 1000, 1360, 2360],
      );
      assert.equal(bench.closed[1]?.durationMs, 2520);
    });

    it('mends a torn end first', async () => {
      await record(30, 0);
      truncateSync(file(), statSync(file()).size - 10);
      await record(10, 0);
      const tags = describeTags(tagsOf(file()));
      assert.equal(tags.includes('8 1160 a29'), false);
      assert.equal(tags.at(-1), '8 1720 a9');
      assert.equal(statementOf(file()).durationMs, 1720);
    });

    it('waits for the publish before to be closed', async () => {
      const sink = bench.publish(appending());
      send(sink, { frames: 5 });
      sink.onUnpublish();
      bench.publishTo(sink);
      send(sink, { frames: 5 });
      sink.onUnpublish();
      await bench.untilClosed(2);
      assert.equal(describeTags(tagsOf(file())).at(-1), '8 520 a4');
      assert.deepEqual(bench.log.matching('error'), []);
    });

    it('leaves a file alone that another stream is recorded to', async () => {
      const options = optionsIn(directory(), { plan: 'append', path: `${directory()}/all.flv` });
      const first = bench.publish(options);
      send(first, { frames: 5 });
      const second = bench.publish(options, { ...streamName, stream: 'other' });
      send(second, { frames: 5 });
      await bench.log.until(() => bench.log.matching('error').length > 0);
      assert.match(
        bench.log.matching('error')[0] ?? '',
        /example.com\/live\/cam is being recorded/,
      );
      first.onUnpublish();
      second.onUnpublish();
      await bench.untilClosed(1);
      assert.equal(describeTags(tagsOf(join(directory(), 'all.flv'))).length, 13);
    });

    it('makes a new file beside one that is no FLV', async () => {
      writeFileSync(file(), 'precious text');
      await record(5, 0);
      assert.equal(readFileSync(file(), 'utf8'), 'precious text');
      assert.deepEqual(filesIn(directory()), ['cam-2.flv', 'cam.flv']);
      assert.equal(bench.log.matching('is no whole FLV file').length, 1);
    });

    it('makes a new file beside one that is damaged in the middle', async () => {
      await record(5, 0);
      truncateSync(file(), 80 * 1024 * 1024);
      await record(5, 0);
      assert.equal(statSync(file()).size, 80 * 1024 * 1024);
      assert.deepEqual(filesIn(directory()), ['cam-2.flv', 'cam.flv']);
    });

    it('leaves an existing file as it was when nothing comes', async () => {
      await record(5, 0);
      const before = readFileSync(file());
      bench.publish(appending()).onUnpublish();
      await bench.service.stop();
      assert.deepEqual(readFileSync(file()), before);
    });

    it('keeps the times of the publisher when they are not corrected', async () => {
      for (const fromMs of [7000, 9000]) {
        const count = bench.closed.length + 1;
        const sink = bench.publish({ ...appending(), timeJitter: 'off' });
        send(sink, { frames: 3, fromMs });
        sink.onUnpublish();
        await bench.untilClosed(count);
      }
      const times = tagsOf(file()).map(({ timestamp }) => timestamp);
      assert.deepEqual([...new Set(times)], [0, 7000, 7040, 7080, 9000, 9040, 9080]);
      assert.equal(statementOf(file()).durationMs, 2080);
    });
  });

  it('keeps only what matters of metadata out of all proportion', async () => {
    const metadata = AmfObject.of({ width: 640, comment: 'x'.repeat(20_000) });
    const sink = bench.publish(optionsIn(directory()), streamName, metadata);
    send(sink, { frames: 1 });
    sink.onUnpublish();
    await bench.untilClosed(1);
    const { metadata: stated } = statementOf(bench.closed[0]?.file ?? '');
    assert.deepEqual([...stated.entries], [['width', 640]]);
  });
});
