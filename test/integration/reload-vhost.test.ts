import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { FlvTag } from '../../src/media/flv';
import { FlvReader } from '../../src/media/flv-reader';
import type { LivePeer } from '../support/live-peer';
import { liveServers, texts } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import {
  aacSequenceHeader,
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
  sampleTags,
  videoSecond,
} from '../support/media';
import { clientOf, reload, reloadConfig } from '../support/reloading';
import type { ReloadParts } from '../support/reloading';

const header = { type: 9, timestamp: 0, payload: avcSequenceHeader() };
const soundHeader = { type: 8, timestamp: 0, payload: aacSequenceHeader() };

function readFlv(path: string): FlvTag[] {
  const reader = new FlvReader();
  reader.push(readFileSync(path));
  const found: FlvTag[] = [];
  for (let tag = reader.read(); tag; tag = reader.read()) found.push(tag);
  reader.finish();
  return found;
}

describe('a reload of a vhost', () => {
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

  async function playerOf(live: LiveServer, vhost: string, stream = 's'): Promise<LivePeer> {
    const peer = await clientOf(live, vhost);
    await peer.play(stream);
    return peer;
  }

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
      const players = [
        await live.player(),
        await live.httpPlayer(),
        await live.httpPlayer('/live/s.flv', 'HTTPS'),
        await live.wsPlayer(),
      ];
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
        // Seconds go on to come: what waits for the disk is looked at with the next frame.
        let next = 0;
        const playlist = async (segments: number): Promise<string> => {
          for (; ; next += 1000) {
            const body = (await live.get('/live/s.m3u8')).body.toString();
            if ((body.match(/#EXTINF/g) ?? []).length >= segments) return body;
            publisher.sendAll(videoSecond(next));
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        };
        publisher.sendAll([header]);
        const before = await playlist(2);
        await reload(live, {
          http: `dir ${dir};`,
          vhost: hls(`hls_fragment 2; hls_storage ${storage};`),
        });
        assert.equal(live.log.matching('vhost __defaultVhost__ reload hls success.').length, 1);
        const segments = before.split('\n').filter((line) => line.endsWith('.ts'));
        const after = await playlist(segments.length + 3);
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
});
