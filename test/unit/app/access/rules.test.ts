import assert from 'node:assert/strict';

import { withoutUsage } from '../../../../src/app/access/access';
import { checkAccess, isPlayRestricted } from '../../../../src/app/access/rules';

import { clientOf, contextOf, vhostOf } from './harness';

const everything = `refer good.net; refer_publish studio.good.net;
  security { enabled on; allow publish 10.0.0.0/8; allow play all; }
  auth { enabled on; key publish the-key; key play the-key; }
  limits { clients 1; }`;

describe('all rules on a client', () => {
  it('are asked in their order, and the first that refuses says so', () => {
    const vhost = vhostOf(everything);
    const busy = contextOf({ clients: 1 });
    const publish = (pageUrl: string, ip: string, streamParam: string): string | undefined =>
      checkAccess('publish', clientOf({ pageUrl, streamParam }, ip), vhost, busy)?.description;
    assert.match(publish('', '203.0.113.7', '') ?? '', /^refer rule denies/);
    assert.match(publish('http://good.net', '10.0.0.1', '') ?? '', /^refer rule denies/);
    const page = 'http://studio.good.net/';
    assert.match(publish(page, '203.0.113.7', '') ?? '', /^no security rule allows/);
    assert.match(publish(page, '10.0.0.1', '') ?? '', /^an auth rule denies/);
    assert.match(publish(page, '10.0.0.1', '?key=the-key') ?? '', /^a limit denies/);
    const client = clientOf({ pageUrl: page, streamParam: '?key=the-key' }, '10.0.0.1');
    assert.equal(checkAccess('publish', client, vhost, contextOf()), undefined);
  });

  it('ask of a connect for the page only', () => {
    const vhost = vhostOf(everything);
    const busy = contextOf({ clients: 1 });
    const refusal = checkAccess('connect', clientOf(), vhost, busy);
    assert.equal(refusal?.status, 'NetConnection.Connect.Rejected');
    const client = clientOf({ pageUrl: 'http://good.net/' });
    assert.equal(checkAccess('connect', client, vhost, busy), undefined);
  });

  it('ask of a play for its own page, and for that of the vhost', () => {
    const vhost = vhostOf('refer good.net; refer_play viewers.good.net;');
    const play = (pageUrl: string): boolean =>
      checkAccess('play', clientOf({ pageUrl }), vhost, withoutUsage) === undefined;
    assert.equal(play('http://viewers.good.net/'), true);
    assert.equal(play('http://good.net/'), false);
    assert.equal(play('http://viewers.other.net/'), false);
  });

  it('let everybody in where there are none', () => {
    for (const action of ['connect', 'publish', 'play'] as const) {
      assert.equal(checkAccess(action, clientOf(), vhostOf(''), withoutUsage), undefined);
    }
  });

  it('let nobody publish or play where bandwidth is checked', () => {
    const vhost = vhostOf('bandcheck { enabled on; }');
    assert.equal(checkAccess('connect', clientOf(), vhost, withoutUsage), undefined);
    for (const [action, status] of [
      ['publish', 'NetStream.Publish.Denied'],
      ['play', 'NetStream.Play.Failed'],
    ] as const) {
      const refusal = checkAccess(action, clientOf(), vhost, withoutUsage);
      assert.equal(refusal?.status, status);
      assert.match(refusal.description, /is a bandwidth check, and has no streams$/);
    }
  });

  it('take the time of day for what expires', () => {
    const vhost = vhostOf('auth { enabled on; secret 0123456789abcdef; signed play; }');
    // printf 'play:/live/livestream:1000' | openssl dgst -sha256 -hmac 0123456789abcdef
    const sign = 'cc516f19d61ac5dc23a50b3cf6892e990557476782fd0e39d64f9339fd23eeb2';
    const client = clientOf({ streamParam: `?expires=1000&sign=${sign}` });
    const at = (nowMs: number): boolean =>
      checkAccess('play', client, vhost, contextOf({}, { nowMs: () => nowMs })) === undefined;
    assert.equal(at(999_999), true);
    assert.equal(at(1_000_001), false);
  });
});

describe('a vhost whose plays may be refused', () => {
  const cases: readonly (readonly [string, boolean])[] = [
    ['', false],
    ['refer a.net;', true],
    ['refer_play a.net;', true],
    ['refer_publish a.net;', false],
    ['security { enabled on; allow play all; }', true],
    ['security { deny play all; }', false],
    ['auth { enabled on; key play the-long-key; }', true],
    ['auth { enabled on; secret 0123456789abcdef; signed play; }', true],
    ['auth { enabled on; key publish the-long-key; }', false],
    ['auth { key play the-long-key; }', false],
    ['bandcheck { enabled on; }', true],
    ['limits { clients 1; }', true],
    ['limits { kbps 1; }', true],
    ['limits { publishers 1; publisher_kbps 1; }', false],
    ['http_hooks { enabled on; on_play http://127.0.0.1/; }', true],
    ['http_hooks { enabled on; on_connect http://127.0.0.1/; }', true],
    ['http_hooks { enabled on; on_publish http://127.0.0.1/; on_stop http://127.0.0.1/; }', false],
    ['http_hooks { on_play http://127.0.0.1/; }', false],
  ];
  for (const [directives, expected] of cases) {
    it(`is ${expected ? '' : 'not '}one with "${directives}"`, () => {
      assert.equal(isPlayRestricted(vhostOf(directives)), expected);
    });
  }
});
