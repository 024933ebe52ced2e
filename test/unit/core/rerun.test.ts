import assert from 'node:assert/strict';

import { Rerun } from '../../../src/core/rerun';

/** Runs of a task that end by hand. */
class Runs {
  readonly ends: ((error?: Error) => void)[] = [];
  atOnce = 0;
  most = 0;

  readonly task = (): Promise<number> => {
    this.atOnce++;
    this.most = Math.max(this.most, this.atOnce);
    const number = this.ends.length + 1;
    return new Promise((resolve, reject) => {
      this.ends.push((error) => {
        this.atOnce--;
        if (error) reject(error);
        else resolve(number);
      });
    });
  };
}

describe('Rerun', () => {
  let runs: Runs;
  let rerun: Rerun<number>;

  beforeEach(() => {
    runs = new Runs();
    rerun = new Rerun(runs.task);
  });

  it('begins at once when nothing is under way', async () => {
    const first = rerun.run();
    assert.equal(runs.ends.length, 1);
    runs.ends[0]?.();
    assert.equal(await first, 1);
    const second = rerun.run();
    assert.equal(runs.ends.length, 2);
    runs.ends[1]?.();
    assert.equal(await second, 2);
  });

  it('runs once more for all who ask while it runs, and never twice at a time', async () => {
    const first = rerun.run();
    const more = [rerun.run(), rerun.run(), rerun.run()];
    assert.equal(runs.ends.length, 1);
    runs.ends[0]?.();
    await first;
    const begun = (): number => runs.ends.length;
    while (begun() < 2) await Promise.resolve();
    runs.ends[1]?.();
    assert.deepEqual(await Promise.all(more), [2, 2, 2]);
    assert.deepEqual([runs.ends.length, runs.most], [2, 1]);
  });

  it('does not overlap when somebody asks at the moment one run ends and the next is due', async () => {
    const again = rerun.run().then(() => rerun.run());
    const due = rerun.run();
    runs.ends[0]?.();
    while (runs.ends.length < 2) await Promise.resolve();
    assert.equal(runs.most, 1);
    runs.ends[1]?.();
    assert.equal(await due, 2);
    assert.equal(await again, 2);
    assert.deepEqual([runs.ends.length, runs.most], [2, 1]);
  });

  it('runs once more after a run that failed, which only those are told who asked for it', async () => {
    const failed = assert.rejects(rerun.run(), /broken/);
    const next = rerun.run();
    runs.ends[0]?.(new Error('broken'));
    await failed;
    while (runs.ends.length < 2) await Promise.resolve();
    runs.ends[1]?.();
    assert.equal(await next, 2);
  });

  it('is idle when no run is under way or due, failed or not', async () => {
    await rerun.idle();
    const failed = assert.rejects(rerun.run(), /broken/);
    const next = rerun.run();
    let isIdle = false;
    const idle = rerun.idle().then(() => (isIdle = true));
    runs.ends[0]?.(new Error('broken'));
    await failed;
    while (runs.ends.length < 2) await Promise.resolve();
    assert.equal(isIdle, false);
    runs.ends[1]?.();
    await next;
    await idle;
    assert.equal(isIdle, true);
  });
});
