import assert from 'node:assert/strict';

import { AmfObject } from '../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../src/rtmp/amf0-writer';
import { httpConfig, liveServers, PROMPT_MS, texts } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { aacFrame, avcKeyFrame, sampleTags, videoSecond } from '../support/media';
import { plainValues } from '../support/rtmp-peer';

/** Headers and frames, without the metadata, which the server changes. */
const tags = sampleTags(10, 5).slice(1);
const headers = tags.slice(0, 2);

describe('a stream as FLV over HTTP', () => {
  const start = liveServers();

  it('is message by message what an RTMP player gets', async () => {
    const live = await start(httpConfig());
    const publisher = await live.publisher();
    const rtmp = await live.player();
    const http = await live.httpPlayer();
    const metadata = AmfObject.ecmaArray({ width: 640, encoder: 'mine' });
    const cue = encodeAmf0('onCuePoint', AmfObject.of({ at: 1 }));
    publisher.message(18, 0, encodeAmf0('@setDataFrame', 'onMetaData', metadata));
    publisher.sendAll(tags);
    publisher.message(18, 390, cue);
    publisher.sendAll([{ type: 9, timestamp: 400, payload: avcKeyFrame('last') }]);
    const wanted = await rtmp.media(tags.length + 3);
    const last = await http.flv.next('the last', ({ timestamp }) => timestamp === 400);
    assert.ok(last.payload.equals(avcKeyFrame('last')));
    assert.deepEqual(texts(http.flv.tags), texts(wanted));
    const [name, values] = plainValues(http.flv.tags[0]!.payload) as [string, object];
    assert.equal(name, 'onMetaData');
    assert.ok('server' in values);
  });

  it('is announced by a head that ends with the connection', async () => {
    const live = await start(httpConfig());
    await live.publisher();
    const peer = await live.http();
    peer.ask('/live/s.flv');
    const head = await peer.live();
    assert.equal(head.status, 200);
    assert.deepEqual(
      ['content-type', 'cache-control', 'connection', 'content-length', 'transfer-encoding'].map(
        (name) => head.headers.get(name),
      ),
      ['video/x-flv', 'no-cache, no-store', 'close', undefined, undefined],
    );
    assert.equal(head.headers.get('access-control-allow-origin'), '*');
    const described = await live.get('/live/s.flv', { method: 'HEAD' });
    assert.equal(described.status, 200);
    assert.equal(described.headers.get('content-type'), 'video/x-flv');
  });

  it('begins for a late player with headers and the last key frame', async () => {
    const live = await start(httpConfig());
    const publisher = await live.publisher();
    publisher.sendAll(tags);
    await publisher.ping();
    const player = await live.httpPlayer();
    const gop = tags.slice(2 + 10);
    const stamped = headers.map((tag) => ({ ...tag, timestamp: 200 }));
    assert.deepEqual(texts(await player.flv.media(12)), texts([...stamped, ...gop]));
  });

  it('is sent in merged writes of mw_latency, complete', async () => {
    const live = await start(httpConfig().replace('mw_latency 0;', 'mw_latency 100;'));
    const publisher = await live.publisher();
    const players = await Promise.all(Array.from({ length: 10 }, () => live.httpPlayer()));
    publisher.sendAll(tags);
    for (const { flv } of players) assert.deepEqual(texts(await flv.media(22)), texts(tags));
  });

  it('is waited for, by those who come before the publisher', async () => {
    const live = await start(httpConfig());
    const early = await live.http();
    early.ask('/live/s.flv');
    await live.log.until(() => live.log.matching('source url=').length === 1);
    assert.equal(early.unread.length, 0);
    const publisher = await live.publisher();
    assert.equal((await early.live()).status, 200);
    publisher.sendAll(tags);
    assert.deepEqual(texts(await early.flv.media(22)), texts(tags));
  });

  it('is waited for no longer than publisher_wait, before the first publisher and between two', async () => {
    const live = await start(httpConfig({ remux: 'publisher_wait 0.3;' }));
    const began = performance.now();
    const early = await live.http();
    const refused = await early.get('/live/s.flv');
    assert.equal(refused.status, 404);
    assert.ok(performance.now() - began > 250);
    const publisher = await live.publisher();
    const player = await live.httpPlayer();
    publisher.sendAll(tags);
    await player.flv.media(22);
    publisher.command(0, 'FCUnpublish', 9, null, 's');
    await publisher.status('NetStream.Unpublish.Success');
    const left = performance.now();
    await player.closed;
    assert.ok(performance.now() - left > 250);
    await live.log.until(() => live.log.matching('client finished. time=').length === 1);
    // A keep-alive connection that was refused can be used again, and what waited is forgotten.
    assert.equal((await early.get('/none')).status, 404);
    publisher.socket.destroy();
    early.socket.destroy();
    await live.sockets(0);
  });

  it('is not waited for with publisher_wait 0, and not with hstrs off', async () => {
    for (const remux of ['publisher_wait 0;', 'hstrs off;']) {
      const live = await start(httpConfig({ remux }));
      assert.equal((await live.get('/live/s.flv')).status, 404, remux);
    }
  });

  it('goes on in the same connection when it is published anew', async () => {
    const live = await start(httpConfig());
    const first = await live.publisher();
    const player = await live.httpPlayer();
    first.sendAll(tags);
    await player.flv.media(22);
    first.socket.destroy();
    await live.log.until(() => live.log.matching('cleanup when unpublish').length === 1);
    const second = await live.publisher();
    second.sendAll(tags);
    const heard = await player.flv.media(22);
    assert.deepEqual(
      heard.map(({ payload }) => payload.toString('hex')),
      tags.map(({ payload }) => payload.toString('hex')),
    );
    // Time goes on, too.
    const times = player.flv.tags.map(({ timestamp }) => timestamp);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    );
  });

  it('goes on when another publisher takes over', async () => {
    const live = await start(httpConfig({ vhost: 'publish_conflict takeover;' }));
    const first = await live.publisher();
    const player = await live.httpPlayer();
    first.sendAll(tags);
    await player.flv.media(22);
    const second = await live.publisher();
    await first.closed;
    second.sendAll([...headers, ...videoSecond(5000)]);
    await player.flv.next('the new pictures', ({ payload }) => {
      return payload.equals(videoSecond(5000)[24]!.payload);
    });
  });

  it('is a recording of nothing but whole tags, however it ends', async () => {
    const live = await start(httpConfig());
    const publisher = await live.publisher();
    const player = await live.httpPlayer();
    publisher.sendAll(tags);
    await player.flv.media(22);
    const stopped = live.server.stop();
    await player.closed;
    await stopped;
    assert.equal(player.mediaBytes, 13 + sizeOf(player.flv.tags));
  });

  for (const kind of ['HTTP', 'HTTPS', 'WS', 'WSS'] as const) {
    it(`ends in good order for players by ${kind} when the server stops`, async () => {
      const live = await start(httpConfig());
      const publisher = await live.publisher();
      const players = await Promise.all(
        Array.from({ length: 5 }, () => {
          if (kind === 'HTTP' || kind === 'HTTPS') return live.httpPlayer('/live/s.flv', kind);
          return live.wsPlayer('/live/s.flv', kind === 'WS' ? 'HTTP' : 'HTTPS');
        }),
      );
      publisher.sendAll(tags);
      for (const { flv } of players) await flv.media(22);
      const waiting = await live.http();
      waiting.ask('/live/to-come.flv');
      await live.log.until(() => live.log.matching('stream_name=to-come').length > 0);
      const began = performance.now();
      const stopped = live.server.stop();
      assert.equal((await waiting.answer()).status, 503);
      const codes = await Promise.all(players.map(({ closed }) => closed));
      await stopped;
      assert.ok(performance.now() - began < PROMPT_MS, 'it takes its time');
      if (kind.startsWith('WS')) assert.deepEqual(new Set(codes), new Set([1000]));
      const finished = live.log.matching('client finished.');
      assert.equal(finished.length, 6, finished.join('\n'));
      assert.deepEqual(
        live.errors.filter((line) => !line.includes('shutting down')),
        [],
      );
    });
  }

  it('of a name that is no path of a file is refused', async () => {
    const live = await start(httpConfig());
    for (const path of [
      '/live/../s.flv',
      '/live/%2e%2e/s.flv',
      '/live/%252e%252e/s.flv',
      '/live/a%5Cb.flv',
    ]) {
      const { status } = await live.get(path);
      assert.ok(status === 400 || status === 404, `${path}: ${status}`);
    }
    assert.equal(live.log.matching('source url=').length, 0);
  });

  it('can be audio alone, and begins at once for those who come late', async () => {
    const live = await start(httpConfig());
    const publisher = await live.publisher();
    const sound = [0, 23, 46].map((timestamp) => ({
      type: 8,
      timestamp,
      payload: aacFrame(`a${timestamp}`),
    }));
    publisher.sendAll([headers[1]!, ...sound]);
    await publisher.ping();
    const late = await live.httpPlayer();
    publisher.sendAll([{ type: 8, timestamp: 70, payload: aacFrame('now') }]);
    const heard = await late.flv.media(2);
    assert.ok(heard[0]!.payload.equals(headers[1]!.payload));
    assert.ok(heard[1]!.payload.equals(aacFrame('now')));
  });
});

function sizeOf(flv: LiveServerTags): number {
  return flv.reduce((sum, { payload }) => sum + 11 + payload.length + 4, 0);
}

type LiveServerTags = Awaited<ReturnType<LiveServer['httpPlayer']>>['flv']['tags'];
