import assert from 'node:assert/strict';

import { redact } from '../../../src/core/redact';

const cases: readonly (readonly [string, string])[] = [
  ['rtmp://h/live', 'rtmp://h/live'],
  ['rtmp://h/live?token=abc', 'rtmp://h/live?token=***'],
  ['rtmp://h/live?vhost=v&key=a/b+c==&x=1', 'rtmp://h/live?vhost=v&key=***&x=1'],
  ['rtmp://h/live...vhost...v...token...abc', 'rtmp://h/live...vhost...v...token...***'],
  ['s?txSecret=1&txTime=2&Sign=3', 's?txSecret=***&txTime=2&Sign=***'],
  ['rtmp://user:pass@h/live', 'rtmp://***@h/live'],
  ['http://user:p@ss@h/x http://i/y@z', 'http://***@h/x http://i/y@z'],
  ['http://h/a?auth_key=1-2-3, swfUrl=', 'http://h/a?auth_key=***, swfUrl='],
  ['livestream?key=a', 'livestream?key=***'],
  ['livestream?secret=a&x=1', 'livestream?secret=***&x=1'],
  ['livestream?password=a', 'livestream?password=***'],
  ['/live/s.flv?expires=1&sign=ab12&ip=::1', '/live/s.flv?expires=1&sign=***&ip=::1'],
  ['rtmp://h/live?key=a/livestream', 'rtmp://h/live?key=***'],
];

describe('redact', () => {
  for (const [text, expected] of cases) {
    it(`logs ${text} as ${expected}`, () => {
      assert.equal(redact(text), expected);
    });
  }

  for (const hostile of ['token', 'a', '://', 'key=', 'a...', '-']) {
    it(`takes no long time over a long "${hostile}"`, () => {
      const text = hostile.repeat(100_000);
      for (let i = 0; i < 200; i++) assert.ok(redact(text).length <= 2 * 4096);
    });
  }
});
