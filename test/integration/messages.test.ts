import assert from 'node:assert/strict';

import { AmfObject } from '../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../src/rtmp/amf0-writer';
import type { Message } from '../support/live-peer';
import { liveServers, texts, vhost } from '../support/live-server';
import {
  aacFrame,
  aacSequenceHeader,
  avcEndOfSequence,
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
  records,
  sampleTags,
} from '../support/media';
import { plainValues } from '../support/rtmp-peer';

type Sent = Pick<Message, 'type' | 'timestamp' | 'payload'>;

/** The body of an aggregate message. */
function aggregate(parts: readonly Sent[]): Buffer {
  return Buffer.concat(
    parts.flatMap(({ type, timestamp, payload }) => {
      const head = Buffer.alloc(11);
      head.writeUInt8(type, 0);
      head.writeUIntBE(payload.length, 1, 3);
      head.writeUIntBE(timestamp & 0xffffff, 4, 3);
      head.writeUInt8(timestamp >>> 24, 7);
      const back = Buffer.alloc(4);
      back.writeUInt32BE(11 + payload.length);
      return [head, payload, back];
    }),
  );
}

const header = { type: 9, timestamp: 0, payload: avcSequenceHeader() };
const sound = { type: 8, timestamp: 0, payload: aacSequenceHeader() };
const key = (timestamp: number): Sent => ({
  type: 9,
  timestamp,
  payload: avcKeyFrame(`${timestamp}`),
});

describe('messages of a publisher', () => {
  const start = liveServers();

  it('may come many in one', async () => {
    const live = await start(vhost('time_jitter off;'));
    const player = await live.player();
    const publisher = await live.publisher();
    const tags = sampleTags(10, 5).slice(1);
    const shifted = tags.map((tag) => ({ ...tag, timestamp: tag.timestamp + 0x01000000 }));
    publisher.message(22, 7000, aggregate(shifted));
    const expected = tags.map((tag) => ({ ...tag, timestamp: tag.timestamp + 7000 }));
    assert.deepEqual(texts(await player.media(tags.length)), texts(expected));
  });

  it('end the connection when an aggregate is cut off, after its good part', async () => {
    const live = await start();
    const player = await live.player();
    const publisher = await live.publisher();
    publisher.message(22, 0, aggregate([header, key(0)]).subarray(0, -5));
    await publisher.closed;
    assert.deepEqual(texts(await player.media(1)), texts([header]));
    await live.closing(101);
    assert.equal(live.errors.length, 1);
    assert.match(live.errors[0]!, /^error 101 serve client failed, .*aggregate.*, ret=2024$/);
  });

  it('may come in AMF3 envelopes', async () => {
    const live = await start();
    const player = await live.player();
    const publisher = await (await live.peer()).handshake();
    const route = { streamId: 0, chunkStreamId: 3 };
    const send = (...values: Parameters<typeof encodeAmf0>): void => {
      const payload = Buffer.concat([Buffer.of(0), encodeAmf0(...values)]);
      publisher.message(17, 0, payload, { ...route, streamId: values[0] === 'publish' ? 1 : 0 });
    };
    const tcUrl = 'rtmp://127.0.0.1/live';
    send('connect', 1, AmfObject.of({ app: 'live', tcUrl, objectEncoding: 3 }));
    const [, , , info] = await publisher.reply(1);
    assert.equal((info as Record<string, unknown>)['objectEncoding'], 3);
    send('createStream', 2, null);
    await publisher.reply(2);
    send('publish', 0, null, 's', 'live');
    assert.equal((await publisher.status()).code, 'NetStream.Publish.Start');
    const metadata = encodeAmf0('@setDataFrame', 'onMetaData', AmfObject.of({ width: 320 }));
    publisher.message(15, 0, Buffer.concat([Buffer.of(0), metadata]));
    publisher.message(15, 0, Buffer.concat([Buffer.of(0), encodeAmf0('onCuePoint', 1)]));
    const [first, cue] = await player.media(2);
    assert.equal((plainValues(first!.payload)[1] as Record<string, unknown>)['width'], 320);
    assert.deepEqual(
      texts([cue!]),
      texts([{ type: 18, timestamp: 0, payload: encodeAmf0('onCuePoint', 1) }]),
    );
  });

  it('are passed on once when they repeat a sequence header', async () => {
    const live = await start();
    const player = await live.player();
    const publisher = await live.publisher();
    publisher.sendAll([header, sound, key(0), header, sound, key(40), header, key(80)]);
    const expected = [header, sound, key(0), key(40), key(80)];
    assert.deepEqual(texts(await player.media(5)), texts(expected));
    // Another configuration is news, and so is the first one after it, or after the end of the sequence.
    const other = { ...header, timestamp: 120, payload: avcSequenceHeader(records.avcBaseline) };
    const again = { ...header, timestamp: 120 };
    const end = { ...header, timestamp: 120, payload: avcEndOfSequence() };
    publisher.sendAll([other, other, again, end, again]);
    assert.deepEqual(texts(await player.media(4)), texts([other, again, end, again]));
  });

  it('are passed on each time with reduce_sequence_header off', async () => {
    const live = await start(vhost('reduce_sequence_header off;'));
    const player = await live.player();
    const publisher = await live.publisher();
    const sent = [header, sound, key(0), { ...header }, sound, key(40)];
    publisher.sendAll(sent.map((one) => ({ ...one, timestamp: 0 })));
    const expected = sent.map((one) => ({ ...one, timestamp: 0 }));
    assert.deepEqual(texts(await player.media(6)), texts(expected));
  });

  it('are passed over when empty, unknown, or metadata that cannot be read', async () => {
    const live = await start();
    const player = await live.player();
    const publisher = await live.publisher();
    publisher.socket.write(Buffer.from('060000000000000901000000', 'hex'));
    publisher.message(19, 0, Buffer.from('shared'));
    publisher.message(99, 0, Buffer.from('unknown'));
    for (let index = 0; index < 3; index++) {
      publisher.message(18, 0, Buffer.concat([encodeAmf0('onMetaData'), Buffer.of(3, 0, 4)]));
      publisher.message(18, 0, Buffer.of(0x63));
    }
    publisher.message(8, 0, aacFrame('good'));
    const [heard] = await player.media(1);
    assert.ok(heard!.payload.equals(aacFrame('good')));
    assert.equal(live.log.matching('warn 101 ignore a message that cannot be decoded').length, 1);
    assert.deepEqual(live.errors, []);
  });

  it('replace the GOP of players to come with each key frame, and with metadata of a new kind', async () => {
    const live = await start();
    const publisher = await live.publisher();
    for (const width of [320, 640]) {
      const metadata = AmfObject.of({ width });
      publisher.message(18, 0, encodeAmf0('@setDataFrame', 'onMetaData', metadata));
      publisher.sendAll([
        header,
        key(width),
        { type: 9, timestamp: width + 40, payload: avcInterFrame() },
      ]);
    }
    await publisher.ping();
    const [metadata, ...rest] = await (await live.player()).media(4);
    assert.equal((plainValues(metadata!.payload)[1] as Record<string, unknown>)['width'], 640);
    const expected = [
      header,
      { ...key(640), timestamp: 0 },
      { type: 9, timestamp: 40, payload: avcInterFrame() },
    ];
    assert.deepEqual(texts(rest), texts(expected));
  });
});
