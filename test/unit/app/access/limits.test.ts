import assert from 'node:assert/strict';

import { checkLimits } from '../../../../src/app/access/limits';
import { ErrorCode } from '../../../../src/core/errors';

import { clientOf, contextOf, vhostOf } from './harness';

const { request } = clientOf();
const full = 'limits { clients 10; publishers 2; kbps 5000; }';

/** How an action is refused in a vhost in which so much is going on; undefined when it is not. */
function refusal(
  action: 'connect' | 'publish' | 'play',
  usage: Parameters<typeof contextOf>[0],
  limits = full,
): string | undefined {
  return checkLimits(action, request, vhostOf(limits), contextOf(usage))?.description;
}

describe('the limits of a vhost', () => {
  const cases: readonly (readonly [
    'connect' | 'publish' | 'play',
    Parameters<typeof contextOf>[0],
    string | undefined,
  ])[] = [
    ['play', { clients: 9, publishers: 2, sendKbps: 4999 }, undefined],
    ['play', { clients: 10 }, '10 clients'],
    ['play', { clients: 11 }, '10 clients'],
    ['play', { sendKbps: 5000 }, '5000 kbps'],
    ['publish', { clients: 9, publishers: 1, sendKbps: 9999 }, undefined],
    ['publish', { clients: 10 }, '10 clients'],
    ['publish', { publishers: 2 }, '2 publishers'],
    ['connect', { clients: 99, publishers: 99, sendKbps: 9999 }, undefined],
  ];
  for (const [action, usage, expected] of cases) {
    const what = JSON.stringify(usage);
    it(`${expected === undefined ? 'let' : 'refuse'} ${action} at ${what}`, () => {
      const text = expected && `a limit denies ${action}, vhost a.com has ${expected} at most`;
      assert.equal(refusal(action, usage), text);
    });
  }

  it('are none where they are 0', () => {
    const usage = { clients: 1e9, publishers: 1e9, sendKbps: 1e9 };
    for (const limits of ['', 'limits { }', 'limits { clients 0; publishers 0; kbps 0; }']) {
      assert.equal(refusal('play', usage, limits), undefined);
      assert.equal(refusal('publish', usage, limits), undefined);
    }
    assert.ok(refusal('publish', usage, 'limits { publishers 1; }'));
    assert.equal(refusal('play', usage, 'limits { publishers 1; publisher_kbps 1; }'), undefined);
  });

  it('are told in words of RTMP, with a code of their own', () => {
    const context = contextOf({ clients: 10 });
    const play = checkLimits('play', request, vhostOf(full), context);
    assert.equal(play?.code, ErrorCode.ST_EXCEED_THREADS);
    assert.equal(play.status, 'NetStream.Play.Failed');
    const publish = checkLimits('publish', request, vhostOf(full), context);
    assert.equal(publish?.status, 'NetStream.Publish.Denied');
  });

  it('have room for a publisher that comes in the place of another', () => {
    const isPublished = (name: { stream: string }): boolean => name.stream === 'livestream';
    const context = contextOf({ clients: 10, publishers: 2 }, { isPublished });
    const ask = (action: 'publish' | 'play', stream: string): boolean =>
      checkLimits(action, { ...request, stream }, vhostOf(full), context) === undefined;
    assert.equal(ask('publish', 'livestream'), true);
    assert.equal(ask('publish', 'another'), false);
    assert.equal(ask('play', 'livestream'), false);
  });
});
