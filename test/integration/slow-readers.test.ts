import assert from 'node:assert/strict';

import { liveServers, texts, vhost } from '../support/live-server';
import { avcInterFrame, avcKeyFrame, avcSequenceHeader } from '../support/media';

const FRAME_BYTES = 64 * 1024;
const FRAMES = 500;
const GOP = 10;
/** Two seconds of queue and a GOP, in frames of 40 ms, with room for what is being sent. */
const HELD_LIMIT = (2000 / 40 + 3 * GOP) * FRAME_BYTES;

const header = { type: 9, timestamp: 0, payload: avcSequenceHeader() };
const frames = Array.from({ length: FRAMES }, (_, index) => {
  const frame = index % GOP === 0 ? avcKeyFrame : avcInterFrame;
  return { type: 9, timestamp: index * 40, payload: frame(`f${index}`, FRAME_BYTES) };
});

describe('slow readers', () => {
  const start = liveServers();

  it('skip to key frames in bounded memory, and those beside them lose nothing', async () => {
    const live = await start(vhost('queue_length 2;'));
    const good = await live.player();
    const slow = await Promise.all(Array.from({ length: 5 }, () => live.player()));
    for (const { socket } of slow) socket.pause();
    const publisher = await live.publisher();
    publisher.setChunkSize(60_000);
    publisher.sendAll([header]);
    let held = 0;
    const heard = await good.media(1);
    for (let at = 0; at < FRAMES; at += GOP) {
      publisher.sendAll(frames.slice(at, at + GOP));
      heard.push(...(await good.media(GOP)));
      held = Math.max(held, live.heldBytes);
    }
    assert.deepEqual(texts(heard), texts([header, ...frames]));
    assert.ok(held < HELD_LIMIT, `${held} bytes held, at most ${HELD_LIMIT} expected`);

    // They go on reading, up to a frame that comes now: in order, whole, and from a key frame on where some are missing.
    const last = { type: 9, timestamp: FRAMES * 40, payload: avcKeyFrame('last') };
    publisher.sendAll([last]);
    for (const player of slow) {
      player.socket.resume();
      await player.next('the last frame', ({ payload }) => payload.equals(last.payload));
      const numbers = player.received
        .filter(({ payload }) => payload.length >= FRAME_BYTES)
        .map(({ payload }) => Number(/f(\d+)/.exec(payload.toString('latin1', 0, 20))![1]));
      assert.ok(numbers.length < FRAMES, 'some frames were left out');
      numbers.forEach((number, index) => {
        const isNext = number === (numbers[index - 1] ?? -1) + 1;
        assert.ok(isNext || number % GOP === 0, `frame ${number} after ${numbers[index - 1]}`);
        assert.ok(index === 0 || number > numbers[index - 1]!);
      });
      player.socket.destroy();
    }
  });
});
