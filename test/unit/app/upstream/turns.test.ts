import assert from 'node:assert/strict';

import { parseUpstream } from '../../../../src/app/upstream/target';
import type { UpstreamServer } from '../../../../src/app/upstream/target';
import { Turns } from '../../../../src/app/upstream/turns';
import type { Turn } from '../../../../src/app/upstream/turns';
import { UpstreamError } from '../../../../src/app/upstream/upstream-error';
import { ErrorCode } from '../../../../src/core/errors';
import { ManualClock } from '../../../support/fakes/manual-clock';
import { eventually } from '../../../support/waits';

import { endOf, UpstreamBench } from './bench';

const word = parseUpstream('any');
const failure = new UpstreamError(ErrorCode.ST_CONNECT, 'it is down');

function server(host: string): UpstreamServer {
  return { schema: 'rtmp', host, port: 1935, priority: 0, weight: 1, label: `${host}:1935`, word };
}

describe('the turns of connections to a server', () => {
  let clock: ManualClock;
  let turns: Turns;
  let begun: number[];
  let failed: number[];
  beforeEach(() => {
    clock = new ManualClock();
    turns = new Turns(clock);
    [begun, failed] = [[], []];
  });

  function take(id: number, host = 'a'): Turn {
    return turns.take(server(host), true, {
      onTurn: () => begun.push(id),
      onFailed: () => failed.push(id),
    });
  }

  it('are limited at a time, for each server, and come in order', () => {
    const taken = Array.from({ length: 67 }, (_, id) => take(id));
    assert.equal(begun.length, 64);
    take(100, 'b');
    assert.equal(begun.pop(), 100);
    taken[65]!.end();
    taken[3]!.end();
    taken[3]!.end();
    assert.deepEqual(begun.slice(64), [64]);
    taken[64]!.end();
    assert.deepEqual(begun.slice(64), [64, 66]);
  });

  it('are spared those who wait when the server cannot be reached', () => {
    const taken = Array.from({ length: 66 }, (_, id) => take(id));
    taken[65]!.fail(failure);
    assert.deepEqual(failed, []);
    taken[0]!.fail(failure);
    taken[0]!.fail(failure);
    assert.deepEqual(failed, [64, 65]);
    take(70);
    take(71);
    taken[1]!.end();
    taken[1]!.fail(failure);
    assert.deepEqual(failed, [64, 65]);
    assert.deepEqual(begun.slice(64), [70, 71]);
  });

  it('are limited in a second', async () => {
    for (let id = 0; id < 200; id++) take(id).end();
    const waiting = [take(200), take(201)];
    assert.equal(begun.length, 200);
    clock.advance(5);
    await eventually('the next', () => begun.length === 201);
    waiting[0]!.end();
    assert.equal(begun.length, 201);
    waiting[1]!.end();
  });

  it('are kept for a limited number of servers', () => {
    for (let id = 0; id <= 1000; id++) take(id, `h${id}`).end();
    assert.equal(begun.length, 1001);
  });
});

describe('connections upstream that take turns', () => {
  let bench: UpstreamBench;
  beforeEach(() => {
    bench = new UpstreamBench();
  });
  afterEach(() => bench.close());

  it('end together at a server that says nothing, but not at one that is slow to grant', async () => {
    const server = await bench.origin({ handshake: 'silent' });
    const turns = new Turns(new ManualClock());
    const reach = (): ReturnType<UpstreamBench['reach']>[] =>
      Array.from({ length: 66 }, () => bench.reach(server.address, { turns, firstByteMs: 200 }));
    const [, ...others] = reach();
    for (const owner of others) assert.match((await endOf(owner)).message, /got not a byte/);
    assert.equal(server.connections.length, 64);
    await bench.untilClosed();
    server.behaviour = { connect: 'silent' };
    const owners = reach();
    await server.until('all requests', () => {
      return server.connections.filter(({ request }) => request !== undefined).length === 66;
    });
    for (const { connection } of owners) connection!.close();
  });
});
