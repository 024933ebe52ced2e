import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { useFakeTimers } from 'sinon';

import { ManualClock } from '../support/fakes/manual-clock';
import type { HttpAnswer, HttpHead } from '../support/http-peer';
import { httpConfig, liveServers } from '../support/live-server';
import type { LiveServer } from '../support/live-server';

const SWEEP_MS = 5000;
const SIGNATURE = /^SRS/;

function assertShared({ headers }: HttpHead): void {
  assert.match(headers.get('server') ?? '', SIGNATURE);
  assert.equal(headers.get('access-control-allow-origin'), '*');
  assert.match(headers.get('access-control-expose-headers') ?? '', /Content-Range/);
}

describe('the HTTP server', () => {
  const startAny = liveServers();
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'srs-http-'));
    mkdirSync(join(dir, 'sub'));
    mkdirSync(join(dir, 'mounted'));
    writeFileSync(join(dir, 'one.txt'), 'one');
    writeFileSync(join(dir, 'two.txt'), 'number two');
    writeFileSync(join(dir, 'index.html'), '<p>index</p>');
    writeFileSync(join(dir, 'mounted', 'one.txt'), 'mounted');
    writeFileSync(join(dir, 'big.bin'), Buffer.alloc(3_000_000, 'b'));
  });
  after(() => {
    rmSync(dir, { recursive: true });
  });

  const start = (server = '', others = '', clock?: ManualClock): Promise<LiveServer> =>
    startAny(httpConfig({ server: `dir ${dir}; ${server}`, others }), clock);

  it('answers requests that are sent ahead, in their order, on one connection', async () => {
    const live = await start();
    const peer = await live.http();
    const targets = ['/one.txt', '/big.bin', '/none', '/two.txt', '/live/none.txt?x', '/one.txt'];
    for (const target of targets) peer.ask(target, target === '/two.txt' ? { method: 'HEAD' } : {});
    const answers: HttpAnswer[] = [];
    while (answers.length < targets.length) answers.push(await peer.answer());
    assert.deepEqual(
      answers.map(({ status, headers }) => [status, headers.get('content-length')]),
      [
        [200, '3'],
        [200, '3000000'],
        [404, '9'],
        [200, '10'],
        [404, answers[4]!.headers.get('content-length')],
        [200, '3'],
      ],
    );
    assert.equal(answers[0]!.body.toString(), 'one');
    assert.equal(answers[1]!.body.length, 3_000_000);
    for (const answer of answers) assertShared(answer);
    assert.equal((await peer.get('/one.txt')).status, 200);
    assert.equal(live.engine.stats.accepted, 1);
  });

  it('takes requests in pieces of one byte, and with a body that nobody reads', async () => {
    const live = await start();
    const peer = await live.http();
    const text =
      'POST /one.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /one.txt HTTP/1.1\r\n\r\n';
    for (const byte of text) {
      peer.send(byte);
      await new Promise(setImmediate);
    }
    assert.equal((await peer.answer()).status, 405);
    assert.equal((await peer.answer()).body.toString(), 'one');
  });

  it('answers HTTP/1.0 and clients that end their side at once, in full', async () => {
    const live = await start();
    const requests = [
      'GET /big.bin HTTP/1.0\r\n\r\n',
      'GET /big.bin HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
      'GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n',
    ];
    for (const request of requests) {
      const peer = await live.http('HTTP', true);
      peer.socket.end(request);
      const { status, body } = await peer.answer();
      assert.equal(status, 200);
      assert.equal(body.length, 3_000_000);
      await peer.ended();
      await peer.closed;
    }
    await live.sockets(0);
  });

  it('finds the vhost by the host, a url with a host, or the query', async () => {
    const other = `vhost Other.test { http_static { enabled on; dir ${join(dir, 'mounted')}; } }`;
    const live = await start('', other);
    const peer = await live.http();
    const asked: [target: string, host: string, body: string][] = [
      ['/one.txt', 'localhost', 'one'],
      ['/one.txt', 'OTHER.test:8080', 'mounted'],
      ['http://other.test/one.txt', 'localhost', 'mounted'],
      ['http://user@other.test:99/one.txt?x', 'localhost', 'mounted'],
      ['/one.txt?vhost=other.test', 'localhost', 'mounted'],
      ['/one.txt', '', 'one'],
      ['http://localhost/one.txt', 'other.test', 'one'],
    ];
    for (const [target, Host, body] of asked) {
      const answer = await peer.get(target, { headers: { Host } });
      assert.equal(answer.body.toString(), body, `${target} at ${Host}`);
    }
  });

  const malformed: [what: string, bytes: string, status: number][] = [
    ['no HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 400],
    ['an unknown method', 'FOO / HTTP/1.1\r\n\r\n', 400],
    ['an unknown version', 'GET / HTTP/9.9\r\n\r\n', 400],
    ['two lengths', 'POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a head that is too large', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['a line that is too large', `GET /${'y'.repeat(20_000)} HTTP/1.1\r\n\r\n`, 431],
    ['a path with dots', 'GET /sub/../../etc/passwd HTTP/1.1\r\n\r\n', 400],
    ['a path with hidden dots', 'GET /sub/%2e%2e/one.txt HTTP/1.1\r\n\r\n', 400],
    ['a path with a hidden slash', 'GET /..%2fetc%2fpasswd HTTP/1.1\r\n\r\n', 400],
    ['a path with a NUL', 'GET /one.txt%00.html HTTP/1.1\r\n\r\n', 400],
    ['a broken escape', 'GET /%zz HTTP/1.1\r\n\r\n', 400],
    ['no path', 'GET one.txt HTTP/1.1\r\n\r\n', 400],
  ];
  for (const [what, bytes, status] of malformed) {
    it(`answers ${what} with ${status}, and closes`, async () => {
      const live = await start();
      const peer = await live.http();
      peer.send(Buffer.from(bytes, 'latin1'));
      const answer = await peer.answer();
      assert.equal(answer.status, status);
      assertShared(answer);
      await peer.closed;
      await live.sockets(0);
      assert.deepEqual(live.errors, []);
      assert.equal(live.log.matching('warn ').length, 1);
    });
  }

  it('tells pages of other origins in every kind of answer that they may read it', async () => {
    const live = await start();
    const peer = await live.http();
    const modified = new Date(Date.now() + 60_000).toUTCString();
    const asked: [target: string, asking: Parameters<typeof peer.ask>[1], status: number][] = [
      ['/one.txt', {}, 200],
      ['/one.txt', { headers: { Range: 'bytes=1-1' } }, 206],
      ['/sub', {}, 302],
      ['/one.txt', { headers: { 'If-Modified-Since': modified } }, 304],
      ['/none', {}, 404],
      ['/one.txt', { method: 'DELETE' }, 405],
      ['/one.txt', { headers: { Range: 'bytes=9-' } }, 416],
      ['*', { method: 'OPTIONS' }, 200],
      [
        '/one.txt',
        { method: 'OPTIONS', headers: { 'Access-Control-Request-Headers': 'x-a' } },
        200,
      ],
      ['/live/s.flv', { method: 'POST', body: 'no flv' }, 400],
    ];
    for (const [target, asking, status] of asked) {
      const answer = await peer.get(target, asking);
      assert.equal(answer.status, status, `${asking?.method ?? 'GET'} ${target}`);
      assertShared(answer);
    }
    const preflight = await live.get('/x', { method: 'OPTIONS', headers: { Origin: 'http://a' } });
    assert.match(preflight.headers.get('access-control-allow-methods') ?? '', /POST/);
  });

  it('keeps to itself with crossdomain off', async () => {
    const live = await start('crossdomain off;');
    const { status, headers } = await live.get('/one.txt');
    assert.deepEqual([status, headers.get('access-control-allow-origin')], [200, undefined]);
    assert.equal((await live.get('/one.txt', { method: 'OPTIONS' })).status, 405);
  });

  it('logs the first request of a connection for all, those that follow for the curious', async () => {
    const live = await start();
    const peer = await live.http();
    await peer.get('/one.txt?a=b');
    await peer.get('/two.txt');
    assert.deepEqual(live.log.matching('HTTP GET'), [
      'trace 100 HTTP GET /one.txt?a=b, content-length=0, ip=127.0.0.1, host=localhost',
      'info 100 HTTP GET /two.txt, content-length=0',
    ]);
  });

  it('closes clients that take too long for a request, or between two', async () => {
    const timers = useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const clock = new ManualClock();
      const live = await start('', '', clock);
      const peers = [];
      const openings = ['', 'GET /one.txt HT', 'GET /one.txt HTTP/1.1\r\nHost: a\r\n\r\n'];
      for (const opening of openings) {
        const peer = await live.http();
        peer.send(opening);
        peers.push(peer);
      }
      const [silent, slow, idle] = peers;
      assert.equal((await idle!.answer()).status, 200);
      await live.sockets(3);
      clock.advance(21_000);
      timers.tick(SWEEP_MS);
      await Promise.all([silent!.closed, slow!.closed]);
      assert.equal((await idle!.get('/one.txt')).status, 200);
      clock.advance(61_000);
      timers.tick(SWEEP_MS);
      await idle!.closed;
      await live.sockets(0);
      assert.equal(live.log.matching('HTTP client timeout').length, 3);
    } finally {
      timers.restore();
    }
  });

  it('finishes what it answers when it stops, and ends all other connections at once', async () => {
    const live = await start();
    const idle = await live.http();
    await idle.get('/one.txt');
    const fresh = await live.http();
    const busy = await live.http();
    busy.ask('/big.bin');
    await busy.head();
    const stopped = live.server.stop();
    await Promise.all([idle.closed, fresh.closed, stopped]);
    await busy.ended();
    assert.equal(busy.unread.length, 3_000_000);
  });
});
