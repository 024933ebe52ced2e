import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Config } from '../../src/app/config/config';
import type { FlvTag } from '../../src/media/flv';
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
  videoSecond,
} from '../support/media';
import { clientOf, reload, reloadConfig } from '../support/reloading';
import type { ReloadParts } from '../support/reloading';
import { pairFiles, trusted } from '../support/tls';
import { eventually } from '../support/waits';

const ROUNDS = 100;
const FRAMES_PER_ROUND = 4;
const header = { type: 9, timestamp: 0, payload: avcSequenceHeader() };
const soundHeader = { type: 8, timestamp: 0, payload: aacSequenceHeader() };

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

/** Of what a process could have too many. */
function held(): { descriptors: number; timers: number } {
  const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  return { descriptors: readdirSync('/proc/self/fd').length, timers };
}

describe('a reload', () => {
  const startAny = liveServers();
  const start = (parts: Partial<ReloadParts> = {}): Promise<LiveServer> =>
    startAny(reloadConfig(parts));
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'srs-reload-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

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
    const other = (): Partial<ReloadParts> => ({
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
      const broken = reloadConfig().replace(`rtmps_cert ${cert}`, 'rtmps_cert /nonexistent.crt');
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
