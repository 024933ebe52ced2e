import assert from 'node:assert/strict';

import { ManualClock } from '../support/fakes/manual-clock';
import type { LivePeer } from '../support/live-peer';
import { liveServers, texts, vhost } from '../support/live-server';
import { aacFrame, avcInterFrame, avcKeyFrame, avcSequenceHeader, records } from '../support/media';

const header = { type: 9, timestamp: 0, payload: avcSequenceHeader() };
const otherHeader = { type: 9, timestamp: 0, payload: avcSequenceHeader(records.avcBaseline) };

/** Headers, a key frame and some more, from a time on. */
function frames(from: number, name: string, first = header): (typeof header)[] {
  const inter = [40, 80, 120].map((ms) => ({
    type: 9,
    timestamp: from + ms,
    payload: avcInterFrame(`${name}${ms}`),
  }));
  const key = { type: 9, timestamp: from, payload: avcKeyFrame(name) };
  return [{ ...first, timestamp: from }, key, ...inter];
}

/** The next messages carry these payloads, and time does not go back. */
async function assertFollows(
  player: LivePeer,
  last: number,
  sent: (typeof header)[],
): Promise<number> {
  const heard = await player.media(sent.length);
  assert.deepEqual(
    heard.map(({ payload }) => payload.toString('hex')),
    sent.map(({ payload }) => payload.toString('hex')),
  );
  let before = last;
  for (const { timestamp } of heard) {
    assert.ok(timestamp >= before, `${timestamp} after ${before}`);
    before = timestamp;
  }
  return before;
}

describe('a second publisher of a stream', () => {
  const start = liveServers();

  for (const policy of ['reject', 'auto']) {
    it(`is refused in words by policy ${policy} while the first one sends`, async () => {
      const live = await start(vhost(`publish_conflict ${policy};`));
      const player = await live.player();
      const first = await live.publisher();
      first.sendAll(frames(0, 'a'));
      const second = await live.client();
      assert.deepEqual(await second.publish('s'), {
        level: 'error',
        code: 'NetStream.Publish.BadName',
        description: 'stream __defaultVhost__/live/s is already published by id=101',
        clientid: 'ASAICiss',
      });
      await second.closed;
      assert.deepEqual(live.errors, [
        'error 102 publish refused, stream __defaultVhost__/live/s is already published by id=101, ret=1028',
      ]);
      assert.equal(await assertFollows(player, 0, frames(0, 'a')), 120);
      await first.ping();
    });
  }

  it('takes over from a silent one by policy auto, and not before', async () => {
    const clock = new ManualClock();
    const live = await start(vhost('publish_conflict_idle 2;'), clock);
    const player = await live.player();
    const first = await live.publisher();
    first.sendAll(frames(0, 'a'));
    await first.ping();
    clock.advance(1999);
    const early = await live.client();
    assert.equal((await early.publish('s')).code, 'NetStream.Publish.BadName');
    clock.advance(1);
    const second = await live.publisher();
    const status = await first.status();
    assert.deepEqual(
      [status.code, status.description],
      ['NetStream.Publish.BadName', 'replaced by id=103'],
    );
    await first.closed;
    second.sendAll(frames(0, 'b'));
    await assertFollows(player, 0, [...frames(0, 'a'), ...frames(0, 'b')]);
  });

  it('takes over at once by policy takeover, and players go on in time', async () => {
    const live = await start(vhost('publish_conflict takeover;'));
    const player = await live.player();
    const first = await live.publisher();
    first.sendAll(frames(90_000, 'a'));
    let last = await assertFollows(player, 0, frames(90_000, 'a'));
    const second = await live.publisher();
    assert.equal((await first.status()).code, 'NetStream.Publish.BadName');
    await first.closed;
    second.sendAll(frames(0, 'b', otherHeader));
    last = await assertFollows(player, last, frames(0, 'b', otherHeader));
    assert.ok(last >= 120 + 120, `${last}`);
    assert.deepEqual(live.errors, ['error 101 publish refused, replaced by id=102, ret=1028']);
    const late = await live.player();
    await assertFollows(late, 0, frames(0, 'b', otherHeader));
  });

  it('finds the stream free when the first one has gone, whose players stay', async () => {
    const live = await start(vhost('publish_conflict reject;'));
    const player = await live.player();
    let last = 0;
    for (const [round, leave] of (['end', 'destroy', 'unpublish', 'end'] as const).entries()) {
      const publisher = await live.publisher();
      const configuration = round % 2 === 0 ? header : otherHeader;
      const sent = frames(1000 * round, `${round}`, configuration);
      publisher.sendAll(sent);
      last = await assertFollows(player, last, sent);
      if (leave === 'unpublish') {
        publisher.command(0, 'FCUnpublish', 9, null, 's');
        await publisher.status('NetStream.Unpublish.Success');
      } else {
        publisher.socket[leave]();
        await live.closing(101 + round);
      }
    }
    // What the last publisher left is not for a player who comes now.
    const late = await live.player();
    const next = await live.publisher();
    next.message(8, 0, aacFrame('new'));
    assert.deepEqual(
      texts(await late.media(1)),
      texts([{ type: 8, timestamp: 0, payload: aacFrame('new') }]),
    );
  });

  it('gets the stream at once though its players are told nothing', async () => {
    const live = await start();
    const player = await live.player();
    const before = player.received.length;
    const publisher = await live.publisher();
    publisher.socket.destroy();
    await live.closing(101);
    await live.publisher();
    await player.ping();
    assert.deepEqual(
      player.received.slice(before).map(({ type }) => type),
      [4],
    );
    assert.deepEqual(live.errors, []);
  });
});
