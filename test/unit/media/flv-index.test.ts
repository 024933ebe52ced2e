import assert from 'node:assert/strict';

import { FlvIndex } from '../../../src/media/flv-index';

function times(index: FlvIndex): number[] {
  return index.entries.map(({ timeMs }) => timeMs);
}

describe('FlvIndex', () => {
  it('keeps every key frame while there is room', () => {
    const index = new FlvIndex(10);
    for (let at = 0; at < 10; at++) index.addVideo(at * 500, at * 100);
    assert.equal(index.entries.length, 10);
    assert.deepEqual(index.entries[3], { timeMs: 1500, position: 300 });
  });

  it('stays within its capacity and even, however long the recording is', () => {
    const index = new FlvIndex(100);
    for (let at = 0; at < 100_000; at++) index.addVideo(at * 2000, at);
    const all = times(index);
    assert.ok(all.length >= 45 && all.length <= 100, String(all.length));
    assert.equal(all[0], 0);
    const gaps = all.slice(1).map((time, at) => time - (all[at] ?? 0));
    assert.ok(
      Math.max(...gaps) <= 2 * Math.min(...gaps),
      `${Math.min(...gaps)} to ${Math.max(...gaps)}`,
    );
  });

  it('leaves out times that do not go forward', () => {
    const index = new FlvIndex(10);
    for (const time of [1000, 1000, 500, 1500]) index.addVideo(time, 0);
    assert.deepEqual(times(index), [1000, 1500]);
  });

  it('indexes sound every few seconds, until a picture comes', () => {
    const index = new FlvIndex(10);
    for (let at = 0; at < 400; at++) index.addAudio(at * 40, at);
    assert.deepEqual(times(index), [0, 5000, 10_000, 15_000]);
    index.addVideo(16_000, 500);
    index.addAudio(30_000, 600);
    assert.deepEqual(times(index), [16_000]);
  });

  it('can be cut where the file is cut', () => {
    const index = new FlvIndex(10);
    for (let at = 0; at < 5; at++) index.addVideo(at * 1000, at * 100);
    assert.deepEqual(times(index.cutAt(300)), [0, 1000, 2000]);
    assert.equal(index.entries.length, 5);
  });

  it('picks evenly', () => {
    const entries = Array.from({ length: 10 }, (_, at) => ({ timeMs: at, position: at }));
    const index = new FlvIndex(10, entries, true);
    const picked = (count: number): number[] => index.pick(count).map(({ timeMs }) => timeMs);
    assert.deepEqual(picked(5), [0, 2, 4, 6, 8]);
    assert.deepEqual(picked(3), [0, 4, 7]);
    assert.deepEqual(picked(1), [0]);
    assert.deepEqual(picked(0), []);
    assert.equal(picked(20).length, 10);
  });
});
