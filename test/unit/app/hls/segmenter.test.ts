import assert from 'node:assert/strict';

import { Segmenter } from '../../../../src/app/hls/segmenter';
import type { CutFrame, CutRules } from '../../../../src/app/hls/segmenter';

const rules: CutRules = { fragmentMs: 2000, aofRatio: 2, waitKeyframe: true, partMs: 0 };

/** `1000k` a key frame, `1000v` another picture, `1000a` sound. */
function frame(text: string): CutFrame {
  const kind = text.endsWith('a') ? 'audio' : 'video';
  return { kind, timestamp: Number.parseInt(text, 10), isKey: !text.endsWith('v') };
}

/** Frames, with `|` in front of those that begin a segment and `:` in front of those that begin a part. */
function cut(frames: string, changes: Partial<CutRules> = {}, bytes = 1): string {
  const segmenter = new Segmenter({ ...rules, ...changes });
  const marks = { none: '', part: ':', segment: '|' };
  return frames
    .split(' ')
    .map((text, index) => {
      const next = frame(text);
      const decision = index === 0 ? 'none' : segmenter.decide(next);
      if (index === 0 || decision === 'segment') segmenter.begin(next);
      if (decision === 'part') segmenter.beginPart(next);
      segmenter.take(next, bytes);
      return `${marks[decision]}${text}`;
    })
    .join(' ');
}

describe('app/hls/segmenter', () => {
  const cases: [name: string, expected: string, changes?: Partial<CutRules>, bytes?: number][] = [
    ['cuts at the first key frame after the wanted length', '0k 1900k 1960v 2000v |2040k 2080v'],
    ['waits for the key frame', '0k 2000v 2500v 3000v |3900k'],
    ['cuts at any picture when told to', '0k 1000v |2000v 3000k |4000v', { waitKeyframe: false }],
    ['cuts sound alone by its duration', '0a 1000a 1990a |2010a 3000a |4010a'],
    ['lets sound not cut pictures', '0k 0a 1000v 2000a 2100a 3000a |3100k'],
    ['ends a segment that is far too long at any frame', '0k 3000v 3990a |4000a 4010v'],
    ['ends it at a picture as well', '0k 3990v |4000v'],
    ['ends a segment that began amid a GOP early', '0v 900k |1000k 2000k |3000k'],
    ['lets sound that comes first not hide the key frame', '0a 0k 1000k |2000k'],
    ['never cuts before 200 ms', '0k 100k 199k |200k', { fragmentMs: 100 }],
    ['cuts sound when the pictures have stopped', '0k 40v |4000a 5000a |6000a 7000a |8000a'],
    ['ends a segment that is too large', '0k 100v |300v', {}, 128 * 1024 * 1024],
    ['ignores a step back', '1000k 500a 900v 2900v |3000k'],
  ];
  for (const [name, expected, changes, bytes] of cases) {
    it(name, () => {
      assert.equal(cut(expected.replaceAll('|', ''), changes, bytes), expected);
    });
  }

  it('cuts parts to the number of frames that comes nearest', () => {
    const at24 = [0, 42, 83, 125, 167, 208, 250, 292, 333, 375, 417].map((ms) => `${ms}v`);
    const at25 = Array.from({ length: 11 }, (_, index) => `${index * 40}v`);
    assert.equal(
      cut(at24.join(' '), { partMs: 200 }),
      '0v 42v 83v 125v 167v :208v 250v 292v 333v 375v :417v',
    );
    assert.equal(
      cut(at25.join(' '), { partMs: 200 }),
      '0v 40v 80v 120v 160v :200v 240v 280v 320v 360v :400v',
    );
  });

  it('cuts parts by the pictures, or by the sound when they stop', () => {
    assert.equal(
      cut('0k 0a 200a 240a 240v 300a 400a 600a 640a', { partMs: 200 }),
      '0k 0a 200a 240a :240v 300a 400a 600a :640a',
    );
  });

  it('knows whether decoding may start with a part, and where the segment ends', () => {
    const segmenter = new Segmenter({ ...rules, partMs: 200 });
    segmenter.begin(frame('0k'));
    assert.equal(segmenter.isPartIndependent, true);
    segmenter.take(frame('0k'), 1);
    segmenter.take(frame('40v'), 1);
    segmenter.take(frame('80v'), 1);
    segmenter.take(frame('70a'), 1);
    assert.equal(segmenter.isPartIndependent, true);
    assert.equal(segmenter.endMs, 120);
    segmenter.beginPart(frame('120v'));
    segmenter.take(frame('120v'), 1);
    assert.equal(segmenter.isPartIndependent, false);
    segmenter.beginPart(frame('600a'));
    segmenter.take(frame('600a'), 1);
    assert.equal(segmenter.isPartIndependent, false);
    assert.equal(segmenter.partStartMs, 600);
    assert.equal(segmenter.startMs, 0);
  });

  it('lengthens and shortens segments by the deviation, to half a segment at least', () => {
    const ends = (deviationMs: number): number => {
      const segmenter = new Segmenter(rules);
      segmenter.deviationMs = deviationMs;
      segmenter.begin(frame('0k'));
      segmenter.take(frame('0k'), 1);
      let ms = 0;
      while (segmenter.decide(frame(`${ms}k`)) !== 'segment') ms += 100;
      return ms;
    };
    assert.deepEqual([0, 600, -600, -60_000].map(ends), [2000, 2600, 1400, 1000]);
  });
});
