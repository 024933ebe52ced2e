import assert from 'node:assert/strict';

import { Config } from '../../../../src/app/config/config';
import type { VhostOptions } from '../../../../src/app/config/config';
import { Origins, serverKey } from '../../../../src/app/edge/origins';
import { FailureMemory } from '../../../../src/app/upstream/candidates';
import { ErrorCode } from '../../../../src/core/errors';
import { ManualClock } from '../../../support/fakes/manual-clock';

const NAME = { vhost: '__defaultVhost__', app: 'live', stream: 's' };
const KEY = '__defaultVhost__/live/s';

function vhost(options: string): VhostOptions {
  const config = Config.parse(`listen 1935; vhost __defaultVhost__ { ${options} }`, 'test.conf');
  return config.findVhost('__defaultVhost__')!;
}

/** Servers of an SRV record, the finder's answer, and the clock of failures. */
function make(found: string[] = []): { origins: Origins; failures: FailureMemory } {
  const failures = new FailureMemory(new ManualClock());
  const resolver = {
    services: (name: string) =>
      Promise.resolve(
        [20, 10].map((priority) => ({
          host: `p${priority}.${name}`,
          port: 1,
          priority,
          weight: 1,
        })),
      ),
  };
  const finder = { find: () => Promise.resolve(found), watch: () => () => undefined };
  return { origins: new Origins({ resolver, failures, finder }), failures };
}

async function labels(origins: Origins, options: string): Promise<string[]> {
  return (await origins.of(NAME, vhost(options), KEY)).map(({ label }) => label);
}

describe('the servers to ask for a stream', () => {
  const remote = 'mode remote; origin a.com b.com c.com:19350;';

  it('are the same for all who have the same list, in whatever order', async () => {
    const { origins } = make();
    const order = await labels(origins, remote);
    assert.deepEqual([...order].sort(), ['a.com:1935', 'b.com:1935', 'c.com:19350']);
    assert.deepEqual(await labels(origins, 'mode remote; origin c.com:19350 b.com a.com;'), order);
  });

  it('begin with those that are known to have it, and end with those that have failed', async () => {
    const { origins, failures } = make(['z.com', 'a.com:1935']);
    const order = await labels(origins, remote);
    assert.deepEqual(order.slice(0, 2), ['z.com:1935', 'a.com:1935']);
    assert.equal(order.length, 4);
    const [first] = await origins.of(NAME, vhost(remote), KEY);
    failures.fail(first!);
    assert.equal((await labels(origins, remote)).at(-1), 'z.com:1935');
  });

  it('of a vhost that is an origin are those only that are known to have it', async () => {
    assert.deepEqual(await labels(make(['z.com']).origins, 'origin a.com;'), ['z.com:1935']);
    await assert.rejects(labels(make().origins, ''), { code: ErrorCode.RTMP_STREAM_NOT_FOUND });
  });

  it('are none without an origin, and one bad word does not spoil the others', async () => {
    const bare = { ...vhost(remote), origin: [] };
    const { origins } = make();
    await assert.rejects(origins.of(NAME, bare, KEY), {
      code: ErrorCode.EDGE_VHOST_REMOVED,
      message: 'expect an origin in vhost __defaultVhost__ to fetch streams from, got none',
    });
    await assert.rejects(origins.configured(bare), { code: ErrorCode.EDGE_VHOST_REMOVED });
    const half = { ...bare, origin: ['srv:a b', 'rtmp://a.com:99999', 'b.com'] };
    assert.deepEqual(
      (await origins.of(NAME, half, KEY)).map(({ label }) => label),
      ['b.com:1935'],
    );
    await assert.rejects(origins.of(NAME, { ...bare, origin: ['rtmp://a.com:0'] }, KEY), {
      code: ErrorCode.EDGE_PORT_INVALID,
    });
  });

  it('are in the order of the configuration for questions about clients', async () => {
    const { origins, failures } = make();
    const list = vhost('mode remote; origin b.com srv:x.com a.com;');
    const order = async (): Promise<string[]> =>
      (await origins.configured(list)).map(({ label }) => label);
    assert.deepEqual(await order(), ['b.com:1935', 'a.com:1935', 'p10.x.com:1', 'p20.x.com:1']);
    failures.fail((await origins.configured(list))[0]!);
    assert.equal((await order()).at(-1), 'b.com:1935');
  });

  it('are told apart by where their word leads, too', async () => {
    const { origins } = make();
    const options = 'mode remote; origin rtmp://a.com/x rtmp://a.com/y;';
    const servers = await origins.of(NAME, vhost(options), KEY);
    assert.equal(new Set(servers.map(serverKey)).size, 2);
  });
});
