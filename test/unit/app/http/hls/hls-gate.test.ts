import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';

import { RefusalStatus } from '../../../../../src/app/access/access';
import type { Refusal } from '../../../../../src/app/access/access';
import { ErrorCode } from '../../../../../src/core/errors';
import type { Answer } from '../harness';

import { keyRule, playlist, show, startGate, twoVhosts } from './harness';
import type { GateHarness } from './harness';

const refusal: Refusal = {
  code: ErrorCode.RTMP_ACCESS_DENIED,
  status: RefusalStatus.play,
  description: 'the hook says no',
};

describe('HLS behind the rules of access', () => {
  let harness: GateHarness;

  function start(vhosts: string, maxSessions?: number): GateHarness {
    harness = startGate(vhosts, maxSessions);
    return harness;
  }

  afterEach(() => {
    harness.close();
  });

  for (const [where, base] of [
    ['in memory', '/mem'],
    ['on disk', '/a.com/live'],
  ] as const) {
    describe(where, () => {
      beforeEach(() => {
        start(twoVhosts);
      });

      it('refuses playlists and segments to those who may not play', async () => {
        for (const name of ['show.m3u8', 'show-0.ts', 'show.m3u8?key=wrong', 'show-0.ts?key=x']) {
          assert.equal(await harness.statusOf(`${base}/${name}`), 403, name);
        }
        assert.equal(await harness.statusOf(`HEAD ${base}/show.m3u8`), 403);
        assert.equal(harness.gate.size, 0);
        assert.equal(harness.clients.size, 0);
        assert.deepEqual(harness.authorizer.events, []);
      });

      it('says why', async () => {
        const { body } = await harness.ask(`${base}/show.m3u8`);
        assert.equal(body.toString(), 'an auth rule denies play, a key is missing');
      });

      it('cannot be had by way of another host or vhost', async () => {
        for (const url of [`${base}/show.m3u8`, `${base}/show.m3u8?vhost=b.com`]) {
          assert.equal(await harness.statusOf(url, { Host: 'b.com' }), 403);
          assert.equal(await harness.statusOf(url, { Host: 'unknown.com' }), 403);
        }
      });

      it('carries the query of a viewer on to all that the playlist names', async () => {
        const { status, headers, body } = await harness.ask(
          `${base}/show.m3u8?key=secret&_HLS_msn=1&vhost=a.com`,
        );
        assert.equal(status, 200);
        const query = '?key=secret&vhost=a.com';
        assert.deepEqual(body.toString().match(/show-\d\.\w+\S*/g), [
          `show-0.key${query}"`,
          `show-0.ts${query}`,
          `show-1.ts${query}`,
        ]);
        assert.equal(headers['content-type'], 'application/vnd.apple.mpegurl');
        assert.match(headers['cache-control'] ?? '', /private/);
        assert.equal(headers['content-length'], `${body.length}`);
      });

      it('serves a session, and asks about it once', async () => {
        await harness.ask(`${base}/show.m3u8?key=secret`);
        const segment = await harness.ask(`${base}/show-0.ts?key=secret`);
        assert.equal(segment.body.toString(), 'segment 0');
        assert.equal(segment.headers['cache-control'], 'private, max-age=60');
        await harness.ask(`${base}/show.m3u8?_HLS_msn=2&key=secret`);
        assert.deepEqual(harness.authorizer.events, [
          'connect a.com/live/show?key=secret 127.0.0.1',
          'play a.com/live/show?key=secret 127.0.0.1',
        ]);
        assert.equal(harness.gate.size, 1);
      });

      it('lets a segment begin the session whose request shows what is needed', async () => {
        assert.equal(await harness.statusOf(`${base}/show-0.ts?key=secret`), 200);
        assert.equal(harness.gate.size, 1);
      });

      it('answers HEAD as it would GET, without the body', async () => {
        const head = await harness.ask(`HEAD ${base}/show.m3u8?key=secret`);
        const get = await harness.ask(`${base}/show.m3u8?key=secret`);
        assert.equal(head.status, 200);
        assert.equal(head.body.length, 0);
        assert.equal(head.headers['content-length'], get.headers['content-length']);
        const segment = await harness.ask(`HEAD ${base}/show-0.ts?key=secret`);
        assert.equal(segment.headers['content-length'], '9');
        assert.equal([...harness.clients][0]?.bytesSent(), get.body.length);
      });

      it('counts a viewer, with the bytes it was sent', async () => {
        const first = await harness.ask(`${base}/show.m3u8?key=secret`);
        const second = await harness.ask(`${base}/show-0.ts?key=secret`);
        const [client] = harness.clients;
        assert.ok(client);
        assert.equal(client.bytesSent(), first.body.length + second.body.length);
        assert.equal(client.bytesReceived(), 0);
        assert.equal(client.type, 'hls-play');
        assert.equal(client.protocol, 'hls');
        assert.equal(client.isPublisher, false);
        assert.equal(client.ip, '127.0.0.1');
        const { tcUrl, ...others } = client.names;
        assert.match(tcUrl, /^http:\/\/a\.com:\d+\/live$/);
        assert.deepEqual(others, { ...show, param: '?key=secret', pageUrl: '', swfUrl: '' });
      });
    });
  }

  describe('in a session', () => {
    const url = '/a.com/live/show.m3u8?key=secret';
    beforeEach(() => {
      start(twoVhosts);
    });

    it('ends by silence, and what was allowed ends with it', async () => {
      await harness.ask(url);
      harness.pass(29_999);
      assert.equal(harness.clients.size, 1);
      harness.pass(1);
      assert.equal(harness.clients.size, 0);
      assert.deepEqual(harness.authorizer.events.slice(2), [
        'play ended show',
        'connect ended show',
      ]);
    });

    it('has a line in the log for its beginning and one for its end, under an id of its own', async () => {
      await harness.ask(url);
      harness.pass(40_000);
      const [client] = harness.http.log.matching('client identified');
      assert.match(
        client ?? '',
        /^trace 100 client identified, type=hls-play, stream_name=show, duration=-1, url=a\.com\/live\/show, ip=127\.0\.0\.1$/,
      );
      const [end] = harness.http.log.matching('client disconnect peer');
      assert.match(
        end ?? '',
        /^trace 100 client disconnect peer\. ret=1004, time=40000, received=0, sent=\d+$/,
      );
    });

    it('lasts while requests come', async () => {
      await harness.ask(url);
      for (let round = 0; round < 10; round++) {
        harness.pass(20_000);
        await harness.ask('/a.com/live/show-0.ts?key=secret');
      }
      assert.equal(harness.authorizer.events.length, 2);
    });

    it('lasts as long as the window of the playlist is, and three segments are', async () => {
      const long = twoVhosts.replace('hls_window 10', 'hls_window 300');
      harness.reload(long.replace('hls_fragment 2', 'hls_fragment 200'));
      await harness.ask(url);
      harness.pass(599_999);
      assert.equal(harness.clients.size, 1);
      harness.pass(1);
      assert.equal(harness.clients.size, 0);
    });

    it('is another one for another player, address, query or stream', async () => {
      harness.write('a.com/live/other.m3u8', playlist);
      await harness.ask(url, { 'User-Agent': 'one' });
      await harness.ask(url, { 'User-Agent': 'two' });
      await harness.ask(`${url}&user=3`);
      await harness.ask('/a.com/live/other.m3u8?key=secret');
      assert.equal(harness.clients.size, 4);
    });

    it('is refused for a while when an operator ends it, however often it asks', async () => {
      await harness.ask(url);
      const [client] = harness.clients;
      client?.kick('by order');
      client?.kick('again');
      assert.equal(harness.clients.size, 0);
      assert.deepEqual(harness.authorizer.events.slice(2), [
        'play ended show',
        'connect ended show',
      ]);
      harness.pass(20_000);
      const { status, body } = await harness.ask(url);
      assert.equal(status, 403);
      assert.equal(body.toString(), 'by order');
      harness.pass(10_000);
      assert.equal(await harness.statusOf(url), 200);
      assert.equal(harness.http.log.matching('client is closed, by order').length, 1);
    });

    it('makes room for others when there are too many', async () => {
      harness.close();
      start(twoVhosts, 2);
      for (const user of [1, 2, 3]) await harness.ask(`${url}&user=${user}`);
      assert.equal(harness.clients.size, 2);
      assert.equal(harness.authorizer.events.filter((event) => event.includes('ended')).length, 2);
    });

    it('ends when the server does', async () => {
      await harness.ask(url);
      harness.gate.stop();
      assert.equal(harness.clients.size, 0);
      assert.equal(harness.authorizer.events.length, 4);
    });

    it('goes on over a reload, and is asked about when its vhost becomes restricted', async () => {
      await harness.ask(url);
      await harness.ask('/b.com/live/show.m3u8');
      harness.reload(twoVhosts.replace('hls_window 10', 'hls_window 20'));
      await harness.ask(url);
      assert.equal(harness.authorizer.events.length, 2);
      harness.reload(twoVhosts.replace('vhost b.com {', 'vhost b.com { refer_play good.com;'));
      assert.equal(await harness.statusOf('/b.com/live/show.m3u8'), 403);
      const Referer = 'http://good.com/page';
      assert.equal(await harness.statusOf('/b.com/live/show.m3u8', { Referer }), 200);
    });
  });

  describe('when another decides', () => {
    const hooks = twoVhosts.replace(
      keyRule,
      'http_hooks { enabled on; on_play http://127.0.0.1:1/play; }',
    );
    const url = '/a.com/live/show.m3u8';
    beforeEach(() => {
      start(hooks);
    });

    it('refuses with the reason, and counts nobody', async () => {
      harness.authorizer.answer = () => refusal;
      const { status, body } = await harness.ask(url);
      assert.deepEqual([status, body.toString()], [403, 'the hook says no']);
      assert.deepEqual(harness.authorizer.events, [
        'connect a.com/live/show 127.0.0.1',
        'play a.com/live/show 127.0.0.1',
        'connect ended show',
      ]);
      assert.equal(harness.gate.size, 0);
    });

    it('asks once for all first requests of a viewer', async () => {
      let decide: () => void = () => undefined;
      const decided = new Promise<undefined>((resolve) => {
        decide = () => {
          resolve(undefined);
        };
      });
      harness.authorizer.answer = () => decided;
      const answers: Promise<Answer>[] = [url, url, '/mem/show.m3u8', '/a.com/live/show-0.ts'].map(
        (one) => harness.ask(one),
      );
      await harness.http.log.until(() => harness.http.log.matching('HTTP GET').length === 4);
      decide();
      const all = await Promise.all(answers);
      assert.deepEqual(
        all.map(({ status }) => status),
        [200, 200, 200, 200],
      );
      assert.equal(harness.authorizer.events.length, 2);
      assert.equal(harness.clients.size, 1);
    });

    it('refuses all of them at once', async () => {
      let decide: () => void = () => undefined;
      const decided = new Promise<Refusal>((resolve) => {
        decide = () => {
          resolve(refusal);
        };
      });
      harness.authorizer.answer = () => decided;
      const answers = [url, url, '/mem/show-0.ts'].map((one) => harness.statusOf(one));
      await harness.http.log.until(() => harness.http.log.matching('HTTP GET').length === 3);
      decide();
      assert.deepEqual(await Promise.all(answers), [403, 403, 403]);
      assert.equal(harness.gate.size, 0);
    });

    it('lets nobody in when nobody can decide', async () => {
      harness.authorizer.answer = () => Promise.reject(new Error('down'));
      assert.equal(await harness.statusOf(url), 403);
      assert.equal(harness.clients.size, 0);
    });

    it('refuses who was let in too late for the limits, or for the vhost', async () => {
      harness.reload(hooks.replace('http_hooks', 'limits { clients 5; } http_hooks'));
      const full = { clients: 5, publishers: 0, sendKbps: 0 };
      harness.authorizer.answer = () => {
        harness.context = { usage: () => full, nowMs: () => 0 };
        return undefined;
      };
      assert.equal(await harness.statusOf(url), 503);
      assert.equal(harness.authorizer.events.at(-1), 'connect ended show');
      harness.authorizer.answer = () => {
        harness.reload(hooks.replace('vhost a.com {', 'vhost a.com { enabled off;'));
        return undefined;
      };
      harness.context = { usage: () => ({ ...full, clients: 0 }), nowMs: () => 0 };
      assert.equal(await harness.statusOf(url), 404);
      assert.equal(harness.clients.size, 0);
    });

    it('asks again when a session was refused', async () => {
      harness.authorizer.answer = () => refusal;
      await harness.ask(url);
      harness.authorizer.answer = () => undefined;
      assert.equal(await harness.statusOf(url), 200);
    });

    it('rewrites nothing for viewers without a query', async () => {
      const { body, headers } = await harness.ask(url);
      assert.equal(body.toString(), playlist);
      assert.equal(headers['cache-control'], 'private, no-cache');
    });
  });

  it('does not cut off a viewer whose signature expires while it watches', async () => {
    const expires = 1_800_000_000;
    const sign = createHmac('sha256', 's3cret').update(`play:/live/show:${expires}`).digest('hex');
    start(twoVhosts.replace('key play secret;', 'secret s3cret; signed play;'));
    const query = `?sign=${sign}&expires=${expires}`;
    const { context } = harness;
    harness.context = { ...context, nowMs: () => expires * 1000 - 1 };
    const { body } = await harness.ask(`/a.com/live/show.m3u8${query}`);
    assert.ok(body.toString().includes(`show-0.ts${query}\n`));
    harness.context = { ...context, nowMs: () => expires * 1000 + 60_000 };
    assert.equal(await harness.statusOf(`/a.com/live/show-0.ts${query}`), 200);
    assert.equal(await harness.statusOf(`/a.com/live/show.m3u8${query}`), 200);
    harness.pass(30_000);
    assert.equal(await harness.statusOf(`/a.com/live/show-0.ts${query}`), 403);
  });

  it('counts the page of a player by its Referer', async () => {
    start(twoVhosts.replace(keyRule, 'refer_play good.com;'));
    const url = '/a.com/live/show.m3u8';
    assert.equal(await harness.statusOf(url, { Referer: 'http://bad.com/' }), 403);
    assert.equal(await harness.statusOf(url, { Referer: 'http://www.good.com/' }), 200);
    assert.equal([...harness.clients][0]?.names.pageUrl, 'http://www.good.com/');
  });

  describe('of a vhost that everybody may watch', () => {
    beforeEach(() => {
      start(twoVhosts);
    });

    it('is counted from the first playlist on, and served as it is', async () => {
      assert.equal(await harness.statusOf('/b.com/live/show-0.ts'), 200);
      assert.equal(harness.clients.size, 0);
      const { body, headers } = await harness.ask('/b.com/live/show.m3u8?anything=1');
      assert.equal(body.toString(), playlist);
      assert.equal(headers['cache-control'], 'no-cache');
      const segment = await harness.ask('/b.com/live/show-0.ts?other=2');
      assert.equal(segment.headers['cache-control'], 'public, max-age=60');
      const [client, ...more] = harness.clients;
      assert.deepEqual(more, []);
      assert.equal(client?.bytesSent(), playlist.length + segment.body.length);
      assert.deepEqual(harness.authorizer.events, []);
      harness.pass(60_000);
      assert.equal(harness.clients.size, 0);
    });

    it('has nobody who is counted for other files', async () => {
      assert.equal(await harness.statusOf('/index.html'), 200);
      assert.equal(harness.gate.size, 0);
    });

    it('answers a method that is none of its own', async () => {
      harness.memory.put('/mem/b.ts', { ...show, vhost: 'b.com', isPlaylist: false }, 'x');
      await harness.ask('POST /mem/b.ts');
      assert.deepEqual(harness.memory.methods, ['POST']);
    });
  });

  it('in memory is not served of a vhost that is no more', async () => {
    start(twoVhosts);
    harness.memory.put('/old.m3u8', { ...show, vhost: 'gone.com', isPlaylist: true }, playlist);
    assert.equal(await harness.statusOf('/old.m3u8'), 404);
  });
});
