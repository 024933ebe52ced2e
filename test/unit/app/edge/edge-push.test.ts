import assert from 'node:assert/strict';

import sinon from 'sinon';

import type { ClientIdentity, Refusal } from '../../../../src/app/access/access';
import type { Source } from '../../../../src/app/stream/source';
import type { SrsError } from '../../../../src/core/errors';
import { ErrorCode } from '../../../../src/core/errors';
import { encodeFailure } from '../../../../src/rtmp/packets/status';
import { steadyPort } from '../../../support/steady-ports';
import { eventually } from '../../../support/waits';
import { FakePublisher } from '../stream/harness';
import type { FakeOrigin } from '../upstream/fake-origin';

import { EdgeBench, requestFor } from './bench';

/** A client that may leave. */
interface FakeClient extends ClientIdentity {
  isClosing: boolean;
}

const client = (id: number, stream = 's'): FakeClient => ({
  id,
  ip: '10.0.0.1',
  request: requestFor(stream),
  isClosing: false,
});

describe('the push of a client', () => {
  let bench: EdgeBench;
  beforeEach(() => {
    bench = new EdgeBench(5);
  });
  afterEach(async () => {
    sinon.restore();
    await bench.close();
  });

  function edgeOf(origins: readonly Pick<FakeOrigin, 'address'>[]): void {
    bench.start(`mode remote; origin ${origins.map(({ address }) => address).join(' ')};`);
  }

  function ask(who: FakeClient): Promise<Refusal | undefined> {
    return Promise.resolve(bench.edge.authorize('publish', who));
  }

  /** The client publishes, as it was allowed to. */
  function publish(who: FakeClient): { source: Source; publisher: FakePublisher } {
    const source = bench.hub.fetch(who.request, bench.vhost);
    const publisher = new FakePublisher(who.id);
    source.acquire(publisher);
    return { source, publisher };
  }

  it('is granted by the origin, and ends with what the client was allowed', async () => {
    const origin = await bench.origin();
    edgeOf([origin]);
    const who = client(500);
    assert.equal(await ask(who), undefined);
    const { source, publisher } = publish(who);
    const [push] = bench.edge.pushes();
    assert.deepEqual([push?.contextId, push?.state, push?.stream.stream], [500, 'connected', 's']);
    assert.equal(bench.streamLogs[0]!.players.size, 1);
    assert.equal(source.players, 0);
    await bench.log.until(() => bench.log.matching('-> EFW').length > 0);
    assert.match(bench.log.matching('-> EFW')[0]!, /^trace 500 -> EFW time=\d+, msgs=\d+, okbps=/);
    source.release(publisher);
    assert.equal(bench.streamLogs[0]!.players.size, 0);
    bench.edge.ended('publish', who);
    assert.deepEqual(bench.edge.pushes(), []);
    await eventually('the end', () => origin.last.isClosed);
  });

  it('is refused when no origin takes it in time, with the reason', async () => {
    edgeOf([{ address: `127.0.0.1:${await steadyPort('127.0.0.1')}` }]);
    const answer = ask(client(500));
    await eventually('an attempt', () => bench.log.matching('ECONNREFUSED').length > 0);
    await bench.pass(15_200);
    const refusal = await answer;
    assert.equal(refusal?.code, ErrorCode.ST_CONNECT);
    assert.equal(refusal.status, 'NetStream.Publish.Denied');
    assert.match(
      refusal.description,
      /^expect an origin that takes the stream within 15000 ms, .*ECONN/,
    );
    assert.deepEqual(bench.edge.pushes(), []);
  });

  it('is given up when the client leaves before the answer', async () => {
    const origin = await bench.origin({ stream: 'silent' });
    edgeOf([origin]);
    const who = client(500);
    const answer = ask(who);
    await origin.until('the question', () => origin.connections[0]?.request?.stream === 's');
    who.isClosing = true;
    await bench.pass(200);
    assert.equal((await answer)?.code, ErrorCode.SOCKET_CLOSED);
    await eventually('the end', () => origin.last.isClosed);
  });

  it('is refused when the words for the origin mean nothing, or there are none', async () => {
    bench.start('mode remote; origin a.com;', {
      findVhost: () => ({ ...bench.vhost, origin: [] }),
    });
    assert.deepEqual(await ask(client(500)), {
      code: ErrorCode.EDGE_VHOST_REMOVED,
      status: 'NetStream.Publish.Denied',
      description: 'vhost __defaultVhost__ has no origin to publish to',
    });
    const origin = ['rtmp://a.com:0'];
    bench.start('mode remote; origin a.com;', { findVhost: () => ({ ...bench.vhost, origin }) });
    assert.equal((await ask(client(500)))?.code, ErrorCode.EDGE_PORT_INVALID);
  });

  it('survives an origin that still thinks the lost connection publishes', async () => {
    const origin = await bench.origin();
    edgeOf([origin]);
    const who = client(500);
    await ask(who);
    const { publisher } = publish(who);
    origin.behaviour = { stream: 'refuse' };
    origin.last.socket.destroy();
    await origin.until('attempts', () => origin.connections.length >= 2);
    origin.behaviour = {};
    await eventually('the grant', () => bench.edge.pushes()[0]?.state === 'connected');
    assert.deepEqual(publisher.dropped, []);
  });

  it('ends with its client when the origin ends it, but not when the origin stops', async () => {
    const origin = await bench.origin();
    edgeOf([origin]);
    const who = client(500);
    await ask(who);
    const { publisher } = publish(who);
    origin.last.send(encodeFailure(1, 'NetConnection.Connect.AppShutdown', 'bye'));
    await origin.until('the second connection', () => origin.connections.length === 2);
    await eventually('the grant', () => bench.edge.pushes()[0]?.state === 'connected');
    origin.last.send(encodeFailure(1, 'NetStream.Publish.Denied', 'not any more'));
    await eventually('the end', () => publisher.dropped.length > 0);
    assert.deepEqual(publisher.dropped, ['not any more']);
  });

  it('ends with its client when no origin takes it for half a minute', async () => {
    const origin = await bench.origin();
    edgeOf([origin]);
    const who = client(500);
    await ask(who);
    const { publisher } = publish(who);
    const reasons: SrsError[] = [];
    publisher.drop = (error) => reasons.push(error);
    const timers = sinon.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout'],
      shouldClearNativeTimers: true,
    });
    await origin.close();
    while (bench.edge.pushes()[0]?.state === 'connected') await new Promise(setImmediate);
    timers.tick(30_100);
    timers.restore();
    assert.equal(reasons.length, 1);
    assert.match(reasons[0]!.message, /127\.0\.0\.1/);
  });
});
