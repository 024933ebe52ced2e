import assert from 'node:assert/strict';

import { allowAll, checkReferer } from '../../../../src/app/rtmp/access';
import type { ClientIdentity } from '../../../../src/app/rtmp/access';
import { ErrorCode } from '../../../../src/core/errors';

const list = ['github.com', 'Example.org'];
const cases: readonly (readonly [string, boolean])[] = [
  ['http://github.com', true],
  ['https://github.com:8080/page.html', true],
  ['http://docs.github.com/a/b', true],
  ['http://www.EXAMPLE.org/', true],
  ['github.com/page', true],
  ['http://evilgithub.com/', false],
  ['http://github.com.evil.com/', false],
  ['http://evil.com/github.com', false],
  ['http://evil.com?x=.github.com', false],
  ['http://evil.com#.github.com', false],
  ['', false],
];

describe('the refer rule', () => {
  for (const [pageUrl, isAllowed] of cases) {
    it(`${isAllowed ? 'allows' : 'denies'} page "${pageUrl}"`, () => {
      const refusal = checkReferer(pageUrl, 'Some.Status', list);
      assert.equal(refusal === undefined, isAllowed);
      if (!refusal) return;
      assert.equal(refusal.code, ErrorCode.RTMP_ACCESS_DENIED);
      assert.equal(refusal.status, 'Some.Status');
    });
  }

  it('allows everyone without lists', () => {
    assert.equal(checkReferer('', 's', [], []), undefined);
  });

  it('takes no long time over a long page', () => {
    for (const part of ['/', '://', ':', 'a', '\n', '.']) {
      const pageUrl = `${part.repeat(100_000)}\n`;
      for (let i = 0; i < 100; i++) checkReferer(pageUrl, 's', list);
    }
  });

  it('asks every list there is', () => {
    assert.ok(checkReferer('http://github.com', 's', list, ['other.net']));
    assert.equal(checkReferer('http://github.com', 's', list, []), undefined);
  });
});

describe('the default authorizer', () => {
  it('allows at once', () => {
    const client = {} as ClientIdentity;
    assert.equal(allowAll.authorize('publish', client), undefined);
    allowAll.ended('publish', client);
  });
});
