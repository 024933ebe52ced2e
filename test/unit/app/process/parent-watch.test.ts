import assert from 'node:assert/strict';

import * as sinon from 'sinon';

import { watchParent } from '../../../../src/app/process/parent-watch';

describe('watchParent', () => {
  let time: sinon.SinonFakeTimers;
  let parent: number;
  let told: number;

  const watch = (): (() => void) =>
    watchParent(
      () => told++,
      () => parent,
    );

  beforeEach(() => {
    time = sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    parent = 4000;
    told = 0;
  });

  afterEach(() => {
    time.restore();
  });

  it('is silent while the parent lives', () => {
    watch();
    time.tick(60_000);
    assert.equal(told, 0);
  });

  it('tells once, within a second, that the parent is gone', () => {
    watch();
    time.tick(5000);
    parent = 1;
    time.tick(1000);
    assert.equal(told, 1);
    time.tick(60_000);
    assert.equal(told, 1);
  });

  it('can be ended', () => {
    watch()();
    parent = 1;
    time.tick(60_000);
    assert.equal(told, 0);
    assert.equal(time.countTimers(), 0);
  });

  it('watches the parent of this process by default', () => {
    const end = watchParent(() => told++);
    time.tick(2000);
    end();
    assert.equal(told, 0);
  });
});
