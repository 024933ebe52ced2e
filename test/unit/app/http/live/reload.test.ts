import assert from 'node:assert/strict';

import { Config } from '../../../../../src/app/config/config';
import type { VhostOptions } from '../../../../../src/app/config/config';
import { Feeds } from '../../../../../src/app/http/live/feeds';
import type { FlvTag } from '../../../../../src/media/flv';
import { FlvWriter } from '../../../../../src/media/flv-writer';
import { flvFile, sampleTags } from '../../../../support/media';
import { createSource, FakePublisher } from '../../stream/harness';

import { LiveHarness, TestAuthorizer } from './harness';
import type { LiveClient, LiveHarnessOptions } from './harness';

const NAME = '__defaultVhost__';
const CHUNKED = { 'Transfer-Encoding': 'chunked' };

function vhost(options: string, name = NAME, remux = ''): VhostOptions {
  const text = `listen 1935; vhost ${name} { http_remux { enabled on; ${remux} } ${options} }`;
  return Config.parse(text, 'test.conf').vhosts[0]!;
}

function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`${bytes.length.toString(16)}\r\n`),
    bytes,
    Buffer.from('\r\n'),
  ]);
}

describe('live streams over HTTP of a vhost whose options change', () => {
  /** What is configured now; undefined: the vhost is gone. */
  let current: VhostOptions | undefined;
  let harness: LiveHarness;
  const start = (options: LiveHarnessOptions = {}): LiveHarness => {
    harness.close();
    harness = new LiveHarness({ findVhost: () => current, ...options });
    current = harness.config.findVhost(NAME);
    return harness;
  };
  const publisher = async (): Promise<LiveClient> => {
    const client = harness.request('POST /live/s.flv', CHUNKED);
    client.send(chunk(flvFile(sampleTags(3))));
    await harness.log.until(() => harness.log.matching('audio sh').length > 0);
    return client;
  };
  beforeEach(() => {
    harness = new LiveHarness();
  });
  afterEach(() => {
    harness.close();
  });

  it('are sent at another interval to those who play, whose status lines say so', async () => {
    start({ vhost: 'send_min_interval 20000;' });
    const source = harness.publish();
    const client = harness.request('GET /live/s.flv');
    await client.head();
    source.send(...sampleTags(1));
    harness.route.setVhost(vhost('min_latency on; tcp_nodelay off;'));
    await client.untilTags(5);
    await harness.log.until(() => harness.log.matching(', mw=0, source_id=').length > 0);
  });

  it('are left alone when it is another vhost', async () => {
    start({ vhost: 'send_min_interval 20000;' });
    const source = harness.publish();
    const client = harness.request('GET /live/s.flv');
    await client.head();
    source.send(...sampleTags(1));
    harness.route.setVhost(vhost('min_latency on;', 'a.com'));
    harness.route.closeVhost('a.com', 'gone');
    await harness.log.until(() => harness.log.matching(', mw=20000, source_id=').length > 0);
    assert.equal(client.body.length, 13);
    assert.equal(client.isClosed, false);
  });

  it('wait another time for the publisher to come back', async () => {
    start({ remux: 'publisher_wait 3600;' });
    const source = harness.publish();
    source.send(...sampleTags(1));
    const client = harness.request('GET /live/s.flv');
    await client.untilTags(5);
    harness.route.setVhost(vhost('', NAME, 'publisher_wait 0;'));
    source.end();
    await client.end();
  });

  it('end for those who play and publish there, who are told why where that can be', async () => {
    start();
    const source = await publisher();
    const player = harness.request('GET /live/s.flv');
    await player.untilTags(5);
    harness.route.closeVhost(NAME, 'switched off for now');
    assert.match(await source.head(), /^HTTP\/1\.1 403 /);
    await player.end();
    assert.match(source.body.toString(), /switched off for now/);
    assert.equal(harness.log.matching('client is closed, switched off for now').length, 1);
    assert.equal(harness.source().publisher, undefined);
  });

  it('are not for those who still wait when the vhost goes', async () => {
    start({ remux: 'publisher_wait 3600;' });
    const waiting = harness.request('GET /live/s.flv');
    await harness.log.until(() => harness.log.matching('source url=').length > 0);
    current = undefined;
    harness.route.closeVhost(NAME, 'gone');
    assert.equal(await waiting.status(), 404);
    assert.equal(harness.log.matching(`vhost ${NAME} does not serve live streams any`).length, 1);
    assert.equal(harness.route.size, 0);
  });

  it('are for those who come just then by what is configured after their authorizer has thought', async () => {
    const authorizer = new TestAuthorizer();
    start({ authorizer, vhost: 'send_min_interval 20000;' });
    harness.publish().send(...sampleTags(1));
    let allow = (): void => undefined;
    authorizer.gate = new Promise((resolve) => (allow = resolve));
    const player = harness.request('GET /live/s.flv');
    while (authorizer.asked.length === 0) await new Promise(setImmediate);
    current = vhost('min_latency on;');
    allow();
    await player.untilTags(5);
    await harness.log.until(() => harness.log.matching(', mw=0, source_id=').length > 0);
  });

  for (const method of ['GET', 'POST']) {
    it(`are not for a ${method} whose authorizer has thought for too long`, async () => {
      const authorizer = new TestAuthorizer();
      start({ authorizer });
      let allow = (): void => undefined;
      authorizer.gate = new Promise((resolve) => (allow = resolve));
      const client = harness.request(`${method} /live/s.flv`, method === 'POST' ? CHUNKED : {});
      while (authorizer.asked.length === 0) await new Promise(setImmediate);
      current = undefined;
      allow();
      assert.equal(await client.status(), 404);
      assert.equal(harness.log.matching(`vhost ${NAME} does not serve live streams any`).length, 1);
      assert.deepEqual(authorizer.endings.sort(), [...authorizer.asked].sort());
      assert.equal(harness.route.size, 0);
    });
  }
});

describe('remuxed streams of a vhost whose options change', () => {
  const never = new AbortController().signal;
  const of = (options: string): VhostOptions => vhost(`mw_latency 350; ${options}`, 'v');

  function tagBytes(tags: readonly FlvTag[]): Buffer {
    const parts: Buffer[] = [];
    const writer = new FlvWriter((bytes) => parts.push(bytes));
    for (const tag of tags) writer.writeTag(tag);
    return Buffer.concat(parts);
  }

  it('are read at another interval, and only then told so', () => {
    const { source, log } = createSource();
    const feeds = new Feeds();
    feeds.hold(source, 'ts', of(''), 350);
    feeds.setVhost(of('queue_length 5;'));
    feeds.setVhost(vhost('mw_latency 1;', 'other'));
    assert.deepEqual(log.calls, ['attach 1 350 flv']);
    feeds.setVhost(vhost('mw_latency 100;', 'v'));
    assert.deepEqual(log.calls, ['attach 1 350 flv', 'setFlushMs 100']);
  });

  it('keep nothing for new players when gop_cache is switched off', async () => {
    const { source } = createSource();
    source.acquire(new FakePublisher(5));
    const feeds = new Feeds();
    const { feed } = feeds.hold(source, 'ts', of(''), 350);
    const decided = feed.whenDecided(1000, never);
    feed.takeMedia(tagBytes(sampleTags(5)));
    await decided;
    await new Promise(setImmediate);
    assert.ok(feed.beginning.chunks.length > 0);
    feeds.setVhost(of('gop_cache off;'));
    assert.deepEqual(feed.beginning.chunks, []);
  });
});
