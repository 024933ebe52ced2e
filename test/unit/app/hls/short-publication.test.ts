/** Publications that are over before the directories have been looked at. */
import assert from 'node:assert/strict';

import type { FlvTag } from '../../../../src/media/flv';
import { avcInterFrame } from '../../../support/media';

import { audioTags, avTags, Harness, hlsOptions, TemporaryDirectory, until } from './harness';

describe('a publication that ends before its HLS has begun', () => {
  const directory = new TemporaryDirectory();
  let harness: Harness;

  beforeEach(async () => {
    await directory.create();
    harness = new Harness();
  });

  afterEach(() => directory.remove());

  /** Publishes all of it within one turn. */
  function publishAtOnce(tags: readonly FlvTag[]): void {
    const sink = harness.sink(hlsOptions({ storage: 'both', path: directory.path }));
    harness.publish(sink);
    harness.send(sink, tags);
    sink.onUnpublish();
  }

  it('is in segments all the same', async () => {
    publishAtOnce(avTags(4000));
    await harness.service.stop();
    assert.deepEqual(await directory.list(), ['show-0.ts', 'show-1.ts', 'show.m3u8']);
    assert.deepEqual(
      harness.segments.map(({ durationMs }) => durationMs),
      [2000, 2000],
    );
  });

  it('is in segments when it is too short to know that there are no pictures', async () => {
    publishAtOnce(audioTags(250));
    await harness.service.stop();
    assert.deepEqual(await directory.list(), ['show-0.ts', 'show.m3u8']);
  });

  it('is not when decoding can begin nowhere in it', async () => {
    const tags = avTags(1000).slice(0, 2);
    for (let ms = 0; ms < 1000; ms += 40) {
      tags.push({ type: 9, timestamp: ms, payload: avcInterFrame(`v${ms}`, 100) });
    }
    publishAtOnce(tags);
    await harness.service.stop();
    assert.deepEqual(await directory.list(), []);
  });

  it('comes before the next one, and what is too much is told of', async () => {
    for (let count = 0; count < 5; count++) publishAtOnce(avTags(2000));
    assert.match(harness.log.lines.join('\n'), /hls lost a short publication, frames=100/);
    const sink = harness.sink(hlsOptions({ storage: 'both', path: directory.path }));
    harness.publish(sink);
    await until(() => harness.segments.length === 4);
    harness.send(sink, avTags(2000));
    sink.onUnpublish();
    await harness.service.stop();
    assert.deepEqual(
      harness.segments.map(({ url }) => url),
      [0, 1, 2, 3, 4].map((number) => `show-${number}.ts`),
    );
  });
});
