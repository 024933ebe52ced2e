import assert from 'node:assert/strict';

import { parseRedisUrl } from '../../../../src/app/config/redis-url';
import { ErrorCode, SrsError } from '../../../../src/core/errors';

describe('parseRedisUrl', () => {
  it('puts in defaults for all but the host', () => {
    assert.deepEqual(parseRedisUrl('redis://cache.example'), {
      host: 'cache.example',
      port: 6379,
      isTls: false,
      caFile: '',
      username: '',
      password: '',
      database: 0,
      prefix: 'srs:',
      label: 'redis://cache.example:6379/0',
    });
  });

  it('reads all that may be said', () => {
    const url = 'rediss://me:p%40ss@[::1]:7000/12?prefix=live%3A&ca=conf/ca.pem';
    assert.deepEqual(parseRedisUrl(url), {
      host: '::1',
      port: 7000,
      isTls: true,
      caFile: 'conf/ca.pem',
      username: 'me',
      password: 'p@ss',
      database: 12,
      prefix: 'live:',
      label: 'rediss://[::1]:7000/12',
    });
  });

  it('takes a password without a user', () => {
    const { username, password } = parseRedisUrl('redis://:sesame@host/');
    assert.deepEqual([username, password], ['', 'sesame']);
  });

  const refused = {
    'http://host/0': /the scheme/,
    'redis:///0': /the host/,
    'redis://host:99999': /no such URL/,
    'redis://host/one': /a database that is no number in redis:\/\/host\/one$/,
    'redis://host/1/2': /a database that is no number/,
    'redis://host?prefx=a': /another parameter in redis:\/\/host[?]prefx=a$/,
    [`redis://host?prefix=${'a'.repeat(129)}`]: /the prefix/,
    'redis://user:100%@host': /credentials with a %/,
    nonsense: /no such URL/,
  };
  for (const [url, reason] of Object.entries(refused)) {
    it(`refuses ${url.slice(0, 40)}`, () => {
      assert.throws(
        () => parseRedisUrl(url),
        (error: unknown) =>
          error instanceof SrsError &&
          error.code === ErrorCode.SYSTEM_CONFIG_INVALID &&
          reason.test(error.message),
      );
    });
  }

  it('shows no password in what it refuses', () => {
    for (const url of [
      'redis://user:sesame@host/x',
      'redis://user:sesame@host:99999/0',
      'redis://:ses/sesame@host/0',
      'redis://:ses@/sesame@host/0',
      'http://:sesame@host',
      'redis://user:12/sesame@host/0',
      'redis://user:12?sesame@host/0',
      'redis://host?password=sesame',
    ]) {
      assert.throws(
        () => parseRedisUrl(url),
        (error: Error) => !error.message.includes('sesame'),
      );
    }
  });
});
