import assert from 'node:assert/strict';

import { useFakeTimers } from 'sinon';
import type { SinonFakeTimers } from 'sinon';

import { Pulse } from '../../../../src/app/upstream/pulse';

describe('the pulse of a server upstream', () => {
  let time: SinonFakeTimers;
  let pulse: Pulse | undefined;
  const connection = { pings: 0, lastReceivedMs: 0, ping: () => connection.pings++ };
  const heard = { looks: 0, deaths: 0 };

  beforeEach(() => {
    time = useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    Object.assign(connection, { pings: 0, lastReceivedMs: 0 });
    Object.assign(heard, { looks: 0, deaths: 0 });
  });
  afterEach(() => {
    pulse?.stop();
    time.restore();
  });

  function create(canPing = true): Pulse {
    pulse = new Pulse(connection, {
      clock: { nowMs: () => time.now },
      silenceMs: 3000,
      canPing,
      onLook: () => heard.looks++,
      onDead: () => {
        heard.deaths++;
        pulse?.stop();
      },
    });
    return pulse;
  }

  it('pings at once, and again when the server is silent', () => {
    create();
    assert.equal(connection.pings, 1);
    time.tick(1000);
    assert.equal(connection.pings, 2);
    connection.lastReceivedMs = 1900;
    time.tick(1000);
    assert.equal(connection.pings, 2, 'it has just said something');
    assert.equal(heard.looks, 2);
  });

  it('finds a server dead that answered and then is silent', () => {
    create().onPong();
    connection.lastReceivedMs = 10;
    time.tick(3000);
    assert.equal(heard.deaths, 0);
    time.tick(1000);
    assert.equal(heard.deaths, 1);
    time.tick(10_000);
    assert.equal(heard.deaths, 1);
  });

  it('leaves one in peace that never answered', () => {
    create();
    time.tick(60_000);
    assert.equal(heard.deaths, 0);
  });

  it('only looks where it must not ping', () => {
    create(false);
    time.tick(5000);
    assert.deepEqual([connection.pings, heard.looks], [0, 5]);
  });
});
