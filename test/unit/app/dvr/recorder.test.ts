import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  aacFrame,
  aacSequenceHeader,
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
  hex,
} from '../../../support/media';
import { openDescriptors, useDirectory } from '../../files/temporary';

import {
  Bench,
  describeTags,
  filesIn,
  message,
  optionsIn,
  sampleMetadata,
  send,
  statementOf,
  streamName,
  tagsOf,
} from './harness';

describe('Recorder', () => {
  const directory = useDirectory();
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench();
  });
  afterEach(() => bench.service.stop());

  /** The tags of all files closed, in the order the files were begun; headers left out. */
  function recorded(): string[][] {
    const files = bench.closed.map(({ file }) => file).sort();
    return files.map((file) => describeTags(tagsOf(file)).filter((tag) => !tag.endsWith('-')));
  }

  describe('with the plan segment', () => {
    it('begins a file at the first key frame after the duration, with headers and metadata', async () => {
      const options = optionsIn(directory(), { plan: 'segment', durationMs: 1500 });
      const sink = bench.publish(options, streamName, sampleMetadata);
      send(sink, { frames: 110, fromMs: 10_000 });
      sink.onUnpublish();
      await bench.untilClosed(3);
      const files = recorded();
      assert.deepEqual(
        files.map((tags) => [tags[0], tags.at(-1)]),
        [
          ['9 0 v0', '8 1960 a49'],
          ['9 0 v50', '8 1960 a99'],
          ['9 0 v100', '8 360 a109'],
        ],
      );
      for (const { file } of bench.closed) {
        assert.equal(statementOf(file).metadata.get('width'), 640);
        const types = tagsOf(file).map(({ type }) => type);
        assert.deepEqual(types.slice(0, 3), [18, 9, 8]);
      }
    });

    it('does not split between key frames', async () => {
      const sink = bench.publish(optionsIn(directory(), { plan: 'segment', durationMs: 1000 }));
      send(sink, { frames: 300, gop: 1000 });
      sink.onUnpublish();
      await bench.untilClosed(1);
      assert.equal(filesIn(directory()).length, 1);
    });

    it('splits anywhere when it need not wait for key frames', async () => {
      const options = { plan: 'segment', durationMs: 1000, waitKeyframe: false } as const;
      const sink = bench.publish(optionsIn(directory(), options));
      send(sink, { frames: 50, gop: 1000 });
      sink.onUnpublish();
      await bench.untilClosed(2);
      assert.deepEqual(
        recorded().map((tags) => tags[0]),
        ['9 0 v0', '9 0 v25'],
      );
    });

    it('splits a stream without video by duration alone', async () => {
      const sink = bench.publish(optionsIn(directory(), { plan: 'segment', durationMs: 1000 }));
      send(sink, { frames: 60, hasVideo: false });
      sink.onUnpublish();
      await bench.untilClosed(3);
      assert.deepEqual(
        recorded().map((tags) => tags[0]),
        ['8 0 a0', '8 0 a25', '8 0 a50'],
      );
    });

    it('takes a stream whose video stopped for one without', async () => {
      const sink = bench.publish(optionsIn(directory(), { plan: 'segment', durationMs: 5000 }));
      send(sink, { frames: 10 });
      send(sink, { frames: 400, fromMs: 400, hasVideo: false, hasHeaders: false });
      sink.onUnpublish();
      await bench.untilClosed(3);
    });

    it('closes the file when the publisher leaves', async () => {
      const sink = bench.publish(optionsIn(directory(), { plan: 'segment', durationMs: 60_000 }));
      send(sink, { frames: 5 });
      sink.onUnpublish();
      await bench.untilClosed(1);
      bench.publishTo(sink);
      send(sink, { frames: 5 });
      sink.onUnpublish();
      await bench.untilClosed(2);
    });

    it('never splits with a duration of 0', async () => {
      const sink = bench.publish(optionsIn(directory(), { plan: 'segment', durationMs: 0 }));
      send(sink, { frames: 100 });
      sink.onUnpublish();
      await bench.untilClosed(1);
    });
  });

  it('skips video before the first key frame, but not audio', async () => {
    const sink = bench.publish(optionsIn(directory()));
    sink.onMessage(message(9, 0, avcSequenceHeader()));
    sink.onMessage(message(8, 0, aacSequenceHeader()));
    sink.onMessage(message(9, 0, avcInterFrame('v0')));
    sink.onMessage(message(8, 10, aacFrame('a0')));
    sink.onMessage(message(9, 40, avcInterFrame('v1')));
    // A command frame belongs to the pictures.
    sink.onMessage(message(9, 60, hex('57 01')));
    sink.onMessage(message(9, 80, avcKeyFrame('v2')));
    sink.onMessage(message(9, 120, avcInterFrame('v3')));
    sink.onUnpublish();
    await bench.untilClosed(1);
    assert.deepEqual(recorded(), [['8 0 a0', '9 70 v2', '9 110 v3']]);
  });

  it('records video from the first frame on when it need not wait', async () => {
    const sink = bench.publish(optionsIn(directory(), { waitKeyframe: false }));
    sink.onMessage(message(9, 0, avcInterFrame('v0')));
    sink.onMessage(message(9, 40, avcKeyFrame('v1')));
    sink.onUnpublish();
    await bench.untilClosed(1);
    assert.deepEqual(recorded(), [['9 0 v0', '9 40 v1']]);
  });

  it('corrects times as asked', async () => {
    for (const [timeJitter, times] of [
      ['full', [0, 40, 80]],
      ['zero', [0, 40, 5040]],
      ['off', [7000, 7040, 12_040]],
    ] as const) {
      const sink = bench.publish(optionsIn(directory(), { timeJitter, waitKeyframe: false }));
      for (const timestamp of [7000, 7040, 12_040]) {
        sink.onMessage(message(9, timestamp, avcInterFrame('v0')));
      }
      sink.onUnpublish();
      await bench.untilClosed(bench.closed.length + 1);
      const tags = tagsOf(bench.closed.at(-1)?.file ?? '').slice(1);
      assert.deepEqual(
        tags.map(({ timestamp }) => timestamp),
        times,
        timeJitter,
      );
    }
  });

  it('serves a sink that comes late with the headers that came before', async () => {
    const sink = bench.service.sinkFor(streamName, optionsIn(directory()));
    const headers = [
      message(18, 0, Buffer.from([2])),
      message(9, 0, avcSequenceHeader()),
      message(8, 0, aacSequenceHeader()),
    ];
    const start = { name: streamName, log: bench.log, headers, isAbsolute: false };
    sink.onPublish({ ...start, metadata: sampleMetadata });
    send(sink, { frames: 2, hasHeaders: false });
    sink.onUnpublish();
    await bench.untilClosed(1);
    const types = tagsOf(bench.closed[0]?.file ?? '').map(({ type }) => type);
    assert.deepEqual(types, [18, 9, 8, 9, 8, 9, 8]);
  });

  it('leaves no file of a publish without media', async () => {
    const sink = bench.publish(optionsIn(directory()), streamName, sampleMetadata);
    send(sink, { frames: 0 });
    sink.onMessage(message(9, 0, avcInterFrame()));
    sink.onUnpublish();
    await bench.service.stop();
    assert.deepEqual(filesIn(directory()), []);
    assert.deepEqual(bench.closed, []);
  });

  it('never overwrites a file', async () => {
    writeFileSync(join(directory(), 'cam.flv'), 'old');
    const options = optionsIn(directory(), { path: `${directory()}/[stream].flv` });
    for (let count = 1; count <= 2; count++) {
      const sink = bench.publish(options);
      send(sink, { frames: 2 });
      sink.onUnpublish();
      await bench.untilClosed(count);
    }
    assert.deepEqual(filesIn(directory()), ['cam-2.flv', 'cam-3.flv', 'cam.flv']);
  });

  it('does not record a stream whose name would leave the directory, and says so', async () => {
    const sink = bench.publish(optionsIn(directory()), { ...streamName, stream: '../../x' });
    send(sink, { frames: 10 });
    sink.onUnpublish();
    await bench.service.stop();
    assert.deepEqual(filesIn(directory()), []);
    const [line = ''] = bench.log.matching('error');
    assert.match(line, /does not record this publish: the stream "..\/..\/x" cannot be part/);
    assert.equal(bench.log.matching('error').length, 1);
  });

  it('leaks nothing when a publisher comes and goes 200 times', async () => {
    const sink = bench.service.sinkFor(streamName, optionsIn(directory()));
    for (let round = 0; round < 200; round++) {
      bench.publishTo(sink);
      send(sink, { frames: round % 2 });
      sink.onUnpublish();
    }
    await bench.untilClosed(100);
    await bench.service.stop();
    assert.deepEqual(openDescriptors(directory()), []);
    const files = filesIn(directory());
    assert.equal(files.length, 100);
    assert.deepEqual(
      files.filter((file) => file.endsWith('.tmp')),
      [],
    );
  });

  it('ends when the service stops, though the publisher goes on', async () => {
    const sink = bench.publish(optionsIn(directory()));
    send(sink, { frames: 5 });
    const stopped = bench.service.stop();
    assert.equal(bench.service.stop(), stopped);
    send(sink, { frames: 5, fromMs: 200 });
    await stopped;
    sink.onUnpublish();
    assert.equal(bench.closed.length, 1);
    assert.deepEqual(openDescriptors(directory()), []);
  });

  it('takes a publish without an unpublish before it for a new one', async () => {
    const sink = bench.publish(optionsIn(directory()));
    send(sink, { frames: 5 });
    bench.publishTo(sink);
    await bench.untilClosed(1);
    assert.equal(bench.closed[0]?.durationMs, 160);
  });

  describe('in the middle of a stream', () => {
    const headers = [message(9, 0, avcSequenceHeader()), message(8, 0, aacSequenceHeader())];
    /** From the tenth frame of a group of pictures on, of `count` ones. */
    function join(waitKeyframe: boolean, count: number): void {
      const sink = bench.service.sinkFor(streamName, optionsIn(directory(), { waitKeyframe }));
      const start = { name: streamName, log: bench.log, headers, isAbsolute: false };
      sink.onPublish({ ...start, metadata: undefined });
      for (let index = 10; index < 10 + count; index++) {
        const video = index % 25 === 0 ? avcKeyFrame(`v${index}`) : avcInterFrame(`v${index}`);
        sink.onMessage(message(8, index * 40, aacFrame(`a${index}`)));
        if (count < 100) sink.onMessage(message(9, index * 40, video));
      }
      sink.onUnpublish();
    }

    it('begins at the next key frame, sound and all, with the headers', async () => {
      join(true, 20);
      await bench.untilClosed(1);
      assert.deepEqual(recorded()[0]?.slice(0, 2), ['9 0 v25', '8 40 a26']);
      const types = tagsOf(bench.closed[0]?.file ?? '').map(({ type }) => type);
      assert.deepEqual(types.slice(0, 4), [18, 9, 8, 9]);
    });

    it('begins at once when it need not wait', async () => {
      join(false, 20);
      await bench.untilClosed(1);
      assert.equal(recorded()[0]?.[0], '8 0 a10');
    });

    it('does not wait for pictures that do not come', async () => {
      join(true, 300);
      await bench.untilClosed(1);
      assert.equal(recorded()[0]?.[0], '8 0 a261');
    });
  });
});
