import assert from 'node:assert/strict';

import { AmfObject } from '../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../src/rtmp/amf0-writer';
import type { Message } from '../support/live-peer';
import { liveServers, texts, vhost } from '../support/live-server';
import {
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
  hevcInterFrame,
  hevcKeyFrame,
  hevcSequenceHeader,
  hex,
  records,
} from '../support/media';

type Sent = Pick<Message, 'type' | 'timestamp' | 'payload'>;

/** A body of Enhanced RTMP: first byte, FourCC, what follows. */
function body(first: number, fourCc: string, rest: Buffer | string): Buffer {
  return Buffer.concat([Buffer.of(first), Buffer.from(fourCc), Buffer.from(rest)]);
}

const video = (timestamp: number, payload: Buffer): Sent => ({ type: 9, timestamp, payload });
const audio = (timestamp: number, payload: Buffer): Sent => ({ type: 8, timestamp, payload });

interface VideoCodec {
  readonly name: string;
  readonly header: Buffer;
  readonly key: (text: string) => Buffer;
  readonly inter: (text: string) => Buffer;
}
const plain = (name: string, fourCc: string, record: Buffer): VideoCodec => ({
  name,
  header: body(0x90, fourCc, record),
  key: (text) => body(0x91, fourCc, text),
  inter: (text) => body(0xa1, fourCc, text),
});
const VIDEO_CODECS: VideoCodec[] = [
  {
    name: 'HEVC',
    header: hevcSequenceHeader(),
    key: (text) => hevcKeyFrame(text, 70_000),
    inter: (text) => hevcInterFrame(text),
  },
  plain('AV1', 'av01', records.av1),
  plain('VP9', 'vp09', records.vp9),
  plain('enhanced AVC', 'avc1', records.avc),
];
const AUDIO_CODECS: [name: string, header: Buffer | undefined, frame: (text: string) => Buffer][] =
  [
    ['Opus', body(0x90, 'Opus', records.opus), (text) => body(0x91, 'Opus', text)],
    ['FLAC', body(0x90, 'fLaC', records.flac), (text) => body(0x91, 'fLaC', text)],
    ['AC-3', undefined, (text) => body(0x91, 'ac-3', text)],
  ];

describe('enhanced RTMP', () => {
  const start = liveServers();

  VIDEO_CODECS.forEach(({ name, header, key, inter }, index) => {
    const [audioName, audioHeader, sound] = AUDIO_CODECS[index % AUDIO_CODECS.length]!;
    it(`carries ${name} with ${audioName}, and lets players join at a key frame`, async () => {
      const live = await start();
      const early = await live.player();
      const publisher = await live.publisher();
      const headers = [video(0, header), ...(audioHeader ? [audio(0, audioHeader)] : [])];
      const first = [video(0, key('a')), audio(10, sound('b')), video(40, inter('c'))];
      const second = [video(80, key('d')), audio(90, sound('e')), video(120, inter('f'))];
      publisher.sendAll([...headers, ...first, ...second]);
      const all = [...headers, ...first, ...second];
      assert.deepEqual(texts(await early.media(all.length)), texts(all));
      const late = await live.player();
      const joined = second.map((one) => ({ ...one, timestamp: one.timestamp - 80 }));
      const expected = [...headers, ...joined];
      assert.deepEqual(texts(await late.media(expected.length)), texts(expected));
      const lines = live.log.matching(' sh, codec(');
      assert.equal(lines.length, headers.length);
      assert.ok(
        lines.every((line) => !line.includes('not understood')),
        lines.join('\n'),
      );
    });
  });

  it('keeps the colour information of a track for players who come later', async () => {
    const live = await start();
    const publisher = await live.publisher();
    const colour = AmfObject.of({ colorConfig: AmfObject.of({ bitDepth: 10 }) });
    const sent = [
      video(0, hevcSequenceHeader(records.hevcMain10)),
      video(0, body(0x94, 'hvc1', encodeAmf0('colorInfo', colour))),
      video(0, hevcKeyFrame()),
    ];
    publisher.sendAll(sent);
    await publisher.ping();
    assert.deepEqual(texts(await (await live.player()).media(3)), texts(sent));
  });

  it('keeps the configuration of each track of a multitrack stream', async () => {
    const live = await start();
    const publisher = await live.publisher();
    const track = (id: number, packet: number, rest: Buffer): Buffer =>
      Buffer.concat([hex('96'), Buffer.of(packet), Buffer.from('hvc1'), Buffer.of(id), rest]);
    const soundTrack = (id: number, packet: number, rest: Buffer): Buffer =>
      Buffer.concat([hex('95'), Buffer.of(packet), Buffer.from('Opus'), Buffer.of(id), rest]);
    const headers = [
      video(0, avcSequenceHeader()),
      video(0, track(1, 0, records.hevc)),
      video(0, track(2, 0, records.hevcMain10)),
      audio(0, body(0x90, 'Opus', records.opus)),
      audio(0, soundTrack(1, 0, records.opus)),
    ];
    publisher.sendAll(headers);
    // A repeat of one of them is suppressed by itself, and the newest of a track counts.
    publisher.sendAll([headers[1]!, headers[4]!, headers[0]!]);
    publisher.sendAll([video(0, track(2, 0, records.hevc))]);
    publisher.sendAll([video(0, avcKeyFrame('key')), video(40, avcInterFrame('next'))]);
    await publisher.ping();
    const player = await live.player();
    const expected = [...headers, video(0, avcKeyFrame('key')), video(40, avcInterFrame('next'))];
    expected[2] = video(0, track(2, 0, records.hevc));
    assert.deepEqual(texts(await player.media(7)), texts(expected));
  });

  it('begins with a key frame for players who join without a GOP cache', async () => {
    const live = await start(vhost('gop_cache off;'));
    const publisher = await live.publisher();
    publisher.sendAll([video(0, hevcSequenceHeader()), video(0, hevcKeyFrame('a'))]);
    await publisher.ping();
    const player = await live.player();
    publisher.sendAll([video(40, hevcInterFrame('b')), video(80, hevcKeyFrame('c'))]);
    publisher.sendAll([video(120, hevcInterFrame('d'))]);
    const heard = (await player.media(3)).map(({ payload }) => payload);
    assert.deepEqual(heard, [hevcSequenceHeader(), hevcKeyFrame('c'), hevcInterFrame('d')]);
  });

  it('tells the codecs it carries to a client that asks', async () => {
    const live = await start();
    const peer = await (await live.peer()).handshake();
    const info = await peer.connect({ fourCcList: ['*'], capsEx: 15 });
    assert.ok(info['videoFourCcInfoMap'] ?? info['fourCcList'], Object.keys(info).join());
  });
});
