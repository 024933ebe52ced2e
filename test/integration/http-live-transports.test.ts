import assert from 'node:assert/strict';

import { readTs } from '../../src/media/ts-reader';
import type { TsPes } from '../../src/media/ts-reader';
import { httpConfig, liveServers, texts } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import {
  aacFrame,
  aacSequenceHeader,
  hevcKeyFrame,
  hevcSequenceHeader,
  hex,
  sampleTags,
} from '../support/media';

const tags = sampleTags(10, 5).slice(1);
const PACKET = 188;

/** What every player has, whatever it is connected by. */
interface Listening {
  readonly media: readonly Buffer[];
  until(what: string, holds: () => boolean): Promise<void>;
}

/** The bytes so far, whole TS packets, with every PES packet in them. */
function parse(player: Listening): { pes: TsPes[]; summary: ReturnType<typeof readTs> } {
  const bytes = Buffer.concat(player.media);
  assert.equal(bytes.length % PACKET, 0);
  const pes: TsPes[] = [];
  const summary = readTs(bytes, { onPes: (packet) => pes.push(packet) });
  assert.deepEqual(
    [summary.isSyncLost, summary.continuityErrors, summary.crcErrors, summary.malformed],
    [false, 0, 0, 0],
  );
  return { pes, summary };
}

function contains(player: Listening, text: string): () => boolean {
  return () => Buffer.concat(player.media).includes(text);
}

/** A player of a stream of which nothing was published yet. */
async function asked(
  live: LiveServer,
  path: string,
): Promise<Awaited<ReturnType<LiveServer['http']>>> {
  const peer = await live.http();
  const identified = live.log.matching('type=Play').length;
  peer.ask(path);
  await live.log.until(() => live.log.matching('type=Play').length > identified);
  return peer;
}

describe('a live stream', () => {
  const start = liveServers();

  const joins: [
    kind: string,
    join: (
      live: LiveServer,
    ) => ReturnType<LiveServer['wsPlayer']> | ReturnType<LiveServer['httpPlayer']>,
  ][] = [
    ['HTTPS', (live) => live.httpPlayer('/live/s.flv', 'HTTPS')],
    ['WebSocket', (live) => live.wsPlayer()],
    ['WebSocket over TLS', (live) => live.wsPlayer('/live/s.flv', 'HTTPS')],
  ];
  for (const [kind, join] of joins) {
    it(`is the same FLV by ${kind} as by HTTP, for players early and late`, async () => {
      const live = await start(httpConfig());
      const publisher = await live.publisher();
      const [plain, early] = [await live.httpPlayer(), await join(live)];
      publisher.sendAll(tags);
      assert.deepEqual(texts(await plain.flv.media(22)), texts(tags));
      assert.deepEqual(texts(await early.flv.media(22)), texts(tags));
      const [latePlain, late] = [await live.httpPlayer(), await join(live)];
      assert.deepEqual(texts(await late.flv.media(12)), texts(await latePlain.flv.media(12)));
      publisher.socket.destroy();
      await live.log.until(() => live.log.matching('cleanup when unpublish').length === 1);
      const next = await live.publisher();
      next.sendAll(tags);
      for (const { flv } of [late, early]) {
        const heard = await flv.media(22);
        assert.deepEqual(
          heard.map(({ payload }) => payload.toString('hex')),
          tags.map(({ payload }) => payload.toString('hex')),
        );
      }
    });
  }

  it('is one message of a WebSocket for each write, whole tags in it', async () => {
    const live = await start(httpConfig());
    const publisher = await live.publisher();
    const player = await live.wsPlayer();
    for (const tag of tags) {
      publisher.sendAll([tag]);
      assert.deepEqual(texts(await player.flv.media(1)), texts([tag]));
    }
    // A player may close, and is answered.
    player.socket.close(1000);
    assert.equal(await player.closed, 1000);
    await live.log.until(() => live.log.matching('client disconnect peer').length === 1);
    await live.sockets(1);
  });

  it('is refused to a WebSocket as to any request', async () => {
    const live = await start(httpConfig({ remux: 'publisher_wait 0.2;' }));
    await assert.rejects(live.wsPlayer(), /404/);
    await assert.rejects(live.wsPlayer('/live/s.mp3'), /404/);
    await assert.rejects(live.wsPlayer('/index.html'), /404/);
    await live.sockets(0);
  });

  for (const [kind, protocol] of [
    ['a WebSocket', 'HTTP'],
    ['a WebSocket over TLS', 'HTTPS'],
  ] as const) {
    it(`is not kept for ${kind} that leaves before there is a publisher`, async () => {
      const live = await start(httpConfig({ remux: 'publisher_wait 3600;' }));
      const { socket } = await live.http(protocol);
      const wanted = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13' };
      const head = Object.entries({ ...wanted, 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==' });
      const lines = head.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      socket.write(`GET /live/s.flv HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`);
      await live.log.until(() => live.log.matching('source url=').length === 1);
      socket.destroy();
      await live.sockets(0);
    });
  }

  for (const kind of ['HTTP', 'HTTPS', 'WS'] as const) {
    it(`is a transport stream by ${kind}, from a key frame on for each player`, async () => {
      const live = await start(httpConfig());
      const join = (): Promise<Listening> =>
        kind === 'WS' ? live.wsPlayer('/live/s.ts') : live.httpPlayer('/live/s.ts', kind);
      const publisher = await live.publisher();
      publisher.sendAll(tags);
      await publisher.ping();
      const player = await join();
      await player.until('the last frame', contains(player, 'a9'));
      const late = await join();
      await late.until('the last frame', contains(late, 'a9'));
      publisher.sendAll([{ type: 8, timestamp: 400, payload: aacFrame('more') }]);
      for (const one of [player, late]) {
        await one.until('what comes next', contains(one, 'more'));
        const { pes, summary } = parse(one);
        assert.deepEqual(
          summary.programs.map(({ streams }) => streams.map(({ streamType }) => streamType)),
          [[0x1b, 0x0f]],
        );
        const pictures = pes.filter(({ data }) => /v\d/.test(data.toString('latin1')));
        assert.equal(pictures.length, 5, 'the last group of pictures');
        assert.ok(pictures[0]!.isKey);
        assert.deepEqual(
          pictures.map(({ dts, pts }) => (dts ?? pts ?? 0) / 90),
          [200, 240, 280, 320, 360],
        );
      }
    });
  }

  it('is ADTS, from the newest frame on or fast_cache before it', async () => {
    for (const [remux, frames] of [
      ['', 0],
      ['fast_cache 1;', 5],
    ] as const) {
      const live = await start(httpConfig({ remux }));
      const publisher = await live.publisher();
      const early = await asked(live, '/live/s.aac');
      publisher.sendAll(tags.slice(0, 4));
      assert.equal((await early.live()).status, 200);
      publisher.sendAll(tags.slice(4));
      await early.until('all frames', contains(early, 'a9'));
      const late = await live.httpPlayer('/live/s.aac', 'HTTPS');
      publisher.sendAll([{ type: 8, timestamp: 400, payload: aacFrame('now') }]);
      await late.until('the next frame', contains(late, 'now'));
      const heard = adtsFrames(Buffer.concat(late.media));
      assert.ok(heard.length >= 1 + frames, heard.join(' '));
      assert.equal(heard.at(-1), 'now');
      await early.until('the next frame', contains(early, 'now'));
      const all = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `a${n}`).concat('now');
      const first = adtsFrames(Buffer.concat(early.media));
      assert.deepEqual(first, all.slice(-first.length));
    }
  });

  it('is MP3 behind a tag, where it is MP3', async () => {
    const live = await start(httpConfig());
    const publisher = await live.publisher();
    const early = await asked(live, '/live/s.mp3');
    // MPEG 1 layer III, 128 kbit/s at 44100 Hz: 417 bytes.
    const frame = Buffer.concat([hex('fffb9000'), Buffer.alloc(413, 0x11)]);
    const message = { type: 8, timestamp: 0, payload: Buffer.concat([hex('2f'), frame]) };
    publisher.sendAll([message]);
    const head = await early.live();
    assert.equal(head.headers.get('content-type'), 'audio/mpeg');
    publisher.sendAll([26, 52].map((timestamp) => ({ ...message, timestamp })));
    await early.until('two frames', () => early.mediaBytes >= 20 + 2 * 417);
    const bytes = Buffer.concat(early.media);
    assert.equal(bytes.toString('latin1', 0, 3), 'ID3');
    const frames = Math.floor((bytes.length - 20) / frame.length);
    assert.ok(bytes.subarray(20).equals(Buffer.concat(Array<Buffer>(frames).fill(frame))));
  });

  it('that a container cannot carry is refused, with the reason', async () => {
    const live = await start(httpConfig({ remux: 'publisher_wait 0.3;' }));
    const publisher = await live.publisher();
    publisher.sendAll([
      { type: 8, timestamp: 0, payload: aacSequenceHeader() },
      { type: 8, timestamp: 0, payload: aacFrame('a') },
    ]);
    await publisher.ping();
    const mp3 = await live.get('/live/s.mp3');
    assert.equal(mp3.status, 406);
    assert.match(mp3.body.toString(), /expect MP3 audio/);
    const video = await live.publisher('silent');
    video.sendAll(tags.filter(({ type }) => type === 9));
    await video.ping();
    const aac = await live.get('/live/silent.aac');
    assert.equal(aac.status, 406);
    assert.match(aac.body.toString(), /expect something to play as .aac within 300 ms/);
  });

  it('of H.265 in the enhanced form is passed on in FLV and put into a transport stream', async () => {
    const live = await start(httpConfig());
    const publisher = await live.publisher();
    // More than the half second for which a second track is waited for.
    const sent = Array.from({ length: 16 }, (_, index) => {
      return { type: 9, timestamp: index * 40, payload: hevcKeyFrame(`f${index}`) };
    });
    sent.unshift({ type: 9, timestamp: 0, payload: hevcSequenceHeader() });
    const [flv, ts] = [await live.httpPlayer(), await asked(live, '/live/s.ts')];
    publisher.sendAll(sent);
    assert.deepEqual(texts(await flv.flv.media(17)), texts(sent));
    await ts.live();
    await ts.until('the last key frame', contains(ts, 'f15'));
    const { summary } = parse(ts);
    assert.deepEqual(
      summary.programs[0]!.streams.map(({ streamType }) => streamType),
      [0x24],
    );
  });

  it('goes on as one transport stream when it is published anew', async () => {
    const live = await start(httpConfig());
    const first = await live.publisher();
    const player = await asked(live, '/live/s.ts');
    first.sendAll(tags.slice(0, 4));
    await player.live();
    first.sendAll(tags.slice(4));
    await player.until('the last frame', contains(player, 'a9'));
    first.socket.destroy();
    await live.log.until(() => live.log.matching('cleanup when unpublish').length === 1);
    const second = await live.publisher();
    second.sendAll([...tags, { type: 8, timestamp: 900, payload: aacFrame('end') }]);
    await player.until('the end', contains(player, 'end'));
    const { pes } = parse(player);
    const pictures = pes.filter(({ data }) => /v\d/.test(data.toString('latin1')));
    assert.equal(pictures.length, 20);
  });
});

/** The texts in the frames of an ADTS stream. */
function adtsFrames(bytes: Buffer): string[] {
  const frames: string[] = [];
  let at = 0;
  while (at + 7 <= bytes.length) {
    assert.equal(bytes.readUInt16BE(at) & 0xfff6, 0xfff0);
    const size = (bytes.readUIntBE(at + 3, 3) >> 5) & 0x1fff;
    frames.push(bytes.toString('latin1', at + 7, at + size));
    at += size;
  }
  return frames;
}
