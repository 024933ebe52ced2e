import assert from 'node:assert/strict';

import { expand, FailureMemory, orderFor } from '../../../../src/app/upstream/candidates';
import type { Service } from '../../../../src/app/upstream/resolver';
import { parseUpstream } from '../../../../src/app/upstream/target';
import type { UpstreamServer } from '../../../../src/app/upstream/target';
import { ManualClock } from '../../../support/fakes/manual-clock';

const word = parseUpstream('any');
const healthy = { has: () => false };

function server(host: string, weight = 1, priority = 0): UpstreamServer {
  return { schema: 'rtmp', host, port: 1935, priority, weight, label: `${host}:1935`, word };
}

function labels(servers: readonly UpstreamServer[]): string[] {
  return servers.map(({ host }) => host);
}

/** How many of 3000 streams begin with each server. */
function shares(servers: readonly UpstreamServer[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (let index = 0; index < 3000; index++) {
    const first = orderFor(`v/live/${index}`, servers, healthy)[0]!.host;
    counts.set(first, (counts.get(first) ?? 0) + 1);
  }
  return counts;
}

describe('the order of servers upstream', () => {
  it('is the same for all who have the same list, in whatever order', () => {
    const servers = [server('a'), server('b'), server('c')];
    for (const key of ['v/live/1', 'v/live/2', 'v/live/3']) {
      const order = labels(orderFor(key, servers, healthy));
      assert.deepEqual(labels(orderFor(key, [...servers].reverse(), healthy)), order);
      assert.deepEqual([...order].sort(), ['a', 'b', 'c']);
    }
  });

  it('shares the streams evenly, and by weight', () => {
    const even = shares([server('a'), server('b'), server('c')]);
    for (const share of even.values()) assert.ok(share > 900 && share < 1100, `${share}`);
    const weighted = shares([server('a', 1), server('b', 3), server('c', 0)]);
    assert.ok(weighted.get('b')! > 2100 && weighted.get('b')! < 2400);
    assert.ok((weighted.get('c') ?? 0) < 30);
    const noWeights = shares([server('a', 0), server('b', 0)]);
    assert.ok(noWeights.get('a')! > 1400 && noWeights.get('b')! > 1400);
  });

  it('moves only the streams of a server that has gone', () => {
    const three = [server('a'), server('b'), server('c')];
    const two = three.slice(0, 2);
    for (let index = 0; index < 200; index++) {
      const key = `v/live/${index}`;
      const before = orderFor(key, three, healthy)[0]!.host;
      if (before === 'c') continue;
      assert.equal(orderFor(key, two, healthy)[0]!.host, before);
    }
  });

  it('goes by priority first, and puts what has failed at the end', () => {
    const servers = [server('a', 1, 20), server('b', 1, 10), server('c', 100, 20)];
    assert.equal(labels(orderFor('k', servers, healthy))[0], 'b');
    const failures = { has: ({ host }: UpstreamServer) => host === 'b' };
    assert.equal(labels(orderFor('k', servers, failures))[2], 'b');
  });
});

describe('the memory of failures', () => {
  it('lasts 30 seconds, or until the server serves', () => {
    const clock = new ManualClock();
    const failures = new FailureMemory(clock);
    const [a, b] = [server('a'), server('b')];
    failures.fail(a);
    clock.advance(10_000);
    failures.fail(b);
    assert.ok(failures.has(a) && failures.has(b));
    clock.advance(20_000);
    assert.deepEqual([failures.has(a), failures.has(b)], [false, true]);
    failures.succeed(b);
    assert.equal(failures.has(b), false);
    failures.fail(a);
    clock.advance(20_000);
    failures.fail(a);
    clock.advance(20_000);
    assert.equal(failures.has(a), true, 'the newest failure counts');
  });

  it('knows a server by its address, whatever word led there', () => {
    const failures = new FailureMemory(new ManualClock());
    failures.fail(server('a'));
    assert.ok(failures.has({ ...server('a', 5, 5), word: parseUpstream('srv:x') }));
    assert.ok(!failures.has({ ...server('a'), schema: 'rtmps' }));
  });
});

describe('words', () => {
  const services: Record<string, readonly Service[]> = {
    two: [
      { host: 'b', port: 1, priority: 10, weight: 5 },
      { host: 'a', port: 1935, priority: 20, weight: 0 },
    ],
  };
  const resolver = {
    services: (name: string) => {
      const found = services[name];
      return found ? Promise.resolve(found) : Promise.reject(new Error(`no ${name}`));
    },
  };

  async function expanded(...words: string[]): Promise<string[]> {
    const servers = await expand(words.map(parseUpstream), resolver);
    return servers.map(
      ({ schema, label, priority, weight }) => `${schema} ${label} ${priority} ${weight}`,
    );
  }

  it('stand for their servers, each once', async () => {
    assert.deepEqual(await expanded('a', '[::1]:2', 'srv:two', 'a:1935', 'rtmps://a'), [
      'rtmp a:1935 0 1',
      'rtmp [::1]:2 0 1',
      'rtmp b:1 10 5',
      'rtmps a:443 0 1',
    ]);
  });

  it('may fail while another one stands for a server', async () => {
    assert.deepEqual(await expanded('srv:none', 'a'), ['rtmp a:1935 0 1']);
    await assert.rejects(expanded('srv:none'), /no none/);
    assert.deepEqual(await expanded(), []);
  });

  it('that lead to other places on one server are all kept', async () => {
    const both = await expanded('rtmp://a/live/1', 'rtmp://a/live/2');
    assert.equal(both.length, 2);
  });
});
