/** Segments that come faster than the disk takes them. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { avTags, Harness, hlsOptions, openFiles, TemporaryDirectory } from './harness';

const SECONDS = 120;

describe('a file that is published at full speed', () => {
  const directory = new TemporaryDirectory();

  beforeEach(() => directory.create());
  afterEach(() => directory.remove());

  it('is in segments without a loss, a few of them open at a time', async () => {
    const harness = new Harness();
    const times = { fragmentMs: 1000, windowMs: SECONDS * 1000 };
    const sink = harness.sink(hlsOptions({ storage: 'disk', path: directory.path, ...times }));
    await harness.play(sink, avTags(SECONDS * 1000));
    sink.onUnpublish();
    const before = await openFiles();
    await harness.service.stop();

    const text = await readFile(join(directory.path, 'live/show.m3u8'), 'utf8');
    const segments = text.split('\n').filter((line) => line.endsWith('.ts'));
    assert.deepEqual(
      segments,
      Array.from({ length: SECONDS }, (_, number) => `show-${number}.ts`),
    );
    assert.doesNotMatch(text, /DISCONTINUITY/);
    assert.equal((await directory.list()).length, SECONDS + 1);
    assert.ok(before - (await openFiles()) <= 10, `${before} files were open`);
    assert.deepEqual(harness.log.matching('cannot write'), []);
  });
});
