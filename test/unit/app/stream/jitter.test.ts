import assert from 'node:assert/strict';

import { Jitter } from '../../../../src/app/stream/jitter';
import { TagFlags } from '../../../../src/media/codec';

const AUDIO = 8;
const VIDEO = 9;

function correctAll(jitter: Jitter, messages: readonly (readonly [number, number])[]): number[] {
  return messages.map(([type, timestamp]) => jitter.correct(type, timestamp, 0));
}

describe('Jitter, full', () => {
  it('hands steps of up to 500 ms on unchanged', () => {
    const times = correctAll(new Jitter('full'), [
      [VIDEO, 0],
      [AUDIO, 10],
      [VIDEO, 40],
      [VIDEO, 540],
    ]);
    assert.deepEqual(times, [0, 10, 40, 540]);
  });

  it('counts a step of more than 500 ms as one frame of 40 ms', () => {
    assert.deepEqual(
      correctAll(new Jitter('full'), [
        [VIDEO, 5_000_000],
        [VIDEO, 5_000_040],
        [VIDEO, 5_000_541],
      ]),
      [40, 80, 120],
    );
  });

  it('goes on with one frame when the publisher starts again at a lower time', () => {
    const times = correctAll(new Jitter('full'), [
      [VIDEO, 0],
      [VIDEO, 400],
      [VIDEO, 0],
      [VIDEO, 33],
    ]);
    assert.deepEqual(times, [0, 400, 440, 473]);
  });

  it('does not gain time when audio and video are interleaved out of order', () => {
    const times = correctAll(new Jitter('full'), [
      [VIDEO, 0],
      [VIDEO, 40],
      [AUDIO, 30],
      [VIDEO, 80],
      [AUDIO, 70],
      [VIDEO, 120],
    ]);
    assert.deepEqual(times, [0, 40, 40, 80, 80, 120]);
  });

  it('never goes back, and ends a jump that only one kind has made', () => {
    const times = correctAll(new Jitter('full'), [
      [VIDEO, 300],
      [VIDEO, 0],
      [AUDIO, 100_000],
      [VIDEO, 40],
      [VIDEO, 80],
    ]);
    assert.deepEqual(times, [300, 340, 380, 420, 460]);
  });

  it('takes the frame duration from the hints', () => {
    const jitter = new Jitter('full');
    jitter.setHints(50, 44_100);
    assert.deepEqual(
      correctAll(jitter, [
        [VIDEO, 9000],
        [AUDIO, 1000],
      ]),
      [20, 43],
    );
  });

  it('takes the long steps of a slow stream for what they are', () => {
    const jitter = new Jitter('full');
    jitter.setHints(1, 0);
    assert.deepEqual(
      correctAll(jitter, [
        [VIDEO, 0],
        [VIDEO, 1000],
        [VIDEO, 2000],
      ]),
      [0, 1000, 2000],
    );
  });

  it('ignores hints without sense', () => {
    const jitter = new Jitter('full');
    for (const rate of [-1, 0, Number.NaN, Number.POSITIVE_INFINITY, 0.01]) {
      jitter.setHints(rate, rate);
      jitter.correct(VIDEO, 0, 0);
      const start = jitter.correctData(0);
      assert.equal(jitter.correct(VIDEO, 1_000_000, 0) - start, 40, String(rate));
    }
  });

  it('passes 24 bits and 31 bits without a step', () => {
    const jitter = new Jitter('full');
    const start = jitter.correct(VIDEO, 2 ** 31 - 100, 0);
    assert.equal(jitter.correct(VIDEO, 2 ** 31 - 1, 0) - start, 99);
    assert.equal(jitter.correct(VIDEO, 2 ** 31 + 39, 0) - start, 139);
  });

  it('stamps data messages with the last time', () => {
    const jitter = new Jitter('full');
    assert.equal(jitter.correctData(777), 0);
    jitter.correct(VIDEO, 120, 0);
    assert.equal(jitter.correctData(0), 120);
  });
});

describe('Jitter, zero', () => {
  it('starts the publisher at zero and keeps its steps', () => {
    const times = correctAll(new Jitter('zero'), [
      [VIDEO, 5000],
      [AUDIO, 5010],
      [VIDEO, 9000],
    ]);
    assert.deepEqual(times, [0, 10, 4000]);
  });

  it('lets a small backward step through and begins again below the base', () => {
    const times = correctAll(new Jitter('zero'), [
      [VIDEO, 5000],
      [VIDEO, 5080],
      [VIDEO, 5040],
      [VIDEO, 100],
      [VIDEO, 140],
    ]);
    assert.deepEqual(times, [0, 80, 40, 0, 40]);
  });

  it('does not take the time of a sequence header for the start', () => {
    const jitter = new Jitter('zero');
    assert.equal(jitter.correct(VIDEO, 0, TagFlags.sequenceHeader), 0);
    assert.equal(jitter.correct(VIDEO, 90_000, TagFlags.keyFrame), 0);
    assert.equal(jitter.correct(VIDEO, 90_040, 0), 40);
    assert.equal(jitter.correct(AUDIO, 0, TagFlags.sequenceHeader), 40);
    assert.equal(jitter.correct(VIDEO, 90_080, 0), 80);
  });
});

describe('Jitter, off', () => {
  it('changes nothing', () => {
    const messages = [
      [VIDEO, 5000],
      [AUDIO, 10],
      [VIDEO, 4_000_000_000],
    ] as const;
    assert.deepEqual(
      correctAll(new Jitter('off'), messages),
      messages.map(([, timestamp]) => timestamp),
    );
    assert.equal(new Jitter('off').correctData(123), 123);
  });

  it('can be switched on and off while running', () => {
    const jitter = new Jitter('full');
    jitter.correct(VIDEO, 900_000, 0);
    jitter.setMode('off');
    assert.equal(jitter.correct(VIDEO, 900_040, 0), 900_040);
  });
});
