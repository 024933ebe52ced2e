import assert from 'node:assert/strict';

import { hostName, readTarget } from '../../../../src/app/http/request-path';
import { ErrorCode, SrsError } from '../../../../src/core/errors';

describe('the target of a request', () => {
  const good: [string, string, string][] = [
    ['/', '/', ''],
    ['/live/a.m3u8', '/live/a.m3u8', ''],
    ['/live//a///b/', '/live/a/b/', ''],
    ['/a%20b/%e4%b8%ad?x=1&y=%2f..', '/a b/中', 'x=1&y=%2F..'],
    ['/a?b?c=1', '/a', 'b%3Fc=1'],
    ['/a#f?x=1', '/a', ''],
    ['/.../..a/b..', '/.../..a/b..', ''],
    ['/%252e%252e/x', '/%2e%2e/x', ''],
    ['*', '*', ''],
  ];
  for (const [url, path, query] of good) {
    it(`reads ${url}`, () => {
      const target = readTarget(url);
      assert.equal(target.path, path);
      assert.equal(target.query.toString(), query);
      assert.equal(target.host, undefined);
    });
  }

  it('takes the host of an absolute url', () => {
    const target = readTarget('HTTP://User@Demo.Test:8080/a/b?c=d');
    assert.equal(target.host, 'demo.test');
    assert.equal(target.path, '/a/b');
    assert.equal(target.query.get('c'), 'd');
    assert.equal(readTarget('http://demo.test?x=1').path, '/');
  });

  const unclean = [
    '/../a',
    '/a/..',
    '/./a',
    '/a/.',
    '/%2e%2e/a',
    '/%2E./a',
    '/..%2fa',
    '/a%2Fb',
    '/a%5c..%5cb',
    '/a\\b',
    '/a%00b',
    '/a%0d%0ab',
    '/a%7fb',
    'http://demo.test/../a',
  ];
  for (const url of unclean) {
    it(`refuses ${url} as not clean`, () => {
      assert.throws(
        () => readTarget(url),
        (error) => error instanceof SrsError && error.code === ErrorCode.HTTP_URL_NOT_CLEAN,
      );
    });
  }

  for (const url of ['/%', '/%zz', '/%ff', '/%c3%28', 'a/b', '', '?x=1']) {
    it(`refuses "${url}" as no path`, () => {
      assert.throws(
        () => readTarget(url),
        (error) => error instanceof SrsError && error.code === ErrorCode.HTTP_PARSE_URI,
      );
    });
  }

  it('reads the name in a Host header', () => {
    assert.equal(hostName('Demo.Test:8080'), 'demo.test');
    assert.equal(hostName('demo.test.'), 'demo.test');
    assert.equal(hostName('[::1]:80'), '::1');
    assert.equal(hostName(''), '');
  });
});
