import assert from 'node:assert/strict';

import sinon from 'sinon';

import { endWithin } from '../../../src/net/ending';
import { FakeSocket } from '../../support/fakes/fake-socket';

describe('net/ending', () => {
  let time: sinon.SinonFakeTimers;
  let socket: FakeSocket;
  beforeEach(() => {
    time = sinon.useFakeTimers();
    socket = new FakeSocket();
  });
  afterEach(() => {
    time.restore();
  });

  const endNow = (): void => {
    endWithin(socket.asSocket, 3000, () => {
      socket.write(Buffer.from('bye'));
    });
  };

  it('ends at once, without a timer, where nothing waits', () => {
    endNow();
    assert.equal(String(socket.written), 'bye');
    assert.ok(socket.isEnded);
    assert.deepEqual(socket.timeouts, [0, 3000]);
    assert.equal(time.countTimers(), 0);
  });

  it('ends in good order when what waited has been taken in time', () => {
    socket.pendingBytes = 100;
    endNow();
    assert.equal(socket.isEnded, false);
    socket.pendingBytes = 0;
    time.tick(3000);
    assert.ok(socket.isEnded);
    assert.equal(socket.isDestroyed, false);
  });

  it('is over after that time, whatever waits', () => {
    socket.pendingBytes = 100;
    endNow();
    time.tick(2999);
    assert.equal(socket.isDestroyed, false);
    time.tick(1);
    assert.ok(socket.isDestroyed);
  });
});
