import assert from 'node:assert/strict';

import { TagFlags, classifyVideo } from '../../src/media/codec';
import { AmfObject } from '../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../src/rtmp/amf0-writer';
import type { PublishStyle } from '../support/live-peer';
import { liveServers, texts, vhost } from '../support/live-server';
import {
  aacFrame,
  aacSequenceHeader,
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
  sampleTags,
} from '../support/media';
import { plainValues } from '../support/rtmp-peer';

/** Headers and frames, without the metadata, which the server changes. */
const tags = sampleTags(10, 5).slice(1);

describe('a published stream', () => {
  const start = liveServers();

  for (const style of ['fmle', 'shuffled', 'flash', 'haivision'] satisfies PublishStyle[]) {
    it(`is played as it was published by a client of the ${style} kind`, async () => {
      const live = await start();
      const player = await live.player();
      const publisher = await live.publisher('s', style);
      publisher.sendAll(tags);
      assert.deepEqual(texts(await player.media(tags.length)), texts(tags));
      assert.ok(player.received.filter(({ type }) => type === 9).every((m) => m.streamId === 1));
      const name = { fmle: 'FMLE', shuffled: 'FMLE', flash: 'Flash', haivision: 'Haivision' }[
        style
      ];
      assert.equal(live.log.matching(`type=publish(${name}Publish), stream_name=s`).length, 1);
    });
  }

  it('begins for a late player with headers and the last key frame, at time zero', async () => {
    const live = await start();
    const publisher = await live.publisher();
    const metadata = AmfObject.ecmaArray({ width: 640, height: 360, encoder: 'mine' });
    publisher.message(18, 0, encodeAmf0('@setDataFrame', 'onMetaData', metadata));
    publisher.sendAll(tags);
    await publisher.ping();
    const player = await live.player();
    const [first, ...rest] = await player.media(13);
    const [name, values] = plainValues(first!.payload) as [string, Record<string, unknown>];
    assert.equal(name, 'onMetaData');
    assert.equal(first!.timestamp, 0);
    assert.deepEqual(Object.keys(values).slice(0, 4), ['width', 'height', 'encoder', 'server']);
    assert.match(values['server'] as string, /^SRS/);
    const gop = tags.slice(2 + 10).map((tag) => ({ ...tag, timestamp: tag.timestamp - 200 }));
    assert.deepEqual(texts(rest), texts([...tags.slice(0, 2), ...gop]));
  });

  it('begins with the next key frame when the GOP cache is off', async () => {
    const live = await start(vhost('gop_cache off;'));
    const publisher = await live.publisher();
    publisher.sendAll(tags);
    await publisher.ping();
    const player = await live.player();
    publisher.sendAll([
      { type: 9, timestamp: 400, payload: avcInterFrame('left out') },
      { type: 8, timestamp: 410, payload: aacFrame('audio first') },
      { type: 9, timestamp: 440, payload: avcKeyFrame('next') },
    ]);
    const [video, audio, sound, picture] = await player.media(4);
    assert.deepEqual(texts([video!, audio!]), texts(tags.slice(0, 2)));
    assert.ok(sound!.payload.equals(aacFrame('audio first')));
    assert.ok(picture!.payload.equals(avcKeyFrame('next')));
    assert.equal(picture!.timestamp - sound!.timestamp, 30);
  });

  it('may be audio alone', async () => {
    const live = await start();
    const publisher = await live.publisher();
    const early = await live.player();
    const sound = [0, 23, 46, 70].map((timestamp) => {
      return { type: 8, timestamp, payload: aacFrame(`a${timestamp}`) };
    });
    const header = { type: 8, timestamp: 0, payload: aacSequenceHeader() };
    publisher.sendAll([header, ...sound]);
    assert.deepEqual(texts(await early.media(5)), texts([header, ...sound]));
    const late = await live.player();
    publisher.message(8, 93, aacFrame('now'));
    const heard = await late.media(2);
    assert.deepEqual(
      texts(heard),
      texts([header, { type: 8, timestamp: 0, payload: aacFrame('now') }]),
    );
  });

  it('may be video alone', async () => {
    const live = await start();
    const publisher = await live.publisher();
    const video = tags.filter(({ type }) => type === 9);
    publisher.sendAll(video);
    await publisher.ping();
    const player = await live.player();
    const heard = await player.media(6);
    assert.ok(heard[0]!.payload.equals(avcSequenceHeader()));
    assert.ok(classifyVideo(heard[1]!.payload, 0, heard[1]!.payload.length) & TagFlags.keyFrame);
    assert.deepEqual(
      heard.map(({ timestamp }) => timestamp),
      [0, 0, 40, 80, 120, 160],
    );
  });

  it('reaches many players alike, with merged writes of the default latency', async () => {
    const live = await start('listen 127.0.0.1:0; vhost __defaultVhost__ {}');
    const players = await Promise.all(Array.from({ length: 20 }, () => live.player()));
    const publisher = await live.publisher();
    publisher.sendAll(tags);
    for (const player of players) {
      assert.deepEqual(texts(await player.media(tags.length)), texts(tags));
    }
  });

  it('is read in merged reads when the vhost asks for it', async () => {
    const live = await start(vhost('mr { enabled on; latency 20; }'));
    const player = await live.player();
    const publisher = await live.publisher();
    publisher.sendAll(tags);
    assert.deepEqual(texts(await player.media(tags.length)), texts(tags));
    publisher.command(0, 'FCUnpublish', 9, null, 's');
    await publisher.status('NetStream.Unpublish.Success');
  });

  it('passes other data messages on, and keeps those for the server', async () => {
    const live = await start();
    const player = await live.player();
    const publisher = await live.publisher();
    const cue = {
      type: 18,
      timestamp: 0,
      payload: encodeAmf0('onCuePoint', AmfObject.of({ at: 1 })),
    };
    publisher.message(18, 0, encodeAmf0('@setDataFrame', 'onTextData', 'text'));
    publisher.message(18, 0, encodeAmf0('@clearDataFrame', 'onMetaData'));
    publisher.sendAll([cue, ...tags]);
    const text = { type: 18, timestamp: 0, payload: encodeAmf0('onTextData', 'text') };
    assert.deepEqual(texts(await player.media(2)), texts([text, cue]));
  });
});
