import assert from 'node:assert/strict';

import { Outbox } from '../../../../src/app/hooks/outbox';
import type { Delivery, FailedAttempt } from '../../../../src/app/hooks/outbox';
import { ManualClock } from '../../../support/fakes/manual-clock';
import { RecordingLogger } from '../../../support/fakes/recording-logger';
import { eventually } from '../../../support/waits';

/** Deliveries that succeed or fail when the test says so. */
class Post {
  readonly begun: string[] = [];
  readonly logged: (number | undefined)[] = [];
  readonly cancelled: string[] = [];
  readonly #ends = new Map<string, (failure: FailedAttempt | undefined) => void>();

  delivery(name: string, lane = 'a', retries = 0): Delivery {
    const attempt: Delivery['attempt'] = () => {
      this.begun.push(name);
      const failure = new Promise<FailedAttempt | undefined>((resolve) => {
        this.#ends.set(name, resolve);
      });
      return { failure, isUnderWay: true, cancel: () => this.cancelled.push(name) };
    };
    return { lane, retries, attempt };
  }

  succeed(name: string): void {
    this.#ends.get(name)?.(undefined);
  }

  fail(name: string, isTransient = true): void {
    this.#ends.get(name)?.({ isTransient, log: (retryMs) => this.logged.push(retryMs) });
  }

  async hasBegun(...names: string[]): Promise<void> {
    await eventually(`the begin of ${names.join()}`, () => this.begun.length >= names.length);
    assert.deepEqual(this.begun, names);
  }
}

describe('the outbox of hooks', () => {
  const log = new RecordingLogger();
  const clock = new ManualClock();
  let post: Post;
  let outbox: Outbox;

  beforeEach(() => {
    post = new Post();
    log.lines.splice(0);
    outbox = new Outbox(log, clock, { maxPending: 5, firstRetryMs: 1 });
  });

  it('tells one thing after the other in a lane, and lanes at the same time', async () => {
    for (const name of ['1', '2']) outbox.post(post.delivery(name));
    outbox.post(post.delivery('3', 'b'));
    await post.hasBegun('1', '3');
    post.succeed('1');
    await post.hasBegun('1', '3', '2');
    post.succeed('2');
    post.succeed('3');
    await eventually('an empty outbox', () => outbox.size === 0);
  });

  it('tries again so often, and then goes on with the next', async () => {
    outbox.post(post.delivery('1', 'a', 2));
    outbox.post(post.delivery('2'));
    post.fail('1');
    await post.hasBegun('1', '1');
    post.fail('1');
    await post.hasBegun('1', '1', '1');
    post.fail('1');
    await post.hasBegun('1', '1', '1', '2');
    assert.deepEqual(post.logged, [1, 2, undefined]);
  });

  it('does not try again what will not do', async () => {
    outbox.post(post.delivery('1', 'a', 9));
    post.fail('1', false);
    await eventually('an empty outbox', () => outbox.size === 0);
    assert.deepEqual(post.logged, [undefined]);
  });

  it('gives up the oldest that is not under way when there is too much, and says how many', async () => {
    outbox.post(post.delivery('1'));
    // None of them can begin before the first has ended.
    const waiting = ['2', '3', '4', '5', '6', '7'].map((name) => post.delivery(name));
    for (const delivery of waiting) outbox.post(delivery);
    assert.equal(outbox.size, 5);
    for (const name of ['1', '4', '5', '6', '7']) {
      await eventually(`the begin of ${name}`, () => post.begun.includes(name));
      post.succeed(name);
    }
    await eventually('an empty outbox', () => outbox.size === 0);
    assert.deepEqual(post.begun, ['1', '4', '5', '6', '7']);
    assert.equal(log.matching('notifications given up').length, 1);
    clock.advance(10_000);
    for (const delivery of ['a', 'b', 'c', 'd', 'e', 'f'].map((n) => post.delivery(n, n))) {
      outbox.post(delivery);
    }
    assert.deepEqual(log.matching('given up'), [
      'warn 0 http hooks: 1 notifications given up, pending=4',
      'warn 0 http hooks: 2 notifications given up, pending=4',
    ]);
    assert.deepEqual(post.cancelled, ['a']);
  });

  it('says when a lane is empty, or that it took too long', async () => {
    assert.equal(outbox.whenEmpty('a', 1), undefined);
    outbox.post(post.delivery('1'));
    await outbox.whenEmpty('a', 1);
    const empty = outbox.whenEmpty('a', 15_000);
    post.succeed('1');
    await empty;
    assert.equal(outbox.size, 0);
  });

  it('tells what waits for its retry at once when it stops, and gives up the rest in time', async () => {
    outbox = new Outbox(log, clock, { firstRetryMs: 60_000 });
    outbox.post(post.delivery('1', 'a', 3));
    outbox.post(post.delivery('2', 'b', 3));
    post.fail('1');
    await eventually('a retry', () => post.logged.length === 1);
    const stopped = outbox.stop(20);
    await post.hasBegun('1', '2', '1');
    post.succeed('1');
    await stopped;
    assert.deepEqual(post.cancelled, ['2']);
    assert.equal(outbox.size, 0);
    outbox.post(post.delivery('3'));
    await post.hasBegun('1', '2', '1');
    assert.equal(log.matching('1 notifications given up').length, 1);
  });
});
