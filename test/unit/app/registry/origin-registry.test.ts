import assert from 'node:assert/strict';

import * as sinon from 'sinon';

import { OriginRegistry } from '../../../../src/app/registry/origin-registry';
import type { Source } from '../../../../src/app/stream/source';
import { FakeRedis } from '../../../support/fakes/fake-redis';
import { RecordingLogger } from '../../../support/fakes/recording-logger';
import { createSource, FakePublisher, name } from '../stream/harness';

const options = { url: 'redis://host?prefix=', leaseMs: 9000, announce: 'me:1935' };
const ANNOUNCED = 'EVAL 2 changes stream:v/live/s me:1935 9000';
const WITHDRAWN = 'EVAL 1 stream:v/live/s me:1935';

class Upstream extends FakePublisher {
  readonly isUpstream = true;
}

describe('OriginRegistry', () => {
  let timers: sinon.SinonFakeTimers;
  let redis: FakeRedis;
  let log: RecordingLogger;
  let registry: OriginRegistry;

  beforeEach(() => {
    timers = sinon.useFakeTimers();
    redis = new FakeRedis();
    redis.responder = (args) => (args[0] === 'GET' ? '1' : [[]]);
    log = new RecordingLogger();
    const clock = { nowMs: () => timers.now };
    registry = new OriginRegistry({ log, clock, open: redis.open });
  });

  afterEach(async () => {
    const stopped = registry.stop();
    await timers.tickAsync(1000);
    await stopped;
    assert.equal(timers.countTimers(), 0);
    timers.restore();
  });

  /** Uses the options, and connects. */
  async function connected(more: Partial<typeof options> = {}): Promise<void> {
    registry.setOptions({ ...options, ...more });
    await timers.tickAsync(0);
    redis.connection.events.onReady();
    await timers.tickAsync(1);
  }

  const taken = (): string[] => redis.connection.take();

  /** A stream of a client that Redis has been told of. */
  async function published(): Promise<Source> {
    await connected();
    const { source } = createSource();
    registry.apply(source, { mode: 'local' });
    source.acquire(new FakePublisher(1));
    await timers.tickAsync(1);
    taken();
    return source;
  }

  it('announces what a client publishes, until it ends', async () => {
    await connected();
    const { source } = createSource();
    registry.apply(source, { mode: 'local' });
    registry.apply(source, { mode: 'local' });
    const publisher = new FakePublisher(1);
    source.acquire(publisher);
    await timers.tickAsync(1);
    assert.deepEqual(taken(), [`${ANNOUNCED} 0`]);
    const { published, announced, isConnected, url } = registry.status();
    assert.deepEqual([published, announced, isConnected, url], [1, 1, true, 'redis://host:6379/0']);
    source.release(publisher);
    await timers.tickAsync(1);
    assert.deepEqual(taken(), [WITHDRAWN]);
    assert.equal(registry.status().published, 0);
  });

  it('does not announce what this server fetches, but the client who takes its place', async () => {
    await connected();
    const { source } = createSource();
    registry.apply(source, { mode: 'local' });
    source.acquire(new Upstream(1));
    await timers.tickAsync(10);
    assert.deepEqual(taken(), []);
    source.acquire(new FakePublisher(2));
    await timers.tickAsync(1);
    assert.deepEqual(taken(), [`${ANNOUNCED} 0`]);
  });

  it('announces nothing of an edge, nor of a vhost that has become one', async () => {
    await connected();
    const { source } = createSource();
    registry.apply(source, { mode: 'remote' });
    source.acquire(new FakePublisher(1));
    await timers.tickAsync(10);
    assert.deepEqual(taken(), []);
    registry.apply(source, { mode: 'local' });
    await timers.tickAsync(1);
    assert.deepEqual(taken(), [`${ANNOUNCED} 0`]);
    registry.apply(source, { mode: 'remote' });
    await timers.tickAsync(1);
    assert.deepEqual(taken(), [WITHDRAWN]);
  });

  it('forgets a stream that is gone', async () => {
    const source = await published();
    registry.forget(source);
    registry.forget(source);
    await timers.tickAsync(1);
    assert.deepEqual(taken(), [WITHDRAWN]);
    source.acquire(new FakePublisher(2));
    await timers.tickAsync(1);
    assert.deepEqual(taken(), []);
  });

  it('announces all again, with their ages, when it is connected again', async () => {
    await connected();
    const { source } = createSource();
    registry.apply(source, { mode: 'local' });
    source.acquire(new FakePublisher(1));
    await timers.tickAsync(100);
    redis.connection.break('gone');
    assert.deepEqual([registry.status().announced, registry.status().isConnected], [0, false]);
    await timers.tickAsync(300);
    redis.connection.events.onReady();
    await timers.tickAsync(1);
    assert.deepEqual(taken(), [`${ANNOUNCED} 400`]);
    assert.ok(registry.status().failures >= 1);
  });

  it('announces nothing without an address, and finds all the same', async () => {
    await connected({ announce: '' });
    const { source } = createSource();
    registry.apply(source, { mode: 'local' });
    source.acquire(new FakePublisher(1));
    await timers.tickAsync(5000);
    taken();
    redis.connection.responder = () => [['a:1', '1']];
    assert.deepEqual(await registry.find(name), ['a:1']);
    assert.deepEqual(await registry.locate(name), { addresses: ['a:1'], isFresh: true });
    assert.deepEqual(taken(), ['EVAL 1 stream:v/live/s', 'EVAL 1 stream:v/live/s']);
  });

  it('tells who waits', async () => {
    await connected();
    const heard: string[] = [];
    const end = registry.watch(name, (addresses) => heard.push(addresses.join()));
    redis.connection.responder = (args) =>
      args[0] === 'GET' ? '2' : [['me:1935', '2', 'a:1', '1']];
    await timers.tickAsync(500);
    assert.deepEqual(heard, ['a:1']);
    assert.equal(registry.status().watched, 1);
    end();
  });

  it('takes back what it told the old Redis before it tells the new one', async () => {
    await published();
    const { connection } = redis;
    registry.setOptions({ ...options, url: 'redis://other?prefix=' });
    await timers.tickAsync(1);
    assert.deepEqual(connection.take(), [WITHDRAWN]);
    assert.equal(connection.isClosed, true);
    assert.equal(redis.connection.target.host, 'other');
    redis.connection.events.onReady();
    await timers.tickAsync(1);
    assert.deepEqual(taken(), [`${ANNOUNCED} 2`]);
  });

  it('does not wait for an old Redis that says nothing', async () => {
    await connected();
    const { source } = createSource();
    registry.apply(source, { mode: 'local' });
    source.acquire(new FakePublisher(1));
    redis.connection.responder = undefined;
    registry.setOptions({ ...options, announce: 'new:1935' });
    await timers.tickAsync(499);
    assert.equal(redis.connections.length, 1);
    await timers.tickAsync(1);
    assert.equal(redis.connections.length, 2);
  });

  it('goes by the last of several changes', async () => {
    registry.setOptions(options);
    registry.setOptions({ ...options, url: 'redis://other' });
    registry.setOptions({ ...options, leaseMs: 3000 });
    await timers.tickAsync(1);
    assert.deepEqual(
      redis.connections.filter(({ isClosed }) => !isClosed).map(({ target }) => target.host),
      ['host'],
    );
  });

  it('keeps its connection when only the lease changes', async () => {
    await published();
    registry.setOptions({ ...options, leaseMs: 3000 });
    await timers.tickAsync(1);
    assert.deepEqual(taken(), ['EVAL 2 changes stream:v/live/s me:1935 3000 1']);
    assert.equal(redis.connections.length, 1);
  });

  it('ends when the configuration names none any more', async () => {
    await connected();
    registry.setOptions({ ...options, url: '' });
    await timers.tickAsync(1);
    assert.equal(redis.connection.isClosed, true);
    assert.deepEqual(registry.status().url, '');
    assert.deepEqual(await registry.find(name), []);
  });

  it('says that a URL cannot be used, without the password, and does without', async () => {
    registry.setOptions({ ...options, url: 'redis://user:sesame@host/zero' });
    await timers.tickAsync(1);
    assert.equal(redis.connections.length, 0);
    assert.equal(log.matching('origin_registry is ignored').length, 1);
    assert.equal(log.matching('sesame').length, 0);
  });

  it('takes all back when it stops', async () => {
    await published();
    await registry.stop();
    assert.deepEqual(taken(), [WITHDRAWN]);
    await registry.stop();
    assert.equal(redis.connection.isClosed, true);
  });
});
