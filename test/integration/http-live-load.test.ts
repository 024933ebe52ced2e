import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

import type { WebSocket } from 'ws';

import { RefusalStatus } from '../../src/app/access/access';
import type { AccessAction, Authorizer, ClientIdentity } from '../../src/app/access/access';
import { ErrorCode } from '../../src/core/errors';
import type { FlvHearing } from '../support/flv-hearing';
import { httpConfig, liveServers, texts } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { avcKeyFrame, avcSequenceHeader, sampleTags, videoSecond } from '../support/media';
import { eventually } from '../support/waits';

const tags = sampleTags(10, 5).slice(1);
const header = { type: 9, timestamp: 0, payload: avcSequenceHeader() };
const FRAME_BYTES = 32 * 1024;
const SECONDS = 20;
/** In the form of RTMP and of FLV: two seconds of queue, groups of pictures at both ends, and what is on its way. */
const HELD_LIMIT = 2 * 4 * 25 * FRAME_BYTES;

interface Player {
  readonly flv: FlvHearing;
  readonly socket: { pause(): unknown; resume(): unknown };
}

/** What it heard is in order, whole, and goes on at key frames where something is missing. */
function assertJumps(flv: FlvHearing): void {
  const times = flv.tags
    .filter(({ payload }) => payload.length >= FRAME_BYTES)
    .map(({ payload }) => Number(/f(\d+)/.exec(payload.toString('latin1', 0, 20))![1]));
  assert.ok(times.length < SECONDS * 25, 'some frames were left out');
  times.forEach((time, index) => {
    const isNext = time === (times[index - 1] ?? -40) + 40;
    assert.ok(isNext || time % 1000 === 0, `frame ${time} after ${times[index - 1]}`);
    assert.ok(index === 0 || time > times[index - 1]!);
  });
}

/** A plain connection is reset, another one just closed. */
function vanish(socket: object): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else if (socket instanceof Socket) socket.resetAndDestroy();
  else (socket as WebSocket).terminate();
}

describe('players over HTTP', () => {
  const start = liveServers();

  const joins: Record<string, (live: LiveServer) => Promise<Player>> = {
    HTTP: (live) => live.httpPlayer(),
    HTTPS: (live) => live.httpPlayer('/live/s.flv', 'HTTPS'),
    WebSocket: (live) => live.wsPlayer(),
    'WebSocket over TLS': (live) => live.wsPlayer('/live/s.flv', 'HTTPS'),
  };

  it('that read slowly skip to key frames in bounded memory, and disturb nobody', async () => {
    const live = await start(httpConfig({ vhost: 'queue_length 2;' }));
    const publisher = await live.publisher();
    publisher.setChunkSize(60_000);
    const good = await Promise.all(Object.values(joins).map((join) => join(live)));
    const slow = await Promise.all(Object.values(joins).map((join) => join(live)));
    for (const { socket } of slow) socket.pause();
    publisher.sendAll([header]);
    for (const { flv } of good) await flv.media(1);
    for (let at = 0; at < SECONDS * 1000; at += 1000) {
      const sent = videoSecond(at, FRAME_BYTES);
      publisher.sendAll(sent);
      for (const { flv } of good) assert.deepEqual(texts(await flv.media(25)), texts(sent));
    }
    // Who takes nothing is looked at once a second.
    await eventually('a short queue', () => live.heldBytes < HELD_LIMIT);
    const last = { type: 9, timestamp: SECONDS * 1000, payload: avcKeyFrame('last') };
    publisher.sendAll([last]);
    for (const { flv, socket } of slow) {
      socket.resume();
      await flv.next('the last frame', ({ payload }) => payload.equals(last.payload));
      assertJumps(flv);
    }
    assert.deepEqual(live.errors, []);
  });

  it('that read slowly skip in a transport stream, too', async () => {
    const live = await start(httpConfig({ vhost: 'queue_length 2;' }));
    const publisher = await live.publisher();
    publisher.setChunkSize(60_000);
    publisher.sendAll([...tags.slice(0, 4)]);
    await publisher.ping();
    const slow = await Promise.all([
      live.httpPlayer('/live/s.ts'),
      live.httpPlayer('/live/s.ts', 'HTTPS'),
    ]);
    const good = await live.httpPlayer('/live/s.ts');
    for (const { socket } of slow) socket.pause();
    for (let at = 0; at < SECONDS * 1000; at += 1000) {
      publisher.sendAll(videoSecond(at, FRAME_BYTES));
      const marker = `f${at + 960}`;
      await good.until(marker, () => good.media.slice(-40).some((bytes) => bytes.includes(marker)));
    }
    publisher.sendAll([{ type: 9, timestamp: SECONDS * 1000, payload: avcKeyFrame('last') }]);
    for (const peer of slow) {
      peer.socket.resume();
      await peer.until('the last', () =>
        peer.media.slice(-40).some((bytes) => bytes.includes('last')),
      );
      assert.ok(peer.mediaBytes < 0.9 * good.mediaBytes, 'some frames were left out');
      assert.equal(peer.mediaBytes % 188, 0);
    }
  });

  it('may vanish in the middle of a frame', async () => {
    const live = await start(httpConfig());
    const publisher = await live.publisher();
    publisher.setChunkSize(60_000);
    const good = await live.httpPlayer();
    for (const join of Object.values(joins)) {
      const lost = await join(live);
      lost.socket.pause();
      publisher.sendAll([header, ...videoSecond(0, FRAME_BYTES)]);
      await good.flv.media(25);
      vanish(lost.socket);
      await live.sockets(2);
    }
    await live.log.until(() => live.log.matching('client disconnect peer').length === 4);
    publisher.sendAll([{ type: 9, timestamp: 1000, payload: avcKeyFrame('last') }]);
    await good.flv.next('the last', ({ payload }) => payload.equals(avcKeyFrame('last')));
  });

  it('come and go 200 times, and nothing is left of them', async () => {
    const live = await start(httpConfig());
    const publisher = await live.publisher();
    publisher.sendAll(tags);
    await publisher.ping();
    const paths = ['/live/s.flv', '/live/s.ts', '/live/s.aac', '/live/s.flv', '/live/none.flv'];
    let held = 0;
    for (let round = 0; round < 20; round++) {
      const gone = Array.from({ length: 10 }, async (_, index) => {
        const path = paths[index % paths.length]!;
        const peer = await live.http(index < 2 ? 'HTTPS' : 'HTTP');
        peer.ask(path);
        // Some leave before they are answered, some while they get media.
        const isPatient = !path.includes('none') && round % 3 > 0;
        if (isPatient && path.endsWith('.flv')) {
          await peer.live();
          await peer.flv.media(2);
        }
        if (index % 2 === 0) vanish(peer.socket);
        else peer.socket.end();
        await peer.closed;
      });
      publisher.sendAll([
        { type: 9, timestamp: 400 + round * 40, payload: avcKeyFrame(`r${round}`) },
      ]);
      await Promise.all(gone);
      await live.sockets(1);
      held = round === 0 ? live.heldBytes : Math.max(held, live.heldBytes);
    }
    assert.ok(held < 64 * 1024, `${held} bytes held`);
    publisher.socket.destroy();
    await live.sockets(0);
    const players =
      live.log.matching('client finished.').length +
      live.log.matching('client disconnect peer').length;
    assert.ok(players > 100, `${players} closing lines`);
    const streams = [...live.log.matching('source url=')].filter((line) => line.includes('none'));
    assert.ok(streams.length > 0);
    assert.equal(live.engine.stats.sockets, 0);
  });

  it('are kept out by the rules for pages', async () => {
    const live = await start(
      httpConfig({ vhost: 'refer_play pages.net; refer_publish studio.net;' }),
    );
    const publisher = await live.client({ pageUrl: 'http://studio.net/' });
    await publisher.publish('s');
    const asked: [headers: Record<string, string>, status: number][] = [
      [{}, 403],
      [{ Referer: 'http://evil.net/?pages.net' }, 403],
      [{ Referer: 'https://www.pages.net/a' }, 200],
      [{ Origin: 'https://pages.net' }, 200],
    ];
    for (const [headers, status] of asked) {
      const peer = await live.http();
      peer.ask('/live/s.flv', { headers });
      assert.equal((await peer.head()).status, status, JSON.stringify(headers));
      const post = await live.get('/live/p.flv', { method: 'POST', headers, body: 'x' });
      assert.equal(post.status, 403);
    }
    assert.match(live.errors[0]!, /^error 101 play refused, refer rule denies a client without/);
    assert.match(live.errors[1]!, /^error 102 publish refused, refer rule denies/);
  });

  it('are asked about, and refused by an authorizer, as those of RTMP are', async () => {
    const asked: string[] = [];
    const denied = {
      code: ErrorCode.RTMP_ACCESS_DENIED,
      status: RefusalStatus.play,
      description: 'not today',
    };
    const note = (what: string, action: AccessAction, { ip, request }: ClientIdentity): void => {
      asked.push(`${what} ${action} ${request.stream}${request.streamParam} ${ip}`);
    };
    const authorizer: Authorizer = {
      authorize: async (action, client) => {
        note('may', action, client);
        await new Promise(setImmediate);
        return client.request.streamParam.includes('key=good') ? undefined : denied;
      },
      ended: (action, client) => {
        note('ended', action, client);
      },
    };
    const live = await start(httpConfig({ remux: 'publisher_wait 0;' }), undefined, { authorizer });
    const bad = await live.get('/live/s.flv?key=bad');
    assert.equal(bad.status, 403);
    assert.match(bad.body.toString(), /not today/);
    const body = 'not looked at';
    assert.equal((await live.get('/live/s.flv?key=bad', { method: 'POST', body })).status, 403);
    await assert.rejects(live.wsPlayer('/live/s.flv?key=bad'), /40[34]/);
    assert.equal((await live.get('/live/s.flv?key=good')).status, 404);
    await live.sockets(0);
    const refused = ['may connect s?key=bad 127.0.0.1', 'may connect s?key=bad 127.0.0.1'];
    assert.deepEqual(asked.slice(0, 2), refused);
    const begun = asked.filter((line) => line.startsWith('may') && line.includes('good')).length;
    const ended = asked.filter((line) => line.startsWith('ended')).length;
    assert.equal(ended, begun);
  });
});
