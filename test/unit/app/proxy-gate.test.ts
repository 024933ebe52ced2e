import assert from 'node:assert/strict';

import { ProxyGate } from '../../../src/app/proxy-gate';
import type { Socket, SocketHandler } from '../../../src/net/socket';
import { FakeSocket } from '../../support/fakes/fake-socket';
import { ManualClock } from '../../support/fakes/manual-clock';
import { RecordingLogger } from '../../support/fakes/recording-logger';
import { splits } from '../../support/split';
import { headers, malformedHeaders, otherStarts } from '../net/proxy-protocol.cases';

const v1 = Buffer.from('PROXY TCP4 198.51.100.7 203.0.113.1 4321 1935\r\n');

describe('the gate for proxies', () => {
  let log: RecordingLogger;
  let clock: ManualClock;
  let gate: ProxyGate;
  let limit: number;
  let heard: string;
  let accepted: string[];
  let handler: SocketHandler;

  beforeEach(() => {
    log = new RecordingLogger();
    clock = new ManualClock();
    limit = 10;
    gate = new ProxyGate({ log, clock, limit: () => limit });
    heard = '';
    accepted = [];
    handler = {
      onData: (slab, start, end) => {
        heard += slab.toString('latin1', start, end);
      },
      onClose: () => undefined,
    };
  });

  const accept = (socket: Socket): void => {
    accepted.push(`${socket.remoteAddress} ${socket.remotePort}`);
    socket.handler = handler;
  };

  function hold(): FakeSocket {
    const socket = new FakeSocket();
    gate.hold(socket.asSocket, accept);
    return socket;
  }

  for (const [what, bytes, client = '192.0.2.9 40000'] of headers) {
    it(`passes a connection with ${what} on as that of ${client}, with the bytes behind it`, () => {
      // Each cut of what is long says nothing more than some of them.
      const whole = Buffer.concat([bytes, Buffer.from('hello')]);
      const cuts =
        whole.length > 300 ? [[whole.subarray(0, 20), whole.subarray(20)]] : splits(whole);
      for (const pieces of cuts) {
        heard = '';
        accepted = [];
        const socket = hold();
        for (const piece of pieces) socket.receive(piece);
        assert.deepEqual(accepted, [client]);
        assert.equal(heard, 'hello');
        assert.equal(gate.size, 0);
        assert.deepEqual(socket.timeouts, [0, 0]);
        assert.equal(socket.isHalfOpen, false);
      }
    });
  }

  for (const [what, bytes] of otherStarts) {
    it(`passes a connection that begins with ${what} on as it is`, () => {
      for (const pieces of splits(bytes)) {
        heard = '';
        const socket = hold();
        for (const piece of pieces) socket.receive(piece);
        assert.equal(heard, bytes.toString('latin1'));
      }
      assert.equal(new Set(accepted).size, 1);
      assert.equal(accepted[0], '192.0.2.9 40000');
    });
  }

  for (const [what, bytes] of malformedHeaders) {
    it(`closes a connection with ${what}, and says whose it is`, () => {
      const socket = hold();
      socket.receive(bytes);
      assert.equal(socket.isDestroyed, true);
      assert.deepEqual(accepted, []);
      assert.equal(gate.size, 0);
      const [line = '', ...more] = log.lines;
      assert.match(line, /^warn 0 PROXY header is malformed, expect .+, ip=192\.0\.2\.9$/);
      assert.deepEqual(more, []);
    });
  }

  it('gives silence ten seconds, and a header that comes in drops no more', () => {
    const socket = hold();
    assert.deepEqual(socket.timeouts, [10_000, 0]);
    socket.receive(v1.subarray(0, 5));
    clock.advance(10_001);
    socket.receive(v1.subarray(5, 6));
    assert.equal(socket.isDestroyed, true);
    assert.equal(log.matching('expect it within 10000 ms, ip=192.0.2.9').length, 1);
  });

  it('takes a peer that has said all for one that waits for an answer', () => {
    handler.onEnd = (): void => {
      heard += '.';
    };
    const socket = hold();
    socket.receive(Buffer.concat([v1, Buffer.from('hello')]));
    assert.equal(socket.isHalfOpen, true);
    socket.handler?.onEnd?.();
    assert.equal(heard, 'hello.');
  });

  it('closes a peer that ends before its header does', () => {
    const socket = hold();
    socket.receive(v1.subarray(0, 9));
    socket.handler?.onEnd?.();
    assert.equal(socket.isDestroyed, true);
    assert.equal(gate.size, 0);
  });

  it('forgets a connection that closes', () => {
    const socket = hold();
    assert.equal(gate.size, 1);
    socket.close();
    assert.equal(gate.size, 0);
  });

  it('holds no more than the limit', () => {
    limit = 1;
    hold();
    const second = hold();
    assert.equal(second.isDestroyed, true);
    assert.equal(gate.size, 1);
    assert.deepEqual(log.matching('too many connections wait for a PROXY header').length, 1);
  });

  it('says no more than some lines about a broken proxy', () => {
    for (let round = 0; round < 50; round++) hold().receive(Buffer.from('PROXY \r\n'));
    assert.equal(log.matching('warn').length, 10);
    assert.equal(log.matching('info').length, 40);
  });

  it('closes what it holds when it is closed itself', () => {
    const socket = hold();
    gate.close();
    assert.equal(socket.isDestroyed, true);
    assert.equal(gate.size, 0);
  });

  it('passes nothing on to a client that is not let in', () => {
    const socket = new FakeSocket();
    gate.hold(socket.asSocket, (refused) => {
      refused.destroy();
    });
    socket.receive(Buffer.concat([v1, Buffer.from('hello')]));
    assert.equal(socket.isDestroyed, true);
    assert.equal(heard, '');
  });
});
