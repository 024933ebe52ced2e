import assert from 'node:assert/strict';

import { LoopTimeline } from '../../../../src/app/ingest/loop-timeline';

const audio = 8;
const video = 9;

/** Places frames of one round, written as `v0 a23 ...`. */
function round(timeline: LoopTimeline, frames: string): number[] {
  return frames
    .split(' ')
    .map((frame) => timeline.place(frame.startsWith('v') ? video : audio, Number(frame.slice(1))));
}

describe('app/ingest/loop-timeline', () => {
  it('starts at 0 whatever the file starts at', () => {
    const timeline = new LoopTimeline();
    assert.equal(timeline.positionMs, 0);
    assert.deepEqual(round(timeline, 'v1000 a1010 v1040'), [0, 10, 40]);
    assert.equal(timeline.positionMs, 40);
  });

  it('goes on when the longer track is over, given that its last frame is as long as the others', () => {
    const timeline = new LoopTimeline();
    round(timeline, 'v0 a0 a23 v40 a46 v80');
    assert.equal(timeline.nextRound(), true);
    assert.deepEqual(round(timeline, 'v0 a0 a23'), [120, 120, 143]);
    timeline.nextRound();
    assert.equal(timeline.place(video, 0), 166);
  });

  it('keeps the rate of fractional frame durations round after round', () => {
    const timeline = new LoopTimeline();
    let first = 0;
    for (let rounds = 0; rounds < 3; rounds++) {
      first = timeline.place(audio, 0);
      for (let index = 1; index < 441; index++) {
        timeline.place(audio, Math.round((index * 1024) / 44.1));
      }
      timeline.nextRound();
    }
    assert.equal(first, 20480);
  });

  it('never goes back, even where the file does a little', () => {
    const timeline = new LoopTimeline();
    assert.deepEqual(round(timeline, 'v100 a60 v140 a120'), [0, 0, 40, 40]);
  });

  it('turns a long gap and a long way back into one frame', () => {
    const timeline = new LoopTimeline();
    assert.deepEqual(round(timeline, 'v0 v40 v9000 v9040'), [0, 40, 80, 120]);
    assert.deepEqual(round(timeline, 'v50 v90'), [160, 200]);
  });

  it('gives a track of one frame a length', () => {
    const timeline = new LoopTimeline();
    round(timeline, 'v7');
    timeline.nextRound();
    assert.equal(timeline.place(video, 7), 40);
  });

  it('says when a round had no frame in it', () => {
    const timeline = new LoopTimeline();
    assert.equal(timeline.nextRound(), false);
    timeline.place(video, 0);
    assert.equal(timeline.nextRound(), true);
    assert.equal(timeline.nextRound(), false);
  });
});
