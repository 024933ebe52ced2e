import assert from 'node:assert/strict';

import { Config } from '../../src/app/config/config';
import { answer, HookServer } from '../support/hook-server';
import { HttpPeer } from '../support/http-peer';
import type { Asking } from '../support/http-peer';
import { liveServers, texts, vhost } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { sampleTags } from '../support/media';

const tags = sampleTags(10, 5).slice(1);
const API = 'http_api { enabled on; listen 127.0.0.1:0; }';

interface Forward {
  readonly id: number;
  readonly destination: number | null;
  readonly stream: string;
  readonly url: string;
  readonly origin: string;
  readonly state: string;
  readonly reconnects: number;
  readonly send_bytes: number;
  readonly last_error: string;
}

describe('the destinations of forwards', () => {
  const hookServers: HookServer[] = [];
  const start = liveServers();
  afterEach(async () => {
    for (const server of hookServers.splice(0)) await server.close();
  });

  const text = (forward: string): string => vhost(forward, API);
  const master = (forward = ''): Promise<LiveServer> => start(text(forward));
  const reload = ({ server }: LiveServer, forward: string): Promise<unknown> =>
    server.reload(Config.parse(text(forward), 'test.conf'));

  async function ask(
    { server }: LiveServer,
    target: string,
    asking: Asking = {},
  ): Promise<{ status: number; json: Record<string, unknown> }> {
    const peer = await HttpPeer.open(server.ports('HTTP API')[0]!);
    const { status, body } = await peer.get(`/api/v1/${target}`, asking);
    peer.socket.destroy();
    return { status, json: JSON.parse(body.toString()) as Record<string, unknown> };
  }

  let lists = 0;
  /** Lists may be up to 250 ms old: one of another length is made anew. */
  async function list(live: LiveServer, query = ''): Promise<Forward[]> {
    lists++;
    const target = `forwards?count=${100 + lists}&${query}`;
    return (await ask(live, target)).json['forwards'] as Forward[];
  }

  const post = (
    live: LiveServer,
    wish: object,
  ): Promise<{ status: number; json: Record<string, unknown> }> =>
    ask(live, 'forwards', { method: 'POST', body: JSON.stringify(wish) });

  const taken = ({ log }: LiveServer, count: number): Promise<void> =>
    log.until(() => log.matching('upstream takes the stream').length >= count);
  const published = ({ log }: LiveServer, count = 1): Promise<void> =>
    log.until(() => log.matching('type=publish(').length >= count);
  const ended = ({ log }: LiveServer): Promise<void> =>
    log.until(() => log.matching('cleanup when unpublish').length > 0);

  describe('in the configuration', () => {
    it('come and go by a reload, and those that stay do not notice', async () => {
      const [stays, goes, comes] = [await start(), await start(), await start()];
      const at = ({ port }: LiveServer): string => `127.0.0.1:${port}`;
      const live = await master(`forward ${at(stays)} ${at(goes)};`);
      const publisher = await live.publisher();
      await taken(live, 2);
      publisher.sendAll(tags);
      const before = await list(live);
      await reload(live, `forward ${at(stays)} ${at(comes)};`);
      await Promise.all([ended(goes), published(comes)]);
      const after = await list(live);
      assert.deepEqual(
        after.map(({ url }) => url.split('/')[2]),
        [at(stays), at(comes)],
      );
      assert.deepEqual(
        [after[0]?.id, after[0]?.reconnects, after[0]?.state],
        [before[0]?.id, 0, 'connected'],
      );
      assert.equal(stays.log.matching('RTMP client ip=').length, 1);
      await reload(live, 'forward { enabled off; }');
      await Promise.all([ended(stays), ended(comes)]);
      assert.deepEqual(await list(live), []);
    });

    it('are as they were when a reload is about something else', async () => {
      const slave = await start();
      const forward = `forward 127.0.0.1:${slave.port};`;
      const live = await master(forward);
      await live.publisher();
      await taken(live, 1);
      await reload(live, `${forward} queue_length 10; gop_cache off; mw_latency 100;`);
      await reload(live, `${forward} hls { enabled on; hls_storage ram; }`);
      const [one] = await list(live);
      assert.deepEqual([one?.reconnects, one?.state], [0, 'connected']);
      assert.equal(live.log.matching('forward begins').length, 1);
    });

    it('are connected anew when they are to be told less', async () => {
      const slave = await start();
      const forward = `forward 127.0.0.1:${slave.port};`;
      const live = await master(forward);
      await live.publisher();
      await taken(live, 1);
      assert.equal(slave.log.matching('edge-srs').length, 1);
      await reload(live, `${forward} debug_srs_upnode off;`);
      await published(slave, 2);
      assert.equal(slave.log.matching('edge-srs').length, 1);
    });

    it('cannot be removed by the API', async () => {
      const slave = await start();
      const live = await master(`forward 127.0.0.1:${slave.port};`);
      await live.publisher();
      await taken(live, 1);
      const [one] = await list(live);
      assert.deepEqual([one?.origin, one?.destination], ['config', null]);
      const { status, json } = await ask(live, `forwards/${one?.id}`, { method: 'DELETE' });
      assert.equal(status, 409);
      assert.match(String(json['message']), /configuration/);
      assert.equal((await list(live))[0]?.state, 'connected');
    });
  });

  describe('of operators', () => {
    it('get a stream that is published already, and no other', async () => {
      const slave = await start();
      const live = await master();
      const publisher = await live.publisher('s');
      const other = await live.publisher('t');
      publisher.sendAll(tags);
      other.sendAll(tags);
      const url = `rtmp://127.0.0.1:${slave.port}/live/KEY`;
      const { status, json } = await post(live, { app: 'live', stream: 's', url });
      assert.equal(status, 200);
      const player = await slave.player('KEY');
      // Both headers, and the last group of pictures with its sound.
      const expected = [...tags.slice(0, 2), ...tags.slice(2 + 10)];
      const heard = await player.media(expected.length);
      assert.deepEqual(
        heard.map(({ payload }) => payload.toString('hex')),
        expected.map(({ payload }) => payload.toString('hex')),
      );
      const [one, ...more] = await list(live);
      assert.equal(more.length, 0);
      assert.deepEqual([one?.destination, one?.stream, one?.origin], [json['id'], 's', 'api']);
      assert.ok(one!.send_bytes > 0);
      assert.equal(one?.url, `rtmp://127.0.0.1:${slave.port}/live/***`);
      const lines = live.log.lines.concat(JSON.stringify(await list(live)));
      assert.ok(!lines.some((line) => line.includes('KEY')), 'the key is shown nowhere');
    });

    it('wait for streams, get them at each publish, and lose them when they are removed', async () => {
      const slave = await start();
      const live = await master();
      const wish = { app: 'live', url: `rtmp://127.0.0.1:${slave.port}/copies/[stream]` };
      const { json } = await post(live, wish);
      const again = await post(live, wish);
      assert.equal(again.json['id'], json['id']);
      const [waiting] = await list(live);
      assert.deepEqual([waiting?.id, waiting?.state, waiting?.stream], [json['id'], 'idle', '*']);
      const first = await live.publisher('a');
      await live.publisher('b');
      await taken(live, 2);
      assert.deepEqual(
        (await list(live)).map(({ stream, destination }) => [stream, destination]),
        [
          ['a', json['id']],
          ['b', json['id']],
        ],
      );
      assert.equal((await list(live, '&stream=b')).length, 1);
      first.socket.destroy();
      await ended(live);
      await live.publisher('a');
      await taken(live, 3);
      const [copy] = await list(live);
      const removed = await ask(live, `forwards/${copy?.id}`, { method: 'DELETE' });
      assert.equal(removed.json['code'], 0);
      assert.deepEqual(await list(live), []);
      await slave.sockets(0);
      assert.equal((await ask(live, `forwards/${copy?.id}`, { method: 'DELETE' })).status, 404);
    });

    it('go on when the configuration names the same place, and when it does so no longer', async () => {
      const slave = await start();
      const url = `127.0.0.1:${slave.port}`;
      const live = await master();
      await live.publisher();
      const { json } = await post(live, { url });
      await taken(live, 1);
      await reload(live, `forward ${url};`);
      const [configured] = (await list(live)).filter(({ state }) => state !== 'idle');
      assert.equal(configured?.origin, 'config');
      await reload(live, '');
      const [one] = await list(live);
      assert.deepEqual([one?.origin, one?.destination, one?.id], ['api', json['id'], configured.id]); // prettier-ignore
      assert.equal(live.log.matching('forward begins').length, 1);
    });

    it('are refused where they make no sense', async () => {
      const live = await master();
      const bad = [
        { url: 'http://b.test/live/KEY' },
        { url: 'b.test:0' },
        { url: 'b.test', vhost: 'nobody.com' },
      ];
      for (const wish of bad) {
        const { status, json } = await post(live, wish);
        assert.deepEqual([status, json['code']], [400, 3065], JSON.stringify(wish));
        assert.doesNotMatch(String(json['message']), /KEY/);
      }
      assert.deepEqual(await list(live), []);
    });

    it('are in the metrics while they get something', async () => {
      const slave = await start();
      const live = await master();
      await post(live, { url: `rtmp://127.0.0.1:${slave.port}/live/KEY` });
      (await live.publisher()).sendAll(tags);
      await taken(live, 1);
      const peer = await HttpPeer.open(live.server.ports('HTTP API')[0]!);
      const metrics = (await peer.get('/metrics')).body.toString();
      peer.socket.destroy();
      assert.match(metrics, /^srs_forward_connected\{.*url="rtmp:.*\/live\/\*\*\*",copy="1"\} 1$/m);
      assert.match(metrics, /^srs_forward_sent_bytes_total\{.*\} [1-9]\d*$/m);
    });
  });

  describe('of a backend', () => {
    async function backend(urls: () => readonly string[]): Promise<HookServer> {
      const server = await HookServer.start((response, request) => {
        answer({ code: 0, data: { urls: urls() } })(response, request);
      });
      hookServers.push(server);
      return server;
    }

    it('get what it says at each publish, beside those of the configuration', async () => {
      const [configured, first, second] = [await start(), await start(), await start()];
      let urls = [`rtmp://127.0.0.1:${first.port}/live/KEY`];
      const hooks = await backend(() => urls);
      const live = await master(
        `forward 127.0.0.1:${configured.port}; forward_backend ${hooks.url('/f')};`,
      );
      const publisher = await live.publisher('s?user=me');
      await taken(live, 2);
      const [event] = hooks.events;
      assert.deepEqual(
        [event?.['action'], event?.['ip'], event?.['vhost'], event?.['app'], event?.['stream']],
        ['on_forward', '127.0.0.1', '__defaultVhost__', 'live', 's'],
      );
      assert.deepEqual(
        [event?.['param'], event?.['tcUrl']],
        ['?user=me', `rtmp://127.0.0.1:${live.port}/live`],
      );
      const id = Number(event?.['client_id']);
      assert.ok(live.log.matching(` ${id} client identified`).length > 0);
      const origins = (await list(live)).map(({ origin }) => origin);
      assert.deepEqual(origins, ['config', 'backend']);
      publisher.socket.destroy();
      await ended(first);
      urls = [`127.0.0.1:${second.port}`];
      await live.publisher();
      await published(second);
      assert.equal(hooks.requests.length, 2);
      assert.ok(!live.log.lines.some((line) => line.includes('KEY')));
    });

    it('get nothing while it fails, and what it says when it comes back', async () => {
      const slave = await start();
      const hooks = await backend(() => [`127.0.0.1:${slave.port}`]);
      const says = hooks.answer;
      hooks.answer = answer('busy', 503);
      const live = await master(`forward { backend ${hooks.url('/f')}; }`);
      const player = await live.player();
      const publisher = await live.publisher();
      publisher.sendAll(tags);
      assert.deepEqual(texts(await player.media(tags.length)), texts(tags));
      await hooks.untilRequests(1);
      hooks.answer = says;
      await published(slave);
      assert.ok(hooks.requests.length >= 2);
    });

    it('never hold a publisher up, and one that has left is not asked about', async () => {
      const hooks = await backend(() => []);
      let respond: (() => void) | undefined;
      hooks.answer = (response) => {
        respond = (): void => {
          response.end('{"code":0,"data":{"urls":["127.0.0.1:1"]}}');
        };
      };
      const live = await master(`forward_backend ${hooks.url('/f')};`);
      const publisher = await live.publisher();
      publisher.sendAll(tags);
      await hooks.untilRequests(1);
      publisher.socket.destroy();
      await ended(live);
      respond?.();
      await live.log.until(() => live.log.matching('http hook on_forward success').length === 1);
      assert.equal(live.log.matching('forward begins').length, 0);
    });

    it('are asked for anew when a reload names another', async () => {
      const [first, second] = [await start(), await start()];
      const hooks = await backend(() => [`127.0.0.1:${first.port}`]);
      const others = await backend(() => [`127.0.0.1:${second.port}`]);
      const live = await master(`forward_backend ${hooks.url('/f')};`);
      await live.publisher();
      await published(first);
      await reload(live, `forward_backend ${others.url('/f')};`);
      await Promise.all([published(second), ended(first)]);
      await reload(live, '');
      await ended(second);
    });

    it('that mean nothing are skipped, and the others go on', async () => {
      const slave = await start();
      const hooks = await backend(() => ['http://x/y/KEY', `127.0.0.1:${slave.port}`]);
      const live = await master(`forward_backend ${hooks.url('/f')};`);
      await live.publisher();
      await published(slave);
      const [line = ''] = live.log.matching('cannot forward, origin=backend');
      assert.match(line, /^error \d+ .*ret=2006$/);
      assert.ok(!live.log.lines.some((one) => one.includes('KEY')));
    });
  });
});
