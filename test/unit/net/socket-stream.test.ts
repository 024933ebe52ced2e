import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { IncomingMessage, RequestOptions, Server, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Socket as PlainSocket } from 'node:net';

import { useFakeTimers } from 'sinon';

import type { Socket } from '../../../src/net/socket';
import { SocketStream } from '../../../src/net/socket-stream';
import { Loopback } from '../../support/net';

/** As many bytes as no kernel buffers on loopback. */
const MUCH = randomBytes(12 * 1024 * 1024);
/** Held up on our side at most: the engine's share, one slice more, and the stream's own. */
const HELD_LIMIT = 640 * 1024;

describe('a stream over a socket', () => {
  let loopback: Loopback;
  beforeEach(() => {
    loopback = new Loopback();
  });
  afterEach(() => {
    loopback.close();
  });

  async function open(): Promise<{ socket: Socket; stream: SocketStream; peer: PlainSocket }> {
    const { socket, peer } = await loopback.pair();
    return { socket, stream: new SocketStream(socket), peer };
  }

  /** Returns when the engine and both kernels have done whatever they could do. */
  async function settle(): Promise<void> {
    const { socket, handler, peer } = await loopback.pair();
    for (let round = 1; round <= 10; round++) {
      peer.write('x');
      await handler.until(() => handler.received.length === round);
      socket.write(Buffer.from('y'));
      await once(peer, 'data');
    }
    peer.destroy();
  }

  it('passes bytes both ways and says who is at the other end', async () => {
    const { stream, peer } = await open();
    peer.write('hello');
    const [heard] = (await once(stream, 'data')) as [Buffer];
    assert.equal(heard.toString(), 'hello');
    stream.setNoDelay(false).setNoDelay().setKeepAlive().ref().unref().write('world');
    const [answer] = (await once(peer, 'data')) as [Buffer];
    assert.equal(answer.toString(), 'world');
    assert.equal(stream.bytesRead, 5);
    assert.equal(stream.bytesWritten, 5);
    assert.equal(stream.remoteAddress, '127.0.0.1');
    assert.equal(stream.remotePort, peer.localPort);
    assert.equal(stream.remoteFamily, 'IPv4');
    assert.deepEqual(stream.address(), {
      address: '127.0.0.1',
      family: 'IPv4',
      port: loopback.port,
    });
  });

  it('keeps copies of what the engine lends', async () => {
    const { stream, peer } = await open();
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    for (const text of ['first', 'other', 'third']) {
      peer.write(text);
      await once(stream, 'data');
    }
    assert.equal(Buffer.concat(chunks).toString(), 'firstotherthird');
  });

  it('reads no more than it is asked for', async () => {
    const { socket, stream, peer } = await open();
    peer.write(MUCH);
    await once(stream, 'readable');
    await settle();
    assert.ok(socket.bytesReceived < 512 * 1024, `${socket.bytesReceived} bytes were read`);
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of stream) {
      parts.push(part as Buffer);
      size += (part as Buffer).length;
      if (size === MUCH.length) break;
    }
    assert.ok(Buffer.concat(parts).equals(MUCH));
  });

  for (const [name, sizes] of [
    ['small pieces', 16 * 1024],
    ['one piece larger than the engine holds', 20 * 1024 * 1024],
  ] as const) {
    it(`holds up a writer of ${name} until the peer takes them`, async () => {
      const { socket, stream, peer } = await open();
      peer.pause();
      const body = Buffer.concat([MUCH, MUCH]);
      let isHeldUp = false;
      for (let at = 0; at < body.length; at += sizes) {
        isHeldUp = !stream.write(body.subarray(at, at + sizes));
      }
      assert.ok(isHeldUp);
      await settle();
      assert.ok(socket.pendingBytes <= HELD_LIMIT, `${socket.pendingBytes} bytes wait`);
      const parts: Buffer[] = [];
      peer.on('data', (part) => parts.push(part)).resume();
      stream.end();
      await once(peer, 'end');
      assert.ok(Buffer.concat(parts).equals(body));
      assert.equal(stream.bytesWritten, body.length);
    });
  }

  it('goes on writing whether or not the kernel takes a slice at once', async () => {
    const { stream, peer } = await open();
    peer.resume();
    for (let round = 0; round < 20; round++) {
      await new Promise((resolve) => stream.write(MUCH.subarray(0, 300 * 1024), resolve));
    }
    stream.end();
    await once(peer, 'end');
    assert.equal(peer.bytesRead, 20 * 300 * 1024);
  });

  it('answers a peer that has ended', async () => {
    const { stream, peer } = await open();
    peer.end('request');
    stream.resume();
    await once(stream, 'end');
    stream.end(MUCH);
    let size = 0;
    peer.on('data', (part) => (size += part.length));
    await Promise.all([once(peer, 'close'), once(stream, 'close')]);
    assert.equal(size, MUCH.length);
    assert.equal(loopback.engine.stats.sockets, 0);
  });

  it('closes once all is sent when it is destroyed soon', async () => {
    const { stream, peer } = await open();
    stream.write(MUCH);
    stream.destroySoon();
    peer.on('end', () => peer.end());
    peer.resume();
    await once(stream, 'close');
    assert.equal(peer.bytesRead, MUCH.length);
    stream.destroySoon();
  });

  it('tells of a reset as an error, to those who listen', async () => {
    const { stream, peer } = await open();
    const deaf = await open();
    const told = once(stream, 'error');
    const closed = new Promise((resolve) => deaf.stream.once('close', resolve));
    peer.resetAndDestroy();
    deaf.peer.resetAndDestroy();
    const [error] = (await told) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
    await closed;
    assert.equal(deaf.stream.errored?.message, 'connection: ECONNRESET');
  });

  it('tells writers that nothing came of it when it is destroyed', async () => {
    const { stream, peer } = await open();
    peer.pause();
    const failed = new Promise<Error | null | undefined>((resolve) => {
      stream.write(Buffer.concat([MUCH, MUCH]), resolve);
    });
    stream.destroy();
    assert.match((await failed)!.message, /ECANCELED/);
    await once(stream, 'close');
    assert.equal(loopback.engine.stats.sockets, 0);
  });

  it('closes when the engine does', async () => {
    const { stream } = await open();
    loopback.engine.close();
    await once(stream, 'close');
    assert.equal(stream.errored, null);
  });

  it('tells of silence, and of nothing else', async () => {
    const { stream, peer } = await open();
    const clock = useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      let silences = 0;
      stream.setTimeout(1000, () => silences++);
      assert.equal(stream.timeout, 1000);
      clock.tick(900);
      peer.write('x');
      await once(stream, 'data');
      clock.tick(900);
      stream.write('y');
      clock.tick(900);
      assert.equal(silences, 0);
      await once(peer, 'data');
      clock.tick(100);
      assert.equal(silences, 0, 'what was sent meanwhile is no silence');
      clock.tick(1000);
      assert.equal(silences, 1);
      stream.setTimeout(0);
      clock.tick(5000);
      assert.equal(silences, 1);
    } finally {
      clock.restore();
    }
  });

  describe('gives the socket back', () => {
    it('with what is corked, and what had to wait, before all that follows', async () => {
      const { socket, stream, peer } = await open();
      peer.pause();
      stream.write(MUCH.subarray(0, 8 * 1024 * 1024));
      stream.write('held;');
      stream.cork();
      stream.cork();
      stream.write('corked;');
      assert.equal(stream.release(), socket);
      assert.equal(stream.release(), socket);
      socket.write(Buffer.from('after'));
      assert.equal(socket.handler, undefined);
      await once(stream, 'close');
      assert.ok(!socket.isClosed);
      socket.end();
      const parts: Buffer[] = [];
      peer.on('data', (part) => parts.push(part)).resume();
      await once(peer, 'end');
      const heard = Buffer.concat(parts).subarray(8 * 1024 * 1024);
      assert.equal(heard.toString(), 'held;corked;after');
    });

    it('open for reading, and closed by the end of the peer', async () => {
      const { socket, stream, peer } = await open();
      peer.write(MUCH);
      await once(stream, 'readable');
      await settle();
      stream.release();
      let closedWith = -1;
      const closed = new Promise<void>((resolve) => {
        socket.handler = {
          onData: () => undefined,
          onClose: (errno) => {
            closedWith = errno;
            resolve();
          },
        };
      });
      peer.end();
      await closed;
      assert.equal(closedWith, 0);
      assert.equal(socket.bytesReceived, MUCH.length);
      assert.ok(stream.destroyed);
    });
  });
});

describe('an HTTP server on such streams', () => {
  let loopback: Loopback;
  let server: Server;
  let port: number;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const streams: SocketStream[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });

  beforeEach(() => {
    loopback = new Loopback();
    server = createServer((request, response) => {
      answer(request, response);
    });
    Object.assign(server, { httpAllowHalfOpen: true });
    ({ port } = loopback.engine.listen('127.0.0.1', 0, (socket) => {
      const stream = new SocketStream(socket);
      streams.push(stream);
      server.emit('connection', stream);
    }));
  });
  afterEach(() => {
    agent.destroy();
    streams.length = 0;
    loopback.close();
  });

  async function ask(options: RequestOptions, body?: Buffer): Promise<Buffer> {
    const asked = request({ port, host: '127.0.0.1', agent, ...options });
    asked.end(body);
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return Buffer.concat((await response.toArray()) as Buffer[]);
  }

  /** Sends text, ends if told so, and returns all that comes until the server ends. */
  async function say(text: string, isEnded = false): Promise<Buffer> {
    const peer = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    peer.write(text);
    if (isEnded) peer.end();
    const heard = Buffer.concat((await peer.toArray()) as Buffer[]);
    peer.destroy();
    return heard;
  }

  it('keeps connections alive', async () => {
    answer = ({ url, socket }, response) => {
      response.end(`${url!} ${socket.remoteAddress!}`);
    };
    for (const path of ['/a', '/b', '/c']) {
      assert.equal((await ask({ path })).toString(), `${path} 127.0.0.1`);
    }
    assert.equal(streams.length, 1);
  });

  it('answers requests in their order that came at once', async () => {
    answer = ({ url }, response) => {
      // The first takes longest.
      if (url === '/1') setImmediate(() => setImmediate(() => response.end(url)));
      else response.end(url);
    };
    const head = 'Host: x\r\n';
    const heard = await say(
      `GET /1 HTTP/1.1\r\n${head}\r\nGET /2 HTTP/1.1\r\n${head}\r\n` +
        `GET /3 HTTP/1.1\r\n${head}Connection: close\r\n\r\n`,
    );
    assert.deepEqual(heard.toString().match(/\/[123]$|\/[12](?=HTTP)/g), ['/1', '/2', '/3']);
  });

  it('answers a client in full that ended after its request', async () => {
    answer = (_request, response) => {
      setImmediate(() => {
        response.writeHead(200, { 'content-length': MUCH.length });
        response.write(MUCH.subarray(0, 1000));
        setImmediate(() => response.end(MUCH.subarray(1000)));
      });
    };
    const heard = await say('GET / HTTP/1.0\r\n\r\n', true);
    const body = heard.subarray(heard.indexOf('\r\n\r\n') + 4);
    assert.ok(body.equals(MUCH));
    assert.equal(streams.length, 1);
    if (!streams[0]!.closed) await once(streams[0]!, 'close');
  });

  it('takes an upload no faster than it is read', async () => {
    let most = 0;
    answer = (request, response) => {
      let size = 0;
      request.on('data', (part: Buffer) => {
        size += part.length;
        most = Math.max(most, request.socket.bytesRead - size);
        request.pause();
        setImmediate(() => request.resume());
      });
      request.on('end', () => response.end(`${size}`));
    };
    const heard = await ask({ method: 'POST' }, MUCH);
    assert.equal(heard.toString(), `${MUCH.length}`);
    assert.ok(most < 1024 * 1024, `${most} bytes were read ahead`);
  });

  it('hands a connection over after the head of an answer', async () => {
    let failed: Error | undefined;
    answer = (request, response) => {
      request.on('error', (error) => (failed = error));
      response.writeHead(200, { 'content-type': 'video/x-flv', connection: 'close' });
      response.flushHeaders();
      const socket = streams[0]!.release();
      response.end('lost');
      socket.write(Buffer.from('FLV'));
      socket.end();
    };
    const heard = (await say('GET /live.flv HTTP/1.1\r\nHost: x\r\n\r\n')).toString();
    assert.match(heard, /^HTTP\/1.1 200 OK\r\n/);
    assert.match(heard, /\r\n\r\nFLV$/);
    assert.match(failed?.message ?? 'aborted', /aborted/);
    assert.deepEqual(loopback.log.lines, []);
  });
});
