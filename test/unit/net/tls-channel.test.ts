import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { connect as dial } from 'node:net';
import type { Socket as PlainSocket } from 'node:net';
import { constants } from 'node:os';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';

import { useFakeTimers } from 'sinon';

import type { Socket } from '../../../src/net/socket';
import { TlsChannel, tlsServerStream } from '../../../src/net/tls-channel';
import { Loopback, RecordingHandler } from '../../support/net';
import { firstContext, trusted } from '../../support/tls';

const context = firstContext();
const MUCH = Buffer.alloc(8 * 1024 * 1024, 'much ');

interface Link {
  readonly channel: TlsChannel;
  readonly handler: RecordingHandler;
  readonly socket: Socket;
  readonly peer: PlainSocket;
}

describe('a TLS channel', () => {
  let loopback: Loopback;
  beforeEach(() => {
    loopback = new Loopback();
  });
  afterEach(() => {
    loopback.close();
  });

  /** The server's side, and a peer that has said nothing. */
  async function link(): Promise<Link> {
    const { socket, peer } = await loopback.pair();
    peer.on('error', () => undefined);
    const channel = new TlsChannel(socket, context, loopback.log);
    const handler = new RecordingHandler();
    channel.handler = handler;
    return { channel, handler, socket, peer };
  }

  function talk(peer: PlainSocket, options: ConnectionOptions = {}): TLSSocket {
    const tls = connect({
      socket: peer,
      ca: trusted('first'),
      servername: 'first.test',
      ...options,
    });
    return tls.on('error', () => undefined);
  }

  async function open(): Promise<Link & { tls: TLSSocket }> {
    const made = await link();
    const tls = talk(made.peer);
    await once(tls, 'secureConnect');
    await made.handler.until(() => made.handler.connected);
    return { ...made, tls };
  }

  it('hands over what a peer sends and sends what the owner writes', async () => {
    const { channel, handler, socket, tls, peer } = await open();
    assert.ok(channel.isSecure);
    assert.equal(channel.protocol, 'TLSv1.3');
    tls.write('hello');
    await handler.until(() => handler.received.length === 5);
    assert.equal(handler.received.toString(), 'hello');
    const lent = Buffer.from('world');
    channel.write(lent);
    lent.fill('x');
    channel.write(Buffer.from('!'));
    const [answer] = (await once(tls, 'data')) as [Buffer];
    assert.equal(answer.toString(), 'world!', 'what is written in one turn is one record');
    assert.equal(channel.remoteAddress, '127.0.0.1');
    assert.equal(channel.remotePort, peer.localPort);
    assert.equal(channel.localAddress, '127.0.0.1');
    assert.equal(channel.localPort, loopback.port);
    assert.equal(channel.bytesReceived, socket.bytesReceived);
    assert.equal(channel.bytesSent, socket.bytesSent);
    assert.equal(channel.reason, '');
  });

  it('keeps what is written before the handshake is done', async () => {
    const { channel, peer } = await link();
    channel.write(Buffer.from('early'));
    assert.equal(channel.protocol, '');
    const [answer] = (await once(talk(peer), 'data')) as [Buffer];
    assert.equal(answer.toString(), 'early');
  });

  it('speaks TLS 1.2 too', async () => {
    const { channel, handler, peer } = await link();
    talk(peer, { maxVersion: 'TLSv1.2' });
    await handler.until(() => handler.connected);
    assert.equal(channel.protocol, 'TLSv1.2');
  });

  it('holds up a player that takes nothing, and tells when it can take more', async () => {
    const { channel, handler, tls, socket } = await open();
    tls.pause();
    let taken = 0;
    while (channel.takeMedia(MUCH.subarray(0, 64 * 1024))) taken++;
    assert.ok(taken < 10, `${taken} pieces were taken`);
    const drained = handler.until(() => handler.drained === 1);
    channel.takeMedia(MUCH);
    assert.ok(channel.pendingBytes > MUCH.length);
    assert.ok(socket.pendingBytes < 1024 * 1024);
    tls.resume();
    await drained;
    assert.equal(channel.pendingBytes, socket.pendingBytes);
  });

  it('gives up a peer for which too much waits', async () => {
    const { channel, handler, tls } = await open();
    tls.pause();
    channel.takeMedia(MUCH);
    channel.takeMedia(MUCH);
    assert.equal(channel.takeMedia(MUCH), false);
    await handler.until(() => handler.closedWith !== undefined);
    assert.equal(handler.closedWith, constants.errno.ENOBUFS);
  });

  it('reads nothing while it is told not to', async () => {
    const { channel, handler, tls, socket } = await open();
    channel.pauseRead();
    const some = MUCH.subarray(0, 2 * 1024 * 1024);
    tls.write(some);
    const other = await open();
    for (let round = 1; round < 10; round++) {
      other.tls.write('x');
      await other.handler.until(() => other.handler.received.length === round);
    }
    assert.equal(handler.received.length, 0);
    assert.ok(socket.bytesReceived < 1024 * 1024);
    channel.resumeRead();
    await handler.until(() => handler.received.length === some.length);
  });

  it('sends what waits before it ends, and says so in TLS', async () => {
    const { channel, handler, tls, peer } = await open();
    let isCut = false;
    peer.on('end', () => (isCut = true));
    channel.write(MUCH);
    channel.end();
    channel.end();
    channel.destroy();
    channel.write(Buffer.from('too late'));
    let size = 0;
    tls.on('data', (part: Buffer) => (size += part.length));
    await once(tls, 'end');
    assert.equal(isCut, false, 'the end of TLS comes before that of the connection');
    assert.equal(size, MUCH.length);
    await handler.until(() => handler.closedWith !== undefined);
    assert.equal(handler.closedWith, 0);
    assert.ok(channel.isClosed);
    assert.equal(loopback.engine.stats.sockets, 0);
  });

  it('closes in good order when the peer ends', async () => {
    const { handler, tls } = await open();
    tls.end('bye');
    await handler.until(() => handler.closedWith !== undefined);
    assert.equal(handler.received.toString(), 'bye');
    assert.equal(handler.closedWith, 0);
  });

  it('closes at once when it is destroyed', async () => {
    const { channel, handler, tls } = await open();
    channel.write(MUCH);
    channel.destroy();
    assert.equal(handler.closedWith, undefined, 'it is told later');
    await handler.until(() => handler.closedWith !== undefined);
    assert.equal(handler.closedWith, 0);
    if (!tls.closed) await once(tls, 'close');
    channel.pauseRead();
    channel.setTimeouts(1, 1);
    assert.equal(channel.takeMedia(Buffer.from('x')), false);
  });

  it('closes at once when it ends before the handshake', async () => {
    const { channel, handler } = await link();
    channel.end();
    await handler.until(() => handler.closedWith !== undefined);
    assert.equal(handler.closedWith, 0);
  });

  it('passes its limits on to the connection, and has one for the end', async () => {
    const { channel, socket } = await open();
    const calls: unknown[] = [];
    socket.setTimeouts = (...limits) => void calls.push(limits);
    socket.setMergedRead = (...intervals) => void calls.push(intervals);
    socket.setNoDelay = (on) => void calls.push(on);
    channel.setTimeouts(5, 6);
    channel.setMergedRead(7);
    channel.setNoDelay(false);
    channel.setTimeouts(5, 0);
    channel.end();
    assert.deepEqual(calls, [[5, 6], [7, 7], false, [5, 0], [0, 30_000]]);
  });

  it('says what its owner is told of a play', async () => {
    const { channel, handler } = await open();
    channel.onPlayEnd();
    assert.equal(handler.playEnded, 1);
  });

  it('closes when its owner throws, and says why', async () => {
    const { handler, tls } = await open();
    handler.onData = () => {
      throw new Error('broken handler');
    };
    tls.write('x');
    await handler.until(() => handler.closedWith !== undefined);
    assert.match(loopback.log.lines.join('\n'), /a connection failed: Error: broken handler/);
  });

  const strangers: [string, RegExp, (peer: PlainSocket) => unknown][] = [
    ['plain RTMP', /^TLS handshake failed: /, (peer) => peer.write(Buffer.alloc(1537, 3))],
    ['HTTP', /http request/, (peer) => peer.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['noughts', /^TLS handshake failed: /, (peer) => peer.write(Buffer.alloc(100))],
    ['nothing', /the peer left before/, (peer) => peer.end()],
    [
      'half a hello',
      /the peer left before/,
      (peer) => peer.end(Buffer.from([22, 3, 1, 0, 200, 1])),
    ],
    [
      'an old version',
      /unsupported protocol|unknown protocol/,
      (peer) =>
        talk(peer, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }),
    ],
  ];
  for (const [name, reason, act] of strangers) {
    it(`closes a peer that says ${name} instead of shaking hands`, async () => {
      const { channel, handler, peer } = await link();
      peer.resume();
      act(peer);
      await handler.until(() => handler.closedWith !== undefined);
      assert.equal(handler.closedWith, constants.errno.EPROTO);
      assert.match(channel.reason, reason);
      assert.equal(handler.connected, false);
      assert.equal(loopback.engine.stats.sockets, 0);
    });
  }

  it('tells a peer in TLS why it is left', async () => {
    const { peer } = await link();
    const tls = talk(peer, {
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0',
      minVersion: 'TLSv1',
    });
    const [error] = (await once(tls, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });

  it('closes a peer that takes too long to shake hands, whatever it says meanwhile', async () => {
    const clock = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const { channel, handler, peer, socket } = await link();
      clock.tick(9000);
      peer.write(Buffer.from([22, 3, 1, 0, 200, 1]));
      while (socket.bytesReceived === 0) await new Promise(setImmediate);
      clock.tick(999);
      assert.equal(channel.reason, '');
      clock.tick(1);
      await handler.until(() => handler.closedWith !== undefined);
      assert.equal(handler.closedWith, constants.errno.ETIMEDOUT);
      assert.equal(channel.reason, 'no TLS handshake within 10000 ms');
    } finally {
      clock.restore();
    }
  });

  it('closes a peer whose records are damaged', async () => {
    const { channel, handler, peer } = await open();
    peer.write(Buffer.concat([Buffer.from([23, 3, 3, 0, 40]), Buffer.alloc(40)]));
    await handler.until(() => handler.closedWith !== undefined);
    assert.equal(handler.closedWith, constants.errno.EPROTO);
    assert.match(channel.reason, /^TLS failed: .*bad record mac/);
  });

  it('tells of a reset with its number', async () => {
    const { handler, peer } = await open();
    peer.resetAndDestroy();
    await handler.until(() => handler.closedWith !== undefined);
    assert.equal(handler.closedWith, constants.errno.ECONNRESET);
  });

  it('closes with the engine', async () => {
    const { handler } = await open();
    loopback.engine.close();
    await handler.until(() => handler.closedWith !== undefined);
    assert.equal(handler.closedWith, 0);
  });
});

describe('a TLS stream for HTTP', () => {
  let loopback: Loopback;
  let port: number;
  let made: TLSSocket[];
  beforeEach(() => {
    loopback = new Loopback();
    made = [];
    const server = createServer((asked, response) => {
      response.end(`${asked.url!} for ${asked.socket.remoteAddress!}`);
    });
    ({ port } = loopback.engine.listen('127.0.0.1', 0, (socket) => {
      const tls = tlsServerStream(socket, context);
      made.push(tls);
      server.emit('connection', tls);
    }));
  });
  afterEach(() => {
    loopback.close();
  });

  it('serves HTTPS', async () => {
    const offer = {
      ca: trusted('first'),
      servername: 'localhost',
      ALPNProtocols: ['h2', 'http/1.1'],
    };
    const asked = request({ port, path: '/a', ...offer }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const body = Buffer.concat((await response.toArray()) as Buffer[]);
    assert.equal(body.toString(), '/a for 127.0.0.1');
    assert.equal(made[0]!.alpnProtocol, 'http/1.1');
    assert.equal(made[0]!.localPort, port);
  });

  it('closes what is no TLS, and a handshake that takes too long', async () => {
    const clock = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const plain = dial(port, '127.0.0.1', () => plain.write('GET / HTTP/1.0\r\n\r\n'));
      plain.on('error', () => undefined).resume();
      await new Promise((resolve) => plain.once('close', resolve));
      const silent = dial(port, '127.0.0.1').resume();
      while (made.length < 2) await new Promise(setImmediate);
      clock.tick(10_000);
      await once(silent, 'close');
      while (loopback.engine.stats.sockets > 0) await new Promise(setImmediate);
    } finally {
      clock.restore();
    }
  });
});
