import assert from 'node:assert/strict';

import sinon from 'sinon';

import type { AccessAction, Authorizer, Refusal } from '../../../../src/app/access/access';
import { ErrorCode } from '../../../../src/core/errors';
import { encodePlay } from '../../../../src/rtmp/packets/play';
import { encodeCreateStream } from '../../../../src/rtmp/packets/stream';
import type { TestClient } from '../../../support/test-client';

import { Harness } from './harness';

/** Lets the test answer. */
class SlowAuthorizer implements Authorizer {
  readonly events: string[] = [];
  answer: (refusal?: Refusal) => void = () => undefined;
  fail: (error: Error) => void = () => undefined;
  slowAction: AccessAction = 'publish';

  authorize(action: AccessAction): Promise<Refusal | undefined> | undefined {
    this.events.push(`authorize ${action}`);
    if (action !== this.slowAction) return undefined;
    return new Promise((resolve, reject) => {
      this.answer = resolve;
      this.fail = reject;
    });
  }

  ended(action: AccessAction): void {
    this.events.push(`ended ${action}`);
  }
}

const settled = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

function slow(action: AccessAction): {
  harness: Harness;
  rules: SlowAuthorizer;
  client: TestClient;
} {
  const rules = new SlowAuthorizer();
  rules.slowAction = action;
  const harness = new Harness(undefined, rules);
  return { harness, rules, client: harness.client() };
}

const refusal: Refusal = {
  code: ErrorCode.RESPONSE_CODE,
  status: 'NetStream.Publish.Denied',
  description: 'no key=abc',
};

describe('RtmpService with an authorizer', () => {
  it('goes on with what came meanwhile when it is allowed late', async () => {
    const { harness, rules, client } = slow('connect');
    client.connect();
    client.send(encodeCreateStream(2));
    client.send(encodePlay(1, 's'));
    assert.deepEqual(client.takeReplies(), []);
    rules.answer();
    await settled();
    assert.equal(client.takeReplies().at(-1), 'NetStream.Play.Start');
    assert.equal(harness.streamLog.players.size, 1);
  });

  it('refuses late with the reason, secrets hidden in the log only', async () => {
    const { harness, rules, client } = slow('publish');
    client.publish();
    rules.answer(refusal);
    await settled();
    assert.equal(client.takeReplies().at(-1), 'NetStream.Publish.Denied');
    assert.ok(Buffer.concat(client.socket.written).includes('no key=abc'));
    assert.equal(harness.log.matching('publish refused, no key=***, ret=3063').length, 1);
    client.socket.close();
    assert.deepEqual(rules.events, ['authorize connect', 'authorize publish', 'ended connect']);
  });

  it('is told the end of each thing that was allowed', async () => {
    const { rules, client } = slow('publish');
    client.publish();
    rules.answer();
    await settled();
    client.socket.close();
    assert.deepEqual(rules.events.slice(2), ['ended publish', 'ended connect']);
  });

  it('is told the end when the client left before the answer', async () => {
    const { harness, rules, client } = slow('publish');
    client.publish();
    client.socket.close();
    rules.answer();
    await settled();
    assert.deepEqual(rules.events.slice(2), ['ended connect', 'ended publish']);
    assert.equal(harness.streamLogs.length, 0);
  });

  it('is not told an end when it refused a client that left', async () => {
    const { rules, client } = slow('publish');
    client.publish();
    client.socket.close();
    rules.answer(refusal);
    await settled();
    assert.deepEqual(rules.events.slice(2), ['ended connect']);
  });

  it('tells the client when it fails', async () => {
    const { harness, rules, client } = slow('play');
    client.play();
    rules.fail(new Error('no answer'));
    await settled();
    assert.equal(client.takeReplies().at(-1), 'NetStream.Play.Failed');
    assert.ok(client.socket.isEnded);
    assert.equal(harness.log.matching('no answer').length, 1);
  });

  it('is asked about the vhost of a stream, too, when it is not that of the connect', async () => {
    for (const slowAction of ['play', 'connect'] as const) {
      const rules = new SlowAuthorizer();
      const harness = new Harness('vhost host {} vhost other {}', rules);
      rules.slowAction = 'publish';
      const client = harness.client();
      client.connect();
      rules.slowAction = slowAction;
      client.send(encodeCreateStream(2));
      client.send(encodePlay(1, 's?vhost=other'));
      rules.answer();
      await settled();
      assert.equal(client.takeReplies().at(-1), 'NetStream.Play.Start');
      client.socket.close();
      assert.deepEqual(rules.events, [
        'authorize connect',
        'authorize connect',
        'authorize play',
        'ended play',
        'ended connect',
        'ended connect',
      ]);
    }
  });

  it('is told the end of a vhost that it allowed, also when the client had left', async () => {
    const rules = new SlowAuthorizer();
    const harness = new Harness('vhost host {} vhost other {}', rules);
    const client = harness.client();
    client.publish('s?vhost=other');
    client.socket.close();
    rules.events.splice(0);
    rules.fail(new Error('no answer'));
    await settled();
    assert.equal(rules.events.length, 0);
    assert.equal(harness.log.matching('warn 100 cannot authorize publish: no answer').length, 1);
    const late = harness.client();
    rules.slowAction = 'publish';
    late.connect();
    rules.slowAction = 'connect';
    late.send(encodeCreateStream(2));
    late.send(encodePlay(1, 's?vhost=other'));
    late.socket.close();
    rules.answer();
    await settled();
    // Whether he may play is not asked any more.
    assert.deepEqual(rules.events, [
      'authorize connect',
      'authorize connect',
      'ended connect',
      'ended connect',
    ]);
  });

  it('gives the reason of its failure to one line of the log, not to the client', async () => {
    const { harness, rules, client } = slow('publish');
    client.publish();
    rules.fail(new Error('10.0.0.7 is down'));
    await settled();
    assert.deepEqual(
      harness.log.lines.filter((line) => line.startsWith('error')),
      ['error 100 publish refused, the server cannot decide on it now, ret=3008'],
    );
    assert.ok(!Buffer.concat(client.socket.written).includes('10.0.0.7'));
  });

  it('is not blamed for what the client sent meanwhile', async () => {
    const { harness, rules, client } = slow('publish');
    client.publish();
    client.socket.receive(Buffer.of(0xc9));
    rules.answer();
    await settled();
    assert.ok(client.socket.isDestroyed);
    assert.equal(harness.log.matching('cannot authorize').length, 0);
    assert.match(harness.log.matching('serve client failed')[0] ?? '', /fmt 0.*ret=2001$/);
  });

  it('looks at the conflict again after the answer', async () => {
    const { harness, rules, client } = slow('publish');
    client.publish();
    const { answer } = rules;
    rules.slowAction = 'play';
    harness.client().publish();
    answer();
    await settled();
    assert.equal(client.takeReplies().at(-1), 'NetStream.Publish.BadName');
    assert.deepEqual(rules.events.slice(4), ['ended publish']);
  });
});

describe('RtmpService', () => {
  it('counts its connections and gives each an id', () => {
    const harness = new Harness();
    const client = harness.client();
    harness.client();
    assert.equal(harness.service.size, 2);
    client.socket.close();
    assert.equal(harness.service.size, 1);
    assert.match(harness.log.lines.at(-1) ?? '', /^warn 100 /);
  });

  it('ends a client that neither publishes nor plays for a minute', () => {
    const harness = new Harness();
    const idle = harness.client();
    idle.connect();
    const player = harness.client();
    player.play();
    harness.clock.advance(59_999);
    harness.service.sweep(harness.clock.nowMs());
    assert.ok(!idle.socket.isDestroyed);
    harness.clock.advance(1);
    harness.service.sweep(harness.clock.nowMs());
    assert.ok(idle.socket.isDestroyed);
    assert.ok(!player.socket.isDestroyed);
    assert.equal(
      harness.log.matching('expect a publish or play within 60000 ms, ret=1011').length,
      1,
    );
  });

  it('stops at once without clients', async () => {
    await new Harness().service.stop(1000);
  });

  it('tells publishers and players that it stops, and waits until they are gone', async () => {
    const harness = new Harness();
    const publisher = harness.client();
    const player = harness.client();
    const idle = harness.client();
    publisher.publish();
    player.play();
    publisher.takeReplies();
    player.takeReplies();
    const stopped = harness.service.stop(60_000);
    assert.deepEqual(publisher.takeReplies(), ['NetConnection.Connect.AppShutdown']);
    assert.deepEqual(player.takeReplies(), ['NetStream.Play.Stop']);
    assert.ok(harness.streamLog.calls.includes('setFlushMs 0'));
    for (const { socket } of [publisher, player, idle]) {
      assert.ok(socket.isEnded);
      socket.close();
    }
    await stopped;
    assert.equal(harness.log.matching('client finished. time=').length, 3);
    assert.equal(harness.streamLog.players.size, 0);
  });

  it('tells a client that it stops, connected or not yet decided on', async () => {
    const shutdown = 'NetConnection.Connect.AppShutdown';
    const idle = new Harness().client();
    const cases = (['connect', 'publish', 'play'] as const).map((action) => {
      const { harness, client } = slow(action);
      if (action === 'play') client.play();
      else client.publish();
      return { harness, client, reply: action === 'connect' ? `_error ${shutdown}` : shutdown };
    });
    const harness = new Harness();
    const connected = harness.client();
    connected.connect();
    cases.push({ harness, client: connected, reply: shutdown });
    for (const { client, ...one } of cases) {
      client.takeReplies();
      const stopped = one.harness.service.stop(60_000);
      assert.deepEqual(client.takeReplies(), [one.reply]);
      assert.ok(client.socket.isEnded);
      client.socket.close();
      await stopped;
    }
    assert.deepEqual(idle.takeReplies(), []);
  });

  it('does not tell anything twice to a client that is closing', async () => {
    const harness = new Harness('vhost other {}');
    const client = harness.client();
    client.connect();
    client.takeReplies();
    const stopped = harness.service.stop(60_000);
    assert.deepEqual(client.takeReplies(), []);
    client.socket.close();
    await stopped;
    assert.match(harness.log.lines.at(-1) ?? '', /ret=2014/);
  });

  describe('status lines', () => {
    let timers: sinon.SinonFakeTimers;

    beforeEach(() => {
      timers = sinon.useFakeTimers({
        toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'],
      });
    });

    afterEach(() => {
      timers.restore();
    });

    it('come one per interval and stage, each client in its turn', () => {
      const harness = new Harness();
      harness.client().publish();
      const players = [harness.client(), harness.client()];
      for (const player of players) player.play();
      harness.streamLog.dropped = 4;
      harness.clock.advance(10_000);
      timers.tick(20_000);
      const lines = harness.log.matching('PLA');
      assert.equal(lines.length, 2);
      assert.match(
        lines[0] ?? '',
        /^trace 101 -> PLA time=10000, msgs=0, okbps=\d+,\d+,\d+, ikbps=\d+,\d+,\d+, mw=350, dropped=4, source_id=100$/,
      );
      assert.match(lines[1] ?? '', /^trace 102 -> PLA /);
      assert.equal(harness.log.matching('trace 100 <- CPB').length, 2);
    });

    it('end with the last member of the stage', () => {
      const harness = new Harness();
      const player = harness.client();
      player.play();
      player.socket.close();
      timers.tick(20_000);
      assert.equal(harness.log.matching('PLA').length, 0);
      assert.equal(timers.countTimers(), 0);
    });

    it('do not outlast the wait for clients that never leave', async () => {
      const harness = new Harness();
      harness.client().play();
      const stopped = harness.service.stop(3000);
      await timers.tickAsync(3000);
      await stopped;
      assert.equal(harness.service.size, 1);
    });
  });
});
