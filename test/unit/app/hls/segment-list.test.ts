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

const rules = { aofRatio: 2 };

describe('app/hls/segment-list', () => {
  it('keeps the window and the segment that crosses it', () => {
    const list = new SegmentList({ ...rules, windowMs: 60_000, fragmentMs: 10_000, tdRatio: 1.5 });
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
    const list = new SegmentList({ ...rules, windowMs: 10_000, fragmentMs: 10_000, tdRatio: 1.5 });
    for (let index = 0; index < 10; index++) list.append(segment(index, 10_000));
    assert.ok(list.durationMs >= 3 * list.targetDuration * 1000);
  });

  it('has a target duration that covers every segment and never falls', () => {
    const list = new SegmentList({ ...rules, windowMs: 2000, fragmentMs: 2000, tdRatio: 1.5 });
    assert.equal(list.targetDuration, 3);
    list.append(segment(0, 3001));
    assert.equal(list.targetDuration, 4);
    for (let index = 1; index < 20; index++) list.append(segment(index, 2000));
    assert.equal(list.targetDuration, 4);
    const short = new SegmentList({ ...rules, windowMs: 2000, fragmentMs: 300, tdRatio: 1.5 });
    assert.equal(short.targetDuration, 1);
  });

  it('counts the discontinuities that have left', () => {
    const list = new SegmentList({ ...rules, windowMs: 1000, fragmentMs: 1000, tdRatio: 1 }, 100);
    for (let index = 0; index < 6; index++) list.append(segment(index, 1000, index % 2 === 1));
    assert.deepEqual([list.mediaSequence, list.discontinuitySequence], [103, 1]);
    assert.equal(list.shift()?.sequence, 3);
    assert.deepEqual([list.mediaSequence, list.discontinuitySequence], [104, 2]);
    assert.equal(list.clear().length, 2);
    assert.deepEqual([list.mediaSequence, list.discontinuitySequence], [106, 3]);
    assert.equal(list.shift(), undefined);
  });

  it('goes on with another list', () => {
    const list = new SegmentList({ ...rules, windowMs: 10_000, fragmentMs: 2000, tdRatio: 1.5 });
    const state = { mediaSequence: 7, discontinuitySequence: 2, targetDuration: 5, slotMs: 0 };
    list.restore({ ...state, segments: [segment(7, 2000), segment(8, 5500)] });
    assert.deepEqual(
      [list.mediaSequence, list.nextSequence, list.discontinuitySequence],
      [7, 9, 2],
    );
    assert.equal(list.targetDuration, 6);
  });

  describe('with numbers of the timeline', () => {
    const timeline = { fragmentMs: 2000, gapMs: 0, isJoin: true };
    const uriOf = (sequence: number): string => `missing-${sequence}`;
    const same = (gap: ListedSegment): ListedSegment => gap;

    function create(windowMs = 10_000): SegmentList<ListedSegment> {
      return new SegmentList({ ...rules, windowMs, fragmentMs: 2000, tdRatio: 1.5 });
    }

    function add(list: SegmentList<ListedSegment>, sequence: number, gapMs?: number): number {
      const removed = list.goTo(sequence, { ...timeline, gapMs }, same, uriOf);
      return removed.length + list.append(segment(sequence, 2000)).length;
    }

    it('begins with the first of them', () => {
      const list = create();
      add(list, 500);
      assert.deepEqual([list.mediaSequence, list.nextSequence, list.slotMs], [500, 501, 2000]);
    });

    it('is not shown before three are there, unless no more come or nobody else has them', () => {
      const list = create();
      const shown = [500, 501, 502].map((sequence) => {
        add(list, sequence);
        return list.isShown;
      });
      assert.deepEqual(shown, [false, false, true]);
      const short = create();
      add(short, 500);
      short.show();
      assert.equal(short.isShown, true);
      const own = create();
      own.goTo(500, { ...timeline, isJoin: false }, same, uriOf);
      assert.equal(own.isShown, true);
    });

    it('fills in what is missing, as long as the media that is', () => {
      const list = create(60_000);
      add(list, 500);
      add(list, 503, 3001);
      add(list, 505);
      add(list, 507, 0);
      const entries = list.segments.map(({ uri, durationMs, isGap }) => `${uri} ${durationMs} ${isGap}`); // prettier-ignore
      assert.deepEqual(entries, [
        ...['500 2000 undefined', 'missing-501 1501 true', 'missing-502 1501 true'],
        ...['503 2000 undefined', 'missing-504 2000 true', '505 2000 undefined'],
        ...['missing-506 1 true', '507 2000 undefined'],
      ]);
    });

    it('begins anew when the window is missing, when numbers fall and when they counted otherwise', () => {
      const list = create();
      add(list, 500);
      list.show();
      assert.equal(add(list, 506), 1);
      assert.equal(list.mediaSequence, 506);
      assert.equal(add(list, 100), 1);
      assert.equal(list.mediaSequence, 100);
      list.countOn();
      list.append(segment(101, 2000));
      assert.equal(add(list, 102), 2);
      assert.deepEqual([list.mediaSequence, list.isShown], [102, true]);
    });

    it('has the longest target duration that may be, once one of them is long', () => {
      const list = create();
      add(list, 500);
      assert.equal(list.targetDuration, 3);
      list.append(segment(501, 3100));
      assert.equal(list.targetDuration, 4);
      const rare = new SegmentList({ ...rules, aofRatio: 5, windowMs: 1, fragmentMs: 2000, tdRatio: 1.5 }); // prettier-ignore
      add(rare, 500);
      rare.append(segment(501, 3001));
      assert.equal(rare.targetDuration, 10);
    });
  });
});
