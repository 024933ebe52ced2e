import assert from 'node:assert/strict';

import { hasKey } from '../../../../src/app/bandcheck/key';

describe('app/bandcheck/key', () => {
  const held: readonly (readonly [string, string])[] = [
    ['rtmp://host/app', ''],
    ['rtmp://host/app?key=abc', 'abc'],
    ['rtmp://host/app?key=abc,vhost=v', 'abc'],
    ['rtmp://host/app?key=abc&vhost=v', 'abc'],
    ['rtmp://host/app?key=abc&&vhost=v', 'abc'],
    ['rtmp://host/app?vhost=v&key=abc', 'abc'],
    ['rtmp://host/app?vhost=v,key=abc', 'abc'],
    ['rtmp://host/app...vhost...v...key...abc', 'abc'],
    ['rtmp://host/app...key...abc...vhost...v', 'abc'],
    ['rtmp://host/app?key=abc/', 'abc'],
    ['rtmp://host/app?key=wrong&key=abc', 'abc'],
    ['rtmp://host/app?key=a=b&vhost=v', 'a=b'],
    ['rtmp://host/app?key=a,b,vhost=v', 'a,b'],
    ['rtmp://host/app?key=a%26b%20c&vhost=v', 'a&b c'],
    ['rtmp://host/app?key=%C3%A9', 'é'],
  ];
  for (const [tcUrl, key] of held) {
    it(`finds ${JSON.stringify(key)} in ${tcUrl}`, () => {
      assert.equal(hasKey(tcUrl, key), true);
    });
  }

  const missing: readonly (readonly [string, string])[] = [
    ['rtmp://host/app', 'abc'],
    ['rtmp://host/app?key=', 'abc'],
    ['rtmp://host/app?key=ab', 'abc'],
    ['rtmp://host/app?key=abcd', 'abc'],
    ['rtmp://host/app?key=abc.d', 'abc'],
    ['rtmp://host/app?key=ABC', 'abc'],
    ['rtmp://host/app?mykey=abc', 'abc'],
    ['rtmp://host/app?x=key=abc', 'abc'],
    ['rtmp://host/app?token=abc', 'abc'],
    ['rtmp://key=abc/app', 'abc'],
    [`rtmp://host/app?${'key=x&'.repeat(1000)}key=abc`, 'abc'],
  ];
  for (const [tcUrl, key] of missing) {
    it(`does not find ${key} in ${tcUrl.slice(0, 60)}`, () => {
      assert.equal(hasKey(tcUrl, key), false);
    });
  }
});
