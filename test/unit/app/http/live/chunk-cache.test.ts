import assert from 'node:assert/strict';

import { ChunkCache } from '../../../../../src/app/http/live/chunk-cache';
import type { FeedChunk } from '../../../../../src/app/http/live/feed-encoder';

function chunk(timeMs: number, isStart = false, bytes = 10): FeedChunk {
  return { data: Buffer.alloc(bytes), isStart, timeMs, frames: 1 };
}

describe('the chunk cache', () => {
  const times = (cache: ChunkCache): number[] => cache.chunks.map(({ timeMs }) => timeMs);

  it('keeps what came since the last start', () => {
    const cache = new ChunkCache({ maxBytes: 100, span: 'start' });
    cache.add(chunk(1));
    assert.deepEqual(times(cache), []);
    for (const one of [chunk(2, true), chunk(3), chunk(4, true), chunk(5)]) cache.add(one);
    assert.deepEqual(times(cache), [4, 5]);
  });

  it('keeps nothing of a group that is too large, until the next', () => {
    const cache = new ChunkCache({ maxBytes: 25, span: 'start' });
    for (const one of [chunk(1, true), chunk(2), chunk(3), chunk(4)]) cache.add(one);
    assert.deepEqual(times(cache), []);
    cache.add(chunk(5, true));
    assert.deepEqual(times(cache), [5]);
  });

  it('keeps so much media', () => {
    const cache = new ChunkCache({ maxBytes: 1000, span: 30 });
    for (let time = 0; time < 100; time += 10) cache.add(chunk(time, true));
    assert.deepEqual(times(cache), [70, 80, 90]);
    cache.add(chunk(5, true));
    assert.deepEqual(times(cache), [5]);
    const none = new ChunkCache({ maxBytes: 1000, span: 0 });
    none.add(chunk(1, true));
    assert.deepEqual(times(none), []);
  });

  it('keeps no more bytes than allowed', () => {
    const cache = new ChunkCache({ maxBytes: 25, span: 1000 });
    for (let time = 0; time < 5; time++) cache.add(chunk(time, true));
    assert.deepEqual(times(cache), [3, 4]);
    cache.clear();
    cache.add(chunk(9, true, 26));
    assert.deepEqual(times(cache), []);
  });

  it('keeps by other bounds what those would have kept', () => {
    const cache = new ChunkCache({ maxBytes: 1000, span: 100 });
    for (let time = 0; time < 100; time += 10) cache.add(chunk(time, true));
    cache.setLimits({ maxBytes: 1000, span: 30 });
    assert.deepEqual(times(cache), [70, 80, 90]);
    cache.setLimits({ maxBytes: 1000, span: 0 });
    assert.deepEqual(times(cache), []);
  });
});
