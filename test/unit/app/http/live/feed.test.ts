import assert from 'node:assert/strict';

import { Config } from '../../../../../src/app/config/config';
import { FeedTap } from '../../../../../src/app/http/live/feed-tap';
import { Feeds } from '../../../../../src/app/http/live/feeds';
import type { HeldFeed, RemuxContainer } from '../../../../../src/app/http/live/feeds';
import type { RemuxFeed } from '../../../../../src/app/http/live/remux-feed';
import { PulledTap } from '../../../../../src/app/http/live/tap';
import type { Source } from '../../../../../src/app/stream/source';
import type { FlvTag } from '../../../../../src/media/flv';
import { FlvWriter } from '../../../../../src/media/flv-writer';
import type { FakeStreamLog } from '../../../../support/fakes/fake-stream-log';
import {
  aacFrame,
  aacSequenceHeader,
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
  hex,
  records,
  sampleTags,
} from '../../../../support/media';
import { createSource, FakePublisher } from '../../stream/harness';

import { FakeOutlet } from './fake-outlet';

const SYNC = 0x47;
const PACKET = 188;
/** MPEG-1 layer III, 128 kbit/s, 44100 Hz, stereo: 417 bytes, behind the tag header of FLV. */
const mp3Frame = Buffer.concat([hex('2f fffb9000'), Buffer.alloc(413, 0x11)]);
const opusHeader = Buffer.concat([hex('90'), Buffer.from('Opus'), records.opus]);
const av1Header = Buffer.concat([hex('90'), Buffer.from('av01'), records.av1]);

function tagBytes(tags: readonly FlvTag[]): Buffer {
  const parts: Buffer[] = [];
  const writer = new FlvWriter((bytes) => parts.push(bytes));
  for (const tag of tags) writer.writeTag(tag);
  return Buffer.concat(parts);
}

const video = (timestamp: number, payload: Buffer): FlvTag => ({ type: 9, timestamp, payload });
const audio = (timestamp: number, payload: Buffer): FlvTag => ({ type: 8, timestamp, payload });

describe('a remuxed stream', () => {
  let feeds: Feeds;
  let source: Source;
  let log: FakeStreamLog;
  let publisher: FakePublisher;
  const vhost = (text = ''): NonNullable<ReturnType<Config['findVhost']>> =>
    Config.parse(`listen 1; vhost v { ${text} }`, 'c').findVhost('v')!;
  const hold = (container: RemuxContainer, text?: string): HeldFeed =>
    feeds.hold(source, container, vhost(text), 350);
  const give = ({ feed }: HeldFeed, ...tags: readonly FlvTag[]): void => {
    assert.ok(feed.takeMedia(tagBytes(tags)));
  };
  const play = (held: HeldFeed, limits = { spanMs: 1000, bytes: 1e6 }): Playing =>
    new Playing(held.feed, held.release, limits);
  const never = new AbortController().signal;

  class Playing {
    readonly outlet = new FakeOutlet();
    readonly events: string[] = [];
    readonly tap: FeedTap;

    constructor(feed: RemuxFeed, release: () => void, limits: { spanMs: number; bytes: number }) {
      this.tap = new FeedTap(feed, release, this.outlet, limits, {
        onHopeless: () => this.events.push('hopeless'),
        onFeedOver: (reason) => this.events.push(reason),
      });
      this.outlet.handler = {
        onDrain: () => {
          this.tap.onDrain();
        },
        onClose: () => undefined,
      };
      this.tap.start();
    }
  }

  beforeEach(() => {
    feeds = new Feeds();
    ({ source, log } = createSource());
    publisher = new FakePublisher(5);
    source.acquire(publisher);
  });

  it('is made once for all, joins the log as one player, and ends with the last', () => {
    const first = hold('ts');
    const second = hold('ts');
    assert.equal(first.feed, second.feed);
    assert.notEqual(hold('aac').feed, first.feed);
    assert.deepEqual(log.calls, ['attach 1 350 flv', 'attach 1 350 flv']);
    first.release();
    assert.equal(source.players, 2);
    second.release();
    assert.equal(source.players, 1);
    assert.notEqual(hold('ts').feed, first.feed);
  });

  it('becomes MPEG-TS that begins with tables and a key frame, the same bytes for all', async () => {
    const held = hold('ts');
    const first = play(held);
    const decided = held.feed.whenDecided(1000, never);
    give(held, ...sampleTags(3));
    assert.equal(await decided, true);
    assert.equal(held.feed.reason, undefined);
    const { bytes } = first.outlet;
    assert.equal(bytes.length % PACKET, 0);
    for (let at = 0; at < bytes.length; at += PACKET) assert.equal(bytes[at], SYNC);
    assert.equal(bytes.readUInt16BE(1) & 0x1fff, 0);
    assert.ok(bytes.includes('v0') && bytes.includes('v2') && bytes.includes('a2'));
    const second = play(hold('ts'));
    assert.ok(second.outlet.bytes.equals(bytes));
    assert.equal(second.outlet.written[0], first.outlet.written[0]);
    assert.equal(first.tap.stats.messages, 6);
  });

  it('starts new players at the newest key frame, or at the next without a GOP cache', () => {
    const held = hold('ts');
    give(held, ...sampleTags(30));
    const player = play(held);
    assert.ok(player.outlet.bytes.includes('v25') && !player.outlet.bytes.includes('v24'));
    const other = hold('ts', 'gop_cache off;');
    assert.equal(other.feed, held.feed);
    held.release();
    other.release();
    const bare = hold('ts', 'gop_cache off;');
    give(bare, ...sampleTags(3));
    const late = play(bare);
    give(bare, video(120, avcInterFrame('v3')));
    assert.equal(late.outlet.bytes.length, 0);
    give(bare, video(160, avcKeyFrame('v4')));
    assert.ok(late.outlet.bytes.includes('v4'));
    assert.equal(late.tap.stats.dropped, 0);
  });

  it('gives those who waited for it the first key frame, without a GOP cache, too', async () => {
    const held = hold('ts', 'gop_cache off;');
    const decided = held.feed.whenDecided(1000, never);
    give(held, ...sampleTags(3));
    assert.equal(await decided, true);
    const player = play(held);
    assert.ok(player.outlet.bytes.includes('v0') && player.outlet.bytes.includes('v2'));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(play(hold('ts')).outlet.bytes.length, 0);
  });

  it('hands on what waits to be merged before a player is ended', () => {
    const player = play(hold('ts'));
    player.tap.finish();
    assert.deepEqual(log.calls.slice(-2), ['setFlushMs 0', 'setFlushMs 350']);
  });

  it('waits a little for the second track, then goes on with one', () => {
    const held = hold('ts');
    const player = play(held);
    give(held, video(0, avcSequenceHeader()), video(0, avcKeyFrame('v0')));
    assert.equal(player.outlet.bytes.length, 0);
    give(held, video(480, avcInterFrame('v1')));
    give(held, video(520, avcInterFrame('v2')));
    assert.ok(player.outlet.bytes.includes('v0') && player.outlet.bytes.includes('v2'));
    give(held, audio(530, aacSequenceHeader()), audio(530, aacFrame('a0')));
    assert.ok(player.outlet.bytes.includes('a0'));
  });

  it('becomes MPEG-TS of audio alone, with a start every half second', () => {
    const held = hold('ts');
    const player = play(held);
    give(held, audio(0, aacSequenceHeader()));
    for (let time = 0; time <= 1500; time += 100) give(held, audio(time, aacFrame(`a${time}.`)));
    assert.ok(player.outlet.bytes.includes('a0.') && player.outlet.bytes.includes('a1500.'));
    const late = play(hold('ts'));
    assert.ok(!late.outlet.bytes.includes('a900.') && late.outlet.bytes.includes('a1500.'));
  });

  it('leaves out audio that MPEG-TS cannot carry, and refuses such video', async () => {
    const held = hold('ts');
    const player = play(held);
    give(held, audio(0, opusHeader), video(0, avcSequenceHeader()));
    for (let time = 0; time <= 600; time += 200) give(held, video(time, avcKeyFrame(`v${time}`)));
    assert.ok(player.outlet.bytes.includes('v600'));
    assert.equal(publisher.log.matching('MPEG-TS cannot carry Opus audio').length, 1);
    give(held, video(640, av1Header));
    assert.deepEqual(player.events, ['MPEG-TS cannot carry av01 video']);
    assert.equal(held.feed.reason, 'MPEG-TS cannot carry av01 video');
    assert.equal(await held.feed.whenDecided(1000, never), true);
  });

  it('becomes ADTS', () => {
    const held = hold('aac', 'http_remux { fast_cache 10; }');
    const player = play(held);
    give(held, ...sampleTags(2));
    // AAC LC, 44100 Hz, stereo, a frame of 2 bytes.
    assert.equal(player.outlet.bytes.toString('hex'), 'fff15080013ffc6130fff15080013ffc6131');
    assert.equal(player.tap.stats.messages, 2);
    assert.equal(play(hold('aac')).outlet.bytes.length, 18);
  });

  it('becomes MP3 behind an ID3 tag', () => {
    const held = hold('mp3');
    const player = play(held);
    give(held, audio(0, mp3Frame), audio(26, mp3Frame));
    const { bytes } = player.outlet;
    assert.equal(bytes.toString('hex', 0, 20), '4944330300000000000a00000000000000000000');
    assert.equal(bytes.length, 20 + 2 * 417);
    assert.ok(bytes.subarray(20, 437).equals(mp3Frame.subarray(1)));
  });

  it('refuses audio of another codec with a text', async () => {
    const mp3 = hold('mp3');
    give(mp3, ...sampleTags(1));
    assert.equal(mp3.feed.reason, 'expect MP3 audio for .mp3, the stream has AAC');
    const aac = hold('aac');
    const decided = aac.feed.whenDecided(1000, never);
    give(aac, audio(0, mp3Frame));
    assert.equal(await decided, true);
    assert.equal(aac.feed.reason, 'expect AAC audio for .aac, the stream has MP3');
    // Main profile would do, the escape to object type 42 does not.
    const usac = hold('aac');
    usac.release();
    aac.release();
    const other = hold('aac');
    give(other, audio(0, aacSequenceHeader(hex('f94088'))));
    assert.match(other.feed.reason ?? '', /expect AAC that ADTS can carry/);
  });

  it('decides nothing without audio, or for a client that has left', async () => {
    const held = hold('aac');
    give(held, video(0, avcSequenceHeader()), video(0, avcKeyFrame()));
    assert.equal(await held.feed.whenDecided(5, never), false);
    const gone = new AbortController();
    const decided = held.feed.whenDecided(10_000, gone.signal);
    gone.abort();
    assert.equal(await decided, false);
    assert.equal(await held.feed.whenDecided(10_000, gone.signal), false);
  });

  it('leaves out what is damaged, and says so once', () => {
    const held = hold('ts');
    const player = play(held);
    const damaged = hex('17 01 000000 00ffffff 65');
    give(held, ...sampleTags(1), video(40, damaged), video(80, damaged));
    give(held, video(120, avcKeyFrame('later')));
    assert.ok(player.outlet.bytes.includes('later'));
    assert.equal(publisher.log.matching('http remux: ').length, 1);
  });

  it('goes on with another publisher, whose tracks come anew', () => {
    const held = hold('ts');
    const player = play(held);
    give(held, ...sampleTags(2));
    source.release(publisher);
    source.acquire(publisher);
    assert.deepEqual(log.calls.slice(-2), ['detach', 'attach 1 350 flv']);
    assert.equal(play(hold('ts')).outlet.bytes.length, 0);
    const before = player.outlet.bytes.length;
    give(held, video(200, avcInterFrame('lost')), ...sampleTags(1));
    const after = player.outlet.bytes.subarray(before);
    assert.equal(after.readUInt16BE(1) & 0x1fff, 0);
    assert.ok(after.includes('v0') && !after.includes('lost'));
  });

  it('takes timestamps that wrap for ones that go on', () => {
    const held = hold('aac', 'http_remux { fast_cache 1; }');
    give(held, audio(2 ** 32 - 50, aacSequenceHeader()), audio(2 ** 32 - 50, aacFrame('a0')));
    give(held, sampleTags(0)[0]!, audio(10, aacFrame('a1')));
    assert.deepEqual(
      held.feed.beginning.chunks.map(({ timeMs }) => timeMs),
      [2 ** 32 - 50, 2 ** 32 + 10],
    );
  });

  describe('to a slow player', () => {
    const frames = (held: HeldFeed, from: number, to: number, gop = 1000): void => {
      for (let time = from; time < to; time += 100) {
        const frame = time % gop === 0 ? avcKeyFrame(`k${time}.`) : avcInterFrame(`f${time}.`);
        give(held, video(time, frame), audio(time, aacFrame(`a${time}.`)));
      }
    };
    const begin = (limits: { spanMs: number; bytes: number }): [HeldFeed, Playing] => {
      const held = hold('ts');
      const player = play(held, limits);
      give(held, video(0, avcSequenceHeader()), audio(0, aacSequenceHeader()));
      frames(held, 0, 300);
      player.outlet.isReady = false;
      return [held, player];
    };

    it('keeps what it does not take yet', () => {
      const [held, player] = begin({ spanMs: 5000, bytes: 1e6 });
      frames(held, 300, 900);
      assert.ok(!player.outlet.bytes.includes('f300.'));
      player.outlet.drain();
      assert.ok(player.outlet.bytes.includes('f300.') && player.outlet.bytes.includes('f800.'));
      assert.equal(player.tap.stats.dropped, 0);
    });

    it('jumps to the newest key frame when it lags too far', () => {
      const [held, player] = begin({ spanMs: 1500, bytes: 1e6 });
      frames(held, 300, 2200);
      player.outlet.drain();
      const { bytes } = player.outlet;
      assert.ok(!bytes.includes('f300.') && !bytes.includes('f900.'));
      assert.ok(bytes.includes('k1000.') && bytes.includes('f2100.'));
      assert.ok(player.tap.stats.dropped > 0);
      assert.deepEqual(player.events, []);
    });

    it('waits for the next key frame when there is none to jump to', () => {
      const [held, player] = begin({ spanMs: 500, bytes: 1e6 });
      frames(held, 300, 950);
      player.outlet.drain();
      assert.ok(!player.outlet.bytes.includes('f900.'));
      frames(held, 1000, 1200);
      assert.ok(player.outlet.bytes.includes('k1000.'));
      assert.equal(player.tap.stats.dropped, 14);
    });

    it('bounds the bytes that wait', () => {
      const [held, player] = begin({ spanMs: 1e6, bytes: 2000 });
      frames(held, 300, 1000);
      player.outlet.drain();
      assert.ok(player.tap.stats.dropped > 0);
    });

    it('gives up after a minute in which it never caught up', () => {
      const [held, player] = begin({ spanMs: 1500, bytes: 1e6 });
      frames(held, 300, 59_000);
      assert.deepEqual(player.events, []);
      frames(held, 59_000, 70_000);
      assert.deepEqual(player.events, ['hopeless']);
      player.tap.stop();
    });
  });

  describe('as FLV to a player of this process', () => {
    it('stands behind the head of a file, and waits when the outlet is full', () => {
      const outlet = new FakeOutlet();
      const tap = new PulledTap(source, outlet, 0);
      tap.start();
      assert.equal(tap.takeMedia(Buffer.from('first')), true);
      outlet.isReady = false;
      assert.equal(tap.takeMedia(Buffer.from('second')), false);
      tap.onDrain();
      tap.onDrain();
      tap.finish();
      tap.stop();
      assert.equal(outlet.bytes.toString('latin1', 13), 'firstsecond');
      assert.equal(outlet.bytes.toString('latin1', 0, 3), 'FLV');
      assert.deepEqual(log.calls, ['attach 1 0 flv', 'resume', 'setFlushMs 0', 'detach']);
      assert.equal(tap.stats.dropped, 0);
    });
  });
});
