import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { readTs } from '../../src/media/ts-reader';
import type { LivePeer } from '../support/live-peer';
import { httpConfig, liveServers, PROMPT_MS, texts } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import {
  aacSequenceHeader,
  avcInterFrame,
  avcSequenceHeader,
  sampleTags,
  videoSecond,
} from '../support/media';

const headers = [{ type: 9, timestamp: 0, payload: avcSequenceHeader() }];
const SECONDS = 4;
/** Four seconds of pictures alone; what is beyond ends the last whole segment. */
const video = [
  ...headers,
  ...Array.from({ length: SECONDS }, (_, at) => videoSecond(at * 1000)).flat(),
];

/** Lines of a playlist that are no tags. */
function uris(playlist: string): string[] {
  return playlist.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('HLS', () => {
  const startAny = liveServers();
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'srs-hls-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  const start = (options: string, remux = ''): Promise<LiveServer> =>
    startAny(
      httpConfig({
        server: `dir ${dir};`,
        remux,
        vhost: `hls { enabled on; hls_path ${dir}; hls_fragment 1; hls_window 10; ${options} }`,
      }),
    );

  /** The playlist, once it has so many segments; who publishes goes on meanwhile. */
  async function playlist(live: LiveServer, count: number, publisher?: LivePeer): Promise<string> {
    for (let timestamp = SECONDS * 1000; ; timestamp += 40) {
      const { status, body } = await live.get('/live/s.m3u8');
      const text = body.toString();
      if (status === 200 && uris(text).length >= count) return text;
      publisher?.sendAll([{ type: 9, timestamp, payload: avcInterFrame('more') }]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  for (const storage of ['disk', 'ram', 'both']) {
    it(`of a stream is served from ${storage}, segment by segment, to its end`, async () => {
      const live = await start(`hls_storage ${storage};`);
      assert.equal((await live.get('/live/s.m3u8')).status, 404);
      const publisher = await live.publisher();
      publisher.sendAll(video);
      const text = await playlist(live, SECONDS - 1, publisher);
      assert.match(text, /^#EXTM3U\n#EXT-X-VERSION:3\n/);
      assert.doesNotMatch(text, /ENDLIST/);
      let pictures = 0;
      for (const uri of uris(text)) {
        const { status, headers: answered, body } = await live.get(`/live/${uri}`);
        assert.equal(status, 200, uri);
        assert.equal(answered.get('content-type')?.toLowerCase(), 'video/mp2t');
        assert.equal(answered.get('access-control-allow-origin'), '*');
        const summary = readTs(body);
        assert.deepEqual([summary.isSyncLost, summary.continuityErrors], [false, 0]);
        const [pid] = [...summary.pids.values()];
        assert.ok(pid?.startsWithKey);
        pictures += pid.pesPackets;
      }
      assert.equal(pictures, 25 * (SECONDS - 1));
      // The last segment is closed with the publish.
      publisher.socket.end();
      await live.closing(idOf(live));
      assert.equal(uris(await playlist(live, SECONDS)).length, SECONDS);
      await live.server.stop();
      const files = readdirSync(dir, { recursive: true }).map(String);
      assert.equal(
        files.some((file) => file.endsWith('.m3u8')),
        storage !== 'ram',
        files.join(' '),
      );
      assert.deepEqual(live.errors, []);
    });
  }

  for (const format of ['ts', 'fmp4']) {
    it(`of low latency in ${format} is waited for, part by part, and ends with the server`, async () => {
      const live = await start(
        `hls_storage ram; hls_low_latency on; hls_part 0.2; hls_format ${format};`,
      );
      const publisher = await live.publisher();
      publisher.sendAll([...headers, ...videoSecond(0)]);
      const first = await playlist(live, 0);
      assert.match(first, /CAN-BLOCK-RELOAD=YES/);
      const waiting = await live.http();
      const msn = Number(/MEDIA-SEQUENCE:(\d+)/.exec(first)![1]);
      waiting.ask(`/live/s.m3u8?_HLS_msn=${msn + 1}&_HLS_part=1`);
      const [, hint = ''] = /PRELOAD-HINT:TYPE=PART,URI="([^"]+)"/.exec(first) ?? [];
      const part = await live.http();
      part.ask(`/live/${hint}`);
      // Both are taken note of before there is an answer.
      await live.log.until(() => live.log.matching(hint).length > 0);
      assert.equal(waiting.unread.length, 0);
      publisher.sendAll([...videoSecond(1000), ...videoSecond(2000)]);
      const { status, body } = await waiting.answer();
      assert.equal(status, 200);
      assert.match(body.toString(), /part6[.]/);
      assert.equal((await part.answer()).status, 200);
      assert.equal((await waiting.get(`/live/s.m3u8?_HLS_msn=${msn + 99}`)).status, 400);
      // One that waits when the server stops does not hold it up.
      waiting.ask(`/live/s.m3u8?_HLS_msn=${msn + 3}`);
      await live.log.until(() => live.log.matching(`_HLS_msn=${msn + 3},`).length > 0);
      const began = performance.now();
      await live.server.stop();
      await waiting.closed;
      assert.ok(performance.now() - began < PROMPT_MS, `stop took ${performance.now() - began} ms`);
    });
  }

  it('goes on in the same playlist when the stream is published again', async () => {
    const live = await start('hls_storage both;');
    for (let round = 1; round <= 2; round++) {
      const publisher = await live.publisher();
      publisher.sendAll(video);
      await publisher.ping();
      publisher.socket.destroy();
      await live.log.until(() => live.log.matching('cleanup when unpublish').length === round);
      await playlist(live, round * SECONDS);
    }
    const text = await playlist(live, 2 * SECONDS);
    assert.equal(text.match(/#EXT-X-DISCONTINUITY\n/g)?.length, 1);
    assert.equal(new Set(uris(text)).size, 2 * SECONDS);
  });

  it('that cannot write disturbs neither players nor publishers', async () => {
    const live = await start('hls_storage disk;');
    // A file stands where the directory should be.
    writeFileSync(join(dir, 'live'), 'in the way');
    const [rtmp, publisher] = [await live.player(), await live.publisher()];
    const http = await live.httpPlayer();
    publisher.sendAll(video);
    assert.deepEqual(texts(await rtmp.media(video.length)), texts(video));
    assert.deepEqual(texts(await http.flv.media(video.length)), texts(video));
    const hasFailed = (): boolean =>
      live.log.lines.some((line) => /^(warn|error) .*hls/.test(line));
    for (let timestamp = SECONDS * 1000; !hasFailed(); timestamp += 40) {
      publisher.sendAll([{ type: 9, timestamp, payload: avcInterFrame('more') }]);
      await http.flv.media(1);
    }
    await publisher.ping();
    rmSync(join(dir, 'live'));
  });

  it('of sound alone has segments, too', async () => {
    const live = await start('hls_storage ram;');
    const publisher = await live.publisher();
    const sound = sampleTags(120).filter(({ type }) => type === 8);
    assert.ok(sound[0]!.payload.equals(aacSequenceHeader()));
    publisher.sendAll(sound);
    const [uri = ''] = uris(await playlist(live, 2));
    const summary = readTs((await live.get(`/live/${uri}`)).body);
    assert.deepEqual(
      summary.programs[0]!.streams.map(({ codec }) => codec),
      ['mp4a'],
    );
  });

  it('leaves whole files behind when the server stops', async () => {
    const live = await start('hls_storage disk;');
    const publisher = await live.publisher();
    publisher.sendAll(video);
    await publisher.ping();
    await live.server.stop();
    const text = readFileSync(join(dir, 'live', 's.m3u8'), 'latin1');
    assert.equal(uris(text).length, SECONDS);
    for (const uri of uris(text)) {
      const bytes = readFileSync(join(dir, 'live', uri));
      assert.equal(bytes.length % 188, 0);
      assert.equal(readTs(bytes).isSyncLost, false);
    }
    const strangers = readdirSync(join(dir, 'live')).filter((file) => file.includes('tmp'));
    assert.deepEqual(strangers, []);
  });
});

/** Context id of the newest RTMP client. */
function idOf(live: LiveServer): number {
  const line = live.log.matching('RTMP client ip=').at(-1) ?? '';
  return Number(line.split(' ')[1]);
}
