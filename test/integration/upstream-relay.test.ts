import assert from 'node:assert/strict';

import { Source } from '../../src/app/stream/source';
import type { SourceOptions } from '../../src/app/stream/source';
import { FailureMemory } from '../../src/app/upstream/candidates';
import { Relay } from '../../src/app/upstream/relay';
import type { RelayOptions } from '../../src/app/upstream/relay';
import { Resolver } from '../../src/app/upstream/resolver';
import { systemClock } from '../../src/core/clock';
import type { FlvTag } from '../../src/media/flv';
import { BroadcastLog } from '../../src/net/broadcast-log';
import { Engine } from '../../src/net/engine';
import { AmfObject } from '../../src/rtmp/amf0-value';
import { RecordingLogger } from '../support/fakes/recording-logger';
import { FaultProxy } from '../support/fault-proxy';
import type { LivePeer, Message } from '../support/live-peer';
import { liveServers, texts, vhost } from '../support/live-server';
import { avcSequenceHeader, sampleTags, videoSecond } from '../support/media';
import { pairFiles } from '../support/tls';
import { eventually } from '../support/waits';

const name = { vhost: '__defaultVhost__', app: 'live', stream: 's' };
const SECOND_MS = 1000;

/** A stream that is published without a client, and relays of it. */
class Copying {
  readonly engine = new Engine(new RecordingLogger());
  readonly log = new RecordingLogger(500);
  readonly source: Source;
  readonly relays: Relay[] = [];
  readonly #failures = new FailureMemory(systemClock);
  #second = 0;

  constructor(log: Partial<SourceOptions['log']> = {}) {
    const options: SourceOptions = {
      log: {
        chunkSize: 4096,
        queueMs: 30_000,
        gopCache: true,
        gopCacheMaxBytes: 32 * 1024 * 1024,
        absolute: false,
        ...log,
      },
      jitter: 'full',
      atc: false,
      atcAuto: false,
      reduceSequenceHeader: true,
    };
    this.source = new Source(name, options, (made) => new BroadcastLog(this.engine, made));
    this.source.acquire({
      contextId: 100,
      log: new RecordingLogger(100),
      lastReceivedMs: 0,
      onReplaced: () => undefined,
      drop: () => undefined,
    });
    this.source.setMetadata(0, AmfObject.of({ width: 640 }));
  }

  relay(words: readonly string[], more: Partial<RelayOptions> = {}): Relay {
    const relay = new Relay(
      {
        engine: this.engine,
        resolver: new Resolver(() => []),
        clock: systemClock,
        serverIp: () => '127.0.0.1',
        failures: this.#failures,
        lines: { add: () => undefined, remove: () => undefined },
      },
      {
        words,
        names: { ...name, param: '', streamParam: '' },
        kind: 'forward',
        log: this.log,
        backoff: { next: () => 10, reset: () => undefined },
        verify: true,
        identify: true,
        flushMs: 0,
        ...more,
      },
    );
    relay.attach(this.source);
    relay.start();
    this.relays.push(relay);
    return relay;
  }

  /** Resolves when a relay is connected. */
  async until(relay: Relay, state = 'connected'): Promise<void> {
    await eventually(state, () => relay.status().state === state);
  }

  send(tags: readonly FlvTag[]): void {
    for (const { type, timestamp, payload } of tags) {
      this.source.media(type, timestamp, payload, 0, payload.length);
    }
  }

  /** One second of video more, from a key frame on. */
  sendSecond(size?: number): FlvTag[] {
    const tags = videoSecond(this.#second * SECOND_MS, size);
    this.#second++;
    this.send(tags);
    return tags;
  }

  async close(): Promise<void> {
    for (const relay of this.relays) relay.stop();
    await eventually('the relays gone', () => this.engine.stats.sockets === 0);
    this.source.close();
    this.engine.close();
  }
}

/** Audio and video, without metadata. */
async function mediaOf(player: LivePeer, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  while (messages.length < count) {
    const [message] = await player.media(1);
    if (message && message.type !== 18) messages.push(message);
  }
  return messages;
}

describe('a relay to a server', () => {
  const start = liveServers();
  let made: Copying[] = [];
  let proxies: FaultProxy[] = [];
  afterEach(async () => {
    for (const copying of made.splice(0)) await copying.close();
    for (const proxy of proxies.splice(0)) await proxy.close();
    made = [];
    proxies = [];
  });

  function copying(log?: Partial<SourceOptions['log']>): Copying {
    const one = new Copying(log);
    made.push(one);
    return one;
  }

  async function proxied(port: number): Promise<FaultProxy> {
    const proxy = await FaultProxy.start({ host: '127.0.0.1', port });
    proxies.push(proxy);
    return proxy;
  }

  it('brings every message unchanged to players there', async () => {
    const live = await start();
    const player = await live.player();
    const copy = copying();
    const relay = copy.relay([`127.0.0.1:${live.port}`]);
    await copy.until(relay);
    const tags = sampleTags(250).slice(1);
    copy.send(tags);
    assert.deepEqual(texts(await mediaOf(player, tags.length)), texts(tags));
    assert.equal(
      player.received.some(({ type }) => type === 18),
      true,
    );
    const { messages, dropped, sentBytes, state } = relay.status();
    // The metadata of the preface is none of the stream's messages.
    assert.deepEqual([messages, dropped, state], [tags.length, 0, 'connected']);
    assert.ok(sentBytes > 10_000);
    // What says who published it, so that it can be followed through the logs of both.
    await live.log.until(() => live.log.matching(', id=500').length > 0);
    relay.stop();
    await live.log.until(() => live.log.matching('cleanup when unpublish').length > 0);
    assert.deepEqual(live.errors, []);
  });

  it('begins with the cached group of pictures, and sends what waits at its end', async () => {
    const live = await start();
    const player = await live.player();
    const copy = copying();
    copy.send([{ type: 9, timestamp: 0, payload: avcSequenceHeader() }]);
    copy.sendSecond();
    const cached = copy.sendSecond();
    const relay = copy.relay([`127.0.0.1:${live.port}`], { flushMs: 60_000 });
    await copy.until(relay);
    const last = copy.sendSecond();
    relay.stop();
    const heard = await mediaOf(player, 1 + cached.length + last.length);
    const expected = [...cached, ...last].map(({ payload }) => payload.toString('latin1'));
    assert.deepEqual(
      heard.slice(1).map(({ payload }) => payload.toString('latin1')),
      expected,
    );
    const [first] = heard.slice(1);
    assert.deepEqual(
      heard.slice(1).map(({ timestamp }) => timestamp - first!.timestamp),
      expected.map((_, index) => index * 40),
    );
  });

  it('speaks TLS, with messages large and small', async () => {
    const { cert, key } = pairFiles('first');
    const secure = `rtmps_listen 127.0.0.1:0; rtmps_cert ${cert}; rtmps_key ${key};`;
    const live = await start(vhost('', secure));
    const player = await live.player();
    const copy = copying({ chunkSize: 60000 });
    const relay = copy.relay([`rtmps://127.0.0.1:${live.securePort}`], { verify: false });
    await copy.until(relay);
    const expected: FlvTag[] = [];
    for (const size of [10, 100_000, 10, 300_000]) expected.push(...copy.sendSecond(size));
    const heard = await mediaOf(player, expected.length);
    assert.deepEqual(texts(heard), texts(expected));
    relay.stop();
    await live.log.until(() => live.log.matching('cleanup when unpublish').length > 0);
  });

  it('keeps messages whole when new metadata comes amid them', async () => {
    const live = await start();
    const player = await live.player();
    const proxy = await proxied(live.port);
    const copy = copying({ chunkSize: 128 });
    const relay = copy.relay([`127.0.0.1:${proxy.port}`]);
    await copy.until(relay);
    proxy.freeze('up');
    const expected: FlvTag[] = [];
    // The connection takes a part of a message at some point, and the metadata is written behind that.
    for (let second = 0; second < 12; second++) {
      expected.push(...copy.sendSecond(40_000));
      copy.source.setMetadata(0, AmfObject.of({ width: second, text: 'x'.repeat(1000) }));
      await new Promise((resolve) => setImmediate(resolve));
    }
    proxy.thaw();
    assert.deepEqual(texts(await mediaOf(player, expected.length)), texts(expected));
    const { metadata } = copy.source;
    assert.equal(metadata!.number('width'), 11);
    assert.equal(relay.status().dropped, 0);
    assert.deepEqual(live.errors, []);
  });

  it('goes on after a loss, with all that a player needs', async () => {
    const live = await start();
    const player = await live.player();
    const proxy = await proxied(live.port);
    const copy = copying();
    copy.send([{ type: 9, timestamp: 0, payload: avcSequenceHeader() }]);
    const relay = copy.relay([`127.0.0.1:${proxy.port}`]);
    await copy.until(relay);
    await mediaOf(player, 1 + copy.sendSecond().length);
    proxy.cut();
    await eventually('the reconnect', () => relay.status().reconnects === 1);
    const more = [...copy.sendSecond(), ...copy.sendSecond()];
    const heard = await mediaOf(player, 1 + 25 + more.length);
    assert.equal(heard[0]!.payload[1], 0, 'the sequence header comes again');
    assert.match(heard.at(-1)!.payload.toString('latin1'), /f2960/);
    const times = heard.map(({ timestamp }) => timestamp);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    );
  });

  it('fails over to another server, and stays there', async () => {
    const [a, b] = [await start(), await start()];
    const proxyA = await proxied(a.port);
    const proxyB = await proxied(b.port);
    const copy = copying();
    const relay = copy.relay([`127.0.0.1:${proxyA.port}`, `127.0.0.1:${proxyB.port}`]);
    await copy.until(relay);
    const isAtA = proxyA.stats.open > 0;
    const [first, second, there] = isAtA ? [proxyA, proxyB, b] : [proxyB, proxyA, a];
    await first.refuse();
    first.cut();
    await eventually('the other server', () => second.stats.open > 0);
    await copy.until(relay);
    const player = await there.player();
    const tags = copy.sendSecond();
    assert.deepEqual(texts(await mediaOf(player, tags.length)), texts(tags));
    await first.accept();
    assert.equal(relay.status().reconnects, 1);
  });

  it('leaves out what a server is too slow for, up to a key frame', async () => {
    const live = await start();
    const player = await live.player();
    const proxy = await proxied(live.port);
    const copy = copying({ queueMs: 2000 });
    copy.send([{ type: 9, timestamp: 0, payload: avcSequenceHeader() }]);
    const relay = copy.relay([`127.0.0.1:${proxy.port}`]);
    await copy.until(relay);
    proxy.freeze('up');
    // More than all the buffers on the way take.
    for (let second = 0; second < 30; second++) copy.sendSecond(40_000);
    await eventually('dropped messages', () => {
      copy.sendSecond(40_000);
      return relay.status().dropped > 0;
    });
    proxy.thaw();
    const last = copy.sendSecond();
    const end = /f(\d+)/.exec(last.at(-1)!.payload.toString('latin1'))![0];
    const heard: Message[] = [];
    for (;;) {
      const [message] = await mediaOf(player, 1);
      heard.push(message!);
      if (message!.payload.toString('latin1').includes(end)) break;
    }
    assert.equal(relay.status().reconnects, 0);
    assertWhole(heard);
    assert.deepEqual(live.errors, []);
  });

  it('finds a frozen server by its silence, and goes on when it is back', async () => {
    const live = await start();
    const proxy = await proxied(live.port);
    const copy = copying();
    const relay = copy.relay([`127.0.0.1:${proxy.port}`], { silenceMs: 300 });
    await copy.until(relay);
    // Once it has granted the copy it says nothing but answers to pings.
    for (let answer = 1; answer <= 3; answer++) {
      const { down } = proxy.stats;
      await eventually('an answer', () => proxy.stats.down > down);
    }
    proxy.freeze();
    await eventually('the loss', () => relay.status().lastError !== '');
    assert.match(relay.status().lastError, /expected a sign of life within 300 ms/);
    await proxy.pass();
    await eventually('the reconnect', () => relay.status().reconnects > 0);
  });
});

/** Pictures come in their order, and after a gap with a key frame. */
function assertWhole(messages: readonly Message[]): void {
  let expected: number | undefined;
  for (const { payload } of messages) {
    const [, text] = /f(\d+)/.exec(payload.toString('latin1')) ?? [];
    if (text === undefined) continue;
    const time = Number(text);
    const isKey = payload[0] === 0x17;
    assert.ok(isKey || time === expected, `f${time} after a gap, expected f${String(expected)}`);
    expected = time + 40;
  }
}
