import assert from 'node:assert/strict';
import { once } from 'node:events';

import { sendText } from '../../../../src/app/http/exchange';
import type { HttpExchange, HttpRoute } from '../../../../src/app/http/exchange';
import { product } from '../../../../src/core/version';

import { Harness, parseAnswers } from './harness';
import type { HarnessOptions } from './harness';

/** Says what it was asked; `/later` waits until it is told to answer. */
class Echo implements HttpRoute {
  readonly exchanges: HttpExchange[] = [];
  #release: () => void = () => undefined;
  readonly released = new Promise<void>((resolve) => {
    this.#release = resolve;
  });

  release(): void {
    this.#release();
  }

  handle(exchange: HttpExchange): boolean | Promise<boolean> {
    this.exchanges.push(exchange);
    const { path } = exchange;
    if (path === '/not-mine') return false;
    if (path === '/not-mine-later') return Promise.resolve(false);
    if (path === '/throws') throw new Error('a fault in the route');
    if (path === '/rejects') return Promise.reject(new Error('a fault in the route'));
    if (path.startsWith('/later')) return this.#later(exchange);
    sendText(exchange, 200, `${exchange.method} ${path}`);
    return true;
  }

  async #later(exchange: HttpExchange): Promise<boolean> {
    await this.released;
    sendText(exchange, 200, exchange.path);
    return true;
  }
}

describe('the HTTP server', () => {
  let harness: Harness;
  let echo: Echo;
  const start = (options: HarnessOptions = {}): Harness => {
    harness.close();
    harness = new Harness({ routes: [echo], ...options });
    return harness;
  };
  beforeEach(() => {
    echo = new Echo();
    harness = new Harness({ routes: [echo] });
  });
  afterEach(() => {
    harness.close();
  });

  it('answers with the shared headers', async () => {
    const { status, headers, body } = await harness.ask('GET /a%20b');
    assert.equal(status, 200);
    assert.equal(body.toString(), 'GET /a b');
    assert.equal(headers['server'], product.serverName);
    assert.equal(headers['access-control-allow-origin'], '*');
    assert.equal(headers['access-control-expose-headers'], 'Content-Length,Content-Range,Date');
    assert.ok(headers['date']);
    assert.equal(headers['connection'], 'close');
  });

  it('tells the route who asks, and for which vhost', async () => {
    start({ vhosts: ['a.test', 'b.test'] });
    await harness.ask('GET /x?vhost=b.test&k=v', { Host: 'A.test:8080' });
    await harness.ask('GET /x', { Host: 'A.test:8080' });
    await harness.ask('GET http://b.test:1/x');
    await harness.ask('GET /x', { Host: 'c.test' });
    const seen = echo.exchanges.map(({ host, vhost }) => [host, vhost?.name]);
    assert.deepEqual(seen, [
      ['a.test', 'b.test'],
      ['a.test', 'a.test'],
      ['b.test', 'b.test'],
      ['c.test', undefined],
    ]);
    const [first] = echo.exchanges;
    assert.equal(first?.id, 100);
    assert.equal(first.log.contextId, 100);
    assert.equal(first.ip, '127.0.0.1');
    assert.equal(first.isSecure, false);
    assert.equal(first.query.get('k'), 'v');
  });

  it('answers several requests of a connection, sent ahead, one at a time', async () => {
    const client = harness.client();
    client.send('GET /later HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.0\r\n\r\n');
    await harness.log.until(() => harness.log.matching('GET /c').length > 0);
    assert.equal(echo.exchanges.length, 1, 'routes hear of the others when it is their turn');
    echo.release();
    const answers = parseAnswers(await client.end);
    assert.deepEqual(
      answers.map(({ body }) => body.toString()),
      ['/later', 'GET /b', 'GET /c'],
    );
    assert.equal(answers[0]?.headers['connection'], 'keep-alive');
    assert.equal(answers[2]?.headers['connection'], 'close');
  });

  it('closes a connection with too many requests ahead', async () => {
    const client = harness.client();
    client.send('GET /later HTTP/1.1\r\n\r\n'.repeat(200));
    assert.equal((await client.end).length, 0);
    assert.equal(harness.log.matching('requests unanswered, closed').length, 1);
  });

  it('serves HTTP/1.0 without a host, and keeps alive on request', async () => {
    const client = harness.client();
    client.send('GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n');
    const answers = parseAnswers(await client.end);
    assert.deepEqual(
      answers.map(({ body }) => body.toString()),
      ['GET /a', 'GET /b'],
    );
  });

  it('sends no body to HEAD', async () => {
    const { status, headers, body } = await harness.ask('HEAD /abc');
    assert.equal(status, 200);
    assert.equal(headers['content-length'], '9');
    assert.equal(body.length, 0);
  });

  it('answers 404 where no route takes the request', async () => {
    for (const path of ['/not-mine', '/not-mine-later']) {
      const { status, headers, body } = await harness.ask(`GET ${path}`);
      assert.equal(status, 404);
      assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
      assert.equal(body.toString(), 'Not Found');
    }
    assert.deepEqual(harness.log.matching('ret=3010'), [
      'warn 100 HTTP path unknown, /not-mine, ret=3010',
      'warn 101 HTTP path unknown, /not-mine-later, ret=3010',
    ]);
  });

  it('answers 500 for a fault of a route, once, with its stack in the log', async () => {
    for (const path of ['/throws', '/rejects']) {
      const { status, headers, body } = await harness.ask(`GET ${path}`);
      assert.equal(status, 500);
      assert.equal(headers['connection'], 'close');
      assert.equal(body.toString(), 'Internal Server Error');
    }
    const lines = harness.log.matching('HTTP request failed');
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', /^error 100 HTTP request failed, Error: a fault.*\n +at /);
  });

  it('breaks an answer off where the fault comes after its head', async () => {
    start({
      routes: [
        {
          handle: ({ response }) => {
            response.writeHead(200, { 'Content-Length': 100 });
            response.write('half');
            throw new Error('too late');
          },
        },
      ],
    });
    const client = harness.client();
    client.send('GET / HTTP/1.1\r\n\r\n');
    const received = (await client.end).toString();
    assert.ok(!received.includes('500'), received);
    assert.equal(harness.log.matching('too late').length, 1);
  });

  it('refuses an unclean path, and closes', async () => {
    const { status, headers, body } = await harness.ask('GET /a/%2e%2e/b');
    assert.equal(status, 400);
    assert.equal(headers['connection'], 'close');
    assert.equal(headers['access-control-allow-origin'], '*');
    assert.equal(body.toString(), 'expect a clean path, got a dot segment in it');
    assert.equal(harness.log.matching('HTTP request refused').length, 1);
    assert.equal(echo.exchanges.length, 0);
  });

  it('answers 400 to what is no HTTP, 431 to too long a head', async () => {
    for (const [text, status] of [
      ['RUBBISH\r\n\r\n', 400],
      ['GET /a b HTTP/1.1\r\n\r\n', 400],
      [`GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ] as const) {
      const client = harness.client();
      client.send(text);
      const [answer] = parseAnswers(await client.end);
      assert.equal(answer?.status, status);
      assert.equal(answer.headers['connection'], 'close');
      assert.equal(answer.headers['server'], product.serverName);
    }
    assert.equal(harness.log.matching('malformed').length, 3);
  });

  it('answers what was asked before the rubbish first', async () => {
    const client = harness.client();
    client.send('GET /later HTTP/1.1\r\n\r\nRUBBISH\r\n\r\nRUBBISH\r\n\r\n');
    await harness.log.until(() => harness.log.matching('malformed').length > 0);
    echo.release();
    const answers = parseAnswers(await client.end);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 400],
    );
  });

  it('writes a line per request, at the normal level for the first only, without secrets', async () => {
    const client = harness.client();
    client.send('GET /a?token=abc&x=1 HTTP/1.1\r\nHost: h\r\n\r\n');
    client.send('POST /b HTTP/1.1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc');
    await client.end;
    assert.deepEqual(harness.log.matching('HTTP GET').concat(harness.log.matching('HTTP POST')), [
      'trace 100 HTTP GET /a?token=***&x=1, content-length=0, ip=127.0.0.1, host=h',
      'info 100 HTTP POST /b, content-length=3',
    ]);
  });

  it('warns of what clients cause so often only', async () => {
    for (let count = 0; count < 15; count++) await harness.ask('GET /not-mine');
    assert.equal(harness.log.matching('warn').length, 10);
    assert.equal(harness.log.matching('path unknown').length, 15);
  });

  describe('across origins', () => {
    it('answers a preflight with what was asked for', async () => {
      const { status, headers } = await harness.ask('OPTIONS /whatever', {
        'Access-Control-Request-Method': 'GET',
        'Access-Control-Request-Headers': 'x-a, range',
        'Access-Control-Request-Private-Network': 'true',
      });
      assert.equal(status, 200);
      assert.equal(headers['content-length'], '0');
      assert.equal(headers['access-control-allow-origin'], '*');
      assert.match(headers['access-control-allow-methods'] ?? '', /\bDELETE\b/);
      assert.equal(headers['access-control-allow-headers'], 'x-a, range');
      assert.equal(headers['access-control-allow-private-network'], 'true');
      assert.equal(headers['access-control-max-age'], '86400');
      assert.equal(echo.exchanges.length, 0);
    });

    it('lets no page of the internet publish to a private network', async () => {
      const { status, headers } = await harness.ask('OPTIONS /live/s.flv', {
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Private-Network': 'true',
      });
      assert.equal(status, 200);
      assert.equal(headers['access-control-allow-private-network'], undefined);
    });

    it('has a list of its own where none, or nonsense, was asked for', async () => {
      for (const wanted of ['', 'a b', 'x,'.repeat(600)]) {
        const { headers } = await harness.ask('OPTIONS *', {
          'Access-Control-Request-Headers': wanted,
        });
        assert.match(headers['access-control-allow-headers'] ?? '', /,Content-Type,Range$/);
        assert.equal(headers['access-control-allow-private-network'], undefined);
      }
    });

    it('says nothing of it when it is off', async () => {
      start({ crossdomain: false });
      const preflight = await harness.ask('OPTIONS /a');
      assert.equal(preflight.status, 405);
      assert.equal(preflight.headers['allow'], 'GET, HEAD, POST, PUT, DELETE');
      const { headers } = await harness.ask('GET /a');
      assert.equal(headers['access-control-allow-origin'], undefined);
    });
  });

  it('lets no client end the program by leaving', async () => {
    const client = harness.client();
    client.send('GET /later HTTP/1.1\r\n\r\nGET /later2 HTTP/1.1\r\n\r\n');
    await harness.log.until(() => harness.log.matching('GET /later2').length > 0);
    let closes = 0;
    const [exchange] = echo.exchanges;
    assert.ok(exchange);
    exchange.response.on('close', () => closes++);
    client.socket.resetAndDestroy();
    await once(exchange.response, 'close');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(closes, 1, 'it is told once');
    assert.equal(harness.server.size, 0);
    echo.release();
    await echo.released;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(echo.exchanges.length, 1, 'nobody is asked about the other');
  });

  it('lets no upgrade pass by the answers that are due', async () => {
    const client = harness.client();
    client.send('GET /later HTTP/1.1\r\n\r\n');
    client.send('GET /b HTTP/1.1\r\n\r\n');
    client.send('GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    await harness.log.until(() => harness.log.matching('upgrade refused').length > 0);
    echo.release();
    const answers = parseAnswers(await client.end);
    assert.deepEqual(
      answers.map(({ body }) => body.toString()),
      ['/later', 'GET /b'],
    );
    assert.deepEqual(harness.log.matching('error'), []);
  });

  it('loses one connection, and no more, to a fault of its own', async () => {
    start({
      findVhost: () => {
        throw new RangeError('a fault in the server');
      },
    });
    await assert.rejects(harness.ask('GET /a'));
    assert.equal(harness.log.matching('error 0 HTTP connection failed, RangeError').length, 1);
  });

  it('refuses a request with two hosts', async () => {
    const { status, body } = await harness.ask('GET /a', { 'X: y\r\nHost': 'b.test' });
    assert.equal(status, 400);
    assert.equal(body.toString(), 'expect one Host header, got 2');
    assert.equal(echo.exchanges.length, 0);
  });

  it('refuses an expectation that it does not know', async () => {
    const { status, headers } = await harness.ask('GET /a', { Expect: 'wonders' });
    assert.equal(status, 417);
    assert.equal(headers['access-control-allow-origin'], '*');
    assert.equal(echo.exchanges.length, 0);
  });
});
