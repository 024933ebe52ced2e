import assert from 'node:assert/strict';
import { once } from 'node:events';
import { constants } from 'node:os';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import { Engine } from '../../../src/net/engine';
import { RecordingLogger } from '../../support/fakes/recording-logger';
import { Loopback, RecordingHandler } from '../../support/net';

describe('the engine', () => {
  let loopback: Loopback;
  beforeEach(() => {
    loopback = new Loopback();
  });
  afterEach(() => {
    loopback.close();
  });

  it('hands over what a peer sends and sends what the owner writes', async () => {
    const { socket, handler, peer } = await loopback.pair();
    peer.write('hello');
    await handler.until(() => handler.received.length === 5);
    socket.write(Buffer.from('world'));
    const [answer] = (await once(peer, 'data')) as [Buffer];
    assert.equal(handler.received.toString(), 'hello');
    assert.equal(answer.toString(), 'world');
    assert.equal(socket.bytesReceived, 5);
    assert.equal(socket.bytesSent, 5);
    assert.equal(socket.pendingBytes, 0);
    assert.equal(socket.remoteAddress, '127.0.0.1');
    assert.equal(socket.remotePort, peer.localPort);
    assert.equal(socket.localPort, loopback.port);
    socket.setNoDelay(false);
  });

  it('tells of a close exactly once, after the call that caused it', async () => {
    const { socket, handler, peer } = await loopback.pair();
    peer.write('abc');
    await handler.until(() => handler.received.length === 3);
    socket.destroy();
    assert.equal(handler.closedWith, undefined);
    await handler.until(() => handler.closedWith !== undefined);
    assert.equal(handler.closedWith, 0);
    assert.ok(socket.isClosed);
    socket.write(Buffer.from('into the void'));
    socket.destroy();
    socket.end();
    assert.equal(socket.bytesSent, 0);
    assert.equal(socket.bytesReceived, 3, 'totals outlive the connection');
    assert.equal(loopback.engine.stats.sockets, 0);
  });

  it('reports the end of the peer as a close in good order', async () => {
    const { handler, peer } = await loopback.pair();
    peer.end();
    await handler.until(() => handler.closedWith !== undefined);
    assert.equal(handler.closedWith, 0);
  });

  it('sends what waits before it ends', async () => {
    const { socket, peer } = await loopback.pair();
    const body = Buffer.alloc(3_000_000, 'a');
    socket.write(body);
    socket.end();
    let got = 0;
    peer.on('data', (data) => {
      got += data.length;
    });
    await once(peer, 'end');
    assert.equal(got, body.length);
  });

  it('tells when bytes that had to wait are gone', async () => {
    const { socket, handler, peer } = await loopback.pair();
    peer.pause();
    socket.write(Buffer.alloc(8_000_000));
    assert.ok(socket.pendingBytes > 0);
    peer.resume();
    await handler.until(() => handler.drained === 1);
    assert.equal(socket.pendingBytes, 0);
  });

  it('closes a socket whose handler throws, and says why', async () => {
    const { handler, peer } = await loopback.pair();
    handler.onData = () => {
      throw new Error('broken handler');
    };
    peer.write('x');
    await handler.until(() => handler.closedWith !== undefined);
    assert.match(loopback.log.lines.join('\n'), /a connection failed: Error: broken handler/);
  });

  it('connects out and reports refusals with their errno', async () => {
    const outbound = new RecordingHandler();
    loopback.engine.connect('127.0.0.1', loopback.port, 1000, outbound);
    await outbound.until(() => outbound.connected);
    const other = new Loopback();
    const { port } = other;
    other.close();
    const refused = new RecordingHandler();
    loopback.engine.connect('127.0.0.1', port, 1000, refused);
    await refused.until(() => refused.closedWith !== undefined);
    assert.equal(refused.closedWith, constants.errno.ECONNREFUSED);
    const unreadable = new RecordingHandler();
    loopback.engine.connect('no.such.address', port, 1000, unreadable);
    await unreadable.until(() => unreadable.closedWith !== undefined);
    assert.equal(unreadable.closedWith, constants.errno.EINVAL);
  });

  it('refuses a port that is taken with code 1002', () => {
    assert.throws(
      () => loopback.engine.listen('127.0.0.1', loopback.port, () => undefined),
      (error) =>
        error instanceof SrsError &&
        error.code === ErrorCode.SOCKET_BIND &&
        error.message.includes('EADDRINUSE'),
    );
  });

  it('listens on IPv6 too', async function () {
    let listener;
    try {
      listener = loopback.engine.listen('::1', 0, () => undefined);
    } catch {
      this.skip();
    }
    const handler = new RecordingHandler();
    const socket = loopback.engine.connect('::1', listener.port, 1000, handler);
    await handler.until(() => handler.connected);
    assert.equal(socket.remoteAddress, '::1');
    listener.close();
    listener.close();
  });

  it('holds back a paused peer and goes on later', async () => {
    const { socket, handler, peer } = await loopback.pair();
    socket.pauseRead();
    peer.write('held back');
    const other = await loopback.pair();
    other.peer.write('passes');
    await other.handler.until(() => other.handler.received.length > 0);
    assert.equal(handler.received.length, 0);
    socket.resumeRead();
    await handler.until(() => handler.received.toString() === 'held back');
  });

  it('answers a peer that has ended, where a socket may be half-open', async () => {
    const { socket, handler, peer } = await loopback.pair();
    socket.setHalfOpen(true);
    peer.end('question');
    await handler.until(() => handler.ended === 1);
    assert.equal(handler.received.toString(), 'question');
    assert.equal(handler.closedWith, undefined);
    socket.write(Buffer.alloc(2_000_000, 'a'));
    socket.end();
    let got = 0;
    for await (const data of peer as AsyncIterable<Buffer>) got += data.length;
    assert.equal(got, 2_000_000);
    await handler.until(() => handler.closedWith !== undefined);
    assert.equal(handler.closedWith, 0);
    assert.equal(handler.ended, 1);
    socket.setHalfOpen(false);
  });

  it('closes everything at once and stays closed', async () => {
    const { handler, peer } = await loopback.pair();
    loopback.engine.close();
    loopback.engine.close();
    assert.equal(handler.closedWith, 0);
    await once(peer, 'close');
    assert.equal(loopback.engine.stats.sockets, 0);
  });

  it('may be closed from within its own events', async () => {
    const engine = new Engine(new RecordingLogger());
    const closed = new Promise<void>((resolve) => {
      const { port } = engine.listen('127.0.0.1', 0, (socket) => {
        socket.handler = {
          onData: () => undefined,
          onClose: () => {
            resolve();
          },
        };
        engine.close();
      });
      engine.connect('127.0.0.1', port, 1000, new RecordingHandler());
    });
    await closed;
  });
});
