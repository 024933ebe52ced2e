import assert from 'node:assert/strict';

import { SegmentGrid, SegmentNumbers, timeOfDay } from '../../../../src/app/hls/alignment';
import type { GridFrame, GridRules } from '../../../../src/app/hls/alignment';

const RULES: GridRules = { fragmentMs: 2000, aofRatio: 2, waitKeyframe: true };
const HOUR_MS = 3_600_000;
const NOON = Date.UTC(2026, 10, 24, 12);
const CLOCK_MS = 2 ** 31;

const key = (timestamp: number): GridFrame => ({ kind: 'video', timestamp, isKey: true });
const inter = (timestamp: number): GridFrame => ({ kind: 'video', timestamp, isKey: false });
const sound = (timestamp: number): GridFrame => ({ kind: 'audio', timestamp, isKey: true });

/** Which frames segments begin with, as `time#slot`. */
function cuts(frames: readonly GridFrame[], rules: Partial<GridRules> = {}): string[] {
  const grid = new SegmentGrid({ ...RULES, ...rules });
  const found: string[] = [];
  let [isOpen, hasVideo, isKeyStart] = [false, false, false];
  for (const frame of frames) {
    if (!isOpen || grid.isOver(frame, hasVideo, isKeyStart)) {
      grid.begin(frame);
      found.push(`${frame.timestamp}#${grid.slot}`);
      [isOpen, hasVideo, isKeyStart] = [true, false, false];
    }
    if (frame.kind === 'video') {
      if (!hasVideo) isKeyStart = frame.isKey;
      hasVideo = true;
    }
  }
  return found;
}

/** A picture every 100 ms, from one time to another; key frames at some. */
function pictures(fromMs: number, toMs: number, keys: readonly number[]): GridFrame[] {
  const frames: GridFrame[] = [];
  for (let ms = fromMs; ms < toMs; ms += 100) frames.push((keys.includes(ms) ? key : inter)(ms));
  return frames;
}

const multiples = (stepMs: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => index * stepMs);

describe('app/hls/alignment', () => {
  describe('segments begin', () => {
    it('with the first key frame of each slot', () => {
      const frames = pictures(0, 10_000, multiples(500, 20));
      assert.deepEqual(cuts(frames), ['0#0', '2000#1', '4000#2', '6000#3', '8000#4']);
      const uneven = pictures(0, 9000, multiples(1500, 6));
      assert.deepEqual(cuts(uneven), ['0#0', '3000#1', '4500#2', '6000#3']);
    });

    it('at the same frames wherever one joins', () => {
      const frames = pictures(0, 40_000, [0, 1900, 3500, 7000, 8100, 12_000, 21_000, 33_000]);
      const all = cuts(frames);
      for (let join = 1; join < 300; join++) {
        // The first may be of a slot that began before.
        const [, ...later] = cuts(frames.slice(join));
        // Far from key frames, one who joins does not know how long ago the last one was.
        const rest = later.slice(later.findIndex((cut) => isKeyFrame(frames, cut)));
        const at = all.indexOf(rest[0] ?? '');
        assert.ok(at > 0, `joined at ${join * 100}: ${rest.join(' ')}`);
        assert.deepEqual(rest, all.slice(at));
      }
    });

    it('with a key frame a little early, as encoders round', () => {
      const frames = [0, 1999, 4001, 5990, 8000].map(key);
      assert.deepEqual(cuts(frames), ['0#0', '1999#1', '4001#2', '5990#3', '8000#4']);
      assert.deepEqual(cuts([0, 1890, 4000].map(key)), ['0#0', '4000#2']);
      // A tenth of short ones.
      assert.deepEqual(cuts([0, 60, 180, 310].map(key), { fragmentMs: 200 }), ['0#0', '180#1']);
    });

    it('two slots later at any frame when there is no key frame, and leave the slot to one that comes', () => {
      const frames = pictures(0, 12_000, [0, 9000]);
      assert.deepEqual(cuts(frames), [
        ...['0#0', '3900#1', '5900#2', '7900#3', '9000#4', '11900#5'],
      ]);
    });

    it('later without a key frame when hls_aof_ratio says so', () => {
      const frames = pictures(0, 12_000, [0, 7000]);
      assert.deepEqual(cuts(frames, { aofRatio: 4 }), ['0#0', '7000#3']);
      const long = pictures(0, 12_000, [0]);
      assert.deepEqual(cuts(long, { aofRatio: 4 }), ['0#0', '7900#3', '9900#4', '11900#5']);
    });

    it('with the first picture of a slot when key frames are not waited for', () => {
      const frames = pictures(0, 7000, [0, 5000]);
      const expected = ['0#0', '1900#1', '3900#2', '5900#3'];
      assert.deepEqual(cuts(frames, { waitKeyframe: false }), expected);
    });

    it('with the first sound of a slot when there are no pictures', () => {
      const frames = multiples(23, 300).map(sound);
      assert.deepEqual(cuts(frames), ['0#0', '1909#1', '3910#2', '5911#3']);
    });

    it('with pictures only where there are some, until these stay away', () => {
      const frames = [key(0), sound(10), sound(2010), key(2020), sound(4100), sound(6050)];
      assert.deepEqual(cuts(frames), ['0#0', '2020#1', '6050#2']);
    });

    it('where they have to, in the next slot', () => {
      const grid = new SegmentGrid(RULES);
      grid.begin(key(0));
      grid.begin(key(1000));
      assert.equal(grid.slot, 1);
      assert.equal(grid.isOver(key(2000), true, true), false);
      assert.equal(grid.isOver(key(4000), true, true), true);
      grid.stop();
      grid.begin(key(1000));
      assert.equal(grid.slot, 0);
    });
  });

  it('knows all of a slot when it saw what was before, or the beginning of the clock', () => {
    const grid = new SegmentGrid(RULES);
    assert.deepEqual(
      [grid.isWhole(5, 9000), grid.isWhole(5, 9950), grid.isWhole(0, 100), grid.isWhole(0, 101)],
      [true, false, true, false],
    );
  });

  describe('numbers', () => {
    const STRIDE = 4 * (HOUR_MS / 2000);

    it('are the same for those who measure a little different', () => {
      const [one, other] = [new SegmentNumbers(2000), new SegmentNumbers(2000)];
      const first = one.enter(0, NOON, undefined);
      const later = other.enter(1000, NOON + 5000, undefined);
      assert.equal(first?.number, later!.number - 1000);
      assert.equal(one.numberOf(1001, NOON + 90_000), later!.number + 1);
    });

    it('grow when the encoder begins anew, for those who have seen it before and for those who have not', () => {
      const one = new SegmentNumbers(2000);
      const before = one.enter(0, NOON, undefined)!.number;
      const last = one.numberOf(3600, NOON);
      const fresh = new SegmentNumbers(2000);
      const startMs = NOON + 2 * HOUR_MS + 5000;
      const after = one.enter(0, startMs, last);
      assert.deepEqual(after, { number: before + 2 * STRIDE, isOtherClock: true });
      assert.equal(fresh.enter(7, startMs + 900, undefined)?.number, before + 2 * STRIDE + 7);
    });

    it('grow when it begins anew within an hour', () => {
      const [one, other] = [new SegmentNumbers(2000), new SegmentNumbers(2000)];
      const numbers = [one, other].map((each) => {
        const from = each.enter(0, NOON, undefined)!.number;
        const then = each.enter(0, NOON + 40_000, each.numberOf(20, NOON));
        assert.deepEqual(then, { number: from + STRIDE, isOtherClock: true });
        const last = each.numberOf(100, NOON + 40_000);
        return each.enter(1, NOON + 600_000, last)?.number;
      });
      assert.equal(numbers[0], numbers[1]);
      assert.equal(numbers[0], one.numberOf(1, NOON));
    });

    it('grow over the end of the clock', () => {
      const [one, other] = [new SegmentNumbers(2000), new SegmentNumbers(2000)];
      const last = one.enter(CLOCK_MS / 2000 - 1, NOON - CLOCK_MS, undefined)!.number;
      const next = one.enter(0, NOON, last);
      assert.ok(next!.number > last);
      assert.deepEqual(next, other.enter(0, NOON + 300, undefined));
    });

    it('go on after an interruption, whatever the hour', () => {
      const one = new SegmentNumbers(2000);
      const last = one.enter(10, NOON, undefined)!.number;
      assert.deepEqual(one.enter(13, NOON, last), { number: last + 3, isOtherClock: false });
      // Clocks of encoders drift: another process measures the next hour, or the one before.
      for (const offMs of [-HOUR_MS, HOUR_MS]) {
        const next = new SegmentNumbers(2000).enter(13, NOON + offMs, last);
        assert.deepEqual(next, { number: last + 3, isOtherClock: false });
      }
    });

    it('wait until one is new when time went back a little', () => {
      const one = new SegmentNumbers(2000);
      const last = one.enter(10, NOON, undefined)!.number;
      assert.equal(one.enter(9, NOON + 1500, last), undefined);
      assert.equal(one.enter(10, NOON + 1500, last), undefined);
      assert.equal(one.enter(11, NOON + 1500, last)?.number, last + 1);
    });

    it('are small, and those of the slots where the time of day is not set', () => {
      const number = new SegmentNumbers(1000).enter(0, NOON, undefined)!.number;
      assert.ok(number > 0 && number < 2 ** 31, `${number}`);
      assert.equal(new SegmentNumbers(1000).enter(9, 0, undefined)?.number, 9);
    });
  });

  it('reads the time of day off a clock that shows it', () => {
    const clock = NOON % CLOCK_MS;
    assert.equal(timeOfDay(clock, NOON + 1234), NOON);
    assert.equal(timeOfDay(clock + 599_000, NOON), NOON + 599_000);
    assert.equal(timeOfDay(clock + 601_000, NOON), undefined);
  });
});

function isKeyFrame(frames: readonly GridFrame[], cut: string): boolean {
  const atMs = Number.parseInt(cut, 10);
  return frames.some(({ timestamp, isKey }) => isKey && timestamp === atMs);
}
