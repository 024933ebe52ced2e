import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Config } from '../../src/app/config/config';
import type { FlvTag } from '../../src/media/flv';
import { FlvReader } from '../../src/media/flv-reader';
import type { HttpPeer } from '../support/http-peer';
import type { LivePeer } from '../support/live-peer';
import { liveServers, texts } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import {
  aacSequenceHeader,
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
  flvFile,
  sampleTags,
  videoSecond,
} from '../support/media';
import { pairFiles, trusted } from '../support/tls';
import { eventually } from '../support/waits';

const ROUNDS = 100;
const FRAMES_PER_ROUND = 4;
const header = { type: 9, timestamp: 0, payload: avcSequenceHeader() };
const soundHeader = { type: 8, timestamp: 0, payload: aacSequenceHeader() };

/** What a configuration consists of; each part has its like in `base`. */
interface Parts {
  readonly listen: string;
  readonly cert: 'first' | 'second';
  readonly root: string;
  readonly http: string;
  readonly remux: string;
  readonly vhost: string;
  readonly vhosts: string;
}

const base: Parts = {
  listen: 'listen 127.0.0.1:0;',
  cert: 'first',
  root: '',
  http: 'dir /nonexistent;',
  remux: 'enabled on;',
  vhost: 'mw_latency 0;',
  vhosts: '',
};

function text(parts: Partial<Parts> = {}): string {
  const { listen, cert: name, root, http, remux, vhost, vhosts } = { ...base, ...parts };
  const { cert, key } = pairFiles(name);
  return `
    ${listen}
    rtmps_listen 127.0.0.1:0; rtmps_cert ${cert}; rtmps_key ${key};
    http_server { enabled on; listen 127.0.0.1:0; ${http}
      https { enabled on; listen 127.0.0.1:0; cert ${cert}; key ${key}; } }
    ${root}
    vhost __defaultVhost__ { http_remux { ${remux} } ${vhost} }
    ${vhosts}`;
}

function reload(live: LiveServer, parts: Partial<Parts> = {}): Promise<readonly string[]> {
  return live.server.reload(Config.parse(text(parts), 'test.conf'));
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Whether somebody listens at a port. */
function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    }).once('error', () => {
      resolve(false);
    });
  });
}

function readFlv(path: string): FlvTag[] {
  const reader = new FlvReader();
  reader.push(readFileSync(path));
  const found: FlvTag[] = [];
  for (let tag = reader.read(); tag; tag = reader.read()) found.push(tag);
  reader.finish();
  return found;
}

/** Of what a process could have too many. */
function held(): { descriptors: number; timers: number } {
  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  return { descriptors: readdirSync('/proc/self/fd').length, timers };
}

describe('a reload', () => {
  const startAny = liveServers();
  const start = (parts: Partial<Parts> = {}): Promise<LiveServer> => startAny(text(parts));
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'srs-reload-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  /** A client of another vhost than the default one. */
  async function clientOf(live: LiveServer, vhost: string): Promise<LivePeer> {
    return live.client({ tcUrl: `rtmp://${vhost}/live` });
  }

  async function publisherOf(live: LiveServer, vhost: string, stream = 's'): Promise<LivePeer> {
    const peer = await clientOf(live, vhost);
    assert.equal((await peer.publish(stream)).code, 'NetStream.Publish.Start');
    return peer;
  }

  async function playerOf(live: LiveServer, vhost: string, stream = 's'): Promise<LivePeer> {
    const peer = await clientOf(live, vhost);
    await peer.play(stream);
    return peer;
  }

  /** Publishes over HTTP; the body goes on. */
  async function httpPublisher(live: LiveServer, path: string): Promise<HttpPeer> {
    const peer = await live.http();
    const before = live.log.matching('source url=').length;
    peer.ask(path, { method: 'POST', headers: { 'Content-Length': '100000000' } });
    await live.log.until(() => live.log.matching('source url=').length > before);
    return peer;
  }

  describe('that does not concern them', () => {
    /** What is changed in the odd rounds, and changed back in the even ones. */
    const other = (): Partial<Parts> => ({
      cert: 'second',
      listen: 'listen 127.0.0.1:0 127.0.0.1:0;',
      root: `max_connections 500; chunk_size 4096; pithy_print_ms 5000; utc_time on;
        stats { network 0; } heartbeat { enabled off; interval 5; }
        trusted_proxies 10.0.0.0/8;
        http_api { enabled on; listen 127.0.0.1:0; }`,
      http: `dir ${dir}; crossdomain off;`,
      remux: 'enabled on; mount [vhost]/[app]/[stream].ts; publisher_wait 3; fast_cache 2;',
      vhost: `mw_latency 0; gop_cache off; queue_length 60; refer_publish example.com;
        security { enabled on; deny play 10.0.0.0/8; allow play all; allow publish all; }
        publish_1stpkt_timeout 30000; publish_normal_timeout 40000; tcp_nodelay off;
        mr { enabled on; latency 10; } limits { clients 100; }
        http_static { enabled on; mount [vhost]/files/; dir ${dir}; }
        hls { enabled on; hls_path ${dir}; hls_fragment 1; hls_window 5; hls_storage both; }
        dvr { enabled on; dvr_path ${dir}/[stream].[timestamp].flv; }`,
      vhosts: 'vhost a.com { hls { enabled on; hls_storage ram; } } vhost b.com { enabled off; }',
    });

    it('is not noticed by those who publish and play, a hundred times', async function () {
      this.timeout(60_000);
      const live = await start();
      const publisher = await live.publisher();
      const httpPublish = await httpPublisher(live, '/live/h.flv');
      const rtmp = await live.player();
      const secure = await live.securePeer(trusted('first'));
      await secure.handshake();
      await secure.connect();
      await secure.play('s');
      const http = await live.httpPlayer();
      const https = await live.httpPlayer('/live/s.flv', 'HTTPS');
      const ws = await live.wsPlayer();
      const wss = await live.wsPlayer('/live/s.flv', 'HTTPS');
      const ofHttp = await live.player('h');
      const sent: FlvTag[] = [header, soundHeader];
      publisher.sendAll(sent);
      httpPublish.send(flvFile(sent));
      let atFirst = held();
      for (let round = 0; round < ROUNDS; round++) {
        const frames = Array.from({ length: FRAMES_PER_ROUND }, (_, index) => {
          const timestamp = (round * FRAMES_PER_ROUND + index) * 40;
          const make = index === 0 ? avcKeyFrame : avcInterFrame;
          return { type: 9, timestamp, payload: make(`f${timestamp}`) };
        });
        sent.push(...frames);
        publisher.sendAll(frames);
        httpPublish.send(flvFile(frames).subarray(13));
        const changes = await reload(live, round % 2 === 0 ? other() : {});
        assert.ok(changes.length > 20, changes.join('\n'));
        assert.deepEqual(
          changes.filter((line) => line.includes(' failed: ')),
          [],
        );
        if (round === 9) atFirst = held();
      }
      await publisher.ping();
      const expected = texts(sent);
      for (const player of [rtmp, secure, ofHttp]) {
        assert.deepEqual(texts(await player.media(sent.length)), expected);
      }
      for (const { flv } of [http, https, ws, wss]) {
        assert.deepEqual(texts(await flv.media(sent.length)), expected);
      }
      assert.deepEqual(live.errors, []);
      assert.equal(live.log.matching('client finished').length, 0);
      assert.equal(live.log.matching('client disconnect').length, 0);
      // What ends by and by: sockets in TIME_WAIT are none of ours, files are closed in the background.
      await eventually('nothing more is held than at first', () => {
        const { descriptors, timers } = held();
        return descriptors <= atFirst.descriptors && timers <= atFirst.timers;
      });
    });

    it('changes nothing at all when nothing has changed', async () => {
      const live = await start();
      const ports = (['RTMP', 'RTMPS', 'HTTP', 'HTTPS'] as const).map((protocol) =>
        live.server.ports(protocol),
      );
      assert.deepEqual(await reload(live), []);
      assert.deepEqual(
        (['RTMP', 'RTMPS', 'HTTP', 'HTTPS'] as const).map((protocol) =>
          live.server.ports(protocol),
        ),
        ports,
      );
      assert.equal(live.log.matching('listen success').length, 0);
      assert.equal(live.log.matching('maybe modified').length, 0);
    });
  });

  describe('of addresses', () => {
    it('opens those that are new and closes those that are gone, whoever is there', async () => {
      const live = await start();
      const [before, next] = [live.port, await freePort()];
      const publisher = await live.publisher();
      const player = await live.player();
      const changes = await reload(live, { listen: `listen 127.0.0.1:${next};` });
      assert.deepEqual(changes, [`root listen: 127.0.0.1:0 -> 127.0.0.1:${next}`]);
      assert.equal(live.log.matching('reload listen success.').length, 1);
      assert.deepEqual(live.server.ports('RTMP'), [next]);
      assert.equal(await isOpen(before), false);
      const late = await live.player();
      publisher.sendAll([header, ...videoSecond(0)]);
      const expected = texts([header, ...videoSecond(0)]);
      assert.deepEqual(texts(await player.media(26)), expected);
      assert.deepEqual(texts(await late.media(26)), expected);
    });

    it('that cannot be opened is told of, and all else is done', async () => {
      const live = await start();
      const taken = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => taken.once('listening', resolve));
      const { port } = taken.address() as AddressInfo;
      const before = live.server.ports('RTMP');
      const wanted = { listen: `listen 127.0.0.1:0 127.0.0.1:${port};`, vhosts: 'vhost a.com {}' };
      const changes = await reload(live, wanted);
      assert.match(changes.at(-1)!, /^reload listen failed: RTMP stream listen at port \d+ failed/);
      assert.deepEqual(live.server.ports('RTMP'), before);
      assert.equal(live.log.matching('reload new vhost a.com success.').length, 1);
      assert.equal((await (await live.client()).publish('s')).code, 'NetStream.Publish.Start');
      // What could not be had is tried again.
      await new Promise((resolve) => taken.close(resolve));
      assert.deepEqual(await reload(live, wanted), []);
      assert.deepEqual(live.server.ports('RTMP'), [...before, port]);
    });

    it('switches HTTP and its API on and off', async () => {
      const live = await start();
      const port = await freePort();
      await reload(live, { root: `http_api { enabled on; listen 127.0.0.1:${port}; }` });
      assert.equal(live.log.matching('reload disabled=>enabled http_api success.').length, 1);
      assert.equal(live.log.matching('reload http_stream not changed success.').length, 1);
      assert.equal(await isOpen(port), true);
      await reload(live, {
        root: `http_api { enabled on; listen 127.0.0.1:${port}; crossdomain off; }`,
      });
      assert.equal(live.log.matching('reload enabled modified http_api success.').length, 1);
      await reload(live);
      assert.equal(live.log.matching('reload enabled=>disabled http_api success.').length, 1);
      assert.equal(await isOpen(port), false);
    });

    it('shows the new certificate to those who come', async () => {
      const live = await start();
      const early = await live.securePeer(trusted('first'));
      await reload(live, { cert: 'second' });
      await live.securePeer(trusted('second'));
      await assert.rejects(live.securePeer(trusted('first')));
      await early.handshake();
      assert.equal((await early.connect()).code, 'NetConnection.Connect.Success');
    });

    it('keeps a certificate in use when the new one cannot be read', async () => {
      const live = await start();
      const { cert, key } = pairFiles('first');
      const broken = text().replace(`rtmps_cert ${cert}`, 'rtmps_cert /nonexistent.crt');
      const changes = await live.server.reload(Config.parse(broken, 'test.conf'));
      assert.match(changes.at(-1)!, /^reload listen failed: .*nonexistent\.crt/);
      assert.ok(!changes.join().includes(key));
      await live.securePeer(trusted('first'));
    });
  });

  describe('of vhosts', () => {
    it('serves one that was added', async () => {
      const live = await start({ vhosts: 'vhost a.com { enabled off; }' });
      const refused = await live.peer();
      await refused.handshake();
      const { code } = await refused.connect({ tcUrl: 'rtmp://a.com/live' });
      assert.equal(code, 'NetConnection.Connect.Rejected');
      await reload(live, { vhosts: 'vhost a.com { http_remux { enabled on; } }' });
      assert.equal(live.log.matching('vhost a.com added, reload it.').length, 1);
      assert.equal(live.log.matching('reload new vhost a.com success.').length, 1);
      const publisher = await publisherOf(live, 'a.com');
      const player = await playerOf(live, 'a.com');
      publisher.sendAll([header]);
      assert.deepEqual(texts(await player.media(1)), texts([header]));
    });

    it('closes the clients of one that is gone, who are told why, and no others', async () => {
      const vhosts =
        'vhost a.com { mw_latency 0; http_remux { enabled on; } hls { enabled on; hls_storage ram; } }';
      const live = await start({ vhosts });
      const mine = await publisherOf(live, 'a.com');
      const player = await playerOf(live, 'a.com');
      const idle = await clientOf(live, 'a.com');
      const http = await live.http();
      http.ask('/live/s.flv', { headers: { Host: 'a.com' } });
      assert.equal((await http.live()).status, 200);
      const pushing = await live.http();
      pushing.ask('/live/p.flv', { method: 'POST', headers: { Host: 'a.com', 'Content-Length': '1000' } }); // prettier-ignore
      const waiting = await live.http();
      waiting.ask('/live/none.flv', { headers: { Host: 'a.com' } });
      await live.log.until(() => live.log.matching('none').length > 0);
      const publisher = await live.publisher();
      const stays = await live.player();
      const staysHttp = await live.httpPlayer();
      const changes = await reload(live);
      assert.deepEqual(changes, ['vhost a.com removed']);
      const reason = /vhost a\.com was removed by a reload/;
      assert.match((await mine.status()).description, reason);
      assert.match((await player.status()).description, reason);
      for (const peer of [mine, player, idle, http, pushing]) await peer.closed;
      assert.equal((await waiting.answer()).status, 404);
      assert.equal(live.log.matching('reload removed vhost a.com success.').length, 1);
      publisher.sendAll([header, ...videoSecond(0)]);
      const expected = texts([header, ...videoSecond(0)]);
      assert.deepEqual(texts(await stays.media(26)), expected);
      assert.deepEqual(texts(await staysHttp.flv.media(26)), expected);
      assert.deepEqual(
        live.errors.filter((line) => !/a\.com (was removed|does not serve)/.test(line)),
        [],
      );
    });

    it('lets them in again when it is back', async () => {
      const vhosts = 'vhost a.com { mw_latency 0; }';
      const live = await start({ vhosts });
      for (let round = 0; round < 3; round++) {
        const publisher = await publisherOf(live, 'a.com');
        const player = await playerOf(live, 'a.com');
        publisher.sendAll([header]);
        assert.deepEqual(texts(await player.media(1)), texts([header]));
        await reload(live, { vhosts: 'vhost a.com { enabled off; }' });
        await publisher.closed;
        await player.closed;
        await reload(live, { vhosts });
      }
    });

    it('does not make an edge of an origin, and applies all else', async () => {
      const live = await start({ vhosts: 'vhost a.com { mode local; }' });
      const vhosts = 'vhost a.com { mode remote; origin 127.0.0.1; queue_length 5; }';
      const changes = await reload(live, { vhosts });
      const line = 'reload vhost a.com mode failed: reload never supports mode changed, ret=2023';
      assert.equal(changes.at(-1), line);
      assert.equal(live.log.matching('vhost a.com reload queue_length success.').length, 1);
      // It is still to be done.
      assert.equal((await reload(live, { vhosts })).at(-1), line);
    });
  });

  describe('of the options of a stream', () => {
    it('forgets the group of pictures when gop_cache is switched off', async () => {
      const live = await start();
      const publisher = await live.publisher();
      const early = await live.player();
      publisher.sendAll([header, ...videoSecond(0)]);
      await early.media(26);
      await reload(live, { vhost: 'mw_latency 0; gop_cache off;' });
      assert.equal(live.log.matching('reload gop_cache success.').length, 1);
      const late = await live.player();
      const next = { type: 9, timestamp: 1000, payload: avcKeyFrame('next') };
      publisher.sendAll([next]);
      const [, first] = await late.media(2);
      assert.ok(first!.payload.equals(next.payload));
      assert.deepEqual(texts(await early.media(1)), texts([next]));
    });

    it('passes timestamps through when atc is switched on', async () => {
      const live = await start();
      const publisher = await live.publisher();
      const player = await live.player();
      publisher.sendAll([header, { type: 9, timestamp: 90_000, payload: avcKeyFrame() }]);
      const [, first] = await player.media(2);
      assert.ok(first!.timestamp < 90_000);
      await reload(live, { vhost: 'mw_latency 0; atc on;' });
      publisher.sendAll([{ type: 9, timestamp: 90_040, payload: avcInterFrame() }]);
      const [second] = await player.media(1);
      assert.equal(second!.timestamp, 90_040);
      assert.equal(live.log.matching('timestamps are corrected by off instead of full').length, 1);
    });

    it('changes how often players are written to, at once', async () => {
      const live = await start({ vhost: 'mw_latency 20000;' });
      const publisher = await live.publisher();
      const players = [await live.player(), await live.httpPlayer(), await live.wsPlayer()];
      publisher.sendAll([header, { type: 9, timestamp: 0, payload: avcKeyFrame() }]);
      await publisher.ping();
      await reload(live, { vhost: 'min_latency on; mw_latency 20000;' });
      publisher.sendAll([{ type: 9, timestamp: 40, payload: avcInterFrame('last') }]);
      for (const player of players) {
        await ('flv' in player ? player.flv : player).media(3);
      }
    });

    it('gives publishers the new time in which they may be silent', async () => {
      const live = await start();
      const publisher = await live.publisher();
      publisher.sendAll([header]);
      await publisher.ping();
      await reload(live, { vhost: 'mw_latency 0; publish_normal_timeout 200;' });
      await publisher.closed;
      await live.log.until(() => live.log.matching('client timeout.').length === 1);
    });

    it('refuses by the new rules who comes, and leaves who is there', async () => {
      const live = await start();
      const there = await live.player();
      const publisher = await live.publisher();
      await reload(live, {
        vhost: 'mw_latency 0; security { enabled on; allow publish all; deny play all; }',
      });
      const late = await live.client();
      late.command(1, 'play', 0, null, 's', -2);
      assert.match((await late.status()).code, /^NetStream\.Play\.(Failed|StreamNotFound)/);
      publisher.sendAll([header]);
      assert.deepEqual(texts(await there.media(1)), texts([header]));
    });
  });

  describe('of live streams over HTTP', () => {
    it('ends the players in good order when it switches them off', async () => {
      const live = await start();
      const publisher = await live.publisher();
      publisher.sendAll([header]);
      const [http, ws, rtmp] = [
        await live.httpPlayer(),
        await live.wsPlayer(),
        await live.player(),
      ];
      await Promise.all([http.flv.media(1), ws.flv.media(1), rtmp.media(1)]);
      await reload(live, { remux: 'enabled off;' });
      await http.closed;
      assert.equal(await ws.closed, 1008);
      assert.equal((await live.get('/live/s.flv')).status, 404);
      publisher.sendAll([{ type: 9, timestamp: 0, payload: avcKeyFrame() }]);
      await rtmp.media(1);
      await reload(live);
      await (await live.httpPlayer()).flv.media(2);
    });

    it('mounts them elsewhere for those who come', async () => {
      const live = await start();
      const publisher = await live.publisher();
      const there = await live.httpPlayer();
      await reload(live, { remux: 'enabled on; mount [vhost]/tv/[app]/[stream].flv;' });
      assert.equal((await live.get('/live/s.flv')).status, 404);
      const late = await live.httpPlayer('/tv/live/s.flv');
      publisher.sendAll([header]);
      await there.flv.media(1);
      await late.flv.media(1);
    });

    it('serves files from the new directories', async () => {
      const live = await start();
      assert.equal((await live.get('/fixtures/')).status, 404);
      const folder = join(__dirname, '../fixtures/tls');
      await reload(live, { http: `dir ${folder};` });
      assert.equal((await live.get('/first.crt')).status, 200);
      await reload(live, {
        vhost: `http_static { enabled on; mount [vhost]/keys/; dir ${folder}; }`,
      });
      assert.equal((await live.get('/first.crt')).status, 404);
      assert.equal((await live.get('/keys/first.crt')).status, 200);
    });
  });

  describe('of HLS', () => {
    const hls = (options: string): string =>
      `mw_latency 0; hls { enabled on; hls_path ${dir}; hls_window 60; ${options} }`;

    for (const storage of ['disk', 'ram', 'both']) {
      it(`goes on in the same playlist with one discontinuity, from ${storage}`, async () => {
        const live = await start({
          http: `dir ${dir};`,
          vhost: hls(`hls_fragment 1; hls_storage ${storage};`),
        });
        const publisher = await live.publisher();
        // Frames go on to come: what waits for the disk is looked at with the next one.
        const playlist = async (segments: number, from: number): Promise<string> => {
          for (let timestamp = from; ; timestamp += 40) {
            const body = (await live.get('/live/s.m3u8')).body.toString();
            if ((body.match(/#EXTINF/g) ?? []).length >= segments) return body;
            publisher.sendAll([{ type: 9, timestamp, payload: avcInterFrame('more') }]);
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        };
        publisher.sendAll([header, ...[0, 1000, 2000].flatMap((at) => videoSecond(at))]);
        const before = await playlist(2, 3000);
        await reload(live, {
          http: `dir ${dir};`,
          vhost: hls(`hls_fragment 2; hls_storage ${storage};`),
        });
        assert.equal(live.log.matching('vhost __defaultVhost__ reload hls success.').length, 1);
        publisher.sendAll(
          Array.from({ length: 8 }, (_, at) => videoSecond(10_000 + at * 1000)).flat(),
        );
        const after = await playlist(5, 18_000);
        const segments = before.split('\n').filter((line) => line.endsWith('.ts'));
        for (const segment of segments) assert.ok(after.includes(segment), after);
        assert.equal((after.match(/#EXT-X-DISCONTINUITY\n/g) ?? []).length, 1, after);
        assert.match(after, /#EXT-X-TARGETDURATION:[23]\b/);
        for (const segment of after.split('\n').filter((line) => line.endsWith('.ts'))) {
          assert.equal((await live.get(`/live/${segment}`)).status, 200, segment);
        }
        assert.deepEqual(live.errors, []);
      });
    }

    it('begins and ends in the middle of a stream', async () => {
      const live = await start({ http: `dir ${dir};` });
      const publisher = await live.publisher();
      publisher.sendAll([header, ...videoSecond(0)]);
      await publisher.ping();
      await reload(live, { http: `dir ${dir};`, vhost: hls('hls_fragment 1; hls_storage ram;') });
      publisher.sendAll([1000, 2000, 3000].flatMap((at) => videoSecond(at)));
      const status = async (): Promise<number> => (await live.get('/live/s.m3u8')).status;
      while ((await status()) !== 200) await new Promise((resolve) => setTimeout(resolve, 5));
      await reload(live, { http: `dir ${dir};` });
      assert.equal(await status(), 404);
      publisher.sendAll(videoSecond(4000));
      await publisher.ping();
      assert.deepEqual(live.errors, []);
    });
  });

  describe('of recordings', () => {
    const dvr = (folder: string): string =>
      `mw_latency 0; dvr { enabled on; dvr_path ${dir}/${folder}/[stream].[timestamp].flv; }`;
    const read = (folder: string): FlvTag[] => {
      const [name = ''] = readdirSync(join(dir, folder));
      return readFlv(join(dir, folder, name)).filter(({ type }) => type !== 18);
    };

    it('goes on in a new file, with headers, at the next key frame', async () => {
      const live = await start({ vhost: dvr('one') });
      const publisher = await live.publisher();
      const all = sampleTags(75).slice(1);
      publisher.sendAll(all.slice(0, 40));
      await publisher.ping();
      await reload(live, { vhost: dvr('two') });
      publisher.sendAll(all.slice(40));
      await publisher.ping();
      await reload(live);
      await live.log.until(() => live.log.matching(' closed, duration=').length === 2);
      assert.deepEqual(
        read('one').map(({ payload }) => payload),
        all.slice(0, 40).map(({ payload }) => payload),
      );
      const [videoHeader, audioHeader, key] = read('two');
      assert.ok(videoHeader!.payload.equals(header.payload));
      assert.ok(audioHeader!.payload.equals(soundHeader.payload));
      assert.ok(key!.payload.equals(avcKeyFrame('v25')));
      assert.equal(key!.timestamp, 0);
      assert.equal(live.log.matching('reload dvr success.').length, 2);
    });
  });

  describe('of ingests', () => {
    const ingest = (id: string, stream: string, enabled = 'on'): string =>
      `ingest ${id} { enabled ${enabled}; input { type file; url bundled:sample.flv; } ffmpeg builtin;
        engine { enabled off; output rtmp://127.0.0.1:[port]/live?vhost=[vhost]/${stream}; } }`;

    it('starts, stops and replaces what differs, and leaves the others', async () => {
      const live = await start({
        vhost: `mw_latency 0; ${ingest('a', 'one')} ${ingest('b', 'two')}`,
      });
      const player = await live.player('one');
      await player.media(4);
      await (await live.player('two')).media(4);
      await reload(live, {
        vhost: `mw_latency 0; ${ingest('a', 'one')} ${ingest('b', 'three')} ${ingest('c', 'four')}`,
      });
      await (await live.player('three')).media(4);
      await (await live.player('four')).media(4);
      await reload(live, {
        vhost: `mw_latency 0; ${ingest('a', 'one')} ${ingest('b', 'x', 'off')}`,
      });
      const lines = live.log
        .matching(' reload ingest=')
        .map((line) => line.slice(line.indexOf('ingest=')));
      assert.deepEqual(lines.sort(), [
        'ingest=b removed success.',
        'ingest=b updated success.',
        'ingest=c added success.',
        'ingest=c removed success.',
      ]);
      await player.media(4);
      assert.equal(player.isClosed, false);
    });

    it('runs those of a vhost as long as it is there', async () => {
      const live = await start();
      await reload(live, { vhosts: `vhost a.com { ${ingest('a', 'one')} }` });
      const player = await playerOf(live, 'a.com', 'one');
      await player.media(4);
      await reload(live);
      await player.closed;
      await live.sockets(0);
    });
  });

  it('after another that is under way comes after it', async () => {
    const live = await start();
    const rounds = Array.from({ length: 5 }, (_, at) =>
      reload(live, { vhosts: at % 2 === 0 ? 'vhost a.com {}' : '' }),
    );
    assert.deepEqual(
      (await Promise.all(rounds)).map(([line]) => line),
      [0, 1, 2, 3, 4].map((at) => `vhost a.com ${at % 2 === 0 ? 'added' : 'removed'}`),
    );
  });

  it('does nothing when the server has ended', async () => {
    const live = await start();
    await live.server.stop();
    assert.deepEqual(await reload(live, { listen: 'listen 127.0.0.1:0 127.0.0.1:0;' }), []);
    assert.deepEqual(live.server.ports('RTMP').length, 1);
  });
});
