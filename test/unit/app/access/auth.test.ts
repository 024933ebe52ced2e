import assert from 'node:assert/strict';

import { checkAuth } from '../../../../src/app/access/auth';
import { ErrorCode } from '../../../../src/core/errors';

import { clientOf, vhostOf } from './harness';

const SECRET = 'a-long-secret-that-nobody-can-guess';
const OLD_SECRET = 'the-secret-of-last-year';
/** 2026-01-01, when the signatures below expire. */
const EXPIRES = 1_767_225_600;
const EXPIRES_MS = EXPIRES * 1000;

// printf 'play:/live/livestream:1767225600' | openssl dgst -sha256 -hmac "$SECRET"
const PLAY = '04039a32830d0a8eba63a0772d5adbd7467cfa99c1905aeecb659a505717bbfc';
// printf 'publish:/live/livestream:1767225600' | openssl dgst -sha256 -hmac "$SECRET"
const PUBLISH = 'b909e3afd632d8cdd356116da9a2d827c6e5ce6840b8f2745324f7ca1a8130a5';
// printf 'play:/live/livestream:1767225600:203.0.113.7' | openssl dgst -sha256 -hmac "$SECRET"
const PLAY_FROM_IPV4 = 'd726bfade9794c79be67fa2a4489add13c865d8d55778928f02192568bb29acf';
// printf 'play:/live/livestream:1767225600:2001:db8::1' | openssl dgst -sha256 -hmac "$SECRET"
const PLAY_FROM_IPV6 = 'be13ca183c880ad209b57608d7184902d07b381f1422797cf04062a0adb00809';
// printf 'play:/live/livestream:1767225600' | openssl dgst -sha256 -hmac "$OLD_SECRET"
const PLAY_BY_OLD = '23f9dee3eeb63d21e20058bffc4f0f2667d7a0bb568d91a5da69256332fb1182';
// printf 'play:/live/räume/1:1767225600' | openssl dgst -sha256 -hmac "$SECRET"
const PLAY_ROOM = 'c13e5f8913e784ce49a78ad8b5e232ed06dcbe5d9eea48bc297c35668d36b68d';

interface Asked {
  readonly action?: 'connect' | 'publish' | 'play';
  readonly param?: string;
  readonly app?: string;
  readonly stream?: string;
  readonly ip?: string;
  readonly nowMs?: number;
}

/** What is wrong with a client that comes with a query behind its stream name; undefined when nothing is. */
function fault(rules: string, streamParam: string, asked: Asked = {}): string | undefined {
  const { action = 'play', ip, nowMs = EXPIRES_MS - 1, ...names } = asked;
  const { auth } = vhostOf(`auth { enabled on; ${rules} }`);
  const refusal = checkAuth(action, clientOf({ ...names, streamParam }, ip), auth, nowMs);
  if (!refusal) return undefined;
  assert.equal(refusal.code, ErrorCode.RTMP_ACCESS_DENIED);
  assert.ok(refusal.description.startsWith(`an auth rule denies ${action}, `));
  return refusal.description.slice(`an auth rule denies ${action}, `.length);
}

describe('a stream key', () => {
  const rules = 'key play the-key; key publish other-key; key play extra+key;';
  const cases: readonly (readonly [string, string | undefined, Asked?])[] = [
    ['?key=the-key', undefined],
    ['?key=the%2Dkey', undefined],
    ['?key=extra%2Bkey', undefined],
    ['?token=the-key', undefined],
    ['?vhost=a.com&&key=the-key', undefined],
    ['?key=wrong&token=the-key', undefined],
    ['?key=other-key', undefined, { action: 'publish' }],
    ['', undefined, { param: '?key=the-key' }],
    ['?x=1', undefined, { param: '?vhost=a.com&key=the-key' }],
    ['?key=wrong', undefined, { param: '?key=the-key' }],
    ['', 'a key is missing'],
    ['?Key=the-key', 'a key is missing'],
    ['?secret=the-key', 'a key is missing'],
    ['', 'a key is missing', { param: '?monkey=the-key' }],
    ['?key=other-key', 'the key is wrong'],
    ['?key=the-key', 'the key is wrong', { action: 'publish' }],
    ['?key=', 'the key is wrong'],
    ['?key', 'the key is wrong'],
    ['?key=the-ke', 'the key is wrong'],
    ['?key=the-keyy', 'the key is wrong'],
    ['?key=THE-KEY', 'the key is wrong'],
    ['?key=%ff%zz', 'the key is wrong'],
    ['?key=wrong&key=the-key', 'the key is wrong'],
  ];
  for (const [query, expected, asked] of cases) {
    const where = asked?.param === undefined ? '' : ` after a connect with "${asked.param}"`;
    const title = `"${query}"${where} to ${asked?.action ?? 'play'}`;
    it(expected === undefined ? `lets ${title}` : `refuses ${title}: ${expected}`, () => {
      assert.equal(fault(rules, query, asked), expected);
    });
  }

  it('is asked for where one is about the action only, and never at connect', () => {
    assert.equal(fault('key play the-key;', '', { action: 'publish' }), undefined);
    assert.equal(fault('key play the-key;', '', { action: 'connect' }), undefined);
  });

  it('of one stream does not open another, which asks for none', () => {
    const keys = 'key publish first-key live/one; key publish second-key live/two;';
    const publish = (stream: string, query: string): string | undefined =>
      fault(keys, query, { action: 'publish', stream });
    assert.equal(publish('one', '?key=first-key'), undefined);
    assert.equal(publish('one', '?key=second-key'), 'the key is wrong');
    assert.equal(publish('two', '?key=second-key'), undefined);
    assert.equal(publish('two', ''), 'a key is missing');
    assert.equal(publish('three', ''), undefined);
  });

  it('of an app opens its streams, beside that of all streams', () => {
    const keys = 'key play app-key live/*; key play master-key;';
    const play = (app: string, query: string): string | undefined => fault(keys, query, { app });
    assert.equal(play('live', '?key=app-key'), undefined);
    assert.equal(play('live', '?key=master-key'), undefined);
    assert.equal(play('live/room', '?key=app-key'), 'the key is wrong');
    assert.equal(play('other', '?key=app-key'), 'the key is wrong');
    assert.equal(play('other', '?key=master-key'), undefined);
  });
});

describe('a signed URL', () => {
  const rules = `secret ${SECRET} ${OLD_SECRET}; signed publish play;`;
  const query = (sign: string, expires: number | string = EXPIRES, more = ''): string =>
    `?expires=${expires}&sign=${sign}${more}`;

  it('lets play and publish, each by its own signature', () => {
    assert.equal(fault(rules, query(PLAY)), undefined);
    assert.equal(fault(rules, query(PLAY.toUpperCase())), undefined);
    assert.equal(fault(rules, query(PUBLISH), { action: 'publish' }), undefined);
    assert.equal(fault(rules, query(PUBLISH)), 'the signature is wrong');
    assert.equal(fault(rules, query(PLAY), { action: 'publish' }), 'the signature is wrong');
  });

  it('may have its signature in the query of the tcUrl', () => {
    assert.equal(fault(rules, '', { param: query(PLAY) }), undefined);
    assert.equal(fault(rules, query('0'.repeat(64)), { param: query(PLAY) }), undefined);
  });

  it('is about one stream, whose name is signed as UTF-8', () => {
    assert.equal(fault(rules, query(PLAY_ROOM), { stream: 'räume/1' }), undefined);
    assert.equal(fault(rules, query(PLAY), { stream: 'räume/1' }), 'the signature is wrong');
    assert.equal(fault(rules, query(PLAY), { app: 'vod' }), 'the signature is wrong');
  });

  it('holds until the second it names is over, and no longer', () => {
    assert.equal(fault(rules, query(PLAY), { nowMs: 0 }), undefined);
    assert.equal(fault(rules, query(PLAY), { nowMs: EXPIRES_MS }), undefined);
    const late = fault(rules, query(PLAY), { nowMs: EXPIRES_MS + 1 });
    assert.equal(late, 'the signature has expired');
  });

  it('cannot be given more time', () => {
    const longer = query(PLAY, EXPIRES + 3600);
    assert.equal(fault(rules, longer, { nowMs: EXPIRES_MS + 1 }), 'the signature is wrong');
    assert.equal(fault(rules, query(PLAY, `0${EXPIRES}`)), 'the signature is wrong');
  });

  it('holds by each of the secrets, and no more by one that was removed', () => {
    assert.equal(fault(rules, query(PLAY_BY_OLD)), undefined);
    const renewed = `secret ${SECRET}; signed play;`;
    assert.equal(fault(renewed, query(PLAY_BY_OLD)), 'the signature is wrong');
    assert.equal(fault(renewed, query(PLAY)), undefined);
  });

  it('may be for one address only', () => {
    const bound = query(PLAY_FROM_IPV4, EXPIRES, '&ip=203.0.113.7');
    assert.equal(fault(rules, bound), undefined);
    assert.equal(fault(rules, bound, { ip: '::ffff:203.0.113.7' }), undefined);
    const elsewhere = fault(rules, bound, { ip: '203.0.113.8' });
    assert.equal(elsewhere, 'the signature is for another address');
    const other = query(PLAY_FROM_IPV4, EXPIRES, '&ip=203.0.113.8');
    assert.equal(fault(rules, other, { ip: '203.0.113.8' }), 'the signature is wrong');
    assert.equal(fault(rules, query(PLAY_FROM_IPV4)), 'the signature is wrong');
    const ipv6 = query(PLAY_FROM_IPV6, EXPIRES, '&ip=2001:db8::1');
    assert.equal(fault(rules, ipv6, { ip: '2001:db8:0:0::1' }), undefined);
  });

  const garbled: readonly (readonly [string, string])[] = [
    ['', 'a signature is missing'],
    [`?expires=${EXPIRES}`, 'a signature is missing'],
    ['?key=whatever', 'a signature is missing'],
    [`?sign=${PLAY}`, 'expires is not a time in seconds'],
    [query(PLAY, ''), 'expires is not a time in seconds'],
    [query(PLAY, '1e10'), 'expires is not a time in seconds'],
    [query(PLAY, '-1'), 'expires is not a time in seconds'],
    [query(PLAY, '9'.repeat(13)), 'expires is not a time in seconds'],
    [query(''), 'the signature is not 64 hexadecimal digits'],
    [query(PLAY.slice(1)), 'the signature is not 64 hexadecimal digits'],
    [query(`${PLAY}00`), 'the signature is not 64 hexadecimal digits'],
    [query(`g${PLAY.slice(1)}`), 'the signature is not 64 hexadecimal digits'],
    [query('0'.repeat(64)), 'the signature is wrong'],
  ];
  for (const [text, expected] of garbled) {
    it(`is refused as "${text}": ${expected}`, () => {
      assert.equal(fault(rules, text), expected);
    });
  }

  it('is as good as a key, and the other way round', () => {
    const both = `${rules} key play the-key;`;
    assert.equal(fault(both, '?key=the-key'), undefined);
    assert.equal(fault(both, `${query(PLAY)}&key=wrong`), undefined);
    assert.equal(fault(both, `${query('0'.repeat(64))}&key=the-key`), undefined);
    assert.equal(fault(both, `${query('0'.repeat(64))}&key=wrong`), 'the signature is wrong');
    assert.equal(fault(both, '?key=wrong'), 'the key is wrong');
    assert.equal(fault(both, ''), 'a key or a signature is missing');
  });

  it('is not looked at where the action is not to be signed', () => {
    const keyed = `secret ${SECRET}; signed publish; key play the-key;`;
    assert.equal(fault(keyed, query(PLAY)), 'a key is missing');
  });
});

describe('the auth rules', () => {
  it('ask for nothing while they are off', () => {
    const { auth } = vhostOf('auth { key play the-key; }');
    assert.equal(checkAuth('play', clientOf(), auth, 0), undefined);
  });

  it('never tell a secret, whatever is given', () => {
    const rules = `key play the-key; secret ${SECRET}; signed play;`;
    const queries = ['', '?key=guess', `?expires=1&sign=${PLAY}`, '?sign=guess', '?token=guess'];
    for (const query of queries) {
      const text = fault(rules, query) ?? '';
      assert.doesNotMatch(text, new RegExp(`the-key|guess|${SECRET}|${PLAY}`), query);
    }
  });

  it('take no long time over a long query', () => {
    for (const part of ['key=a&', 'sign=a&', '%', '&', '=']) {
      const query = `?${part.repeat(400)}`;
      for (let i = 0; i < 100; i++)
        fault(`key play the-key; secret ${SECRET}; signed play;`, query);
    }
  });
});
