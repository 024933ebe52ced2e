import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { useFakeTimers } from 'sinon';

import { ErrorCode, SrsError } from '../../src/core/errors';
import type { LivePeer, Message } from '../support/live-peer';
import { LiveServer, liveServers, texts, vhost } from '../support/live-server';
import { avcInterFrame, avcKeyFrame, avcSequenceHeader, sampleTags } from '../support/media';
import { pairFiles, trusted } from '../support/tls';

const tags = sampleTags(10, 5).slice(1);
const header = { type: 9, timestamp: 0, payload: avcSequenceHeader() };

type Sent = Pick<Message, 'type' | 'timestamp' | 'payload'>;

/** One second of video, one frame each 40 ms with a key frame first, from a time on. */
function second(from: number, size?: number): Sent[] {
  return Array.from({ length: 25 }, (_, index) => {
    const frame = index === 0 ? avcKeyFrame : avcInterFrame;
    const payload = frame(`f${from + index * 40}`, size);
    return { type: 9, timestamp: from + index * 40, payload };
  });
}

function secure(options = '', files = pairFiles('first')): string {
  const others = `rtmps_listen 127.0.0.1:0; rtmps_cert ${files.cert}; rtmps_key ${files.key};`;
  return vhost(options, others);
}

describe('RTMPS', () => {
  const startAny = liveServers();
  const start = async (config = secure()): Promise<LiveServer> => {
    const live = await startAny(config);
    live.trusted = trusted('first');
    return live;
  };

  it('carries the same stream as RTMP, from publishers and to players', async () => {
    const live = await start();
    const early = await live.player();
    const publisher = await live.publisher();
    live.trusted = undefined;
    const plain = await live.player();
    publisher.sendAll(tags);
    const heard = texts(await plain.media(tags.length));
    assert.deepEqual(heard, texts(tags));
    assert.deepEqual(texts(await early.media(tags.length)), heard);
    // Those who come late begin at the same place.
    const latePlain = await live.player();
    live.trusted = trusted('first');
    const late = await live.player();
    const last = { type: 9, timestamp: 10_000, payload: avcKeyFrame('last') };
    publisher.sendAll([last]);
    const [these = [], those] = await Promise.all(
      [latePlain, late].map(async (player) => {
        await player.next('the last frame', ({ payload }) => payload.equals(last.payload));
        return texts(player.received.filter(({ type }) => type === 8 || type === 9));
      }),
    );
    assert.ok(these.length > 3);
    assert.deepEqual(those, these);
    assert.equal(live.log.matching('RTMPS client ip=127.0.0.1, TLSv1.2').length, 3);
    assert.deepEqual(live.errors, []);
    for (const { socket } of [early, plain, latePlain, late, publisher]) socket.destroy();
    await live.empty();
  });

  for (const options of ['mw_latency 0;', 'mw_latency 350; min_latency on;']) {
    it(`sends each message by itself with ${options}`, async () => {
      const live = await start(secure().replace('mw_latency 0;', options));
      const player = await live.player();
      const publisher = await live.publisher();
      for (const tag of tags) {
        publisher.sendAll([tag]);
        assert.deepEqual(texts(await player.media(1)), texts([tag]));
      }
    });
  }

  it('merges what a player gets within mw_latency', async () => {
    const live = await start(secure().replace('mw_latency 0;', 'mw_latency 200;'));
    const player = await live.player();
    const publisher = await live.publisher();
    const beganMs = performance.now();
    publisher.sendAll([header, ...second(0)]);
    await player.media(26);
    const tookMs = performance.now() - beganMs;
    assert.ok(tookMs >= 150, `came after ${tookMs} ms`);
  });

  it('pauses, goes on, and ends a play after its duration', async () => {
    const live = await start();
    const player = await live.player('s', 3900);
    const publisher = await live.publisher();
    publisher.sendAll(second(0));
    await player.media(25);
    player.command(1, 'pause', 0, null, true, 0);
    await player.status('NetStream.Pause.Notify');
    publisher.sendAll(second(1000));
    await publisher.ping();
    await player.ping();
    assert.deepEqual(player.waiting(), []);
    player.command(1, 'pause', 0, null, false, 0);
    await player.status('NetStream.Unpause.Notify');
    publisher.sendAll([...second(2000), ...second(3000), ...second(4000)]);
    await player.status('NetStream.Play.Stop');
    const heard = player.received.filter(({ type }) => type === 9);
    assert.deepEqual(
      heard.map(({ timestamp }) => timestamp),
      Array.from({ length: heard.length }, (_, index) => index * 40),
    );
    assert.equal(heard.at(-1)!.timestamp, 3880);
    assert.equal(live.log.matching('play stops after duration=3900').length, 1);
  });

  it('is ended in good order when the server stops', async () => {
    const live = await start();
    const player = await live.player();
    const publisher = await live.publisher();
    publisher.sendAll(tags);
    await player.media(tags.length);
    let hasEnded = false;
    player.socket.on('end', () => (hasEnded = true));
    const stopped = live.server.stop();
    await player.status('NetStream.Play.Stop');
    assert.equal((await publisher.status()).code, 'NetConnection.Connect.AppShutdown');
    await Promise.all([player.closed, publisher.closed, stopped]);
    assert.ok(hasEnded);
  });

  it('gives one line to each who does not speak it, and keeps nothing of them', async () => {
    const live = await start();
    const sayings: [Buffer, RegExp][] = [
      [Buffer.alloc(1537, 3), /TLS handshake failed: /],
      [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), /TLS handshake failed: .*http request/],
      [Buffer.alloc(5000, 0xff), /TLS handshake failed: /],
      [Buffer.alloc(0), /the peer left before the TLS handshake/],
    ];
    for (const [bytes, reason] of sayings) {
      const before = live.log.lines.length;
      const stranger = connect(live.securePort, '127.0.0.1');
      stranger.on('error', () => undefined).resume();
      if (bytes.length > 0) stranger.write(bytes);
      else stranger.end();
      await new Promise((resolve) => stranger.once('close', resolve));
      await live.log.until(() => live.log.lines.length > before);
      const [line = '', ...more] = live.log.lines.slice(before);
      assert.deepEqual(more, []);
      assert.match(
        line,
        /^warn \d+ client disconnect peer\. ret=1004, .*, RTMPS ip=127\.0\.0\.1, /,
      );
      assert.match(line, reason);
    }
    assert.equal(live.engine.stats.sockets, 0);
  });

  it('serves fifty players beside one that reads nothing', async () => {
    const live = await start(secure('queue_length 2;'));
    const players: LivePeer[] = [];
    for (let made = 0; made < 50; made += 10) {
      players.push(...(await Promise.all(Array.from({ length: 10 }, () => live.player()))));
    }
    const slow = await live.player();
    slow.socket.pause();
    const publisher = await live.publisher();
    publisher.setChunkSize(60_000);
    let held = 0;
    for (let at = -1000; at < 20_000; at += 1000) {
      const sent = at < 0 ? [header] : second(at, 16 * 1024);
      publisher.sendAll(sent);
      await Promise.all(
        players.map(async (player) => {
          assert.deepEqual(texts(await player.media(sent.length)), texts(sent));
        }),
      );
      held = Math.max(held, live.heldBytes);
    }
    assert.ok(held < 8 * 25 * 16 * 1024, `${held} bytes are held`);
    const last = { type: 9, timestamp: 20_000, payload: avcKeyFrame('last') };
    publisher.sendAll([last]);
    slow.socket.resume();
    await slow.next('the last frame', ({ payload }) => payload.equals(last.payload));
    const numbers = slow.received
      .filter(({ type, payload }) => type === 9 && payload.length >= 16 * 1024)
      .map(({ payload }) => Number(/f(\d+)/.exec(payload.toString('latin1', 0, 20))![1]));
    assert.ok(numbers.length < 500, 'some frames were left out');
    numbers.forEach((number, index) => {
      const isNext = number === (numbers[index - 1] ?? -40) + 40;
      assert.ok(isNext || number % 1000 === 0, `frame ${number} after ${numbers[index - 1]}`);
    });
  });
});

describe('the certificate of RTMPS', () => {
  const startAny = liveServers();
  const files = { cert: '', key: '' };
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'srs-rtmps-'));
    Object.assign(files, { cert: join(folder, 'a.crt'), key: join(folder, 'a.key') });
    put('cert', 'first');
    put('key', 'first');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function put(part: 'cert' | 'key', name: 'first' | 'second'): void {
    rmSync(files[part], { force: true });
    copyFileSync(pairFiles(name)[part], files[part]);
  }

  it('is replaced without touching those who are there, and only by one that fits', async () => {
    const timers = useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const live = await startAny(secure('', files));
      live.trusted = trusted('first');
      const player = await live.player();
      const publisher = await live.publisher();

      put('cert', 'second');
      timers.tick(5000);
      await live.log.until(() => live.log.matching('certificate stays as it was').length === 1);
      await live.player();

      put('key', 'second');
      timers.tick(5000);
      await live.log.until(() => live.log.matching('names=second.test').length === 1);
      await assert.rejects(live.player(), /self.signed certificate/);
      live.trusted = trusted('second');
      const newcomer = await live.player();

      publisher.sendAll(tags);
      for (const one of [player, newcomer]) {
        assert.deepEqual(texts(await one.media(tags.length)), texts(tags));
      }
    } finally {
      timers.restore();
    }
  });

  it('keeps the server from starting when it cannot be used', async () => {
    put('key', 'second');
    const live = new LiveServer(secure('', files));
    await assert.rejects(live.server.start(), (error) => {
      return error instanceof SrsError && error.code === ErrorCode.SYSTEM_CONFIG_INVALID;
    });
    await live.stop();
  });
});
