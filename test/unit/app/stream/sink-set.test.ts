import assert from 'node:assert/strict';

import type { StreamMessage, StreamSink, StreamStart } from '../../../../src/app/stream/sink';
import { AmfObject } from '../../../../src/rtmp/amf0-value';
import { aacHeader, avcHeader, interFrame, keyFrame } from '../../../support/media-bodies';

import { AUDIO, createSource, defaults, FakePublisher, name, send, VIDEO } from './harness';

class FakeSink implements StreamSink {
  readonly name = 'fake';
  events: string[] = [];
  absolute: boolean[] = [];
  messages: StreamMessage[] = [];
  start: StreamStart | undefined;
  failsOn = '';

  onPublish(start: StreamStart): void {
    this.start = start;
    this.#event('publish');
  }

  onMetadata(_metadata: AmfObject, message: StreamMessage): void {
    this.messages.push(message);
    this.#event('metadata');
  }

  onAbsolute(isAbsolute: boolean): void {
    this.absolute.push(isAbsolute);
  }

  onMessage(message: StreamMessage): void {
    this.messages.push(message);
    this.#event('message');
  }

  onUnpublish(): void {
    this.#event('unpublish');
  }

  #event(event: string): void {
    this.events.push(event);
    if (event === this.failsOn) throw new Error('disk full');
  }
}

describe('Source, sinks', () => {
  it('get owned copies with the published time, and the headers that came before them', () => {
    const { source } = createSource();
    const publisher = new FakePublisher(100);
    source.acquire(publisher);
    send(source, AUDIO, 0, aacHeader);
    send(source, VIDEO, 0, avcHeader);
    source.setMetadata(0, AmfObject.of({ width: 1 }));
    const sink = new FakeSink();
    source.addSink(sink);
    assert.deepEqual(
      sink.start?.headers.map((header) => header.type),
      [18, VIDEO, AUDIO],
    );
    assert.deepEqual(sink.start.name, name);
    assert.equal(sink.start.metadata?.number('width'), 1);

    const slab = Buffer.from(keyFrame);
    source.media(VIDEO, 7_000_000, slab, 0, slab.length);
    slab.fill(0);
    assert.deepEqual(sink.messages[0]?.payload, keyFrame);
    assert.equal(sink.messages[0].timestamp, 7_000_000);
    source.setMetadata(0, AmfObject.of({ width: 2 }));
    source.release(publisher);
    assert.deepEqual(sink.events, ['publish', 'message', 'metadata', 'unpublish']);
  });

  it('are told of each publisher', () => {
    const { source } = createSource();
    const sink = new FakeSink();
    source.addSink(sink);
    assert.deepEqual(sink.events, []);
    source.acquire(new FakePublisher(100));
    source.acquire(new FakePublisher(101));
    source.removeSink(sink);
    source.acquire(new FakePublisher(102));
    assert.deepEqual(sink.events, ['publish', 'unpublish', 'publish', 'unpublish']);
  });

  it('that fail are stopped until the next publish, without harm to others', () => {
    const { source, log } = createSource();
    const bad = new FakeSink();
    const good = new FakeSink();
    bad.failsOn = 'message';
    source.addSink(bad);
    source.addSink(good);
    const publisher = new FakePublisher(100);
    source.acquire(publisher);
    send(source, VIDEO, 0, keyFrame);
    send(source, VIDEO, 40, interFrame);
    assert.deepEqual(bad.events, ['publish', 'message', 'unpublish']);
    assert.deepEqual(good.events, ['publish', 'message', 'message']);
    assert.equal(log.messages.length, 2);
    assert.equal(
      publisher.log.matching('fake disabled until the next publish: disk full').length,
      1,
    );
    source.acquire(new FakePublisher(101));
    assert.equal(bad.events.at(-1), 'publish');
  });

  it('that fail to stop are only logged', () => {
    const { source } = createSource();
    const sink = new FakeSink();
    sink.failsOn = 'unpublish';
    source.addSink(sink);
    const publisher = new FakePublisher(100);
    source.acquire(publisher);
    source.release(publisher);
    assert.equal(publisher.log.matching('fake failed to stop: disk full').length, 1);
  });

  it('end with the source', () => {
    const { source, log } = createSource();
    const sink = new FakeSink();
    source.addSink(sink);
    source.acquire(new FakePublisher(100));
    source.close();
    assert.ok(log.isClosed);
    assert.deepEqual(sink.events, ['publish', 'unpublish']);
  });

  it('are told whether times are absolute: at the start, before the metadata that says so, at a reload', () => {
    const { source } = createSource();
    const sink = new FakeSink();
    source.addSink(sink);
    source.acquire(new FakePublisher(100));
    assert.equal(sink.start?.isAbsolute, false);
    source.setMetadata(0, AmfObject.of({ bravo_atc: 'true' }));
    assert.deepEqual([sink.absolute, sink.events.at(-1)], [[true], 'metadata']);
    const late = new FakeSink();
    source.addSink(late);
    assert.equal(late.start?.isAbsolute, true);
    source.setOptions({ ...defaults, atcAuto: false });
    assert.deepEqual([sink.absolute, late.absolute], [[true, false], [false]]);
    const { source: always } = createSource({ atc: true });
    always.acquire(new FakePublisher(101));
    always.addSink(sink);
    assert.equal(sink.start.isAbsolute, true);
  });
});
