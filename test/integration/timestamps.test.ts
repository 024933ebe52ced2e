import assert from 'node:assert/strict';

import { AmfObject } from '../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../src/rtmp/amf0-writer';
import type { LivePeer, Message } from '../support/live-peer';
import { liveServers, texts, vhost } from '../support/live-server';
import { avcInterFrame, avcKeyFrame, avcSequenceHeader } from '../support/media';

type Sent = Pick<Message, 'type' | 'timestamp' | 'payload'>;

/** A key frame at the first of these times, inter frames at the others; `size` makes them long. */
function frames(times: readonly number[], size = 0): Sent[] {
  return times.map((timestamp, index) => {
    const frame = index === 0 ? avcKeyFrame : avcInterFrame;
    return { type: 9, timestamp, payload: frame(`${timestamp}`, size) };
  });
}

const header = (timestamp: number): Sent => ({ type: 9, timestamp, payload: avcSequenceHeader() });

/** The same with other times. */
function at(sent: readonly Sent[], times: readonly number[]): Sent[] {
  return sent.map((one, index) => ({ ...one, timestamp: times[index]! }));
}

async function times(player: LivePeer, count: number): Promise<number[]> {
  return (await player.media(count)).map(({ timestamp }) => timestamp);
}

const STEPS = [1000, 1040, 1080, 500, 540, 9000, 9040];
const MODES: [options: string, expected: number[]][] = [
  ['time_jitter full;', [0, 40, 80, 120, 160, 200, 240]],
  ['time_jitter zero;', [0, 40, 80, 0, 40, 8500, 8540]],
  ['time_jitter off;', STEPS],
  ['atc on;', STEPS],
];

/** Around the end of 24 bits, where the extended timestamp begins. */
const PAST_24_BITS = [0xffff00, 0xffffc0, 0xfffffe, 0xffffff, 0x1000000, 0x1000040, 0x1200040];
const NEAR_31_BITS = [0x7fffff00, 0x7fffffc0, 0x7fffffff];

describe('timestamps', () => {
  const start = liveServers();

  for (const [options, expected] of MODES) {
    it(`that go back and jump are ${expected.join(' ')} with ${options}`, async () => {
      const live = await start(vhost(options));
      const player = await live.player();
      const publisher = await live.publisher();
      publisher.sendAll(frames(STEPS));
      assert.deepEqual(texts(await player.media(7)), texts(at(frames(STEPS), expected)));
    });
  }

  it('of audio a little behind the video do not go back with time_jitter full', async () => {
    const live = await start();
    const player = await live.player();
    const publisher = await live.publisher();
    const [key, ...inter] = frames([0, 40, 80, 120]);
    const sound = (timestamp: number): Sent => ({
      type: 8,
      timestamp,
      payload: Buffer.of(0xaf, 1, 7),
    });
    publisher.sendAll([
      key!,
      sound(0),
      inter[0]!,
      sound(23),
      inter[1]!,
      sound(46),
      inter[2]!,
      sound(140),
    ]);
    assert.deepEqual(await times(player, 8), [0, 0, 40, 40, 80, 80, 120, 140]);
  });

  for (const [what, clock] of [
    ['past 24 bits', PAST_24_BITS],
    ['near 31 bits', NEAR_31_BITS],
  ] as const) {
    for (const options of ['time_jitter off;', 'atc on;']) {
      for (const chunkSize of [128, 60_000]) {
        it(`${what} pass as they are with ${options} in chunks of ${chunkSize}`, async () => {
          const live = await start(vhost(`${options} chunk_size ${chunkSize};`));
          const early = await live.player();
          const publisher = await live.publisher();
          const sent = [header(clock[0]!), ...frames(clock, 70_000)];
          publisher.setChunkSize(chunkSize);
          publisher.sendAll(sent);
          assert.deepEqual(texts(await early.media(sent.length)), texts(sent));
          const late = await live.player();
          assert.deepEqual(texts(await late.media(sent.length)), texts(sent));
        });
      }
    }

    it(`${what} begin at zero for players otherwise`, async () => {
      const live = await start();
      const early = await live.player();
      const publisher = await live.publisher();
      publisher.sendAll(frames(clock, 300));
      const expected = clock.slice(0, 6).map((time) => time - clock[0]!);
      assert.deepEqual(await times(early, expected.length), expected);
      const late = await live.player();
      assert.deepEqual(await times(late, expected.length), expected);
    });
  }

  it('of a player grow past 24 bits, within long messages and for those who join there', async () => {
    const live = await start(vhost('time_jitter zero; chunk_size 128;'));
    const early = await live.player();
    const publisher = await live.publisher();
    const sent = [...frames([0, ...PAST_24_BITS], 1000)];
    publisher.sendAll(sent);
    assert.deepEqual(texts(await early.media(8)), texts(sent));
    const back = frames([0x1200000], 1000).map((one) => ({
      ...one,
      payload: avcInterFrame('b', 999),
    }));
    publisher.sendAll(back);
    assert.deepEqual(texts(await early.media(1)), texts(back));
    const late = await live.player();
    assert.deepEqual(texts(await late.media(9)), texts([...sent, ...back]));
  });

  it('past 31 bits begin anew, and players with time_jitter full do not see it', async () => {
    const live = await start();
    const player = await live.player();
    const publisher = await live.publisher();
    publisher.sendAll(frames([0x7fffffd8, 0x80000000, 0x80000028]));
    assert.deepEqual(await times(player, 3), [0, 40, 80]);
  });

  it('are read when their extension stands on the first chunk of a message only', async () => {
    const live = await start(vhost('time_jitter off;'));
    const player = await live.player();
    const publisher = await live.publisher();
    const frame = avcKeyFrame('ffmpeg does so', 378);
    // The last chunk is shorter than an extension would be.
    assert.equal(frame.length, 3 * 128 + 3);
    const head = Buffer.of(6, 0xff, 0xff, 0xff, 0, 1, 0x83, 9, 1, 0, 0, 0, 0x01, 0x23, 0x45, 0x67);
    const pieces = [0, 128, 256, 384].map((from) => frame.subarray(from, from + 128));
    const chunks = pieces.flatMap((piece, index) =>
      index === 0 ? [head, piece] : [Buffer.of(0xc6), piece],
    );
    publisher.socket.write(Buffer.concat(chunks));
    const expected = { type: 9, timestamp: 0x01234567, payload: frame };
    assert.deepEqual(texts(await player.media(1)), texts([expected]));
  });

  it('are absolute while the metadata asks for atc, and atc_auto allows it', async () => {
    const live = await start();
    const metadata = (atc: boolean): Buffer =>
      encodeAmf0('onMetaData', AmfObject.of(atc ? { bravo_atc: 'true' } : {}));
    for (const [round, atc] of [true, false].entries()) {
      const publisher = await live.publisher();
      publisher.message(18, 0, metadata(atc));
      publisher.sendAll([header(5000), ...frames([5000, 5040])]);
      await publisher.ping();
      const late = await live.player();
      const expected = atc ? [5000, 5000, 5000, 5040] : [0, 0, 0, 40];
      assert.deepEqual(await times(late, 4), expected);
      publisher.socket.destroy();
      await live.closing(100 + round * 2);
    }
    const denied = await start(vhost('atc_auto off;'));
    const publisher = await denied.publisher();
    publisher.message(18, 0, metadata(true));
    publisher.sendAll(frames([5000, 5040]));
    await publisher.ping();
    assert.deepEqual(await times(await denied.player(), 3), [0, 0, 40]);
  });
});
