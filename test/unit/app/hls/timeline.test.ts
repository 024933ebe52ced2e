import assert from 'node:assert/strict';

import { Timeline } from '../../../../src/app/hls/timeline';

/** `10a` sound at 10 ms. The result has `!` for a jump and `-` for a frame left out. */
function place(timeline: Timeline, frames: string): string {
  return frames
    .split(' ')
    .map((text) => {
      const kind = text.endsWith('a') ? 'audio' : 'video';
      const placed = timeline.place(kind, Number.parseInt(text, 10) >>> 0);
      return placed === undefined ? '-' : `${placed.isJump ? '!' : ''}${placed.ms}`;
    })
    .join(' ');
}

describe('app/hls/timeline', () => {
  const cases: [name: string, frames: string, expected: string][] = [
    ['passes timestamps through', '1000v 1000a 1040v 1023a', '1000 1000 1040 1023'],
    [
      'unwraps 32 bits',
      '4294967290v 4294967293a 4v 9a',
      '4294967290 4294967293 4294967300 4294967305',
    ],
    ['keeps each track growing', '100v 100a 100v 90v 140v', '100 100 101 102 140'],
    ['keeps small steps back small', '1000v 600v 640v 1040v', '1000 1001 1002 1040'],
    ['begins anew after a larger step back', '9000v 9000a 1000v', '9000 9000 !1000'],
    ['takes a hole for a jump', '1000v 7001v', '1000 !7001'],
    ['takes a short hole as it is', '1000v 6000v', '1000 6000'],
    ['lets one track pause', '0v 0a 3000a 6000a 7000v', '0 0 3000 6000 7000'],
    ['lets tracks have distant times', '0v 90000a 40v 90023a', '0 90000 40 90023'],
    [
      'waits for the other track after a jump',
      '9000v 9000a 100v 9020a 120a 140v',
      '9000 9000 !100 - 120 140',
    ],
    ['waits after a jump forward too', '0v 0a 60000v 20a 60020a', '0 0 !60000 - 60020'],
    [
      'takes a track that does not follow as it is',
      '9000v 9000a 0v 500v 1000v 9020a',
      '9000 9000 !0 500 1000 9020',
    ],
  ];
  for (const [name, frames, expected] of cases) {
    it(name, () => {
      assert.equal(place(new Timeline(5000), frames), expected);
    });
  }

  it('of a clock begins anew after 31 bits', () => {
    const timeline = new Timeline(5000);
    timeline.isClock = true;
    const frames = '2147483640v 2147483641a 2147483688v 50a';
    assert.equal(place(timeline, frames), '2147483640 2147483641 !40 50');
  });
});
