import assert from 'node:assert/strict';

import { AmfObject } from '../../src/rtmp/amf0-value';
import type { AmfValue } from '../../src/rtmp/amf0-value';
import type { LivePeer, Status } from '../support/live-peer';
import { liveServers, vhost } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { aacFrame } from '../support/media';
import { TestRedis } from '../support/redis';
import { eventually } from '../support/waits';

type Info = Status & { tcUrl?: string; ex?: Record<string, unknown> };

describe('origins of one registry', () => {
  const start = liveServers();
  let redis: TestRedis;
  let first: LiveServer;
  let second: LiveServer;

  beforeEach(async () => {
    redis = await TestRedis.start();
    const config = `origin_registry ${redis.url}; origin_announce 127.0.0.1; ${vhost()}`;
    first = await start(config);
    second = await start(config);
    await Promise.all([first, second].map(connected));
  });

  afterEach(() => redis.stop());

  async function connected({ log }: LiveServer): Promise<void> {
    await log.until(() =>
      log.matching('origin registry').some((line) => line.endsWith('connected')),
    );
  }

  /** Somebody publishes on the second server, and Redis has heard of it. */
  async function published(stream = 's'): Promise<LivePeer> {
    const publisher = await second.publisher(stream);
    const key = `srs:stream:__defaultVhost__/live/${stream}`;
    let isThere = false;
    await eventually('the announcement', () => {
      void redis.command('HEXISTS', key, `127.0.0.1:${second.port}`).then((reply) => {
        isThere = reply === 1;
      });
      return isThere;
    });
    return publisher;
  }

  /** Asks the first server to play; what it is told, and that it is closed then. */
  async function redirected(more: Record<string, AmfValue>, stream = 's'): Promise<Info> {
    const player = await first.client(more);
    player.command(0, 'createStream', 2, null);
    player.command(1, 'play', 0, null, stream);
    const info = (await player.status()) as Info;
    await player.closed;
    return info;
  }

  /** Plays by the tcUrl of an answer, and hears what is published. */
  async function plays(tcUrl: string, publisher: LivePeer, stream = 's'): Promise<void> {
    const peer = await (await second.peer(Number(new URL(tcUrl).port))).handshake();
    await peer.connect({ tcUrl });
    await peer.play(stream);
    publisher.message(8, 0, aacFrame('a'));
    const [heard] = await peer.media(1);
    assert.ok(heard!.payload.equals(aacFrame('a')));
  }

  it('send a player who asks for it to the one that has the stream', async () => {
    const publisher = await published();
    const tcUrl = `rtmp://127.0.0.1:${first.port}/live?redirect=1`;
    const info = await redirected({ tcUrl }, 's?token=x');
    const there = `rtmp://127.0.0.1:${second.port}/live?redirect=1&redirected=1`;
    assert.deepEqual(info, {
      level: 'error',
      code: 'NetConnection.Connect.Rejected',
      description: 'RTMP 302 Redirect',
      ex: { code: 302, redirect: there, redirect2: `${there}/s?token=x` },
    });
    await plays(there, publisher);
    assert.deepEqual(first.errors, []);
    const [line] = first.log.matching('play redirected to');
    assert.equal(line, `trace 100 play redirected to ${there}/s?token=***`);
    assert.match(await first.closing(100), /client finished[.] time=/);
  });

  it('ask a player that follows reconnect requests to reconnect', async () => {
    const publisher = await published();
    const { code, level, tcUrl } = await redirected({ capsEx: 1 | 2 });
    assert.deepEqual([level, code], ['status', 'NetConnection.Connect.ReconnectRequest']);
    assert.equal(tcUrl, `rtmp://127.0.0.1:${second.port}/live?redirected=1`);
    await plays(tcUrl, publisher);
  });

  it('redirect by an argument of the connect, too', async () => {
    await published();
    const player = await (await first.peer()).handshake();
    const command = { app: 'live', tcUrl: `rtmp://127.0.0.1:${first.port}/live` };
    player.command(0, 'connect', 1, AmfObject.of(command), AmfObject.of({ redirect: true }));
    await player.reply(1);
    player.command(0, 'createStream', 2, null);
    player.command(1, 'play', 0, null, 's');
    assert.equal((await player.status()).description, 'RTMP 302 Redirect');
    await player.closed;
  });

  it('fetch the stream for players who do not ask', async () => {
    const publisher = await published();
    const player = await first.player();
    await second.log.until(() => second.log.matching('Play').length > 0);
    for (let at = 0; at < 3; at++) publisher.message(8, at * 20, aacFrame(`${at}`));
    const heard = await player.media(1);
    assert.equal(heard[0]!.type, 8);
    // What was fetched is not announced as if it were published there.
    const holders = await redis.command('HKEYS', 'srs:stream:__defaultVhost__/live/s');
    assert.deepEqual(holders, [`127.0.0.1:${second.port}`]);
  });

  it('play to who waits for a stream that is published elsewhere later', async () => {
    const player = await first.player('later');
    const publisher = await published('later');
    await second.log.until(() => second.log.matching('Play').length > 0);
    for (let at = 0; at < 3; at++) publisher.message(8, at * 20, aacFrame(`${at}`));
    const [heard] = await player.media(1);
    assert.equal(heard!.type, 8);
  });

  it('go on with what is played when Redis is gone', async () => {
    const publisher = await published();
    const player = await first.player();
    await second.log.until(() => second.log.matching('Play').length > 0);
    publisher.message(8, 0, aacFrame('a'));
    await player.media(1);
    await redis.kill();
    await first.log.until(() => first.log.matching('is lost').length > 0);
    publisher.message(8, 20, aacFrame('b'));
    const [heard] = await player.media(1);
    assert.ok(heard!.payload.equals(aacFrame('b')));
    const late = await first.player();
    publisher.message(8, 40, aacFrame('c'));
    assert.equal((await late.media(1))[0]!.type, 8);
    // By memory nobody is sent anywhere.
    const staying = await first.client({ capsEx: 1 });
    await staying.play('other');
    assert.equal(staying.isClosed, false);
  });

  it('take back what they announced when they stop', async () => {
    await published();
    await second.stop();
    assert.deepEqual(await redis.command('KEYS', 'srs:stream:*'), []);
  });
});
