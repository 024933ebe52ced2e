import assert from 'node:assert/strict';

import * as sinon from 'sinon';

import { parseRedisUrl } from '../../../../src/app/config/redis-url';
import { RedisLink } from '../../../../src/app/registry/redis-link';
import { FakeRedis } from '../../../support/fakes/fake-redis';
import { RecordingLogger } from '../../../support/fakes/recording-logger';

const LABEL = 'origin registry redis://host:6379/0';

describe('RedisLink', () => {
  let timers: sinon.SinonFakeTimers;
  let redis: FakeRedis;
  let log: RecordingLogger;
  let events: string[];
  let link: RedisLink;

  beforeEach(() => {
    timers = sinon.useFakeTimers();
    redis = new FakeRedis();
    log = new RecordingLogger();
    events = [];
    link = new RedisLink(parseRedisUrl('redis://me:sesame@host'), {
      log,
      clock: { nowMs: () => timers.now },
      open: redis.open,
      onUp: () => events.push('up'),
      onDown: () => events.push('down'),
    });
  });

  afterEach(() => {
    link.close();
    timers.restore();
  });

  it('sends commands once it is connected', async () => {
    assert.equal(link.state, 'connecting');
    await assert.rejects(link.call(['PING']), /not connected/);
    redis.connection.events.onReady();
    assert.deepEqual([link.state, link.isBeginning, events], ['up', false, ['up']]);
    const reply = link.call(['PING']);
    redis.connection.sent[0]!.answer('PONG');
    assert.equal(await reply, 'PONG');
    assert.deepEqual(log.lines, [`trace 0 ${LABEL} connected`]);
    assert.equal(link.failures, 0);
  });

  it('tries again with growing waits, and logs the reason once', async () => {
    for (let failed = 1; failed <= 20; failed++) {
      redis.connection.break('connect ECONNREFUSED');
      assert.equal(link.state, 'waiting');
      await timers.tickAsync(failed < 3 ? 600 : 1300);
      assert.equal(redis.connections.length, failed + 1);
    }
    assert.deepEqual(log.lines, [`warn 0 ${LABEL} cannot be reached: connect ECONNREFUSED`]);
    assert.equal(link.failures, 20);
    assert.deepEqual(events, []);
    redis.connection.events.onReady();
    assert.deepEqual(events, ['up']);
  });

  it('logs another reason, but not one after the other without end', async () => {
    for (let failed = 0; failed < 50; failed++) {
      redis.connection.break(failed % 2 === 0 ? 'WRONGPASS' : 'ECONNREFUSED');
      await timers.tickAsync(1300);
    }
    assert.ok(log.lines.length >= 2 && log.lines.length <= 9, log.lines.join('\n'));
  });

  it('connects again when the connection breaks', async () => {
    redis.connection.events.onReady();
    const reply = link.call(['PING']);
    redis.connection.break('gone');
    await assert.rejects(reply, /gone/);
    assert.deepEqual(events, ['up', 'down']);
    await timers.tickAsync(300);
    redis.connection.events.onReady();
    assert.deepEqual(events, ['up', 'down', 'up']);
    assert.deepEqual(log.matching('lost'), [`warn 0 ${LABEL} is lost: gone`]);
  });

  it('is slow when nothing is answered in half a second, and up with the next answer', async () => {
    redis.connection.events.onReady();
    const reply = link.call(['PING']);
    await timers.tickAsync(760);
    assert.equal(link.state, 'slow');
    redis.connection.sent[0]!.answer('PONG');
    await reply;
    assert.equal(link.state, 'up');
    assert.deepEqual(log.lines.slice(1), [
      `warn 0 ${LABEL} does not answer in 500 ms`,
      `trace 0 ${LABEL} answers again`,
    ]);
  });

  it('is not slow while answers keep coming', async () => {
    redis.connection.events.onReady();
    for (let sent = 0; sent < 10; sent++) {
      void link.call(['PING']);
      if (sent > 0) redis.connection.sent[sent - 1]!.answer('PONG');
      await timers.tickAsync(400);
    }
    assert.equal(link.state, 'up');
    redis.connection.sent[9]!.answer('PONG');
  });

  it('gives up a connection that is dead', async () => {
    redis.connection.events.onReady();
    const [dead] = redis.connections;
    const reply = link.call(['PING']);
    const failed = assert.rejects(reply);
    await timers.tickAsync(5300);
    await failed;
    assert.equal(dead!.isClosed, true);
    assert.equal(redis.connections.length, 2);
    assert.match(log.lines.at(-1) ?? '', /is lost: nothing answered for 5000 ms/);
  });

  it('hears nothing more of a connection it has given up', async () => {
    const [first] = redis.connections;
    first!.break('refused');
    await timers.tickAsync(300);
    first!.events.onReady();
    first!.events.onClosed(new Error('again'));
    assert.equal(link.state, 'connecting');
    assert.equal(redis.connections.length, 2);
  });

  it('takes a bounded number of commands', async () => {
    redis.connection.events.onReady();
    const replies = Array.from({ length: 1000 }, () => link.call(['PING']).catch(() => undefined));
    await assert.rejects(link.call(['PING']), /1000 commands wait already/);
    assert.equal(redis.connection.sent.length, 1000);
    for (const { answer } of redis.connection.sent) answer('PONG');
    await Promise.all(replies);
  });

  it('logs once what Redis has against a command', async () => {
    redis.connection.events.onReady();
    for (let sent = 0; sent < 5; sent++) {
      const reply = link.call(['EVAL']);
      redis.connection.sent[sent]!.refuse('NOPERM this user has no permissions');
      await assert.rejects(reply, /NOPERM/);
    }
    assert.equal(log.matching('refuses a command: NOPERM').length, 1);
    assert.equal(link.failures, 5);
  });

  it('names an error without words by its code', () => {
    const error = Object.assign(new Error(''), { code: 'ECONNREFUSED' });
    redis.connection.events.onClosed(error);
    assert.deepEqual(log.lines, [`warn 0 ${LABEL} cannot be reached: ECONNREFUSED`]);
  });

  it('waits longer again only after a connection that did not last', async () => {
    redis.connection.events.onReady();
    await timers.tickAsync(60_000);
    redis.connection.break('gone');
    await timers.tickAsync(251);
    assert.equal(redis.connections.length, 2);
    for (let flaps = 0; flaps < 5; flaps++) {
      redis.connection.events.onReady();
      redis.connection.break('gone');
      await timers.tickAsync(1300);
    }
    const before = redis.connections.length;
    redis.connection.events.onReady();
    redis.connection.break('gone');
    await timers.tickAsync(700);
    assert.equal(redis.connections.length, before);
  });

  it('does nothing more when it is closed', async () => {
    redis.connection.break('refused');
    link.close();
    link.close();
    await timers.tickAsync(10_000);
    assert.deepEqual([redis.connections.length, link.state], [1, 'closed']);
    assert.equal(timers.countTimers(), 0);
  });

  it('never shows the password', () => {
    redis.connection.break('cannot connect to redis://me:sesame@host');
    assert.equal(log.matching('sesame').length, 0);
  });
});
