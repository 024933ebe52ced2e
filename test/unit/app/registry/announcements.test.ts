import assert from 'node:assert/strict';

import * as sinon from 'sinon';

import { Announcements } from '../../../../src/app/registry/announcements';

const LEASE_MS = 9000;

describe('Announcements', () => {
  let timers: sinon.SinonFakeTimers;
  let isConnected: boolean;
  /** Without the texts of scripts. */
  let sent: string[];
  let answer: () => Promise<unknown>;
  let announcements: Announcements;

  beforeEach(() => {
    timers = sinon.useFakeTimers();
    isConnected = true;
    sent = [];
    answer = () => Promise.resolve(1);
    announcements = new Announcements(
      {
        clock: { nowMs: () => timers.now },
        prefix: '',
        address: 'me:1935',
        isConnected: () => isConnected,
        call: (command) => {
          if (!isConnected) return Promise.reject(new Error('not connected'));
          sent.push(command.filter((word) => !word.includes('\n')).join(' '));
          return answer();
        },
      },
      LEASE_MS,
    );
  });

  afterEach(async () => {
    await announcements.close();
    timers.restore();
  });

  const taken = (): string[] => sent.splice(0);

  it('announces what begins in one turn of the loop together', async () => {
    announcements.publish('v/a/1', timers.now);
    announcements.publish('v/a/2', timers.now - 50);
    assert.deepEqual(sent, []);
    await timers.tickAsync(1);
    assert.deepEqual(taken(), ['EVAL 3 changes stream:v/a/1 stream:v/a/2 me:1935 9000 0 50']);
    assert.equal(announcements.announced, 2);
  });

  it('renews all leases three times as often as they end', async () => {
    announcements.publish('v/a/1', timers.now);
    await timers.tickAsync(1);
    taken();
    await timers.tickAsync(LEASE_MS);
    const renewal = /^EVAL 2 changes stream:v\/a\/1 me:1935 9000 (2999|3000|5999|6000|8999|9000)$/;
    assert.equal(sent.length, 3);
    for (const command of taken()) assert.match(command, renewal);
  });

  it('takes back what ends', async () => {
    announcements.publish('v/a/1', timers.now);
    await timers.tickAsync(1);
    taken();
    announcements.unpublish('v/a/1');
    announcements.unpublish('v/a/never');
    await timers.tickAsync(1);
    assert.deepEqual(taken(), ['EVAL 1 stream:v/a/1 me:1935']);
    assert.equal(announcements.announced, 0);
  });

  it('does not take back a stream that another publisher takes over', async () => {
    announcements.publish('v/a/1', timers.now);
    await timers.tickAsync(100);
    taken();
    announcements.unpublish('v/a/1');
    announcements.publish('v/a/1', timers.now);
    await timers.tickAsync(1);
    assert.deepEqual(taken(), ['EVAL 2 changes stream:v/a/1 me:1935 9000 0']);
  });

  it('announces everything when Redis is there again', async () => {
    isConnected = false;
    announcements.publish('v/a/1', timers.now);
    announcements.publish('v/a/2', timers.now);
    announcements.unpublish('v/a/2');
    await timers.tickAsync(20_000);
    assert.deepEqual(sent, []);
    isConnected = true;
    announcements.announceAll();
    await timers.tickAsync(0);
    assert.deepEqual(taken(), [
      'EVAL 1 stream:v/a/2 me:1935',
      'EVAL 2 changes stream:v/a/1 me:1935 9000 20000',
    ]);
    assert.equal(announcements.announced, 1);
    announcements.forget();
    assert.equal(announcements.announced, 0);
  });

  it('tries again with the next renewal what was not taken', async () => {
    answer = () => Promise.reject(new Error('OOM'));
    announcements.publish('v/a/1', timers.now);
    announcements.publish('v/a/2', timers.now);
    await timers.tickAsync(1);
    announcements.unpublish('v/a/2');
    await timers.tickAsync(1);
    assert.equal(announcements.announced, 0);
    taken();
    answer = () => Promise.resolve(1);
    await timers.tickAsync(LEASE_MS / 3);
    assert.equal(taken().length, 2);
    assert.equal(announcements.announced, 1);
  });

  it('does not renew while the last renewal waits for its answer', async () => {
    announcements.publish('v/a/1', timers.now);
    await timers.tickAsync(1);
    taken();
    let release: (value: unknown) => void = () => undefined;
    answer = () => new Promise((resolve) => (release = resolve));
    await timers.tickAsync(LEASE_MS);
    assert.equal(taken().length, 1);
    answer = () => Promise.resolve(1);
    release(1);
    await timers.tickAsync(LEASE_MS / 3);
    assert.equal(taken().length, 1);
  });

  it('asks Redis something even when there is nothing to renew', async () => {
    await timers.tickAsync(LEASE_MS / 3);
    assert.deepEqual(taken(), ['GET changes']);
  });

  it('sends many streams in parts', async () => {
    for (let at = 0; at < 1201; at++) announcements.publish(`k${at}`, timers.now);
    await timers.tickAsync(1);
    assert.deepEqual(
      taken().map((command) => command.split(' ')[1]),
      ['501', '501', '202'],
    );
    assert.equal(announcements.announced, 1201);
  });

  it('renews by another lease at once', async () => {
    announcements.publish('v/a/1', timers.now);
    await timers.tickAsync(1);
    taken();
    announcements.setLease(LEASE_MS);
    assert.deepEqual(taken(), []);
    announcements.setLease(3000);
    await timers.tickAsync(1001);
    assert.deepEqual(
      taken().map((command) => command.split(' ').at(-2)),
      ['3000', '3000'],
    );
  });

  it('takes all back when it is closed, and says no more', async () => {
    announcements.publish('v/a/1', timers.now);
    await timers.tickAsync(1);
    announcements.publish('v/a/2', timers.now);
    taken();
    await announcements.close();
    assert.deepEqual(taken(), ['EVAL 2 stream:v/a/1 stream:v/a/2 me:1935']);
    announcements.publish('v/a/3', timers.now);
    await timers.tickAsync(LEASE_MS);
    assert.deepEqual(taken(), []);
  });
});
