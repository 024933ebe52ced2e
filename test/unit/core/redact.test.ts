import assert from 'node:assert/strict';

import { redact, redactStream } from '../../../src/core/redact';

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

describe('redactStream', () => {
  for (const [text, expected] of [
    ['rtmp://u:p@h/live/abcd-efgh', 'rtmp://***@h/live/***'],
    ['rtmps://h:443/a/b/key?x=1&token=2', 'rtmps://h:443/a/b/***?x=1&token=***'],
    ['rtmp://h/app?vhost=v/key rtmp://[::1]/a/k/', 'rtmp://h/app?vhost=v/*** rtmp://[::1]/a/***/'],
    ['rtmp://h/[app]/[stream]?x=1', 'rtmp://h/[app]/[stream]?x=1'],
    [
      'h:1935 rtmp://h rtmp://h/app srv:_rtmp._tcp.h',
      'h:1935 rtmp://h rtmp://h/app srv:_rtmp._tcp.h',
    ],
  ] as const) {
    it(`shows ${text} as ${expected}`, () => {
      assert.equal(redactStream(text), expected);
    });
  }

  it('takes no long time over a long URL', () => {
    for (const hostile of ['rtmp://', 'rtmp://a/', 'rtmp://a/?', '/']) {
      const text = hostile.repeat(100_000);
      for (let i = 0; i < 200; i++) assert.ok(redactStream(text).length <= 2 * 4096);
    }
  });
});
