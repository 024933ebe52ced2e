import assert from 'node:assert/strict';

import type { LivePeer, Message } from '../support/live-peer';
import { liveServers, texts, vhost } from '../support/live-server';
import { aacFrame, avcInterFrame, avcKeyFrame, sampleTags } from '../support/media';
import { plainValues } from '../support/rtmp-peer';

const tags = sampleTags(10, 5).slice(1);

/** One second of video, one frame each 40 ms with a key frame first, from a time on. */
function second(from: number): Pick<Message, 'type' | 'timestamp' | 'payload'>[] {
  return Array.from({ length: 25 }, (_, index) => {
    const text = `f${from + index * 40}`;
    const payload = index === 0 ? avcKeyFrame(text) : avcInterFrame(text);
    return { type: 9, timestamp: from + index * 40, payload };
  });
}

async function pause(player: LivePeer, isPaused: boolean): Promise<void> {
  player.command(1, 'pause', 0, null, isPaused, 0);
  await player.status(isPaused ? 'NetStream.Pause.Notify' : 'NetStream.Unpause.Notify');
}

describe('a player', () => {
  const start = liveServers();

  it('is answered in the order that players expect', async () => {
    const live = await start();
    const player = await live.client();
    const before = player.received.length;
    await player.play('s');
    const answers = player.received.slice(before).map(({ type, streamId, payload }) => {
      if (type !== 20 && type !== 18) return `${type}/${streamId} ${payload.toString('hex')}`;
      const [name, ...values] = plainValues(payload);
      const last = values.at(-1) as { code?: string } | number | boolean;
      return `${type}/${streamId} ${String(name)} ${typeof last === 'object' ? last.code! : last}`;
    });
    assert.deepEqual(answers, [
      '20/0 _result 1',
      '1/0 0000ea60',
      '4/0 000000000001',
      '20/1 onStatus NetStream.Play.Reset',
      '20/1 onStatus NetStream.Play.Start',
      '18/1 |RtmpSampleAccess true',
      '18/1 onStatus NetStream.Data.Start',
    ]);
  });

  it('may come before the publisher', async () => {
    const live = await start();
    const player = await live.player();
    assert.equal(live.log.matching('source_id=-1').length, 1);
    const publisher = await live.publisher();
    publisher.sendAll(tags);
    assert.deepEqual(texts(await player.media(tags.length)), texts(tags));
  });

  for (const options of ['mw_latency 0;', 'mw_latency 350; min_latency on;']) {
    it(`gets each message by itself with ${options}`, async () => {
      const live = await start(vhost().replace('mw_latency 0;', options));
      const player = await live.player();
      const publisher = await live.publisher();
      // Each is sent only when the one before has arrived: nothing waits for company.
      for (const tag of tags) {
        publisher.sendAll([tag]);
        assert.deepEqual(texts(await player.media(1)), texts([tag]));
      }
    });
  }

  it('gets nothing while paused, and then what it missed', async () => {
    const live = await start();
    const player = await live.player();
    const publisher = await live.publisher();
    publisher.sendAll(second(0));
    assert.deepEqual(texts(await player.media(25)), texts(second(0)));
    await pause(player, true);
    publisher.sendAll(second(1000));
    await publisher.ping();
    await player.ping();
    assert.deepEqual(player.waiting(), []);
    await pause(player, false);
    publisher.sendAll(second(2000));
    const heard = await player.media(50);
    assert.deepEqual(texts(heard), texts([...second(1000), ...second(2000)]));
  });

  it('that was paused for longer than the queue goes on at a key frame', async () => {
    const live = await start(vhost('queue_length 2;'));
    const player = await live.player();
    const publisher = await live.publisher();
    publisher.sendAll(tags.slice(0, 2));
    publisher.sendAll(second(0));
    await player.media(27);
    await pause(player, true);
    for (let at = 1000; at < 9000; at += 1000) publisher.sendAll(second(at));
    await publisher.ping();
    await pause(player, false);
    const heard = await player.media(2 + 25);
    const headers = tags.slice(0, 2).map((tag) => ({ ...tag, timestamp: 8000 }));
    assert.deepEqual(texts(heard), texts([...headers, ...second(8000)]));
    publisher.sendAll(second(9000));
    assert.deepEqual(texts(await player.media(25)), texts(second(9000)));
    assert.equal(player.waiting().length, 0);
  });

  it('gets as much as it asked for, and is told so', async () => {
    const live = await start();
    const player = await live.player('s', 1500);
    const publisher = await live.publisher();
    for (let at = 0; at < 3000; at += 1000) publisher.sendAll(second(at));
    await player.status('NetStream.Play.Stop');
    const heard = player.received.filter(({ type }) => type === 9);
    assert.equal(heard.at(-1)!.timestamp, 1480);
    assert.equal(heard.length, 38);
    assert.equal(live.log.matching('play stops after duration=1500').length, 1);
    // The connection is as good as new.
    await player.play('s', 600);
    publisher.sendAll(second(3000));
    await player.status('NetStream.Play.Stop');
    const all = player.received.filter(({ type }) => type === 9);
    assert.equal(all.length - heard.length, 15);
    await publisher.ping();
    assert.deepEqual(live.errors, []);
  });

  it('is told when the server stops', async () => {
    const live = await start();
    const player = await live.player();
    const publisher = await live.publisher();
    publisher.sendAll(tags);
    assert.deepEqual(texts(await player.media(tags.length)), texts(tags));
    const stopped = live.server.stop();
    await player.status('NetStream.Play.Stop');
    assert.equal((await publisher.status()).code, 'NetConnection.Connect.AppShutdown');
    await Promise.all([player.closed, publisher.closed, stopped]);
  });

  it('keeps its place among others who come and go', async () => {
    const live = await start();
    const publisher = await live.publisher();
    const steady = await live.player();
    for (let round = 0; round < 20; round++) {
      const guest = await live.player();
      publisher.sendAll(second(round * 1000));
      if (round % 2 === 0) guest.socket.destroy();
      else guest.command(1, 'closeStream', 0, null);
    }
    const all = Array.from({ length: 20 }, (_, round) => second(round * 1000)).flat();
    assert.deepEqual(texts(await steady.media(all.length)), texts(all));
    publisher.message(8, 20_000, aacFrame('end'));
    await steady.media(1);
  });
});
