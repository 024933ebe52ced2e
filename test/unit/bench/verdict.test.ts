import assert from 'node:assert/strict';

import type { Fault } from '../../../bench/chaos/faults';
import type { Gap, WatchReport } from '../../../bench/chaos/load';
import { judge } from '../../../bench/chaos/verdict';

const FEED = { startMs: 0, comingMs: 100 };

function fault(fromMs: number, toMs: number, edge?: number): Fault {
  return { kind: 'slow-link', where: 'somewhere', fromMs, toMs, edge };
}

function report(gaps: readonly Gap[], more: Partial<WatchReport> = {}): WatchReport {
  const none = { unfinished: 0, failed: 0, lost: 0, silent: 0, backwards: 0, losses: [] };
  return { count: 1, started: 1, ...none, fromMs: 0, toMs: 100_000, gaps, ...more };
}

const one = (gap: Gap, ...faults: readonly Fault[]): ReturnType<typeof judge> =>
  judge([[report([gap])]], faults, FEED);

describe('the verdict on a chaos run', () => {
  it('is that silences which end in time after a fault are resumptions', () => {
    const { resumedMs, problems } = one([0, 0, 20_100, 25_000], fault(20_000, 22_000));
    assert.deepEqual([resumedMs, problems], [[3000], []]);
  });

  it('counts no time for a silence that ends before the fault does', () => {
    const { resumedMs, problems } = one([0, 0, 20_100, 21_500], fault(20_000, 22_000));
    assert.deepEqual([resumedMs, problems], [[0], []]);
  });

  it('does not accept a silence that lasts more than five seconds longer', () => {
    const { problems } = one([3, 7, 20_100, 27_001], fault(20_000, 22_000));
    assert.deepEqual(problems, [
      'edge1, player 7 of stream 3: no media from 20.1 s on, for 6901 ms',
    ]);
  });

  it('does not accept a silence before a fault, after it, without one or for ever', () => {
    for (const gap of [
      [0, 0, 15_000, 21_000],
      [0, 0, 27_500, 30_000],
      [0, 0, 20_100, null],
    ] as const) {
      assert.equal(one(gap, fault(20_000, 22_000)).problems.length, 1, gap.join());
    }
    assert.equal(one([0, 0, 20_100, 21_500]).problems.length, 1);
  });

  it('accepts a silence that the next fault goes on with, and only so long', () => {
    const faults = [fault(20_000, 22_000), fault(26_000, 28_000)];
    assert.deepEqual(one([0, 0, 20_100, 32_000], ...faults).resumedMs, [4000]);
    assert.equal(one([0, 0, 20_100, 33_500], ...faults).problems.length, 1);
    const apart = [fault(20_000, 22_000), fault(28_000, 29_000)];
    assert.equal(one([0, 0, 20_100, 30_000], ...apart).problems.length, 1);
  });

  it('puts a silence down to a fault of another edge only when the streams come from there', () => {
    const gap = [0, 0, 20_100, 21_500] as const;
    assert.equal(one(gap, fault(20_000, 22_000, 1)).problems.length, 1);
    assert.equal(one(gap, fault(20_000, 22_000, 0)).problems.length, 0);
    const atOther = { ...FEED, edge: 1 };
    assert.deepEqual(judge([[report([gap])]], [fault(20_000, 22_000, 1)], atOther).problems, []);
  });

  it('lets those who come wait as after a fault', () => {
    assert.deepEqual(one([0, 0, 50, 4000]).resumedMs, [3900]);
    assert.equal(one([0, 0, 50, 5200]).problems.length, 1);
  });

  it('accepts the loss of players only when their edge was killed', () => {
    const killed: Fault = { ...fault(20_000, 22_000, 0), kind: 'kill-edge' };
    const lost = report([], { lost: 2, losses: [20_003, 40_000] });
    const { problems } = judge([[lost], [lost]], [killed], FEED);
    assert.deepEqual(problems, [
      'edge1: 1 players lost while their edge lived',
      'edge2: 2 players lost while their edge lived',
    ]);
  });

  it('names players that were refused or had nothing, and time that ran backwards', () => {
    const { problems } = judge([[report([], { failed: 1, silent: 2, backwards: 3 })]], [], FEED);
    assert.equal(problems.length, 3);
  });
});
