import assert from 'node:assert/strict';

import type { VhostUsage } from '../../../../../src/app/stats/stat-types';
import { usageOf } from '../../../../support/hub-usage';
import { sampleTags } from '../../../../support/media';

import { LiveHarness, TestAuthorizer } from './harness';
import type { LiveHarnessOptions } from './harness';

// printf 'play:/live/s:4000000000' | openssl dgst -sha256 -hmac 0123456789abcdef
const SIGNED =
  '?expires=4000000000&sign=c9ed6b695413c956f8831b3e6474f99503bbdf2a785d53f589487e92f4a5adc1';
// printf 'play:/live/s:1000000000' | openssl dgst -sha256 -hmac 0123456789abcdef
const EXPIRED =
  '?expires=1000000000&sign=e36a91ea0523bf3ce0632f8a3855dc9e4356a15df3186cc62878250a5e81c543';

describe('the rules of a vhost over HTTP', () => {
  let harness: LiveHarness;
  const start = (vhost: string, options: LiveHarnessOptions = {}): void => {
    const accessContext = usageOf(() => harness.hub);
    harness = new LiveHarness({ vhost, accessContext, ...options });
  };
  afterEach(() => {
    harness.close();
  });

  it('refuse whose address no rule allows, by every method', async () => {
    start('security { enabled on; allow play 10.0.0.0/8; }');
    harness.publish().send(...sampleTags(1));
    for (const line of [
      'GET /live/s.flv',
      'HEAD /live/s.flv',
      'GET /live/s.ts',
      'PUT /live/t.flv',
    ]) {
      assert.equal(await harness.request(line).status(), 403, line);
    }
    const [refused] = harness.log.matching('play refused');
    assert.match(refused ?? '', /no security rule allows play from 127\.0\.0\.1, ret=1052$/);
  });

  it('let the bearer of a signed URL play, until it expires', async () => {
    start('auth { enabled on; secret 0123456789abcdef; signed play; }');
    harness.publish().send(...sampleTags(3));
    for (const path of ['/live/s.flv', '/live/s.ts']) {
      assert.equal(await harness.request(`GET ${path}${SIGNED}`).status(), 200, path);
      assert.equal(await harness.request(`HEAD ${path}${SIGNED}`).status(), 200, path);
      assert.equal(await harness.request(`GET ${path}${EXPIRED}`).status(), 403, path);
      assert.equal(await harness.request(`HEAD ${path}${EXPIRED}`).status(), 403, path);
      assert.equal(await harness.request(`GET ${path}`).status(), 403, path);
    }
    const client = harness.request(`GET /live/s.flv${EXPIRED}`);
    await client.until(() => client.body.length > 0);
    assert.match(client.body.toString(), /an auth rule denies play, the signature has expired/);
  });

  it('let who has the key publish, and log it nowhere', async () => {
    start('auth { enabled on; key publish the-long-key; }');
    const guess = harness.request('PUT /live/s.flv?key=the-wrong-key', { 'Content-Length': '9' });
    assert.equal(await guess.status(), 403);
    const headers = { 'Transfer-Encoding': 'chunked' };
    harness.request('POST /live/s.flv?key=the-long-key', headers);
    await harness.log.until(() => harness.source().publisher !== undefined);
    assert.deepEqual(harness.log.matching('the-'), []);
  });

  it('answer 503 when there is no room, and 200 when there is some again', async () => {
    start('limits { clients 2; }');
    harness.publish().send(...sampleTags(1));
    const first = harness.request('GET /live/s.flv');
    await first.untilTags(1);
    const second = harness.request('GET /live/s.flv');
    assert.equal(await second.status(), 503);
    assert.equal(await harness.request('HEAD /live/s.flv').status(), 503);
    const [refused] = harness.log.matching('play refused');
    assert.match(refused ?? '', /a limit denies play, vhost \S+ has 2 clients at most, ret=1051$/);
    first.socket.destroy();
    await harness.log.until(() => harness.log.matching('client disconnect').length === 1);
    const third = harness.request('GET /live/s.flv');
    assert.equal(await third.status(), 200);
  });

  it('let no more play than may when their publisher comes', async () => {
    const authorizer = new TestAuthorizer();
    start('limits { clients 3; }', { authorizer });
    const players = Array.from({ length: 6 }, () => harness.request('GET /live/s.flv'));
    await harness.log.until(() => harness.log.matching('source url=').length === 6);
    harness.publish().send(...sampleTags(1));
    const statuses = await Promise.all(players.map((player) => player.status()));
    assert.deepEqual(statuses.sort(), [200, 200, 503, 503, 503, 503]);
    assert.equal(harness.source().players, 2);
    assert.equal(authorizer.endings.filter((action) => action === 'play').length, 4);
  });

  it('let no more of another container play, and free what they held', async () => {
    const authorizer = new TestAuthorizer();
    // The reader that makes MPEG-TS for all of them is in the hub, but no client.
    const usage = (): VhostUsage => ({ clients: harness.route.size, publishers: 0, sendKbps: 0 });
    const accessContext = { usage, nowMs: () => Date.now() };
    start('limits { clients 2; }', { authorizer, accessContext });
    harness.publish().send(...sampleTags(3));
    const players = Array.from({ length: 4 }, () => harness.request('GET /live/s.ts'));
    const statuses = await Promise.all(players.map((player) => player.status()));
    assert.deepEqual(statuses.sort(), [200, 200, 503, 503]);
    for (const player of players) player.socket.destroy();
    await harness.log.until(() => harness.log.matching('client disconnect').length === 2);
    assert.equal(harness.source().players, 0);
  });

  it('let one publisher of several in when all answers come at once', async () => {
    let open = (): void => undefined;
    const authorizer = new TestAuthorizer();
    authorizer.gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    start('limits { publishers 1; }', { authorizer });
    const headers = { 'Transfer-Encoding': 'chunked' };
    const clients = ['a', 'b', 'c'].map((name) =>
      harness.request(`PUT /live/${name}.flv`, headers),
    );
    await harness.log.until(() => harness.log.matching('client identified').length === 3);
    open();
    await harness.log.until(() => harness.log.matching('publish refused').length === 2);
    assert.equal([...harness.hub.sources].filter(({ publisher }) => publisher).length, 1);
    for (const client of clients) client.socket.destroy();
  });

  it('let a publisher take its stream over where there may be one only', async () => {
    start('limits { publishers 1; } publish_conflict takeover;');
    const first = harness.publish();
    harness.request('PUT /live/s.flv', { 'Transfer-Encoding': 'chunked' });
    await harness.log.until(() => first.replacedBy !== undefined);
    assert.deepEqual(harness.log.matching('refused'), []);
  });
});
