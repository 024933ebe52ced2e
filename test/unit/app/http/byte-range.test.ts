import assert from 'node:assert/strict';

import { readRange } from '../../../../src/app/http/byte-range';

describe('a byte range', () => {
  const cases: [string, number, ReturnType<typeof readRange>][] = [
    ['bytes=0-', 10, { start: 0, end: 10 }],
    ['bytes=0-0', 10, { start: 0, end: 1 }],
    ['bytes=3-5', 10, { start: 3, end: 6 }],
    ['Bytes = 3 - 5', 10, { start: 3, end: 6 }],
    ['bytes=9-100', 10, { start: 9, end: 10 }],
    ['bytes=-3', 10, { start: 7, end: 10 }],
    ['bytes=-30', 10, { start: 0, end: 10 }],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=-1', 0, 'unsatisfiable'],
    [`bytes=${'9'.repeat(400)}-`, 10, 'unsatisfiable'],
    ['bytes=5-3', 10, undefined],
    ['bytes=-', 10, undefined],
    ['bytes=1-2,4-5', 10, undefined],
    ['bytes=a-b', 10, undefined],
    ['items=1-2', 10, undefined],
    ['', 10, undefined],
  ];
  for (const [header, size, expected] of cases) {
    it(`"${header.slice(0, 20)}" of ${size} bytes is ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(readRange(header, size), expected);
    });
  }

  it('is read in no time, however many spaces a client sends', () => {
    const header = `bytes=${' '.repeat(100_000)}x`;
    const startMs = performance.now();
    assert.equal(readRange(header, 10), undefined);
    assert.ok(performance.now() - startMs < 500);
  });
});
