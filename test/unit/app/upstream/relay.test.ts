import assert from 'node:assert/strict';

import type { Source } from '../../../../src/app/stream/source';
import { FailureMemory } from '../../../../src/app/upstream/candidates';
import { Relay } from '../../../../src/app/upstream/relay';
import type { RelayEvents, RelayOptions } from '../../../../src/app/upstream/relay';
import type { Service } from '../../../../src/app/upstream/resolver';
import type { UpstreamError } from '../../../../src/app/upstream/upstream-error';
import { ErrorCode, SrsError } from '../../../../src/core/errors';
import { AmfObject } from '../../../../src/rtmp/amf0-value';
import type { FakeStreamLog } from '../../../support/fakes/fake-stream-log';
import { ManualClock } from '../../../support/fakes/manual-clock';
import { RecordingLogger } from '../../../support/fakes/recording-logger';
import { Waits } from '../../../support/waits';
import { createSource, FakePublisher } from '../stream/harness';

import { UpstreamBench } from './bench';
import type { FakeOrigin } from './fake-origin';

const names = { vhost: '__defaultVhost__', app: 'live', param: '', stream: 's', streamParam: '' };
/** Where nobody listens: a port that is never given out. */
const NOBODY = '127.0.0.1:1';

/** Relays of one test, and what they told. */
class RelayBench extends UpstreamBench {
  readonly clock = new ManualClock();
  readonly failures = new FailureMemory(this.clock);
  readonly log = new RecordingLogger(500);
  readonly members = new Set<unknown>();
  /** What SRV records say; undefined: DNS is in trouble. */
  services: readonly Service[] | undefined = [];
  readonly events: string[] = [];
  readonly errors: UpstreamError[] = [];
  /** Waits that were asked for, and how often all was well. */
  readonly backoff = {
    waits: 0,
    resets: 0,
    next: () => ++this.backoff.waits,
    reset: () => ++this.backoff.resets,
  };
  onRefused: 'retry' | 'stop' = 'retry';
  onEvent: ((event: string) => void) | undefined;
  readonly #relays: Relay[] = [];
  readonly #waits = new Waits(() => this.events.join(', '));

  relay(words: readonly string[], more: Partial<RelayOptions> = {}): Relay {
    const resolver = {
      addresses: () => Promise.resolve(['127.0.0.1']),
      services: () =>
        this.services ? Promise.resolve(this.services) : Promise.reject(new Error('no DNS')),
    };
    const relay = new Relay(
      {
        engine: this.engine,
        resolver,
        clock: this.clock,
        serverIp: () => '192.0.2.7',
        failures: this.failures,
        lines: { add: (one) => this.members.add(one), remove: (one) => this.members.delete(one) },
      },
      {
        words,
        names,
        kind: 'edge-push',
        log: this.log,
        backoff: this.backoff,
        verify: true,
        identify: false,
        flushMs: 0,
        ...more,
      },
      this.#handler(),
    );
    this.#relays.push(relay);
    return relay;
  }

  /** Starts a relay. */
  started(words: readonly string[], more?: Partial<RelayOptions>): Relay {
    const relay = this.relay(words, more);
    relay.start();
    return relay;
  }

  /** Resolves when an event has come so often. */
  until(event: string, count = 1): Promise<void> {
    const times = (): number => this.events.filter((one) => one === event).length;
    return this.#waits.until(`${count} of ${event}`, () => times() >= count);
  }

  override async close(): Promise<void> {
    for (const relay of this.#relays) relay.stop();
    assert.equal(this.members.size, 0);
    await super.close();
  }

  #handler(): RelayEvents {
    return {
      onGranted: () => {
        this.#note('granted');
      },
      onRefused: (error) => {
        this.#note('refused', error);
        return this.onRefused;
      },
      onFailed: (error, hasOthers) => {
        this.#note(hasOthers ? 'failed, others' : 'failed', error);
      },
      onGaveUp: (error) => {
        this.#note('gave up', error);
      },
    };
  }

  #note(event: string, error?: UpstreamError): void {
    this.events.push(event);
    if (error) this.errors.push(error);
    this.onEvent?.(event);
    this.#waits.look();
  }
}

/** A stream that is published, with metadata. */
function published(chunkSize = 60000): { source: Source; log: FakeStreamLog } {
  const made = createSource();
  made.source.acquire(new FakePublisher(100));
  made.log.options = { ...made.log.options, chunkSize };
  made.source.setMetadata(0, AmfObject.of({ width: 1 }));
  made.log.calls.length = 0;
  return made;
}

/** Metadata that came to an origin, without the number of its values. */
function metadata({ last }: FakeOrigin): number {
  return last.data.filter((text) => text.startsWith('onMetaData')).length;
}

describe('a relay', () => {
  let bench: RelayBench;
  beforeEach(() => {
    bench = new RelayBench();
  });
  afterEach(() => bench.close());

  it('copies a stream: metadata first, then what the log has', async () => {
    const origin = await bench.origin();
    const { source, log } = published();
    const relay = bench.relay([origin.address], { flushMs: 20 });
    relay.attach(source);
    assert.equal(relay.status().state, 'connecting');
    relay.start();
    relay.start();
    await bench.until('granted');
    assert.deepEqual(log.calls, ['attach 1 20']);
    assert.equal(log.players.size, 1);
    assert.equal(source.players, 0);
    await origin.until('metadata', () => metadata(origin) === 1);
    source.setMetadata(0, AmfObject.of({ width: 2 }));
    await origin.until('new metadata', () => metadata(origin) === 2);
    relay.setFlushMs(0);
    assert.equal(log.calls.at(-1), 'setFlushMs 0');
    bench.clock.advance(5000);
    const { connectedMs, sentBytes, ...status } = relay.status();
    assert.equal(connectedMs, 5000);
    assert.ok(sentBytes > 3000);
    assert.deepEqual(status, {
      url: `rtmp://${origin.address}/live/s`,
      state: 'connected',
      messages: 2,
      dropped: 0,
      reconnects: 0,
      lastError: '',
      contextId: 500,
    });
    assert.equal(origin.connections.length, 1);
    assert.equal(bench.members.size, 1);
    assert.match(
      relay.statusLine(bench.clock.nowMs()),
      /^-> EFW time=5000, msgs=2, okbps=\d+,\d+,\d+, ikbps=\d+,\d+,\d+, url=rtmp:\/\/127/,
    );
  });

  it('sends what waits and withdraws the stream at its end', async () => {
    const origin = await bench.origin();
    const { source, log } = published();
    const relay = bench.started([origin.address], { kind: 'forward' });
    await bench.until('granted');
    relay.attach(source);
    relay.attach(source);
    assert.match(relay.statusLine(0), /^-> FWR /);
    relay.stop();
    relay.stop();
    assert.deepEqual(log.calls, ['attach 1 0', 'setFlushMs 0', 'detach']);
    await origin.until('the end', () => origin.last.isClosed);
    assert.ok(origin.last.isUnpublished);
    assert.equal(relay.status().state, 'stopped');
    assert.equal(relay.status().messages, 1);
    relay.attach(published().source);
    relay.start();
    assert.equal(relay.status().state, 'stopped');
    source.setMetadata(0, AmfObject.of({ width: 3 }));
  });

  it('changes from one stream to another, and to none', async () => {
    const origin = await bench.origin();
    const relay = bench.started([origin.address]);
    await bench.until('granted');
    const [first, second] = [published(), published(4096)];
    relay.attach(first.source);
    relay.attach(second.source);
    assert.deepEqual(first.log.calls, ['attach 1 0', 'setFlushMs 0', 'detach']);
    assert.deepEqual(second.log.calls, ['attach 1 0']);
    relay.detach();
    relay.detach();
    relay.setFlushMs(5);
    assert.deepEqual(second.log.calls, ['attach 1 0', 'setFlushMs 0', 'detach']);
    assert.equal(relay.status().state, 'connected');
    await origin.until('metadata of both', () => metadata(origin) === 2);
  });

  it('asks the next candidate at once, and all of them again after a wait', async () => {
    const origin = await bench.origin();
    origin.behaviour = { stream: 'leave' };
    const relay = bench.started([NOBODY, origin.address]);
    await bench.until('failed', 2);
    assert.equal(bench.events.filter((event) => event === 'failed, others').length, 2);
    assert.ok(bench.backoff.waits >= 2);
    assert.equal(relay.status().reconnects, 0);
    assert.match(relay.status().lastError, /127.0.0.1/);
    origin.behaviour = {};
    await bench.until('granted');
    assert.equal(bench.log.matching('ask another').length >= 2, true);
    assert.equal(bench.log.matching('retry in').length >= 2, true);
  });

  it('goes to another server when one is lost after a while, at once', async () => {
    const [a, b] = [await bench.origin(), await bench.origin()];
    const { source, log } = published();
    const relay = bench.relay([a.address, b.address]);
    relay.attach(source);
    relay.start();
    await bench.until('granted');
    const [first, second] = a.connections.length > 0 ? [a, b] : [b, a];
    assert.equal(second.connections.length, 0);
    bench.clock.advance(5000);
    first.last.socket.destroy();
    await bench.until('granted', 2);
    assert.equal(second.connections.length, 1);
    assert.equal(bench.backoff.waits, 0);
    assert.equal(bench.backoff.resets, 1);
    assert.deepEqual(log.calls, ['attach 1 0', 'detach', 'attach 1 0']);
    assert.equal(relay.status().reconnects, 1);
    await second.until('metadata again', () => metadata(second) === 1);
    // One that is lost soon is not come back to at once.
    second.last.socket.destroy();
    await bench.until('granted', 3);
    assert.equal(bench.backoff.waits, 1);
  });

  it('comes back to the only server after a wait', async () => {
    const origin = await bench.origin();
    bench.started([origin.address]);
    await bench.until('granted');
    bench.clock.advance(5000);
    origin.last.socket.destroy();
    await bench.until('granted', 2);
    assert.deepEqual([bench.backoff.waits, bench.backoff.resets], [1, 1]);
    assert.deepEqual(bench.events, ['granted', 'failed', 'granted']);
  });

  it('asks whether to go on when it is refused, in the words of the server', async () => {
    const origin = await bench.origin({ stream: 'refuse' });
    const relay = bench.started([origin.address]);
    await bench.until('refused', 2);
    bench.onRefused = 'stop';
    await bench.until('refused', 3);
    assert.equal(relay.status().state, 'stopped');
    assert.equal(bench.errors.at(-1)!.status, 'NetStream.Publish.BadName');
    assert.equal(bench.errors.at(-1)!.description, 'stream busy');
    const refusing = {
      schema: 'rtmp',
      label: origin.address,
    } as Parameters<FailureMemory['has']>[0];
    assert.equal(bench.failures.has(refusing), false, 'a refusal is about one stream');
  });

  it('gives up when nobody takes the stream for so long', async () => {
    const relay = bench.started([NOBODY], { giveUpMs: 30 });
    await bench.until('gave up');
    assert.equal(relay.status().state, 'stopped');
    assert.equal(bench.errors.at(-1)!.code, ErrorCode.ST_CONNECT);
    const origin = await bench.origin();
    bench.events.length = 0;
    bench.started([origin.address], { giveUpMs: 150 });
    await bench.until('granted');
    await origin.close();
    await bench.until('gave up');
    assert.ok(bench.events.includes('failed'));
  });

  it('gives up in time when a server does not answer at all', async () => {
    const origin = await bench.origin({ handshake: 'silent' });
    bench.started([origin.address], { giveUpMs: 50 });
    await bench.until('gave up');
    assert.match(bench.errors[0]!.message, /expected a server to take the stream within 50 ms/);
    assert.deepEqual(bench.events, ['gave up']);
  });

  it('finds out that a server is dead which answered pings', async () => {
    const origin = await bench.origin();
    const { source } = published();
    const relay = bench.relay([origin.address], { silenceMs: 30 });
    relay.attach(source);
    relay.start();
    await bench.until('granted');
    await origin.until('metadata', () => metadata(origin) === 1);
    // It has answered what came before the metadata, and does no more.
    origin.last.isFrozen = true;
    const ticking = setInterval(() => {
      bench.clock.advance(10);
    }, 10);
    await bench.until('failed');
    clearInterval(ticking);
    assert.equal(bench.errors[0]!.code, ErrorCode.SOCKET_TIMEOUT);
    assert.match(bench.errors[0]!.message, /expected a sign of life within 30 ms, got none/);
    await bench.until('granted', 2);
  });

  it('does not ping strangers that it forwards to', async () => {
    const origin = await bench.origin({ isStranger: true });
    for (const [kind, pings] of [
      ['forward', 0],
      ['edge-push', 1],
    ] as const) {
      const relay = bench.relay([origin.address], { kind });
      relay.attach(published().source);
      relay.start();
      await origin.until(
        'metadata',
        () => origin.connections.length > pings && metadata(origin) > 0,
      );
      assert.equal(origin.last.pings, pings);
    }
  });

  it('asks DNS anew for each round', async () => {
    const origin = await bench.origin();
    bench.services = undefined;
    bench.started(['srv:_rtmp._tcp.origin.test']);
    await bench.until('failed', 2);
    assert.match(bench.errors[0]!.message, /no DNS/);
    bench.services = [];
    await bench.until('failed', 4);
    assert.match(bench.errors.at(-1)!.message, /expected a server, got none/);
    bench.services = [{ host: 'a.test', port: origin.port, priority: 1, weight: 1 }];
    await bench.until('granted');
    assert.equal(origin.last.request!.tcUrl, `rtmp://a.test:${origin.port}/live`);
  });

  it('can be stopped from within each event, and at any moment', async () => {
    const origin = await bench.origin();
    const refusing = await bench.origin({ stream: 'refuse' });
    for (const [words, event] of [
      [[origin.address], 'granted'],
      [[refusing.address], 'refused'],
      [[NOBODY], 'failed'],
    ] as const) {
      bench.events.length = 0;
      const relay = bench.relay(words);
      bench.onEvent = () => {
        relay.stop();
      };
      relay.start();
      await bench.until(event);
      assert.equal(relay.status().state, 'stopped');
    }
    bench.onEvent = undefined;
    bench.events.length = 0;
    bench.started([origin.address]).stop();
    bench.relay([origin.address]).stop();
    const connecting = bench.started([origin.address]);
    await Promise.resolve();
    await Promise.resolve();
    connecting.stop();
    await bench.untilClosed();
    assert.deepEqual(bench.events, []);
  });

  it('passes over words that mean nothing, unless there is no other', async () => {
    const origin = await bench.origin();
    bench.started(['http://x', origin.address]);
    await bench.until('granted');
    assert.equal(bench.log.matching('expected rtmp:// or rtmps://').length, 1);
    assert.throws(() => bench.relay(['http://x']), SrsError);
    assert.throws(() => bench.relay([]), /expected a server, got none/);
  });
});
