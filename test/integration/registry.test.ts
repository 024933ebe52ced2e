import assert from 'node:assert/strict';

import { findCommand, foundAddresses } from '../../src/app/registry/lease-scripts';
import { FaultProxy } from '../support/fault-proxy';
import { TestRedis } from '../support/redis';
import type { RedisOptions } from '../support/redis';
import { streamName, TestOrigin } from '../support/test-origin';
import { pairFiles } from '../support/tls';
import { eventually } from '../support/waits';

/** Nobody waits longer for Redis; with something to spare for a machine that is busy. */
const BOUND_MS = 900;

describe('the registry of origins', () => {
  let redis: TestRedis;
  const origins: TestOrigin[] = [];
  const closing: (() => Promise<void>)[] = [];

  afterEach(async () => {
    await Promise.all(origins.splice(0).map(({ registry }) => registry.stop()));
    await Promise.all(closing.splice(0).map((close) => close()));
    await redis.stop();
  });

  async function start(options?: RedisOptions): Promise<void> {
    redis = await TestRedis.start(options);
  }

  function origin(number: number, more: { url?: string; leaseMs?: number } = {}): TestOrigin {
    const { url = redis.url, ...rest } = more;
    const made = new TestOrigin(url, `10.0.0.${number}:1935`, rest);
    origins.push(made);
    return made;
  }

  async function through(): Promise<{ proxy: FaultProxy; url: string }> {
    const proxy = await FaultProxy.start({ host: '127.0.0.1', port: redis.port });
    closing.push(() => proxy.close());
    return { proxy, url: `redis://127.0.0.1:${proxy.port}` };
  }

  /** The answer, and that it came in time. */
  async function promptly(asked: TestOrigin, stream: string): Promise<readonly string[]> {
    const began = performance.now();
    const found = await asked.find(stream);
    const tookMs = performance.now() - began;
    assert.ok(tookMs < BOUND_MS, `${tookMs} ms`);
    return found;
  }

  /** What Redis itself has of a stream. */
  async function held(stream: string): Promise<string[]> {
    const [list] = foundAddresses(
      await redis.command(...findCommand('srs:', [`v/live/${stream}`])),
      1,
    );
    return list ?? [];
  }

  it('tells one origin what another one publishes, until it ends', async () => {
    await start();
    const [a, b] = [origin(1), origin(2)];
    a.publish('s');
    await a.settled();
    assert.deepEqual(await b.find('s'), [a.address]);
    assert.deepEqual(await a.find('s'), []);
    const fields = (await redis.command('HGETALL', 'srs:stream:v/live/s')) as string[];
    assert.equal(fields[0], a.address);
    const [expiry = 0, since = 0] = fields[1]!.split(' ').map(Number);
    assert.ok(expiry - since > 2900 && expiry - since < 4000, fields[1]);
    a.unpublish('s');
    while ((await held('s')).length > 0) await b.find('s');
    assert.equal(await redis.command('EXISTS', 'srs:stream:v/live/s'), 0);
  });

  it('puts who began last in front', async () => {
    await start();
    const [a, b, c] = [origin(1), origin(2), origin(3)];
    for (const one of [a, b]) {
      one.publish('s');
      await one.settled();
      // Another millisecond of the clock of Redis.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.deepEqual(await c.find('s'), [b.address, a.address]);
  });

  it('keeps leases alive, and lets those of a dead origin run out', async () => {
    await start();
    const { proxy, url } = await through();
    const [dying, living, asking] = [
      origin(1, { leaseMs: 1000, url }),
      origin(2, { leaseMs: 1000 }),
      origin(3),
    ];
    dying.publish('s');
    living.publish('s');
    await Promise.all([dying.settled(), living.settled()]);
    proxy.freeze();
    const began = performance.now();
    while ((await held('s')).length > 1) await asking.find('other');
    assert.ok(performance.now() - began < 2000);
    assert.deepEqual(await held('s'), [living.address]);
    const ttl = await redis.command('PTTL', 'srs:stream:v/live/s');
    assert.ok(Number(ttl) > 0 && Number(ttl) <= 1000, String(ttl));
  });

  it('tells those who wait within a second', async () => {
    await start();
    const [a, b] = [origin(1), origin(2)];
    await Promise.all([a.settled(), b.settled()]);
    const heard: string[] = [];
    const end = b.registry.watch(streamName('s'), (found) => heard.push(found.join()));
    const began = performance.now();
    a.publish('s');
    await eventually('the stream', () => heard.length > 0);
    assert.ok(performance.now() - began < 1000);
    assert.deepEqual(heard, [a.address]);
    end();
  });

  it('goes on from memory while Redis is frozen, and sets all right when it is not', async () => {
    await start();
    const [a, b] = [origin(1), origin(2)];
    a.publish('stays', 'ends');
    await a.settled();
    assert.deepEqual(await b.find('stays'), [a.address]);
    redis.freeze();
    assert.deepEqual(await promptly(b, 'stays'), [a.address]);
    assert.deepEqual(await promptly(b, 'never'), []);
    a.unpublish('ends');
    a.publish('begins');
    await eventually('the trouble', () => a.lines.some((line) => line.includes('is lost')));
    assert.deepEqual(await promptly(b, 'stays'), [a.address]);
    redis.thaw();
    const began = performance.now();
    await a.settled();
    assert.ok(performance.now() - began < 2500);
    await b.settled();
    assert.deepEqual(await held('stays'), [a.address]);
    assert.deepEqual(await held('begins'), [a.address]);
    assert.deepEqual(await held('ends'), []);
    assert.equal(a.lines.filter((line) => line.startsWith('warn')).length <= 3, true);
  });

  it('is known to be slow, and not given up, when it pauses for a second', async () => {
    await start();
    const [a, b] = [origin(1), origin(2)];
    a.publish('s');
    await Promise.all([a.settled(), b.settled()]);
    await b.find('s');
    redis.freeze();
    assert.deepEqual(await promptly(b, 's'), [a.address]);
    await eventually('the slowness', () => b.lines.some((line) => line.includes('not answer')));
    const began = performance.now();
    await b.find('s');
    assert.ok(performance.now() - began < 100);
    redis.thaw();
    await eventually('the answer', () => b.lines.some((line) => line.includes('answers again')));
    assert.deepEqual(await b.registry.locate(streamName('s')), {
      addresses: [a.address],
      isFresh: true,
    });
    assert.equal(b.lines.filter((line) => line.includes('lost')).length, 0);
  });

  it('announces all again to a Redis that comes back empty', async () => {
    await start();
    const [a, b] = [origin(1), origin(2)];
    a.publish('s', 't');
    await a.settled();
    await b.find('s');
    const heard: string[] = [];
    b.registry.watch(streamName('u'), (found) => heard.push(found.join()));
    await redis.kill();
    assert.deepEqual(await promptly(b, 's'), [a.address]);
    a.publish('u');
    await eventually('the loss', () => !a.registry.status().isConnected);
    await redis.run();
    const began = performance.now();
    await a.settled();
    assert.ok(performance.now() - began < 2500);
    await eventually('the stream waited for', () => heard.length > 0);
    for (const stream of ['s', 't', 'u']) assert.deepEqual(await held(stream), [a.address]);
  });

  it('comes into force when Redis does', async () => {
    await start();
    await redis.kill();
    const [a, b] = [origin(1), origin(2)];
    a.publish('s');
    assert.deepEqual(await promptly(b, 's'), []);
    await eventually('the refusal', () => a.lines.some((line) => line.includes('ECONNREFUSED')));
    await redis.run();
    await a.settled();
    await b.settled();
    assert.deepEqual(await b.find('s'), [a.address]);
    assert.deepEqual(
      a.lines.filter((line) => line.includes('cannot be reached')).length,
      1,
      a.lines.join('\n'),
    );
  });

  it('works over a line that is slow', async () => {
    await start();
    const { proxy, url } = await through();
    const [a, b] = [origin(1), origin(2, { url })];
    a.publish('s');
    await Promise.all([a.settled(), b.settled()]);
    proxy.delay(400);
    assert.deepEqual(await promptly(b, 's'), []);
    await eventually('the late answer', () => b.registry.status().known === 1);
    assert.deepEqual(await promptly(b, 's'), [a.address]);
    assert.equal(b.registry.status().isConnected, true);
  });

  it('notices that the line is dead', async () => {
    await start();
    const { proxy, url } = await through();
    const a = origin(1, { url });
    a.publish('s');
    await a.settled();
    proxy.freeze();
    await eventually('the loss', () => !a.registry.status().isConnected);
    await proxy.pass();
    await a.settled();
  });

  it('says once that the password is wrong, and does not show it', async () => {
    await start({ password: 'sesame' });
    const a = origin(1, { url: redis.url.replace('sesame', 'mellon') });
    a.publish('s');
    await eventually('three attempts', () => a.registry.status().failures >= 3);
    assert.deepEqual(
      a.lines.filter((line) => line.startsWith('warn')),
      [
        `warn 0 origin registry redis://127.0.0.1:${redis.port}/0 cannot be reached: ` +
          'WRONGPASS invalid username-password pair or user is disabled.',
      ],
    );
    assert.equal(a.log.matching('mellon').length, 0);
    a.registry.setOptions({ url: redis.url, leaseMs: 3000, announce: a.address });
    await a.settled();
    assert.equal(a.log.matching('sesame').length, 0);
    assert.ok(a.registry.status().failures >= 3);
  });

  it('says once what Redis does not permit', async () => {
    await start();
    await redis.command('ACL', 'SETUSER', 'reader', 'on', '>sesame', '~*', '+get', '+select');
    const a = origin(1, { leaseMs: 1000, url: redis.url.replace('//', '//reader:sesame@') });
    a.publish('s');
    await eventually('some refusals', () => a.registry.status().failures >= 3);
    const told = a.lines.filter((line) => line.includes('refuses a command: NOPERM'));
    assert.equal(told.length, 1, a.lines.join('\n'));
    assert.equal(a.registry.status().isConnected, true);
  });

  it('speaks TLS to who has the right certificate', async () => {
    await start({ tls: pairFiles('first') });
    const [a, b] = [
      origin(1, { url: `${redis.url}?ca=${pairFiles('first').cert}` }),
      origin(2, {
        url: `${redis.url.replace('127.0.0.1', 'localhost')}?ca=${pairFiles('first').cert}`,
      }),
    ];
    a.publish('s');
    await Promise.all([a.settled(), b.settled()]);
    assert.deepEqual(await b.find('s'), [a.address]);
    const c = origin(3, { url: `${redis.url}?ca=${pairFiles('second').cert}` });
    const d = origin(4, { url: `${redis.url}?ca=/nowhere.pem` });
    await eventually('the refusals', () => c.lines.length > 1 && d.lines.length > 1);
    assert.match(c.lines.join(), /cannot be reached: .*certificate/);
    assert.match(d.lines.join(), /cannot be reached: ENOENT.*nowhere/);
  });

  it('uses the database and the prefix it is told', async () => {
    await start();
    const url = redis.url.replace('/0', '/3?prefix=one:');
    const [a, b, other] = [
      origin(1, { url }),
      origin(2, { url }),
      origin(3, { url: url.replace('one', 'two') }),
    ];
    a.publish('s');
    await a.settled();
    assert.deepEqual(await b.find('s'), [a.address]);
    assert.deepEqual(await other.find('s'), []);
    assert.deepEqual(await redis.command('KEYS', '*'), []);
  });

  it('makes its own what stood under its keys', async () => {
    await start();
    await redis.command('SET', 'srs:stream:v/live/s', 'junk');
    await redis.command('HSET', 'srs:stream:v/live/t', 'junk', 'x', 'a b:1', '9999999999999 1');
    const [a, b] = [origin(1), origin(2)];
    assert.deepEqual(await b.find('s'), []);
    assert.deepEqual(await b.find('t'), []);
    a.publish('s', 't');
    await a.settled();
    assert.deepEqual(await b.find('s'), [a.address]);
    assert.deepEqual(await b.find('t'), [a.address]);
    const fields = (await redis.command('HKEYS', 'srs:stream:v/live/t')) as string[];
    assert.deepEqual(fields.sort(), [a.address, 'a b:1']);
  });

  it('reads nothing of what is too long or too many to be addresses', async () => {
    await start();
    const value = `${Date.now() + 3_600_000} 1`;
    const many = Array.from({ length: 300 }, (_none, at) => [`host${at}:1935`, value]).flat();
    await redis.command('HSET', 'srs:stream:v/live/s', ...many);
    await redis.command('HSET', 'srs:stream:v/live/t', `${'a'.repeat(300)}:1935`, value);
    const [a, b] = [origin(1), origin(2)];
    assert.deepEqual(await b.find('s'), []);
    assert.deepEqual(await redis.command(...findCommand('srs:', ['v/live/s', 'v/live/t'])), [
      [],
      [],
    ]);
    a.publish('s');
    await a.settled();
    assert.deepEqual(await b.find('s'), [a.address]);
  });

  it('sets right what others have made of the number of changes', async () => {
    await start();
    await redis.command('LPUSH', 'srs:changes', 'junk');
    const [a, b] = [origin(1), origin(2)];
    await Promise.all([a.settled(), b.settled()]);
    const heard: string[] = [];
    b.registry.watch(streamName('s'), (found) => heard.push(found.join()));
    await eventually('a refusal', () => b.registry.status().failures > 0);
    a.publish('s');
    await eventually('the stream', () => heard.length > 0);
    assert.deepEqual(heard, [a.address]);
    await redis.command('SET', 'srs:changes', 'junk');
    b.registry.watch(streamName('t'), (found) => heard.push(found.join()));
    a.publish('t');
    await eventually('the other stream', () => heard.length > 1);
  });

  it('does not count any more when there is none', async () => {
    await start();
    const [a, b] = [origin(1), origin(2)];
    a.publish('s');
    await a.settled();
    assert.deepEqual(await b.find('s'), [a.address]);
    b.registry.setOptions({ url: '', leaseMs: 3000, announce: '' });
    assert.deepEqual(await b.find('s'), []);
    await eventually('the end', () => b.registry.status().url === '');
    assert.deepEqual(await b.find('s'), []);
  });

  it('announces thousands of streams, and renews them', async () => {
    await start();
    const a = origin(1, { leaseMs: 1000 });
    const streams = Array.from({ length: 3000 }, (_none, at) => `s${at}`);
    a.publish(...streams);
    await a.settled();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(((await redis.command('KEYS', 'srs:stream:*')) as string[]).length, 3000);
    assert.equal(a.registry.status().failures, 0);
    await a.registry.stop();
    assert.deepEqual(await redis.command('KEYS', 'srs:stream:*'), []);
  });
});
