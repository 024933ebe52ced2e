import assert from 'node:assert/strict';

import { RefusalStatus } from '../../../../../src/app/access/access';
import { ErrorCode } from '../../../../../src/core/errors';
import { aacFrame, sampleTags } from '../../../../support/media';
import { firstContext } from '../../../../support/tls';

import { LiveHarness, TestAuthorizer } from './harness';
import type { LiveHarnessOptions } from './harness';

const refusal = {
  code: ErrorCode.SYSTEM_SECURITY_DENY,
  status: RefusalStatus.play,
  description: 'not you',
};

describe('playing over HTTP', () => {
  let harness: LiveHarness;
  const start = (options: LiveHarnessOptions = {}): LiveHarness => {
    harness.close();
    harness = new LiveHarness(options);
    return harness;
  };
  beforeEach(() => {
    harness = new LiveHarness();
  });
  afterEach(() => {
    harness.close();
  });

  it('sends FLV from the cached GOP on, over the native socket', async () => {
    const publisher = harness.publish();
    publisher.send(...sampleTags(3));
    const client = harness.request('GET /live/s.flv?token=1');
    const head = await client.head();
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(head, /Content-Type: video\/x-flv\r\n/);
    assert.match(head, /Cache-Control: no-cache, no-store\r\n/);
    assert.match(head, /Access-Control-Allow-Origin: \*\r\n/);
    assert.match(head, /Connection: close\r\n/);
    const tags = await client.untilTags(9);
    assert.deepEqual(
      tags.slice(0, 4).map(({ type }) => type),
      [18, 9, 8, 9],
    );
    assert.ok(tags[3]?.payload.includes('v0'));
    publisher.send({ type: 9, timestamp: 200, payload: Buffer.from('2701000000aa', 'hex') });
    const more = await client.untilTags(10);
    assert.equal(more[9]?.timestamp, 200);
    assert.equal(client.body.toString('hex', 0, 13), '464c5601050000000900000000');
    assert.equal(harness.http.size, 0);
    assert.deepEqual([harness.route.size, harness.route.taken], [1, 1]);
  });

  it('leaves the stream when the client does, and logs the totals', async () => {
    harness.publish().send(...sampleTags(1));
    const client = harness.request('GET /live/s.flv');
    await client.untilTags(5);
    assert.equal(harness.source().players, 1);
    client.socket.destroy();
    await harness.log.until(() => harness.log.matching('client disconnect peer').length > 0);
    assert.equal(harness.source().players, 0);
    assert.deepEqual([harness.route.size, harness.route.taken], [0, 0]);
    const [line] = harness.log.matching('client disconnect peer');
    assert.match(line ?? '', /ret=1004, time=\d+, received=\d+, sent=\d{3,}/);
  });

  it('logs who plays what', async () => {
    harness.publish().send(...sampleTags(1));
    const page = { Referer: 'http://page.test/a' };
    await harness.request('GET /live/s.flv?key=abc', page).untilTags(5);
    assert.equal(
      harness.log.matching('client identified, type=Play(HTTP-FLV), stream_name=s').length,
      1,
    );
    const [line] = harness.log.matching('source url=');
    assert.match(line ?? '', /source url=__defaultVhost__\/live\/s, ip=127\.0\.0\.1, cache=1/);
    assert.match(line ?? '', /source_id=7\[7\], pageUrl=http:\/\/page\.test\/a$/);
    await harness.log.until(() => harness.log.matching('-> HTS http: got').length > 0);
    const [status] = harness.log.matching('-> HTS http: got');
    assert.match(status ?? '', /got \d+ msgs, age=\d+, okbps=\d+,\d+,\d+, mw=0, source_id=7$/);
  });

  it('closes a player that sends without end', async () => {
    harness.publish().send(...sampleTags(1));
    const client = harness.request('GET /live/s.flv');
    await client.untilTags(5);
    client.send(Buffer.alloc(1_200_000));
    await client.end();
    assert.equal(harness.source().players, 0);
  });

  it('plays FLV and MPEG-TS over TLS', async () => {
    start({ tls: firstContext() });
    const publisher = harness.publish();
    publisher.send(...sampleTags(3));
    const client = harness.request('GET /live/s.flv');
    const tags = await client.untilTags(9);
    assert.ok(tags[3]?.payload.includes('v0'));
    assert.match(await client.head(), /Transfer-Encoding: chunked/);
    assert.deepEqual([harness.http.size, harness.route.size, harness.route.taken], [1, 1, 0]);
    const ts = harness.request('GET /live/s.ts');
    await ts.until(() => ts.body.length >= 188);
    assert.equal(ts.body[0], 0x47);
    client.socket.destroy();
    await harness.log.until(() => harness.log.matching('client disconnect').length > 0);
  });

  it('ends a player over TLS within its connection when the stream is over', async () => {
    start({ tls: firstContext(), remux: 'publisher_wait 0.02;' });
    const publisher = harness.publish();
    publisher.send(...sampleTags(1));
    const client = harness.request('GET /live/s.flv');
    await client.untilTags(5);
    publisher.end();
    await client.until(() => client.received.toString('latin1').endsWith('0\r\n\r\n'));
    assert.equal(client.isClosed, false);
    assert.equal(harness.log.matching('client finished. time=').length, 1);
  });

  describe('without a publisher', () => {
    it('holds the answer until one comes', async () => {
      const client = harness.request('GET /live/s.flv');
      await harness.log.until(() => harness.log.matching('source_id=-1').length > 0);
      assert.equal(client.received.length, 0);
      assert.equal(harness.source().players, 1);
      harness.publish().send(...sampleTags(1));
      assert.equal((await client.untilTags(5)).length, 5);
      assert.equal(harness.source().players, 1);
    });

    it('gives up after the time for it', async () => {
      start({ remux: 'publisher_wait 0.02;', hasFile: () => false });
      const client = harness.request('GET /live/s.flv');
      assert.equal(await client.status(), 404);
      assert.match(client.body.toString(), /live\/s is not published/);
      assert.equal([...harness.hub.sources].length, 0);
    });

    it('leaves the request to other routes afterwards when it knows of no files', async () => {
      start({ remux: 'publisher_wait 0;' });
      const client = harness.request('GET /live/s.flv');
      assert.equal(await client.status(), 404);
      assert.equal(client.body.toString(), 'Not Found');
    });

    it('answers at once where there is a file, without hstrs, or for another container', async () => {
      start({ hasFile: ({ path }) => path === '/live/file.flv' });
      assert.equal(await harness.request('GET /live/file.flv').status(), 404);
      assert.equal(await harness.request('GET /live/s.ts').status(), 404);
      start({ remux: 'hstrs off;' });
      assert.equal(await harness.request('GET /live/s.flv').status(), 404);
      start({ remux: 'mount [vhost]/[app]/[stream].ts;', vhost: 'hls { enabled on; }' });
      assert.equal(await harness.request('GET /live/s-7.ts').status(), 404);
      assert.deepEqual([...harness.hub.sources], []);
    });

    it('forgets a client that leaves while it waits', async () => {
      const authorizer = new TestAuthorizer();
      start({ authorizer });
      const client = harness.request('GET /live/s.flv');
      await harness.log.until(() => harness.log.matching('source_id=-1').length > 0);
      client.socket.destroy();
      await new Promise<void>((resolve) => {
        const look = (): void => {
          if ([...harness.hub.sources].length === 0) resolve();
          else setImmediate(look);
        };
        look();
      });
      assert.deepEqual(authorizer.endings, ['play', 'connect']);
    });

    it('keeps players over a republish, with times that go on', async () => {
      const first = harness.publish();
      first.send(...sampleTags(3));
      const client = harness.request('GET /live/s.flv');
      await client.untilTags(9);
      first.end();
      harness.publish().send(...sampleTags(3));
      const tags = await client.untilTags(18);
      const media = tags.slice(9).filter(({ type }) => type !== 18);
      const times = media.map(({ timestamp }) => timestamp);
      assert.ok(times.every((time) => time >= (tags[8]?.timestamp ?? 0)));
      assert.ok(tags.slice(9).some(({ payload }) => payload.includes('v0')));
    });

    it('ends players when nobody publishes again in time', async () => {
      start({ remux: 'publisher_wait 0.02;' });
      const publisher = harness.publish();
      publisher.send(...sampleTags(1));
      const client = harness.request('GET /live/s.flv');
      await client.untilTags(5);
      publisher.end();
      await client.end();
      await harness.log.until(() => harness.log.matching('client finished. time=').length > 0);
      assert.equal(harness.source().players, 0);
    });
  });

  describe('access', () => {
    it('asks for connect and play, and tells the end of both once', async () => {
      const authorizer = new TestAuthorizer();
      start({ authorizer });
      harness.publish().send(...sampleTags(1));
      const client = harness.request('GET /live/s.flv?token=x&a=1', { Origin: 'https://p.test' });
      await client.untilTags(5);
      assert.deepEqual(authorizer.asked, ['connect', 'play']);
      const [asked] = authorizer.clients;
      assert.equal(asked?.ip, '127.0.0.1');
      assert.equal(asked.request.streamParam, '?token=x&a=1');
      assert.equal(asked.request.pageUrl, 'https://p.test');
      assert.equal(asked.request.tcUrl, `http://a.test:${harness.port}/live`);
      assert.deepEqual(authorizer.endings, []);
      client.socket.destroy();
      await harness.log.until(() => harness.log.matching('client disconnect').length > 0);
      assert.deepEqual(authorizer.endings, ['play', 'connect']);
      assert.ok((asked.bytesSent?.() ?? 0) > 0);
    });

    it('refuses with the reason, and ends what was allowed', async () => {
      const authorizer = new TestAuthorizer();
      authorizer.refusals.set('play', refusal);
      start({ authorizer });
      harness.publish().send(...sampleTags(1));
      const client = harness.request('GET /live/s.flv');
      assert.equal(await client.status(), 403);
      assert.equal(client.body.toString(), 'not you');
      assert.deepEqual(authorizer.endings, ['connect']);
      assert.equal(harness.log.matching('play refused, not you, ret=1053').length, 1);
    });

    it('ends what is allowed to a client that has left meanwhile', async () => {
      let open = (): void => undefined;
      const authorizer = new TestAuthorizer();
      authorizer.gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      start({ authorizer });
      const client = harness.request('GET /live/s.flv');
      await harness.log.until(() => harness.log.matching('client identified').length > 0);
      client.socket.destroy();
      await new Promise<void>((resolve) => {
        const look = (): void => {
          if (harness.http.size === 0) resolve();
          else setImmediate(look);
        };
        look();
      });
      open();
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(authorizer.asked, ['connect']);
      assert.deepEqual(authorizer.endings, ['connect']);
      assert.equal(harness.route.size, 0);
    });

    it('does not let an authorizer that fails decide', async () => {
      const authorizer = new TestAuthorizer();
      authorizer.gate = Promise.reject(new Error('hook server down'));
      authorizer.gate.catch(() => undefined);
      start({ authorizer });
      const client = harness.request('GET /live/s.flv');
      assert.equal(await client.status(), 403);
      assert.equal(client.body.toString(), 'the server cannot decide on it now');
      assert.equal(harness.log.matching('hook server down').length, 1);
    });

    it('applies the refer rules, also to HEAD', async () => {
      start({ vhost: 'refer_play good.test;' });
      harness.publish().send(...sampleTags(1));
      const bad = harness.request('GET /live/s.flv', { Referer: 'http://bad.test/' });
      assert.equal(await bad.status(), 403);
      assert.equal(await harness.request('HEAD /live/s.flv').status(), 403);
      const good = harness.request('GET /live/s.flv', { Referer: 'http://www.good.test/' });
      assert.equal(await good.status(), 200);
    });
  });

  describe('in another container', () => {
    it('sends MPEG-TS, and AAC from what is kept of it', async () => {
      start({ remux: 'fast_cache 10;' });
      const publisher = harness.publish();
      publisher.send(...sampleTags(3));
      const ts = harness.request('GET /live/s.ts');
      await ts.until(() => ts.body.includes('v2'));
      assert.match(await ts.head(), /Content-Type: video\/MP2T\r\n/);
      assert.match(await ts.head(), /Connection: close\r\n/);
      const aac = harness.request('GET /live/s.aac');
      await aac.until(() => aac.body.includes('a2'));
      assert.match(await aac.head(), /Content-Type: audio\/x-aac\r\n/);
      const late = harness.request('GET /live/s.aac');
      await late.until(() => late.body.length >= aac.body.length);
      assert.ok(late.body.equals(aac.body));
      assert.equal(harness.source().players, 2);
      assert.equal(harness.route.size, 3);
      for (const client of [ts, aac, late]) client.socket.destroy();
      await harness.log.until(() => harness.log.matching('client disconnect').length === 3);
      assert.equal(harness.source().players, 0);
    });

    it('refuses a stream of another codec, and one that has nothing to play', async () => {
      start({ remux: 'publisher_wait 0.05;' });
      const publisher = harness.publish();
      publisher.send(...sampleTags(3));
      const mp3 = harness.request('GET /live/s.mp3');
      assert.equal(await mp3.status(), 406);
      assert.match(mp3.body.toString(), /expect MP3 audio for \.mp3, the stream has AAC/);
      const silent = harness.publish('silent');
      silent.send(...sampleTags(2).filter(({ type }) => type === 9));
      const aac = harness.request('GET /live/silent.aac');
      assert.equal(await aac.status(), 406);
      assert.match(aac.body.toString(), /expect something to play as \.aac within 50 ms/);
      assert.equal(harness.source('silent').players, 0);
    });

    it('ends a player when the codec changes to one that does not fit', async () => {
      const publisher = harness.publish();
      publisher.send(...sampleTags(1));
      const client = harness.request('GET /live/s.aac');
      await harness.log.until(() => harness.log.matching('source_id=7').length > 0);
      publisher.send({ type: 8, timestamp: 40, payload: aacFrame('a1') });
      await client.until(() => client.received.length > 0);
      const mp3 = Buffer.concat([Buffer.from('2ffffb9000', 'hex'), Buffer.alloc(413)]);
      publisher.send({ type: 8, timestamp: 80, payload: mp3 });
      await client.end();
      await harness.log.until(() => harness.log.matching('client finished').length > 0);
      assert.equal(harness.log.matching('play ends, expect AAC audio for .aac').length, 1);
      assert.equal(harness.log.matching('client finished. ret=4004').length, 1);
    });
  });

  it('describes a stream for HEAD without joining it', async () => {
    harness.publish().send(...sampleTags(1));
    const client = harness.request('HEAD /live/s.ts', { Connection: 'close' });
    await client.end();
    assert.equal(await client.status(), 200);
    assert.match(await client.head(), /Content-Type: video\/MP2T/);
    assert.equal(client.body.length, 0);
    assert.equal(harness.source().players, 0);
    assert.equal(await harness.request('HEAD /live/none.flv').status(), 404);
  });

  it('refuses other methods, and paths that are no stream', async () => {
    const client = harness.request('DELETE /live/s.flv');
    assert.equal(await client.status(), 405);
    assert.match(await client.head(), /Allow: GET, HEAD, POST, PUT\r\n/);
    assert.match(await harness.request('DELETE /live/s.ts').head(), /Allow: GET, HEAD\r\n/);
    start({ remux: 'publish off;' });
    assert.match(await harness.request('POST /live/s.flv').head(), /Allow: GET, HEAD\r\n/);
    assert.equal(await harness.request('GET /live/page.html').status(), 404);
    assert.equal(await harness.request('GET /s.flv').status(), 404);
  });

  it('ends everything when the server stops', async () => {
    const publisher = harness.publish();
    publisher.send(...sampleTags(1));
    const playing = harness.request('GET /live/s.flv');
    await playing.untilTags(5);
    const waiting = harness.request('GET /live/later.flv');
    await harness.log.until(() => harness.log.matching('live/later').length > 0);
    await harness.route.stop(1000);
    await playing.end();
    assert.equal(await waiting.status(), 503);
    assert.equal(await harness.request('GET /live/s.flv').status(), 404);
    assert.equal(harness.route.size, 0);
    await harness.route.stop(1000);
  });
});
