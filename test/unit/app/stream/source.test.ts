import assert from 'node:assert/strict';

import { TagFlags } from '../../../../src/media/codec';
import { Amf0Reader } from '../../../../src/rtmp/amf0-reader';
import { AmfObject } from '../../../../src/rtmp/amf0-value';
import { FakeSocket } from '../../../support/fakes/fake-socket';
import {
  aacFrame,
  aacHeader,
  avcHeader,
  interFrame,
  keyFrame,
} from '../../../support/media-bodies';

import { AUDIO, createSource, defaults, FakePublisher, send, VIDEO } from './harness';

const socket = new FakeSocket().asSocket;

describe('Source, media', () => {
  it('appends the bytes with flags and the header slot of their track', () => {
    const { source, log } = createSource();
    source.acquire(new FakePublisher(100));
    send(source, VIDEO, 0, avcHeader);
    send(source, AUDIO, 0, aacHeader);
    send(source, VIDEO, 0, keyFrame);
    send(source, AUDIO, 20, aacFrame);
    send(source, VIDEO, 40, interFrame);
    assert.deepEqual(
      log.messages.map(({ type, timestamp, flags, slot }) => [type, timestamp, flags, slot]),
      [
        [VIDEO, 0, TagFlags.sequenceHeader, 1],
        [AUDIO, 0, TagFlags.sequenceHeader, 33],
        [VIDEO, 0, TagFlags.keyFrame, -1],
        [AUDIO, 20, 0, -1],
        [VIDEO, 40, TagFlags.interFrame, -1],
      ],
    );
    assert.deepEqual(log.messages[2]?.body, keyFrame);
  });

  it('gives each track and each enhanced metadata its own slot', () => {
    const { source, log } = createSource();
    source.acquire(new FakePublisher(100));
    const multitrack = (track: number): Buffer =>
      Buffer.concat([Buffer.from([0x96, 0x00]), Buffer.from('hvc1'), Buffer.from([track, 1])]);
    const hdr = Buffer.concat([Buffer.from([0x94]), Buffer.from('hvc1'), Buffer.from([2, 0, 0])]);
    const layout = Buffer.concat([Buffer.from([0x94]), Buffer.from('Opus'), Buffer.from([1, 2])]);
    send(source, VIDEO, 0, multitrack(2));
    send(source, VIDEO, 0, multitrack(40));
    send(source, VIDEO, 0, hdr);
    send(source, AUDIO, 0, layout);
    assert.deepEqual(
      log.messages.map((message) => message.slot),
      [3, -1, 65, 97],
    );
  });

  it('drops empty messages', () => {
    const { source, log } = createSource();
    source.media(AUDIO, 0, Buffer.alloc(0), 0, 0);
    assert.deepEqual(log.messages, []);
  });

  it('does not pass a repeated sequence header on, and logs each change once', () => {
    const { source, log } = createSource();
    const publisher = new FakePublisher(100);
    source.acquire(publisher);
    send(source, VIDEO, 0, avcHeader);
    send(source, VIDEO, 40, avcHeader);
    const changed = Buffer.from(avcHeader);
    changed[8] = 0x1f;
    send(source, VIDEO, 80, changed);
    assert.equal(log.messages.length, 2);
    assert.equal(publisher.log.matching('video sh').length, 2);
  });

  it('passes an equal sequence header on after the end of its track', () => {
    const { source, log } = createSource();
    source.acquire(new FakePublisher(100));
    send(source, VIDEO, 0, avcHeader);
    send(source, VIDEO, 40, Buffer.from([0x17, 2, 0, 0, 0]));
    send(source, VIDEO, 80, avcHeader);
    assert.deepEqual(
      log.messages.map((message) => message.slot),
      [1, -1, 1],
    );
  });

  it('passes repeated sequence headers on when told so, still logging once', () => {
    const { source, log } = createSource({ reduceSequenceHeader: false });
    const publisher = new FakePublisher(100);
    source.acquire(publisher);
    send(source, AUDIO, 0, aacHeader);
    send(source, AUDIO, 40, aacHeader);
    assert.equal(log.messages.length, 2);
    assert.equal(publisher.log.matching('audio sh').length, 1);
  });
});

describe('Source, large headers', () => {
  const largest = 64 * 1024;

  it('are passed on, but not kept, beyond 64 KiB', () => {
    const { source, log } = createSource();
    source.acquire(new FakePublisher(100));
    const header = Buffer.concat([avcHeader, Buffer.alloc(largest - avcHeader.length)]);
    const larger = Buffer.concat([header, Buffer.alloc(1)]);
    for (const body of [larger, larger, header]) send(source, VIDEO, 0, body);
    assert.deepEqual(
      log.messages.map(({ slot }) => slot),
      [-1, -1, 1],
    );
  });

  it('and metadata too, which is said once and still heeded', () => {
    const { source, log } = createSource();
    const publisher = new FakePublisher(100);
    source.acquire(publisher);
    source.setMetadata(0, AmfObject.of({ width: 1 }));
    const large = AmfObject.of({ bravo_atc: true, index: 'x'.repeat(largest) });
    for (let i = 0; i < 3; i++) source.setMetadata(0, large);
    assert.deepEqual(
      log.messages.map(({ slot }) => slot),
      [0, -1, -1, -1],
    );
    assert.equal(source.metadata?.number('width'), 1);
    assert.ok(log.options.absolute);
    assert.equal(publisher.log.matching('above 65536B is not kept').length, 1);
  });
});

describe('Source, publishers', () => {
  it('knows its publisher and forgets the stream when it leaves, players staying', () => {
    const { source, log } = createSource();
    const publisher = new FakePublisher(100);
    source.attach(socket, 1, 350);
    source.acquire(publisher);
    assert.equal(source.sourceId, 100);
    send(source, VIDEO, 0, avcHeader);
    source.release(publisher);
    assert.equal(source.sourceId, -1);
    assert.equal(source.players, 1);
    assert.deepEqual(log.calls, ['attach 1 350', 'reset']);
    assert.equal(publisher.log.matching('cleanup when unpublish').length, 1);
  });

  it('sends the sequence header again after a republish and continues its timeline', () => {
    const { source, log } = createSource();
    const first = new FakePublisher(100);
    source.acquire(first);
    send(source, VIDEO, 0, avcHeader);
    send(source, VIDEO, 400, keyFrame);
    source.release(first);
    source.acquire(new FakePublisher(101));
    send(source, VIDEO, 0, avcHeader);
    send(source, VIDEO, 0, keyFrame);
    assert.deepEqual(log.times, [0, 400, 440, 440]);
  });

  it('replaces a publisher: the old one is told, its late release changes nothing', () => {
    const { source, log } = createSource();
    const old = new FakePublisher(100);
    const next = new FakePublisher(101);
    source.acquire(old);
    source.acquire(old);
    source.acquire(next);
    assert.deepEqual(old.replacedBy, [101]);
    source.release(old);
    assert.equal(source.publisher, next);
    assert.deepEqual(log.calls, ['reset']);
  });

  it('is idle without publisher and players', () => {
    const { source } = createSource();
    assert.ok(source.isIdle);
    source.attach(socket, 1, 0);
    assert.ok(!source.isIdle);
    source.detach(socket);
    const publisher = new FakePublisher(100);
    source.acquire(publisher);
    assert.ok(!source.isIdle);
    source.release(publisher);
    assert.ok(source.isIdle);
  });
});

describe('Source, players', () => {
  it('hands what concerns one player to the log', () => {
    const { source, log } = createSource();
    source.attach(socket, 1, 350);
    source.setPaused(socket, true);
    source.setFlushMs(socket, 0);
    source.limitDuration(socket, 5000);
    assert.deepEqual(source.playerStats(socket), { messages: 0, dropped: 0, lagMs: 0, jumps: 0 });
    source.detach(socket);
    assert.deepEqual(log.calls, [
      'attach 1 350',
      'setPaused true',
      'setFlushMs 0',
      'setDurationLimit 5000',
      'detach',
    ]);
  });
});

describe('Source, metadata', () => {
  it('caches onMetaData with our fields as a data message', () => {
    const { source, log } = createSource();
    const publisher = new FakePublisher(100);
    source.acquire(publisher);
    source.setMetadata(0, AmfObject.ecmaArray({ width: 640, height: 480 }));
    const [message] = log.messages;
    assert.ok(message);
    assert.deepEqual([message.type, message.slot, message.timestamp], [18, 0, 0]);
    const reader = new Amf0Reader(message.body);
    assert.equal(reader.readString(), 'onMetaData');
    const value = reader.readValue();
    assert.ok(value instanceof AmfObject);
    assert.deepEqual(
      [...value.entries.keys()],
      ['width', 'height', 'server', 'srs_primary', 'srs_authors', 'server_version'],
    );
    assert.equal(publisher.log.matching('got metadata, width=640, height=480').length, 1);
    assert.equal(source.metadata?.number('width'), 640);
  });

  it('relays other data without caching it', () => {
    const { source, log } = createSource();
    source.data(0, Buffer.from('..cue'), 2, 5);
    assert.deepEqual(
      log.messages.map(({ type, slot, body }) => [type, slot, body.toString()]),
      [[18, -1, 'cue']],
    );
    assert.equal(source.metadata, undefined);
  });

  it('is forgotten with its hints when the publisher leaves', () => {
    const { source, log } = createSource();
    const publisher = new FakePublisher(100);
    source.acquire(publisher);
    source.setMetadata(0, AmfObject.of({ framerate: 10, audiosamplerate: 48000 }));
    send(source, VIDEO, 9000, keyFrame);
    source.release(publisher);
    assert.equal(source.metadata, undefined);
    send(source, VIDEO, 90_000, keyFrame);
    assert.deepEqual(log.times, [0, 100, 140]);
  });
});

describe('Source, timestamps', () => {
  it('are absolute to players with atc', () => {
    const { source, log } = createSource({ atc: true });
    assert.ok(log.options.absolute);
    send(source, VIDEO, 123_456_789, keyFrame);
    assert.deepEqual(log.times, [123_456_789]);
  });

  it('are absolute with jitter off, relative with zero', () => {
    assert.ok(createSource({ jitter: 'off' }).log.options.absolute);
    assert.ok(!createSource({ jitter: 'zero' }).log.options.absolute);
  });

  it('become absolute when metadata asks for it, until the publisher leaves', () => {
    const { source, log } = createSource();
    const publisher = new FakePublisher(100);
    source.acquire(publisher);
    source.setMetadata(0, AmfObject.of({ bravo_atc: 'true' }));
    assert.ok(log.options.absolute);
    send(source, VIDEO, 5_000_000, keyFrame);
    assert.equal(log.times.at(-1), 5_000_000);
    source.release(publisher);
    assert.ok(!log.options.absolute);
  });

  it('stay corrected when atc_auto is off', () => {
    const { source, log } = createSource({ atcAuto: false });
    source.setMetadata(0, AmfObject.of({ bravo_atc: 'true' }));
    assert.ok(!log.options.absolute);
  });

  it('follow changed options at once, the chunk size staying', () => {
    const { source, log } = createSource();
    source.setOptions({
      ...defaults,
      atc: true,
      log: { ...defaults.log, chunkSize: 128, queueMs: 9 },
    });
    assert.ok(log.options.absolute);
    assert.deepEqual([log.options.chunkSize, log.options.queueMs], [60000, 9]);
    assert.equal(source.chunkSize, 60000);
  });

  it('forgets the cached pictures when they are corrected in another way, and says so', () => {
    const { source, log } = createSource();
    const publisher = new FakePublisher(100);
    source.acquire(publisher);
    const seen: boolean[] = [];
    const setOptions = log.setOptions.bind(log);
    log.setOptions = (options): void => {
      seen.push(options.gopCache);
      setOptions(options);
    };
    source.setOptions({ ...defaults, log: { ...defaults.log, queueMs: 5 } });
    assert.deepEqual(seen, [true]);
    source.setOptions({ ...defaults, jitter: 'zero' });
    assert.deepEqual(seen, [true, false, true]);
    assert.equal(
      publisher.log.matching('corrected by zero instead of full from now on, players=0').length,
      1,
    );
  });
});
