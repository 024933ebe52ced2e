import assert from 'node:assert/strict';

import * as sinon from 'sinon';

import { PithyPrint } from '../../../../src/app/stats/pithy-print';

const INTERVALS = {
  publish: 10_000,
  play: 10_000,
  forwarder: 10_000,
  encoder: 10_000,
  ingester: 10_000,
  hls: 10_000,
  edge: 10_000,
};

describe('PithyPrint', () => {
  let time: sinon.SinonFakeTimers;
  let pithy: PithyPrint;
  let lines: string[];

  const joinAs = (name: string): (() => void) =>
    pithy.join('play', (ageMs) => lines.push(`${name} ${ageMs}`));

  beforeEach(() => {
    time = sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    pithy = new PithyPrint(INTERVALS, { nowMs: () => time.now });
    lines = [];
  });

  afterEach(() => {
    pithy.close();
    time.restore();
  });

  it('prints one line an interval for a single client, with its age', () => {
    joinAs('a');
    time.tick(25_000);
    assert.deepEqual(lines, ['a 10000', 'a 20000']);
  });

  it('lets many clients speak in turn, one an interval', () => {
    joinAs('a');
    time.tick(1000);
    joinAs('b');
    joinAs('c');
    time.tick(39_000);
    assert.deepEqual(lines, ['a 10000', 'b 19000', 'c 29000', 'a 40000']);
  });

  it('passes over a client that left', () => {
    joinAs('a');
    const leave = joinAs('b');
    joinAs('c');
    time.tick(10_000);
    leave();
    leave();
    time.tick(10_000);
    assert.deepEqual(lines, ['a 10000', 'c 20000']);
  });

  it('keeps no timer for an empty stage, and starts anew with the next client', () => {
    joinAs('a')();
    assert.equal(time.countTimers(), 0);
    time.tick(5000);
    joinAs('b');
    time.tick(10_000);
    assert.deepEqual(lines, ['b 10000']);
  });

  it('paces every stage on its own', () => {
    pithy = new PithyPrint({ ...INTERVALS, publish: 3000 }, { nowMs: () => time.now });
    joinAs('player');
    pithy.join('publish', (ageMs) => lines.push(`publisher ${ageMs}`));
    time.tick(10_000);
    assert.deepEqual(lines, ['publisher 3000', 'publisher 6000', 'publisher 9000', 'player 10000']);
  });

  it('is silent once closed', () => {
    joinAs('a');
    pithy.close();
    time.tick(60_000);
    assert.deepEqual(lines, []);
  });

  it('takes other intervals at once, where lines are printed and where they will be', () => {
    joinAs('a');
    time.tick(9000);
    pithy.setIntervals({ ...INTERVALS, play: 3000, publish: 1000 });
    time.tick(6000);
    assert.deepEqual(lines, ['a 12000', 'a 15000']);
    const leave = pithy.join('publish', (ageMs) => lines.push(`publisher ${ageMs}`));
    time.tick(1000);
    assert.equal(lines.at(-1), 'publisher 1000');
    leave();
    pithy.setIntervals(INTERVALS);
    assert.equal(time.countTimers(), 1);
  });
});
