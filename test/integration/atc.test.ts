import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';

import type { FlvTag } from '../../src/media/flv';
import { readTs } from '../../src/media/ts-reader';
import { AmfObject } from '../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../src/rtmp/amf0-writer';
import type { LivePeer } from '../support/live-peer';
import { httpConfig, liveServers, texts } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { aacSequenceHeader, avcSequenceHeader, sampleTags } from '../support/media';
import { reload, reloadConfig } from '../support/reloading';
import { eventually } from '../support/waits';

/** What the clock of the encoder shows when it begins: past 24 bits, and not at a border of segments. */
const FIRST_MS = 40_000_320;
const HLS = 'hls { enabled on; hls_storage ram; hls_fragment 1; hls_window 30; }';
const FPS = 25;
const PATIENCE_MS = 20_000;
const LOOK_MS = 5;

/** Twelve seconds with a key frame each; a metadata tag, and headers, come first. */
const tags: readonly FlvTag[] = sampleTags(12 * FPS, FPS).map((tag) => ({
  ...tag,
  timestamp: FIRST_MS + tag.timestamp,
}));
const headersAt = (timestamp: number): FlvTag[] => [
  { type: 9, timestamp, payload: avcSequenceHeader() },
  { type: 8, timestamp, payload: aacSequenceHeader() },
];
const frames = tags.slice(3);

/** What an encoder sends that has gone on for so long when it reaches a server. */
function since(ms: number): FlvTag[] {
  const rest = frames.filter(({ timestamp }) => timestamp >= FIRST_MS + ms);
  return [...headersAt(FIRST_MS + ms), ...rest];
}

/** The playlist, once it has so many segments and is as wanted. */
async function playlist(
  live: LiveServer,
  segments: number,
  isWanted: (text: string) => boolean = () => true,
): Promise<string> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const { status, body } = await live.get('/live/s.m3u8');
    const text = status === 200 ? body.toString() : '';
    if ((text.match(/EXTINF/g)?.length ?? 0) >= segments && isWanted(text)) return text;
    assert.ok(performance.now() < endMs, `waited in vain for ${segments} segments: ${text}`);
    await setTimeout(LOOK_MS);
  }
}

const sequenceOf = (text: string): number => Number(/MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1]);

describe('two servers of one encoder with atc', () => {
  const start = liveServers();

  /** One that the encoder has reached from its beginning, and one that it reached later. */
  async function pair(options: string): Promise<{ live: LiveServer; publisher: LivePeer }[]> {
    const servers = await Promise.all([0, 5480].map(() => start(httpConfig({ vhost: options }))));
    return Promise.all(
      servers.map(async (live, at) => {
        const publisher = await live.publisher();
        publisher.sendAll(since(at === 0 ? 0 : 5480));
        await publisher.ping();
        return { live, publisher };
      }),
    );
  }

  it('send players of RTMP and FLV the same times, from the same key frame on', async () => {
    const servers = await pair('atc on;');
    const last = frames.slice(-2 * FPS);
    const expected = texts([...headersAt(last[0]!.timestamp), ...last]);
    for (const { live } of servers) {
      assert.deepEqual(texts(await (await live.player()).media(expected.length)), expected);
      const flv = await (await live.httpPlayer()).flv.media(expected.length);
      assert.deepEqual(texts(flv), expected);
    }
  });

  it('send players of MPEG-TS the same times', async () => {
    const servers = await pair('atc on;');
    for (const { live } of servers) {
      const player = await live.httpPlayer('/live/s.ts');
      await eventually('a picture', () => player.mediaBytes > 188 * 4);
      const { pids } = readTs(Buffer.concat(player.media));
      const [pictures] = [...pids.values()];
      assert.equal(pictures?.firstDts, (FIRST_MS + 11_000) * 90);
    }
  });

  for (const format of ['ts', 'fmp4']) {
    it(`make the same segments of ${format}`, async () => {
      const options = `atc on; ${HLS.replace('enabled on;', `enabled on; hls_format ${format};`)}`;
      const [one, other] = await pair(options);
      const lists = [await playlist(one!.live, 10), await playlist(other!.live, 4)];
      const [all = '', late = ''] = lists.map((text) => text.replaceAll(/#EXT-X-PROG.*\n/g, ''));
      const uris = late.split('\n').filter((line) => line.startsWith('s-'));
      assert.equal(sequenceOf(late), Number(/\d+/.exec(uris[0]!)?.[0]));
      assert.equal(sequenceOf(late) - sequenceOf(all), 5);
      assert.ok(all.endsWith(late.slice(late.indexOf('#EXTINF'))), `${all}\n${late}`);
      for (const uri of [...uris, ...[...late.matchAll(/URI="(.*)"/g)].map((match) => match[1]!)]) {
        const [body, same] = await Promise.all(
          [one, other].map(async (server) => (await server!.live.get(`/live/${uri}`)).body),
        );
        assert.ok(body!.length > 300 && body!.equals(same!), uri);
      }
    });
  }

  it('do so as well when the metadata asks for it, in whatever order it comes', async () => {
    const servers = await Promise.all([0, 1].map(() => start(httpConfig({ vhost: HLS }))));
    const metadata = encodeAmf0('onMetaData', AmfObject.of({ bravo_atc: 'true' }));
    const lists: string[] = [];
    for (const [at, live] of servers.entries()) {
      const publisher = await live.publisher();
      const [first, rest] = [since(0).slice(0, at * 30), since(0).slice(at * 30)];
      publisher.sendAll(first);
      publisher.message(18, 0, metadata);
      publisher.sendAll(rest);
      lists.push(await playlist(live, 10));
    }
    // What came before the metadata counts otherwise.
    assert.equal(lists[0], lists[1]?.replace('#EXT-X-DISCONTINUITY\n', ''));
    assert.equal(servers[0]!.log.matching('hls segments are aligned').length, 1);
  });

  it('begin with it at a reload', async () => {
    const live = await start(reloadConfig({ vhost: `mw_latency 0; ${HLS}` }));
    const publisher = await live.publisher();
    const all = since(0);
    publisher.sendAll(all.slice(0, 3 * 2 * FPS));
    const counted = sequenceOf(await playlist(live, 2));
    await reload(live, { vhost: `mw_latency 0; atc on; ${HLS}` });
    publisher.sendAll(all.slice(3 * 2 * FPS));
    const text = await playlist(live, 2, (list) => sequenceOf(list) !== counted);
    assert.match(text, /MEDIA-SEQUENCE:\d+\n#EXT-X-DISCONTINUITY\n#EXTINF/);
    const plain = await start(httpConfig({ vhost: `atc on; ${HLS}` }));
    (await plain.publisher()).sendAll(all);
    const whole = await playlist(plain, 10);
    const uris = text.split('\n').filter((line) => line.startsWith('s-'));
    for (const uri of uris) assert.ok(whole.includes(`\n${uri}\n`), `${uri} in ${whole}`);
    // Those who play along are told that time may jump.
    assert.equal(live.log.matching('timestamps are corrected by off instead of full').length, 1);
  });
});
