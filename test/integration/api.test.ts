import assert from 'node:assert/strict';

import { HttpPeer } from '../support/http-peer';
import { httpConfig, liveServers } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { sampleTags } from '../support/media';

const tags = sampleTags(10, 5).slice(1);
const API = 'http_api { enabled on; listen 127.0.0.1:0; }';

type Json = Record<string, unknown>;

describe('the API of a running server', () => {
  const start = liveServers();

  const api = (options = '', vhost = ''): Promise<LiveServer> =>
    start(
      httpConfig({
        vhost: `hls { enabled on; hls_storage ram; hls_fragment 1; } ${vhost}`,
        others: API.replace('}', `${options} }`),
      }),
    );

  async function ask(
    live: LiveServer,
    target: string,
    asking: Parameters<HttpPeer['get']>[1] = {},
  ): Promise<{ status: number; text: string; json: Json }> {
    const peer = await HttpPeer.open(live.server.ports('HTTP API')[0]!);
    const { status, body } = await peer.get(target, asking);
    peer.socket.destroy();
    const text = body.toString();
    return { status, text, json: text.startsWith('{') ? (JSON.parse(text) as Json) : {} };
  }

  const list = async (live: LiveServer, name: string): Promise<Json[]> =>
    (await ask(live, `/api/v1/${name}?count=100`)).json[name] as Json[];

  /** A list, once it is as it should be: for a moment one that was made before may be answered. */
  async function until(
    live: LiveServer,
    name: string,
    holds: (found: Json[]) => boolean,
  ): Promise<Json[]> {
    for (;;) {
      const found = await list(live, name);
      if (holds(found)) return found;
      await new Promise(setImmediate);
    }
  }

  const clients = (live: LiveServer, count: number): Promise<Json[]> =>
    until(live, 'clients', ({ length }) => length === count);

  it('lists who publishes and plays, however they are connected', async () => {
    const live = await api();
    const publisher = await live.publisher('s?token=hidden');
    const rtmp = await live.player();
    const flv = await live.httpPlayer();
    const ws = await live.wsPlayer('/live/s.flv', 'HTTPS');
    publisher.sendAll(tags);
    for (const heard of [rtmp, flv.flv, ws.flv]) await heard.media(tags.length);
    const ts = await live.httpPlayer('/live/s.ts', 'HTTPS');
    const found = await clients(live, 5);
    assert.deepEqual(
      found.map(({ protocol, type, publish }) => [protocol, type, publish]),
      [
        ['rtmp', 'fmle-publish', true],
        ['rtmp', 'Play', false],
        ['http-flv', 'Play', false],
        ['wss-flv', 'Play', false],
        ['https-ts', 'Play', false],
      ],
    );
    for (const one of found) {
      assert.equal(one['ip'], '127.0.0.1');
      assert.ok(live.log.lines.some((line) => line.includes(` ${String(one['id'])} `)));
    }
    assert.ok(!JSON.stringify(found).includes('hidden'), 'no secrets are shown');
    ts.socket.destroy();
    await clients(live, 4);
    publisher.socket.destroy();
    await clients(live, 3);
  });

  it('shows what a stream consists of, and what became of it', async () => {
    const live = await api();
    const publisher = await live.publisher();
    const player = await live.player();
    publisher.sendAll(tags);
    await player.media(tags.length);
    const [stream = {}] = await list(live, 'streams');
    const { name, app, clients: count, frames, video, audio, publish } = stream;
    const pictures = tags.filter(({ type, payload }) => type === 9 && payload[1] === 1).length;
    assert.deepEqual([name, app, count, frames], ['s', 'live', 2, pictures]);
    assert.deepEqual([(video as Json)['codec'], (audio as Json)['codec']], ['H264', 'AAC']);
    assert.equal((publish as Json)['active'], true);
    const [vhost = {}] = await list(live, 'vhosts');
    assert.deepEqual([vhost['name'], vhost['clients'], vhost['streams']], ['__defaultVhost__', 2, 1]); // prettier-ignore
    assert.ok(Number(vhost['recv_bytes']) > 0);
    // Ids lead to the same.
    const byId = await ask(live, `/api/v1/streams/${String(stream['id'])}`);
    assert.equal((byId.json['stream'] as Json)['name'], 's');
    publisher.socket.destroy();
    await until(live, 'streams', ([left]) => (left?.['publish'] as Json)['active'] === false);
  });

  it('ends players and publishers of every kind, and tells them', async () => {
    const live = await api();
    const publisher = await live.publisher();
    publisher.sendAll(tags);
    const rtmp = await live.player();
    const flv = await live.httpPlayer();
    const ws = await live.wsPlayer();
    await rtmp.media(1);
    await flv.flv.media(1);
    await ws.flv.media(1);
    const post = await live.http();
    post.ask('/live/p.flv', { method: 'POST', headers: { 'Transfer-Encoding': 'chunked' } });
    const found = await clients(live, 5);
    for (const { id } of [...found].reverse()) {
      const { json } = await ask(live, `/api/v1/clients/${String(id)}`, { method: 'DELETE' });
      assert.equal(json['code'], 0);
    }
    const told = await publisher.next('a status', ({ payload }) => payload.includes('NetStream.'));
    assert.match(told.payload.toString('latin1'), /kicked by an operator/);
    await Promise.all([publisher.closed, rtmp.closed, flv.closed, ws.closed]);
    assert.ok((await post.answer()).status >= 400);
    await clients(live, 0);
    assert.equal(live.log.matching('kicked by an operator').length, 5);
    const unknown = await ask(live, '/api/v1/clients/100', { method: 'DELETE' });
    assert.deepEqual([unknown.status, unknown.json['code']], [200, 2049]);
  });

  it('stops a stream with all who are at it, and touches no other', async () => {
    const live = await api();
    const publishers = [await live.publisher('a'), await live.publisher('b')];
    const players = [await live.player('a'), await live.player('b')];
    for (const publisher of publishers) publisher.sendAll(tags);
    for (const player of players) await player.media(tags.length);
    const [stream] = await list(live, 'streams');
    assert.equal(stream?.['name'], 'a');
    await ask(live, `/api/v1/streams/${String(stream['id'])}`, { method: 'DELETE' });
    await Promise.all([publishers[0]!.closed, players[0]!.closed]);
    const more = sampleTags(3)
      .slice(3)
      .map((tag) => ({ ...tag, timestamp: tag.timestamp + 1000 }));
    publishers[1]!.sendAll(more);
    assert.equal((await players[1]!.media(more.length)).length, more.length);
    assert.equal((await clients(live, 2)).length, 2);
    assert.equal((await ask(live, '/api/v1/streams/1', { method: 'DELETE' })).json['code'], 2048);
  });

  it('counts viewers of HLS, and ends them', async () => {
    const live = await api();
    const publisher = await live.publisher();
    const frames = sampleTags(100).slice(1);
    publisher.sendAll(frames);
    const peer = await live.http();
    while ((await peer.get('/live/s.m3u8')).status !== 200) await new Promise(setImmediate);
    const [viewer] = (await list(live, 'clients')).filter(({ type }) => type === 'hls-play');
    assert.deepEqual([viewer?.['protocol'], viewer?.['name']], ['hls', 's']);
    await ask(live, `/api/v1/clients/${String(viewer?.['id'])}`, { method: 'DELETE' });
    assert.equal((await peer.get('/live/s.m3u8')).status, 403);
  });

  it('asks for a password or a token where it is told to', async () => {
    const live = await api(
      'auth { enabled on; username operator; password "p w"; token 0123456789abcdef; }',
    );
    const { status, json } = await ask(live, '/api/v1/streams');
    assert.deepEqual([status, json['code']], [401, 1052]);
    const basic = Buffer.from('operator:p w').toString('base64');
    for (const Authorization of [`Basic ${basic}`, 'Bearer 0123456789abcdef']) {
      const asking = { headers: { Authorization } };
      assert.equal((await ask(live, '/api/v1/streams', asking)).status, 200);
      assert.equal((await ask(live, '/metrics', asking)).status, 200);
    }
    for (const Authorization of ['Bearer 0123456789abcdeg', 'Basic x', 'Bearer', 'Digest a']) {
      assert.equal((await ask(live, '/metrics', { headers: { Authorization } })).status, 401);
    }
    assert.equal((await ask(live, '/metrics')).status, 401);
    assert.ok(!live.log.lines.some((line) => line.includes('0123456789abcde')));
  });

  it('tells of the machine and of itself', async () => {
    const live = await api();
    const { json } = await ask(live, '/api/v1/summaries');
    const { self, system } = json['data'] as Record<string, Json>;
    assert.equal(self?.['pid'], process.pid);
    assert.ok(Number(system?.['mem_ram_kbyte']) > 0);
    assert.equal(system?.['conn_srs'], 1);
    const metrics = await ask(live, '/metrics');
    assert.match(metrics.text, /^srs_connections 1$/m);
    assert.match((await ask(live, '/stat')).text, /<rtmp>/);
    assert.equal((await ask(live, '/api/v1/openapi.json')).status, 200);
    assert.equal((await live.get('/api/v1/versions')).status, 200);
  });
});
