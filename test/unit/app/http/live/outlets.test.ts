import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { constants } from 'node:os';

import sinon from 'sinon';

import { ResponseOutlet } from '../../../../../src/app/http/live/response-outlet';
import { SocketOutlet } from '../../../../../src/app/http/live/socket-outlet';
import { FakeSocket } from '../../../../support/fakes/fake-socket';

/** What a response is sent over. */
class FakeConnection extends EventEmitter {
  readonly calls: string[] = [];

  end(): void {
    this.calls.push('end');
  }

  destroy(): void {
    this.calls.push('destroy');
  }
}

/** A response that takes as much as the test says. */
class FakeResponse extends EventEmitter {
  writableNeedDrain = false;
  writableEnded = false;
  writableFinished = false;
  isDestroyed = false;
  readonly written: string[] = [];
  readonly socket = new FakeConnection();

  get asResponse(): ServerResponse {
    return this as unknown as ServerResponse;
  }

  flushHeaders(): void {
    this.written.push('head');
  }

  write(bytes: Buffer): boolean {
    this.written.push(bytes.toString());
    return !this.writableNeedDrain;
  }

  end(onFinish?: () => void): void {
    this.writableEnded = true;
    if (onFinish) this.once('finish', onFinish);
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

describe('the outlets of players', () => {
  const events: string[] = [];
  const handler = {
    onDrain: () => events.push('drain'),
    onClose: (errno: number) => events.push(`close ${errno}`),
  };
  beforeEach(() => {
    events.length = 0;
  });

  describe('on a native socket', () => {
    it('sets the limits of a player, and passes events on', () => {
      const socket = new FakeSocket();
      const outlet = new SocketOutlet(socket.asSocket, false);
      outlet.handler = handler;
      assert.deepEqual(socket.timeouts, [0, 30_000]);
      assert.equal(socket.isNoDelay, false);
      outlet.onDrain();
      outlet.end();
      assert.ok(socket.isEnded);
      socket.close(constants.errno.ETIMEDOUT);
      assert.deepEqual(events, ['drain', `close ${constants.errno.ETIMEDOUT}`]);
    });

    it('drops what the client says, up to a limit', () => {
      const socket = new FakeSocket();
      socket.bytesReceived = 5_000_000;
      const outlet = new SocketOutlet(socket.asSocket, true);
      outlet.handler = handler;
      socket.receive(Buffer.alloc(1024 * 1024));
      assert.equal(socket.isDestroyed, false);
      socket.receive(Buffer.alloc(1));
      assert.ok(socket.isDestroyed);
      socket.close();
      assert.deepEqual(events, [`close ${constants.errno.EMSGSIZE}`]);
      assert.equal(outlet.bytesReceived, socket.bytesReceived);
    });

    it('ends at once where nothing waits, though it has to', () => {
      const socket = new FakeSocket();
      new SocketOutlet(socket.asSocket, true).endWithin(3000);
      assert.ok(socket.isEnded);
      assert.deepEqual(socket.timeouts, [0, 3000]);
    });
  });

  describe('on a response', () => {
    let timers: sinon.SinonFakeTimers;
    let response: FakeResponse;
    let outlet: ResponseOutlet;
    beforeEach(() => {
      timers = sinon.useFakeTimers();
      response = new FakeResponse();
      outlet = new ResponseOutlet(response.asResponse);
      outlet.handler = handler;
    });
    afterEach(() => {
      timers.restore();
    });

    it('sends the head at once, and counts what it sends', () => {
      assert.deepEqual(response.written, ['head']);
      assert.equal(outlet.write(Buffer.from('abc')), true);
      assert.equal(outlet.bytesSent, 3);
      outlet.end();
      assert.equal(outlet.write(Buffer.from('late')), false);
      response.writableFinished = true;
      response.emit('close');
      assert.deepEqual(events, ['close 0']);
      outlet.end();
      outlet.destroy();
      assert.equal(response.isDestroyed, false);
      assert.equal(outlet.bytesSent, 3);
    });

    it('closes a client that takes nothing, but not one that takes it slowly', () => {
      response.writableNeedDrain = true;
      assert.equal(outlet.write(Buffer.from('a')), false);
      assert.equal(outlet.isReady, false);
      timers.tick(29_000);
      response.writableNeedDrain = false;
      response.emit('drain');
      assert.ok(outlet.isReady);
      timers.tick(30_000);
      assert.equal(response.isDestroyed, false);
      response.writableNeedDrain = true;
      outlet.write(Buffer.from('b'));
      timers.tick(30_000);
      assert.ok(response.isDestroyed);
      response.emit('error', new Error('destroyed'));
      response.emit('close');
      response.emit('close');
      assert.deepEqual(events, ['drain', `close ${constants.errno.ETIMEDOUT}`]);
    });

    it('ends the connection with the answer when it has to, and in time', () => {
      outlet.endWithin(3000);
      assert.ok(response.writableEnded);
      response.emit('finish');
      assert.deepEqual(response.socket.calls, ['end']);
      timers.tick(3000);
      assert.deepEqual(response.socket.calls, ['end', 'destroy']);
    });

    it('ends a client that takes nothing when it has to', () => {
      outlet.endWithin(3000);
      timers.tick(3000);
      assert.deepEqual(response.socket.calls, ['destroy']);
      response.socket.emit('close');
      response.emit('close');
      outlet.endWithin(3000);
      assert.equal(timers.countTimers(), 0);
      assert.deepEqual(events, [`close ${constants.errno.ECONNRESET}`]);
    });

    it('takes the end of the client for its leaving', () => {
      response.socket.emit('end');
      assert.ok(response.isDestroyed);
      response.emit('close');
      assert.deepEqual(events, [`close ${constants.errno.ECONNRESET}`]);
      assert.equal(response.socket.listenerCount('end'), 0);
    });
  });
});
