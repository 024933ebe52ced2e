import assert from 'node:assert/strict';
import { once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket as PlainSocket } from 'node:net';
import { PassThrough } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import type { TLSSocket } from 'node:tls';

import { sendText } from '../../../../src/app/http/exchange';
import type { HttpExchange, HttpRoute } from '../../../../src/app/http/exchange';
import { HttpConnection } from '../../../../src/app/http/http-connection';
import type { Socket } from '../../../../src/net/socket';
import { FakeSocket } from '../../../support/fakes/fake-socket';
import { firstContext, trusted } from '../../../support/tls';

import { Harness, parseAnswers } from './harness';
import type { Client } from './harness';

/** Answers at once, but for paths that begin with `/open`. */
class Route implements HttpRoute {
  readonly open: HttpExchange[] = [];
  taken: Socket | undefined;
  upgraded: Buffer | undefined;

  handle(exchange: HttpExchange): boolean {
    if (exchange.path === '/take') this.#take(exchange);
    else if (exchange.path.startsWith('/open')) this.open.push(exchange);
    else sendText(exchange, 200);
    return true;
  }

  upgrade(exchange: HttpExchange, head: Buffer): boolean {
    if (exchange.path === '/fault') throw new Error('a fault in the upgrade');
    if (exchange.path === '/refused') sendText(exchange, 403);
    if (exchange.path !== '/ws') return exchange.path === '/refused';
    this.upgraded = head;
    assert.equal(exchange.takeSocket(), undefined);
    const { socket } = exchange.request;
    socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\nhello');
    socket.on('end', () => socket.end()).resume();
    return true;
  }

  #take(exchange: HttpExchange): void {
    exchange.response.setHeader('Content-Type', 'video/x-flv');
    this.taken = exchange.takeSocket();
    if (this.taken === undefined) sendText(exchange, 200, 'cannot be taken');
  }
}

describe('an HTTP connection', () => {
  let route: Route;
  let harness: Harness;
  beforeEach(() => {
    route = new Route();
    harness = new Harness({ routes: [route] });
  });
  afterEach(() => {
    harness.close();
  });

  const pass = (ms: number): void => {
    harness.clock.advance(ms);
    harness.server.sweep(harness.clock.nowMs());
  };
  const isOpen = (): boolean => harness.server.size > 0;
  const received = async (bytes: number): Promise<void> => {
    while (harness.engine.stats.bytesReceived < bytes) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const connected = async (): Promise<Client> => {
    const client = harness.client();
    await once(client.socket, 'connect');
    while (!isOpen()) await new Promise((resolve) => setImmediate(resolve));
    return client;
  };
  const answered = async (): Promise<Client> => {
    const client = await connected();
    client.send('GET / HTTP/1.1\r\n\r\n');
    await client.until('OK');
    return client;
  };

  describe('in time', () => {
    it('must send a whole first head within 20 s', async () => {
      const client = await connected();
      client.send('GET / HTTP/1.1\r\n');
      await received(16);
      pass(19_000);
      client.send('X: y\r\n');
      await received(22);
      pass(1000);
      assert.equal((await client.end).length, 0);
      assert.equal(harness.log.matching('no whole request for 20000 ms').length, 1);
    });

    it('may be idle for 60 s after an answer', async () => {
      const client = await answered();
      pass(59_000);
      client.send('GET / HTTP/1.1\r\n\r\n');
      await client.until('OK', 2);
      pass(59_000);
      pass(1000);
      await client.end;
      assert.equal(harness.log.matching('timeout, idle').length, 1);
    });

    it('must send a later head within 20 s of its beginning', async () => {
      const client = await answered();
      pass(30_000);
      client.send('G');
      await received(19);
      pass(5000);
      pass(15_000);
      assert.ok(harness.log.matching('timeout').length === 0);
      pass(5000);
      await client.end;
      assert.equal(harness.log.matching('no whole request').length, 1);
    });

    it('may wait for an answer without end', async () => {
      const client = await connected();
      client.send('GET /open HTTP/1.1\r\n\r\n');
      while (route.open.length === 0) await new Promise((resolve) => setImmediate(resolve));
      for (let hour = 0; hour < 3; hour++) pass(3_600_000);
      sendText(route.open[0]!, 200);
      await client.until('OK');
    });

    it('must go on with a body within 30 s', async () => {
      const client = await connected();
      const head = 'POST /open HTTP/1.1\r\nContent-Length: 100\r\n\r\n';
      client.send(head);
      while (route.open.length === 0) await new Promise((resolve) => setImmediate(resolve));
      pass(5000);
      pass(29_000);
      client.send('x');
      await received(head.length + 1);
      pass(1000);
      pass(29_000);
      assert.equal(harness.log.matching('timeout').length, 0);
      pass(1000);
      assert.equal((await client.end).length, 0);
    });

    it('may be silent within a body that a route reads', async () => {
      const client = await connected();
      client.send('POST /open HTTP/1.1\r\nContent-Length: 100\r\n\r\nx');
      while (route.open.length === 0) await new Promise((resolve) => setImmediate(resolve));
      route.open[0]!.request.resume().on('data', () => undefined);
      for (let hour = 0; hour < 3; hour++) pass(3_600_000);
      assert.equal(harness.log.matching('timeout').length, 0);
      client.send('x'.repeat(99));
      await once(route.open[0]!.request, 'end');
      sendText(route.open[0]!, 200);
      await client.until('OK');
    });

    it('must end a body that nobody reads within 10 s of the answer', async () => {
      const client = await connected();
      client.send('POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nx');
      await client.until('OK');
      pass(9000);
      assert.equal(harness.log.matching('timeout').length, 0);
      pass(1000);
      await client.end;
      assert.equal(harness.log.matching('no end of the request body').length, 1);
    });
  });

  it('goes on after a small body that nobody read, ends after a large one', async () => {
    const client = await connected();
    client.send(`POST /a HTTP/1.1\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(1000)}`);
    client.send('POST /b HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nx');
    const answers = parseAnswers(await client.end);
    assert.deepEqual(
      answers.map(({ headers }) => headers['connection']),
      ['keep-alive', 'close'],
    );
    const chunked = harness.client();
    chunked.send('POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n');
    const [answer] = parseAnswers(await chunked.end);
    assert.equal(answer?.headers['connection'], 'close');
  });

  it('answers a client that has said all there is', async () => {
    const client = await connected();
    client.socket.end('GET /open HTTP/1.1\r\n\r\n');
    while (route.open.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    sendText(route.open[0]!, 200);
    const [answer] = parseAnswers(await client.end);
    assert.equal(answer?.body.toString(), 'OK');
  });

  describe('that is taken', () => {
    it('sends its head, then belongs to the taker', async () => {
      const client = await connected();
      client.send('GET /take HTTP/1.1\r\n\r\n');
      await client.until('\r\n\r\n');
      const { taken } = route;
      assert.ok(taken !== undefined);
      assert.ok(!taken.isClosed);
      while (isOpen()) await new Promise((resolve) => setImmediate(resolve));
      const closed = new Promise<number>((resolve) => {
        taken.handler = { onData: () => undefined, onClose: resolve };
      });
      taken.write(Buffer.from('FLV'));
      taken.end();
      const [answer] = parseAnswers(await client.end);
      assert.equal(answer?.status, 200);
      assert.equal(answer.headers['content-type'], 'video/x-flv');
      assert.equal(answer.headers['access-control-allow-origin'], '*');
      assert.equal(answer.headers['connection'], 'close');
      assert.equal(answer.headers['transfer-encoding'], undefined);
      assert.equal(answer.body.toString(), 'FLV');
      client.socket.destroy();
      await closed;
    });

    it('is not looked after any more: later requests are dropped', async () => {
      const client = await connected();
      client.send('GET /take HTTP/1.1\r\n\r\nGET /open HTTP/1.1\r\n\r\n');
      await client.until('\r\n\r\n');
      pass(3_600_000);
      assert.equal(route.open.length, 0);
      assert.ok(route.taken?.isClosed === false);
      route.taken.destroy();
      await client.end;
    });

    it('cannot be: behind another answer, or while a body comes', async () => {
      const client = await connected();
      client.send('GET /open HTTP/1.1\r\n\r\nGET /take HTTP/1.1\r\nConnection: close\r\n\r\n');
      while (route.open.length === 0) await new Promise((resolve) => setImmediate(resolve));
      sendText(route.open[0]!, 200);
      const answers = parseAnswers(await client.end);
      assert.equal(answers[1]?.body.toString(), 'cannot be taken');
      const posting = harness.client();
      posting.send('POST /take HTTP/1.1\r\nContent-Length: 9\r\nConnection: close\r\n\r\nx');
      const [answer] = parseAnswers(await posting.end);
      assert.equal(answer?.body.toString(), 'cannot be taken');
    });
  });

  describe('that is upgraded', () => {
    const upgrade = (path: string, protocol = 'WebSocket'): string =>
      `GET ${path} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;

    it('belongs to the route that takes it', async () => {
      const client = await connected();
      client.send(`${upgrade('/ws')}head`);
      await client.until('hello');
      assert.equal(route.upgraded?.toString(), 'head');
      pass(3_600_000);
      assert.equal(harness.server.size, 1);
      client.socket.end();
      while (isOpen()) await new Promise((resolve) => setImmediate(resolve));
    });

    it('is served as any other where the client offers something else', async () => {
      const client = await connected();
      client.send(upgrade('/ws', 'h2c'));
      const [answer] = parseAnswers(await client.end);
      assert.equal(answer?.status, 200);
      assert.equal(answer.headers['connection'], 'close');
      const posting = harness.client();
      posting.send(upgrade('/ws', 'h2c').replace('GET', 'POST'));
      assert.equal(parseAnswers(await posting.end)[0]?.status, 400);
    });

    const refused: [string, string, number][] = [
      ['/refused', 'websocket', 403],
      ['/unknown', 'websocket', 404],
      ['/fault', 'websocket', 500],
      ['/../ws', 'websocket', 400],
    ];
    for (const [path, protocol, status] of refused) {
      it(`is closed with ${status} for ${path} to ${protocol}`, async () => {
        const client = await connected();
        client.send(upgrade(path, protocol));
        const [answer] = parseAnswers(await client.end);
        assert.equal(answer?.status, status);
        assert.equal(answer.headers['connection'], 'close');
      });
    }
  });

  describe('when the server stops', () => {
    it('is closed at once if it is idle', async () => {
      const client = await answered();
      await harness.server.stop(1000);
      await client.end;
      assert.equal(harness.server.size, 0);
      await harness.server.stop(1000);
    });

    it('gets the answer it waits for', async () => {
      const client = await connected();
      client.send('GET /open HTTP/1.1\r\n\r\n');
      while (route.open.length === 0) await new Promise((resolve) => setImmediate(resolve));
      const stopped = harness.server.stop(1000);
      sendText(route.open[0]!, 200);
      const [answer] = parseAnswers(await client.end);
      await stopped;
      assert.equal(answer?.headers['connection'], 'close');
    });

    it('is given up when it takes too long', async () => {
      const client = await connected();
      client.send('GET /open HTTP/1.1\r\n\r\n');
      while (route.open.length === 0) await new Promise((resolve) => setImmediate(resolve));
      await harness.server.stop(1);
      assert.equal((await client.end).length, 0);
    });
  });

  it('tells answers that waited for earlier ones of its end, where node:http does not', () => {
    const request = new IncomingMessage(new PlainSocket());
    const response = new ServerResponse(request);
    const connection = new HttpConnection({
      log: harness.log,
      socket: new FakeSocket().asSocket,
      stream: new PassThrough(),
      plain: undefined,
      nowMs: 0,
    });
    let ends = 0;
    assert.ok(connection.begin(request, response, () => ends++));
    connection.closed();
    connection.closed();
    assert.equal(ends, 1);
    assert.ok(response.destroyed);
    assert.ok(!connection.begin(request, response, () => ends++));
  });

  describe('over TLS', () => {
    beforeEach(() => {
      harness.close();
      harness = new Harness({ routes: [route], tls: firstContext() });
    });

    const connectSecurely = async (): Promise<TLSSocket> => {
      const ca = trusted('first');
      const socket = tlsConnect({
        port: harness.port,
        host: '127.0.0.1',
        ca,
        servername: 'localhost',
      });
      socket.on('error', () => undefined);
      await once(socket, 'secureConnect');
      return socket;
    };
    const textOf = async (socket: TLSSocket): Promise<string> => {
      let text = '';
      socket.setEncoding('latin1').on('data', (data: string) => {
        text += data;
      });
      await once(socket, 'close');
      return text;
    };

    it('serves as in the plain, but cannot be taken', async () => {
      const socket = await connectSecurely();
      socket.write('GET / HTTP/1.1\r\n\r\nGET /take HTTP/1.1\r\nConnection: close\r\n\r\n');
      const answers = parseAnswers(Buffer.from(await textOf(socket), 'latin1'));
      assert.deepEqual(
        answers.map(({ body }) => body.toString()),
        ['OK', 'cannot be taken'],
      );
    });

    it('says that it is secure', async () => {
      const socket = await connectSecurely();
      socket.write('GET /open HTTP/1.1\r\nConnection: close\r\n\r\n');
      while (route.open.length === 0) await new Promise((resolve) => setImmediate(resolve));
      const [exchange] = route.open;
      assert.ok(exchange?.isSecure);
      assert.equal(exchange.ip, '127.0.0.1');
      sendText(exchange, 200);
      await textOf(socket);
    });

    it('lets go of who does not speak it, or nothing at all', async () => {
      const plain = await connected();
      plain.send('GET / HTTP/1.1\r\n\r\n');
      await plain.end;
      const silent = await connected();
      pass(20_000);
      await silent.end;
      assert.ok(harness.log.matching('HTTP client failed').length > 0);
    });
  });
});
