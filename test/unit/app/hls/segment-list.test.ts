import assert from 'node:assert/strict';

import type { ListedSegment } from '../../../../src/app/hls/segment';
import { SegmentList } from '../../../../src/app/hls/segment-list';

function segment(sequence: number, durationMs: number, isDiscontinuity = false): ListedSegment {
  return {
    ...{ sequence, durationMs, isDiscontinuity, uri: `${sequence}`, bytes: 0 },
    startEpochMs: undefined,
    mapUri: undefined,
    key: undefined,
  };
}

describe('app/hls/segment-list', () => {
  it('keeps the window and the segment that crosses it', () => {
    const list = new SegmentList({ windowMs: 60_000, fragmentMs: 10_000, tdRatio: 1.5 });
    const removed = Array.from({ length: 10 }, (_, index) => list.append(segment(index, 10_000)));
    assert.deepEqual(
      removed.map(({ length }) => length),
      [0, 0, 0, 0, 0, 0, 1, 1, 1, 1],
    );
    assert.equal(list.mediaSequence, 4);
    assert.equal(list.nextSequence, 10);
    assert.equal(list.durationMs, 60_000);
  });

  it('never falls below three target durations', () => {
    const list = new SegmentList({ windowMs: 10_000, fragmentMs: 10_000, tdRatio: 1.5 });
    for (let index = 0; index < 10; index++) list.append(segment(index, 10_000));
    assert.ok(list.durationMs >= 3 * list.targetDuration * 1000);
  });

  it('has a target duration that covers every segment and never falls', () => {
    const list = new SegmentList({ windowMs: 2000, fragmentMs: 2000, tdRatio: 1.5 });
    assert.equal(list.targetDuration, 3);
    list.append(segment(0, 3001));
    assert.equal(list.targetDuration, 4);
    for (let index = 1; index < 20; index++) list.append(segment(index, 2000));
    assert.equal(list.targetDuration, 4);
    const short = new SegmentList({ windowMs: 2000, fragmentMs: 300, tdRatio: 1.5 });
    assert.equal(short.targetDuration, 1);
  });

  it('counts the discontinuities that have left', () => {
    const list = new SegmentList({ windowMs: 1000, fragmentMs: 1000, tdRatio: 1 }, 100);
    for (let index = 0; index < 6; index++) list.append(segment(index, 1000, index % 2 === 1));
    assert.deepEqual([list.mediaSequence, list.discontinuitySequence], [103, 1]);
    assert.equal(list.shift()?.sequence, 3);
    assert.deepEqual([list.mediaSequence, list.discontinuitySequence], [104, 2]);
    assert.equal(list.clear().length, 2);
    assert.deepEqual([list.mediaSequence, list.discontinuitySequence], [106, 3]);
    assert.equal(list.shift(), undefined);
  });

  it('goes on with another list', () => {
    const list = new SegmentList({ windowMs: 10_000, fragmentMs: 2000, tdRatio: 1.5 });
    const state = { mediaSequence: 7, discontinuitySequence: 2, targetDuration: 5 };
    list.restore({ ...state, segments: [segment(7, 2000), segment(8, 5500)] });
    assert.deepEqual(
      [list.mediaSequence, list.nextSequence, list.discontinuitySequence],
      [7, 9, 2],
    );
    assert.equal(list.targetDuration, 6);
  });
});
