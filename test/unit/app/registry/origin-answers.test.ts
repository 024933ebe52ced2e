import assert from 'node:assert/strict';

import * as sinon from 'sinon';

import { parseRedisUrl } from '../../../../src/app/config/redis-url';
import { OriginAnswers } from '../../../../src/app/registry/origin-answers';
import { RedisLink } from '../../../../src/app/registry/redis-link';
import { FakeRedis } from '../../../support/fakes/fake-redis';
import { RecordingLogger } from '../../../support/fakes/recording-logger';

const KEY = 'v/live/s';

describe('OriginAnswers', () => {
  let timers: sinon.SinonFakeTimers;
  let redis: FakeRedis;
  let log: RecordingLogger;
  let link: RedisLink | undefined;
  let answers: OriginAnswers;
  /** What Redis knows; the newest first. */
  let known: Record<string, string[]>;
  let changes: number;

  beforeEach(() => {
    timers = sinon.useFakeTimers();
    redis = new FakeRedis();
    log = new RecordingLogger();
    known = {};
    changes = 1;
    redis.responder = respond;
    const clock = { nowMs: () => timers.now };
    link = new RedisLink(parseRedisUrl('redis://host?prefix='), {
      log,
      clock,
      open: redis.open,
      onUp: () => {
        answers.refresh();
      },
      onDown: () => undefined,
    });
    answers = new OriginAnswers({ log, clock, link: () => link, self: () => 'me:1' });
  });

  afterEach(() => {
    answers.stop();
    link?.close();
    timers.restore();
  });

  function respond(args: readonly string[]): unknown {
    if (args[0] === 'GET') return String(changes);
    const count = Number(args[2]);
    return args.slice(3, 3 + count).map((key) => {
      const list = known[key.slice('stream:'.length)] ?? [];
      return list.flatMap((address, at) => [address, String(1000 - at)]);
    });
  }

  /** Connected long enough for its answers to be believed. */
  async function connected(): Promise<void> {
    redis.connection.events.onReady();
    await timers.tickAsync(6000);
    redis.connection.take();
  }

  /** The commands so far; polls are left out. */
  const questions = (): string[] =>
    redis.connection.take().filter((line) => line.startsWith('EVAL'));

  it('asks, and leaves this server itself out', async () => {
    await connected();
    known[KEY] = ['b:1', 'me:1', 'a:1'];
    assert.deepEqual(await answers.locate(KEY), { addresses: ['b:1', 'a:1'], isFresh: true });
    assert.deepEqual(await answers.locate('v/live/none'), { addresses: [], isFresh: true });
    assert.equal(answers.known, 1);
  });

  it('asks once for all who ask at the same time', async () => {
    await connected();
    known[KEY] = ['a:1'];
    const all = await Promise.all([answers.locate(KEY), answers.locate(KEY), answers.locate(KEY)]);
    assert.deepEqual(
      all.map(({ addresses }) => addresses),
      [['a:1'], ['a:1'], ['a:1']],
    );
    assert.equal(questions().length, 1);
    await answers.locate(KEY);
    assert.equal(questions().length, 1);
  });

  it('answers what was known when there is no answer in half a second', async () => {
    await connected();
    known[KEY] = ['a:1'];
    await answers.locate(KEY);
    redis.connection.responder = undefined;
    const answer = answers.locate(KEY);
    await timers.tickAsync(500);
    assert.deepEqual(await answer, { addresses: ['a:1'], isFresh: false });
    await timers.tickAsync(300);
    // Now it is known to be slow: nobody waits.
    assert.deepEqual(await answers.locate(KEY), { addresses: ['a:1'], isFresh: false });
  });

  it('makes use of an answer that comes too late', async () => {
    await connected();
    redis.connection.responder = undefined;
    const heard: string[] = [];
    const end = answers.watch(KEY, (addresses) => heard.push(addresses.join()));
    const answer = answers.locate(KEY);
    await timers.tickAsync(800);
    assert.deepEqual(await answer, { addresses: [], isFresh: false });
    redis.connection.sent[0]!.answer([['a:1', '1']]);
    await timers.tickAsync(1);
    assert.deepEqual(heard, ['a:1']);
    end();
  });

  it('answers at once what was known while Redis is gone', async () => {
    await connected();
    known[KEY] = ['a:1'];
    await answers.locate(KEY);
    redis.connection.break('gone');
    assert.deepEqual(await answers.locate(KEY), { addresses: ['a:1'], isFresh: false });
    assert.deepEqual(await answers.locate('v/live/other'), { addresses: [], isFresh: false });
  });

  it('does not believe at once that a Redis that came back knows everybody', async () => {
    await connected();
    known[KEY] = ['a:1'];
    await answers.locate(KEY);
    redis.connection.break('gone');
    await timers.tickAsync(300);
    known = {};
    redis.connection.events.onReady();
    assert.deepEqual(await answers.locate(KEY), { addresses: ['a:1'], isFresh: false });
    await timers.tickAsync(5000);
    assert.deepEqual(await answers.locate(KEY), { addresses: [], isFresh: true });
    assert.equal(answers.known, 0);
  });

  it('waits for the first connection, and for no other', async () => {
    known[KEY] = ['a:1'];
    const early = answers.locate(KEY);
    await timers.tickAsync(50);
    redis.connection.events.onReady();
    assert.deepEqual(await early, { addresses: ['a:1'], isFresh: true });
    redis.connection.break('gone');
    await timers.tickAsync(300);
    assert.equal(link?.state, 'connecting');
    assert.equal((await answers.locate(KEY)).isFresh, false);
  });

  it('waits no longer than half a second for the first connection, or its failure', async () => {
    const slow = answers.locate(KEY);
    await timers.tickAsync(500);
    assert.deepEqual(await slow, { addresses: [], isFresh: false });
    const failed = answers.locate(KEY);
    redis.connection.break('refused');
    await timers.tickAsync(0);
    assert.deepEqual(await failed, { addresses: [], isFresh: false });
  });

  it('knows nothing without a registry', async () => {
    link?.close();
    link = undefined;
    assert.deepEqual(await answers.locate(KEY), { addresses: [], isFresh: false });
    answers.watch(KEY, () => undefined);
    await timers.tickAsync(2000);
  });

  it('takes an answer that Redis refuses for none', async () => {
    await connected();
    redis.connection.responder = undefined;
    const answer = answers.locate(KEY);
    await timers.tickAsync(1);
    redis.connection.sent[0]!.refuse('NOPERM');
    assert.deepEqual(await answer, { addresses: [], isFresh: false });
  });

  it('tells those who wait when somebody announces the stream', async () => {
    await connected();
    const heard: string[] = [];
    const end = answers.watch(KEY, (addresses) => heard.push(addresses.join()));
    await timers.tickAsync(2000);
    assert.deepEqual(heard, []);
    known[KEY] = ['a:1'];
    changes++;
    await timers.tickAsync(500);
    assert.deepEqual(heard, ['a:1']);
    known[KEY] = ['b:1', 'a:1'];
    changes++;
    await timers.tickAsync(500);
    assert.deepEqual(heard, ['a:1', 'b:1,a:1']);
    end();
    end();
    known[KEY] = ['c:1'];
    changes++;
    await timers.tickAsync(2000);
    assert.equal(heard.length, 2);
    assert.equal(answers.watched, 0);
  });

  it('asks for the streams waited for only when something was announced, or now and then', async () => {
    await connected();
    const ends = ['v/a/1', 'v/a/2'].map((key) => answers.watch(key, () => undefined));
    await timers.tickAsync(1);
    questions();
    await timers.tickAsync(10_000);
    const rounds = questions();
    assert.equal(rounds.length, 2);
    assert.match(rounds[0]!, /^EVAL 2 stream:v\/a\/1 stream:v\/a\/2$/);
    for (const end of ends) end();
    await timers.tickAsync(10_000);
    assert.deepEqual(redis.connection.take(), []);
  });

  it('tells at once what is there already, and again when it went and came', async () => {
    await connected();
    known[KEY] = ['a:1'];
    const heard: string[] = [];
    answers.watch(KEY, (addresses) => heard.push(addresses.join()));
    await timers.tickAsync(1);
    assert.deepEqual(heard, ['a:1']);
    known = {};
    await answers.locate(KEY);
    known[KEY] = ['a:1'];
    await answers.locate(KEY);
    assert.deepEqual(heard, ['a:1', 'a:1']);
  });

  it('tells when Redis is there again', async () => {
    await connected();
    const heard: string[] = [];
    answers.watch(KEY, (addresses) => heard.push(addresses.join()));
    await timers.tickAsync(1);
    redis.connection.break('gone');
    await timers.tickAsync(300);
    known[KEY] = ['a:1'];
    redis.connection.events.onReady();
    await timers.tickAsync(1);
    assert.deepEqual(heard, ['a:1']);
  });

  it('survives a listener that fails', async () => {
    await connected();
    known[KEY] = ['a:1'];
    answers.watch(KEY, () => {
      throw new Error('oops');
    });
    await timers.tickAsync(1);
    assert.equal(log.matching('oops').length, 1);
  });

  it('goes on polling when one of the questions fails', async () => {
    await connected();
    const heard: string[] = [];
    answers.watch(KEY, (addresses) => heard.push(addresses.join()));
    await timers.tickAsync(1);
    redis.connection.responder = undefined;
    await timers.tickAsync(500);
    redis.connection.sent.at(-1)!.refuse('LOADING');
    redis.connection.responder = respond;
    known[KEY] = ['a:1'];
    changes++;
    await timers.tickAsync(500);
    assert.deepEqual(heard, ['a:1']);
  });

  it('remembers a bounded number of streams', async () => {
    await connected();
    for (let at = 0; at < 10_005; at++) {
      known = { [`k${at}`]: ['a:1'] };
      await answers.locate(`k${at}`);
    }
    assert.equal(answers.known, 10_000);
    redis.connection.break('gone');
    assert.deepEqual((await answers.locate('k0')).addresses, []);
    assert.deepEqual((await answers.locate('k10004')).addresses, ['a:1']);
  });
});
