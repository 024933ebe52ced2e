import assert from 'node:assert/strict';

import {
  allowAll,
  checkConnectNames,
  checkReferer,
  checkStreamName,
} from '../../../../src/app/access/access';
import type { ClientIdentity } from '../../../../src/app/access/access';
import { ErrorCode } from '../../../../src/core/errors';
import type { RtmpRequest } from '../../../../src/rtmp/request';

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

describe('the names of a request', () => {
  const request = (names: Partial<RtmpRequest>): RtmpRequest =>
    ({ app: 'live', param: '', stream: 's', streamParam: '', ...names }) as RtmpRequest;

  for (const name of [
    '..',
    '../etc/passwd',
    'a/../../b',
    '%2e%2e/x',
    '%252e%252e',
    '/etc/passwd',
    'a\0b',
    'a\\b',
  ]) {
    it(`may not be ${JSON.stringify(name)}, which would leave the directory of its files`, () => {
      for (const refusal of [
        checkStreamName(request({ stream: name }), 'Some.Status'),
        checkConnectNames(request({ app: name }), 'Some.Status'),
      ]) {
        assert.equal(refusal?.code, ErrorCode.RTMP_REQ_TCURL);
        assert.equal(refusal.status, 'Some.Status');
        assert.match(refusal.description, /cannot be used, it (begins|contains)/);
      }
    });
  }

  it('may have 32 parts at most', () => {
    const name = `${'a/'.repeat(31)}a`;
    assert.equal(checkStreamName(request({ stream: name }), 's'), undefined);
    const refusals = [
      checkStreamName(request({ stream: `${name}/a` }), 's'),
      checkConnectNames(request({ app: `${name}/a` }), 's'),
    ];
    for (const refusal of refusals) {
      assert.equal(refusal?.code, ErrorCode.RTMP_REQ_TCURL);
      assert.match(refusal.description, /it has 33 parts, at most 32 are allowed$/);
    }
  });

  for (const name of ['s', 'room/1', 'a..b', '...', 'é', 'a b', '100%']) {
    it(`may be ${JSON.stringify(name)}`, () => {
      assert.equal(checkStreamName(request({ stream: name }), 's'), undefined);
      assert.equal(checkConnectNames(request({ app: name }), 's'), undefined);
    });
  }
});

describe('the default authorizer', () => {
  it('allows at once', () => {
    const client = {} as ClientIdentity;
    assert.equal(allowAll.authorize('publish', client), undefined);
    allowAll.ended('publish', client);
  });
});
