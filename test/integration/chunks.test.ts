import assert from 'node:assert/strict';

import { liveServers, texts, vhost } from '../support/live-server';
import {
  aacFrame,
  aacSequenceHeader,
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
  hex,
} from '../support/media';

const SIZES = [128, 4096, 60000, 65536];

/** Frames around every chunk size, one of them larger than a segment of anything. */
function frames(): { type: number; timestamp: number; payload: Buffer }[] {
  const lengths = [127, 128, 129, 4096, 60000, 60001, 65535, 65536, 65537, 300_000];
  const media = lengths.map((length, index) => {
    const frame = avcInterFrame(`${length}`, length);
    return { type: 9, timestamp: 40 * (index + 1), payload: frame.subarray(0, length) };
  });
  return [
    { type: 9, timestamp: 0, payload: avcSequenceHeader() },
    { type: 8, timestamp: 0, payload: aacSequenceHeader() },
    { type: 9, timestamp: 0, payload: avcKeyFrame('key', 200_000) },
    ...media.flatMap((frame) => [
      frame,
      { type: 8, timestamp: frame.timestamp, payload: aacFrame('sound', 400) },
    ]),
  ];
}

describe('the chunk stream', () => {
  const start = liveServers();

  SIZES.forEach((outSize, index) => {
    const inSize = SIZES[SIZES.length - 1 - index]!;
    it(`carries messages of all lengths in chunks of ${inSize} in and ${outSize} out`, async () => {
      const live = await start(vhost(`chunk_size ${outSize};`));
      const player = await live.player();
      const publisher = await live.publisher();
      publisher.setChunkSize(inSize);
      publisher.sendAll(frames());
      assert.deepEqual(texts(await player.media(23)), texts(frames()));
      const told = player.received.find(({ type }) => type === 1)?.payload.readUInt32BE(0);
      // What is in use from the start needs no telling.
      assert.equal(told, outSize === 128 ? undefined : outSize);
    });
  });

  it('changes its size between any two messages', async () => {
    const live = await start();
    const player = await live.player();
    const publisher = await live.publisher();
    frames().forEach((message, index) => {
      publisher.setChunkSize([128, 1, 70_000, 0xffffff, 777][index % 5]!);
      publisher.message(message.type, message.timestamp, message.payload.subarray(0, 2000));
    });
    const expected = frames().map((one) => ({ ...one, payload: one.payload.subarray(0, 2000) }));
    assert.deepEqual(texts(await player.media(23)), texts(expected));
  });

  it('changes its size within a message', async () => {
    const live = await start();
    const player = await live.player();
    const publisher = await live.publisher();
    const frame = aacFrame('cut', 400);
    publisher.socket.write(
      Buffer.concat([
        Buffer.of(4, 0, 0, 0, 0, 1, frame.length - 256, 8, 1, 0, 0, 0),
        frame.subarray(0, 128),
        hex('02 000000 000004 01 00000000 00000400 c4'),
        frame.subarray(128),
      ]),
    );
    const [heard] = await player.media(1);
    assert.ok(heard!.payload.equals(frame));
  });

  it('reads interleaved chunks, headers of every kind, and chunk stream ids of every length', async () => {
    const live = await start();
    const player = await live.player();
    const publisher = await live.publisher();
    const [a, b] = [Buffer.alloc(200, 0xaf), Buffer.alloc(200, 0x27)];
    publisher.socket.write(
      Buffer.concat([
        hex('04 00000a 0000c8 08 01000000'),
        a.subarray(0, 128),
        hex('00 06 000000 0000c8 09 01000000'),
        b.subarray(0, 128),
        hex('c4'),
        a.subarray(128),
        hex('c0 06'),
        b.subarray(128),
        hex('44 000014 000002 08 af01'),
        hex('84 000005 af02'),
        hex('c4 af03'),
        hex('01 0001 000032 000002 08 01000000 af04'),
      ]),
    );
    const heard = await player.media(6);
    assert.deepEqual(
      heard.map(({ type, timestamp, payload }) => `${type} ${timestamp} ${payload.length}`),
      ['8 0 200', '9 0 200', '8 20 2', '8 25 2', '8 30 2', '8 40 2'],
    );
  });

  it('forgets a message that the publisher aborts', async () => {
    const live = await start();
    const player = await live.player();
    const publisher = await live.publisher();
    publisher.socket.write(
      Buffer.concat([hex('06 000000 000190 09 01000000'), Buffer.alloc(128, 0x27)]),
    );
    publisher.control(2, 6);
    const frame = { type: 9, timestamp: 0, payload: avcKeyFrame('whole', 300) };
    publisher.sendAll([frame]);
    assert.deepEqual(texts(await player.media(1)), texts([frame]));
  });

  it('acknowledges by the window of the peer, with the bytes received so far', async () => {
    const live = await start();
    const publisher = await live.publisher();
    assert.equal(publisher.received.filter(({ type }) => type === 3).length, 0);
    publisher.control(5, 5000);
    publisher.message(9, 0, avcKeyFrame('much', 6000));
    const ack = await publisher.next('an acknowledgement', ({ type }) => type === 3);
    const total = ack.payload.readUInt32BE(0);
    assert.ok(total > 6000 && total <= publisher.socket.bytesWritten);
    assert.deepEqual([ack.chunkStreamId, ack.streamId], [2, 0]);
  });

  it('tells its own window and bandwidth, and answers pings', async () => {
    const live = await start();
    const client = await live.client();
    const [window, bandwidth] = client.received;
    assert.deepEqual([window!.type, window!.payload.readUInt32BE(0)], [5, 2_500_000]);
    assert.deepEqual([bandwidth!.type, bandwidth!.payload.toString('hex')], [6, '002625a002']);
    await client.ping();
    await client.play('s');
    await client.ping();
  });

  it('needs no complex handshake', async () => {
    const live = await start();
    const peer = await (await live.peer()).handshake('simple');
    assert.equal((await peer.connect()).code, 'NetConnection.Connect.Success');
  });
});
