import assert from 'node:assert/strict';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { RandomAccessFile } from '../../../../src/files/random-access-file';
import { findLastFragmentEnd } from '../../../../src/media/mp4/last-fragment';
import type { WholeFragments } from '../../../../src/media/mp4/last-fragment';
import {
  aacFrame,
  aacSequenceHeader,
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
  hex,
  records,
} from '../../../support/media';
import { openDescriptors, useDirectory } from '../../files/temporary';

import { Bench, filesIn, message, optionsIn, send, startOfDayMs, streamName } from './harness';

async function inspect(path: string): Promise<WholeFragments> {
  const file = await RandomAccessFile.open(path);
  return findLastFragmentEnd(file).finally(() => file.close());
}

/** The four-character types of the boxes at the top of a file. */
function boxesOf(path: string): string[] {
  const content = readFileSync(path);
  const types: string[] = [];
  for (let at = 0; at < content.length; at += content.readUInt32BE(at)) {
    types.push(content.toString('latin1', at + 4, at + 8));
  }
  return types;
}

function hasTrack(path: string, type: 'vide' | 'soun'): boolean {
  return readFileSync(path).includes(type);
}

describe('Mp4Recording', () => {
  const directory = useDirectory();
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.service.stop());

  const mp4 = (changes: Parameters<typeof optionsIn>[1] = {}): ReturnType<typeof optionsIn> =>
    optionsIn(directory(), { format: 'mp4', ...changes });

  it('records a fragment per second and key frame, with an index at the end', async () => {
    const sink = bench.publish(mp4());
    send(sink, { frames: 100, fromMs: 3000, gop: 50 });
    sink.onUnpublish();
    await bench.untilClosed(1);
    const path = join(directory(), `live/cam.${startOfDayMs + 2}.mp4`);
    assert.equal(bench.closed[0]?.file, path);
    assert.equal(bench.closed[0].bytes, statSync(path).size);
    assert.equal(bench.closed[0].durationMs, 4000);
    const boxes = boxesOf(path);
    assert.deepEqual(boxes.slice(0, 2), ['ftyp', 'moov']);
    assert.equal(boxes.at(-1), 'mfra');
    const whole = await inspect(path);
    assert.ok(whole.fragments >= 4);
    assert.equal(Math.round(whole.durationMs), 4000);
    assert.deepEqual(openDescriptors(directory()), []);
  });

  it('waits for the second track, but not for ever', async () => {
    const sink = bench.publish(mp4());
    sink.onMessage(message(9, 0, avcSequenceHeader()));
    sink.onMessage(message(9, 0, avcKeyFrame()));
    sink.onMessage(message(8, 20, aacSequenceHeader()));
    sink.onMessage(message(8, 20, aacFrame()));
    sink.onMessage(message(9, 40, avcInterFrame()));
    sink.onUnpublish();
    await bench.untilClosed(1);
    const both = bench.closed[0]?.file ?? '';
    assert.deepEqual([hasTrack(both, 'vide'), hasTrack(both, 'soun')], [true, true]);

    for (const hasVideo of [true, false]) {
      const alone = bench.publish(mp4());
      send(alone, { frames: 60, hasVideo, hasAudio: !hasVideo });
      alone.onUnpublish();
    }
    await bench.untilClosed(3);
    const tracks = bench.closed
      .slice(1)
      .map(({ file }) => [hasTrack(file, 'vide'), hasTrack(file, 'soun')].join());
    assert.deepEqual(tracks.sort(), ['false,true', 'true,false']);
  });

  it('begins a new file at the next key frame when a track comes late or changes', async () => {
    const sink = bench.publish(mp4());
    send(sink, { frames: 50, hasAudio: false });
    send(sink, { frames: 50, fromMs: 2000 });
    sink.onMessage(message(9, 4000, avcSequenceHeader(records.avcBaseline)));
    send(sink, { frames: 25, fromMs: 4000, hasHeaders: false });
    sink.onUnpublish();
    await bench.untilClosed(3);
    const files = bench.closed.map(({ file }) => file).sort();
    const sound = files.map((file) => hasTrack(file, 'soun'));
    assert.deepEqual(sound, [false, true, true]);
    const baseline = files.map((file) => readFileSync(file).includes(records.avcBaseline));
    assert.deepEqual(baseline, [false, false, true]);
  });

  it('leaves out what MP4 cannot hold, saying so once', async () => {
    const sink = bench.publish(mp4({ plan: 'segment', durationMs: 1000 }));
    sink.onMessage(message(9, 0, avcSequenceHeader()));
    for (let index = 0; index < 75; index++) {
      // Speex.
      sink.onMessage(message(8, index * 40, hex('b2 0102')));
      const video = index % 25 === 0 ? avcKeyFrame() : avcInterFrame();
      sink.onMessage(message(9, index * 40, video));
    }
    sink.onUnpublish();
    await bench.untilClosed(3);
    assert.equal(bench.log.matching('leaves out').length, 1);
    assert.equal(hasTrack(bench.closed[0]?.file ?? '', 'soun'), false);
  });

  it('leaves no file when nothing can be recorded', async () => {
    const sink = bench.publish(mp4());
    for (let index = 0; index < 75; index++) sink.onMessage(message(8, index * 40, hex('b2 0102')));
    sink.onUnpublish();
    await bench.service.stop();
    assert.deepEqual(filesIn(directory()), []);
    assert.deepEqual(bench.closed, []);
  });

  it('passes damaged frames over, saying so once', async () => {
    const sink = bench.publish(mp4());
    send(sink, { frames: 30 });
    for (let index = 0; index < 3; index++) {
      sink.onMessage(message(9, 1200, hex('27 01 000000 000000ff 41')));
    }
    send(sink, { frames: 30, fromMs: 1240, hasHeaders: false });
    sink.onUnpublish();
    await bench.untilClosed(1);
    assert.equal(bench.log.matching('damaged').length, 1);
    assert.equal(Math.round((await inspect(bench.closed[0]?.file ?? '')).durationMs), 2440);
  });

  describe('when appending', () => {
    const file = (): string => join(directory(), 'cam.mp4');

    async function record(options: ReturnType<typeof optionsIn>, frames: number): Promise<void> {
      const count = bench.closed.length + 1;
      const sink = bench.publish(options);
      send(sink, { frames, fromMs: 1000 });
      sink.onUnpublish();
      await bench.untilClosed(count);
    }
    const appending = (): ReturnType<typeof optionsIn> =>
      mp4({ plan: 'append', path: `${directory()}/[stream].mp4` });

    it('goes on in the same file with continuing times', async () => {
      await record(appending(), 50);
      await record(appending(), 50);
      assert.deepEqual(filesIn(directory()), ['cam.mp4']);
      const whole = await inspect(file());
      assert.equal(Math.round(whole.durationMs), 4200);
      assert.equal(bench.closed[1]?.durationMs, 4200);
      assert.equal(bench.closed[1].bytes, statSync(file()).size);
      assert.deepEqual(
        boxesOf(file()).filter((type) => type === 'moov' || type === 'mfra'),
        ['moov', 'mfra'],
      );
    });

    it('mends a torn end first', async () => {
      await record(appending(), 50);
      const [, second] = [await inspect(file()), statSync(file()).size];
      truncateSync(file(), second - 300);
      await record(appending(), 50);
      const whole = await inspect(file());
      assert.ok(whole.durationMs < 4200 && whole.durationMs > 3000, String(whole.durationMs));
      assert.equal(boxesOf(file()).at(-1), 'mfra');
    });

    it('makes a new file beside one of other tracks', async () => {
      await record(appending(), 50);
      const before = readFileSync(file());
      const sink = bench.publish(appending());
      send(sink, { frames: 50, hasAudio: false });
      sink.onUnpublish();
      await bench.untilClosed(2);
      assert.deepEqual(filesIn(directory()), ['cam-2.mp4', 'cam.mp4']);
      assert.deepEqual(readFileSync(file()), before);
    });

    it('makes a new file beside one that is no MP4', async () => {
      writeFileSync(file(), 'precious text');
      await record(appending(), 5);
      assert.equal(readFileSync(file(), 'utf8'), 'precious text');
      assert.equal(bench.log.matching('is no whole recording of the same tracks').length, 1);
    });

    it('makes a new file beside one that is damaged in the middle', async () => {
      await record(appending(), 5);
      truncateSync(file(), 80 * 1024 * 1024);
      await record(appending(), 5);
      assert.equal(statSync(file()).size, 80 * 1024 * 1024);
      assert.deepEqual(filesIn(directory()), ['cam-2.mp4', 'cam.mp4']);
    });

    it('adds up durations of publishers whose times are not corrected', async () => {
      const options = { ...appending(), timeJitter: 'off' as const };
      await record(options, 50);
      await record(options, 50);
      assert.equal(bench.closed[1]?.durationMs, 4000);
    });
  });

  it('does not mix up streams of one name in two formats', async () => {
    const first = bench.publish(mp4());
    const second = bench.publish(optionsIn(directory()), streamName);
    for (const sink of [first, second]) {
      send(sink, { frames: 5 });
      sink.onUnpublish();
    }
    await bench.untilClosed(2);
    const extensions = filesIn(directory()).map((name) => name.slice(-4));
    assert.deepEqual(extensions.sort(), ['.flv', '.mp4']);
  });
});
