import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openBelow } from '../../../../src/app/http/rooted-file';
import { StaticFiles } from '../../../../src/app/http/static-files';
import type { StaticFilesParts } from '../../../../src/app/http/static-files';
import { writeFileAtomic } from '../../../../src/files/atomic-file';

import { Harness, parseAnswers } from './harness';

const FLV = join(__dirname, '../../../../doc/sample.flv');

describe('static files', () => {
  const base = fs.mkdtempSync(join(tmpdir(), 'srs-static-'));
  const root = join(base, 'root');
  const long = Buffer.alloc(3_000_000, 'abcdefghij');
  let harness: Harness;

  before(() => {
    fs.mkdirSync(join(root, 'sub/deep'), { recursive: true });
    fs.mkdirSync(join(base, 'outside/dir'), { recursive: true });
    const files: Record<string, string | Buffer> = {
      'hello.txt': '0123456789',
      'empty.ts': '',
      'UPPER.M3U8': '#EXTM3U',
      'a.m4s': 'a',
      'a.mp4': '0123456789',
      noname: 'x',
      'sub/index.html': '<p>',
      'long.bin': long,
      'fake.flv': 'no flv at all, whatever its name is',
    };
    for (const [name, content] of Object.entries(files))
      fs.writeFileSync(join(root, name), content);
    const old = new Date('2024-05-01T00:00:00Z');
    for (const name of Object.keys(files)) fs.utimesSync(join(root, name), old, old);
    fs.writeFileSync(join(base, 'outside/secret.txt'), 'secret');
    fs.symlinkSync(join(base, 'outside'), join(root, 'out'));
    fs.symlinkSync(join(base, 'outside/secret.txt'), join(root, 'secret.txt'));
    fs.symlinkSync('sub/index.html', join(root, 'inside.html'));
    fs.symlinkSync('loop', join(root, 'loop'));
    execFileSync('mkfifo', [join(root, 'fifo')]);
    fs.copyFileSync(FLV, join(root, 'sample.flv'));
  });
  after(() => {
    fs.rmSync(base, { recursive: true });
  });
  beforeEach(() => {
    serve({ dir: root });
  });
  afterEach(() => {
    harness.close();
  });

  const serve = (parts: Partial<StaticFilesParts> & { dir: string }): void => {
    const httpStatic = { enabled: true, mount: '/mounted', dir: join(root, 'sub') };
    const vhosts = [{ name: 'v', enabled: true, httpStatic }];
    harness = new Harness({ routes: [new StaticFiles({ vhosts, ...parts })] });
  };
  const openFiles = (): number => fs.readdirSync('/proc/self/fd').length;

  it('are sent with what a client wants to know of them', async () => {
    const { status, headers, body } = await harness.ask('GET /hello.txt?x=1');
    assert.equal(status, 200);
    assert.equal(body.toString(), '0123456789');
    assert.equal(headers['content-length'], '10');
    assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(headers['accept-ranges'], 'bytes');
    assert.equal(headers['last-modified'], 'Wed, 01 May 2024 00:00:00 GMT');
    assert.match(headers['etag'] ?? '', /^"a-[0-9a-f]+"$/);
    assert.equal(headers['cache-control'], undefined);
  });

  const types: [string, string, string | undefined][] = [
    ['/UPPER.M3U8', 'application/vnd.apple.mpegurl', 'no-cache'],
    ['/empty.ts', 'video/mp2t', 'public, max-age=60'],
    ['/a.m4s', 'video/iso.segment', 'public, max-age=60'],
    ['/a.mp4', 'video/mp4', 'public, max-age=10'],
    ['/noname', 'application/octet-stream', undefined],
    ['/sub/', 'text/html; charset=utf-8', undefined],
    ['/inside.html', 'text/html; charset=utf-8', undefined],
    ['/mounted/', 'text/html; charset=utf-8', undefined],
  ];
  for (const [path, type, cacheControl] of types) {
    it(`${path} is ${type}`, async () => {
      const { status, headers } = await harness.ask(`GET ${path}`);
      assert.equal(status, 200);
      assert.equal(headers['content-type'], type);
      assert.equal(headers['cache-control'], cacheControl);
    });
  }

  it('may be empty', async () => {
    const { status, headers, body } = await harness.ask('GET /empty.ts');
    assert.equal(status, 200);
    assert.equal(headers['content-length'], '0');
    assert.equal(body.length, 0);
  });

  it('are only read: GET and HEAD', async () => {
    const head = await harness.ask('HEAD /hello.txt');
    assert.equal(head.status, 200);
    assert.equal(head.headers['content-length'], '10');
    assert.equal(head.body.length, 0);
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const { status, headers } = await harness.ask(`${method} /hello.txt`);
      assert.equal(status, 405);
      assert.equal(headers['allow'], 'GET, HEAD');
    }
  });

  it('of a directory need a slash, which keeps the query', async () => {
    const { status, headers } = await harness.ask('GET /sub?a=b&c');
    assert.equal(status, 302);
    assert.equal(headers['location'], '/sub/?a=b&c');
    const mounted = await harness.ask('GET //mounted');
    assert.equal(mounted.headers['location'], '/mounted/');
  });

  for (const path of [
    '/nothing',
    '/sub/deep/',
    '/hello.txt/',
    '/hello.txt/x',
    '/fifo',
    '/loop',
    '/out/secret.txt',
    '/out/dir',
    '/secret.txt',
    `/${'x'.repeat(300)}`,
  ]) {
    it(`are not there for ${path.slice(0, 20)}`, async () => {
      const before = openFiles();
      const { status, body } = await harness.ask(`GET ${path}`);
      assert.equal(status, 404);
      assert.equal(body.toString(), 'Not Found');
      assert.ok(openFiles() <= before + 1);
    });
  }

  it('may change between two requests, however often they were asked for', async () => {
    const path = join(root, 'changing.txt');
    const old = new Date('2024-05-01T00:00:00Z');
    for (const text of ['one', 'two', 'three']) {
      fs.writeFileSync(path, text);
      fs.utimesSync(path, old, old);
      for (let times = 0; times < 4; times++) {
        assert.equal((await harness.ask('GET /changing.txt')).body.toString(), text);
      }
    }
    fs.rmSync(path);
    assert.equal((await harness.ask('GET /changing.txt')).status, 404);
  });

  describe('in part', () => {
    const ask = (range: string, more = {}): ReturnType<Harness['ask']> =>
      harness.ask('GET /hello.txt', { Range: range, ...more });

    it('are sent as the range says', async () => {
      for (const [range, body, content] of [
        ['bytes=2-4', '234', 'bytes 2-4/10'],
        ['bytes=7-', '789', 'bytes 7-9/10'],
        ['bytes=-1', '9', 'bytes 9-9/10'],
      ] as const) {
        const answer = await ask(range);
        assert.equal(answer.status, 206);
        assert.equal(answer.body.toString(), body);
        assert.equal(answer.headers['content-range'], content);
      }
    });

    it('are refused where there is no such part', async () => {
      const { status, headers } = await ask('bytes=10-');
      assert.equal(status, 416);
      assert.equal(headers['content-range'], 'bytes */10');
    });

    it('are sent whole for several ranges, and for another version', async () => {
      for (const answer of [
        await ask('bytes=1-2,4-5'),
        await ask('bytes=1-2', { 'If-Range': '"x"' }),
      ]) {
        assert.equal(answer.status, 200);
        assert.equal(answer.body.length, 10);
      }
    });

    it('are described as a whole to HEAD, for which ranges mean nothing', async () => {
      const { status, headers } = await harness.ask('HEAD /hello.txt', { Range: 'bytes=2-4' });
      assert.equal(status, 200);
      assert.equal(headers['content-length'], '10');
    });

    it('of mp4 may be asked for in the query', async () => {
      for (const query of ['range=2-4', 'bytes=2-4']) {
        const { status, headers, body } = await harness.ask(`GET /a.mp4?${query}`);
        assert.equal(status, 206);
        assert.equal(headers['content-range'], 'bytes 2-4/10');
        assert.equal(body.toString(), '234');
      }
      assert.equal((await harness.ask('GET /a.mp4?range=10-10')).status, 416);
      assert.equal((await harness.ask('GET /hello.txt?range=2-4')).status, 200);
    });
  });

  it('are not sent to who has them', async () => {
    const { headers } = await harness.ask('GET /hello.txt');
    const { status, body } = await harness.ask('GET /hello.txt', {
      'If-None-Match': headers['etag'] ?? '',
    });
    assert.equal(status, 304);
    assert.equal(body.length, 0);
    const since = { 'If-Modified-Since': headers['last-modified'] ?? '' };
    assert.equal((await harness.ask('GET /hello.txt', since)).status, 304);
  });

  it('have no Last-Modified in the second in which they changed', async () => {
    fs.writeFileSync(join(root, 'fresh.m3u8'), 'x');
    const inAMoment = new Date(Date.now() + 500);
    fs.utimesSync(join(root, 'fresh.m3u8'), inAMoment, inAMoment);
    const { headers } = await harness.ask('GET /fresh.m3u8');
    assert.equal(headers['last-modified'], undefined);
    assert.ok(headers['etag']);
  });

  it('may be long, and go out as the client takes them', async () => {
    const { body } = await harness.ask('GET /long.bin');
    assert.ok(body.equals(long));
    const again = await harness.ask('GET /long.bin', { Range: 'bytes=100000-2900000' });
    assert.ok(again.body.equals(long.subarray(100_000, 2_900_001)));
  });

  it('end with the connection when they become shorter', async () => {
    const path = join(root, 'shrinking.bin');
    fs.writeFileSync(path, '');
    fs.truncateSync(path, 200_000_000);
    const before = openFiles();
    const client = harness.client();
    client.socket.pause();
    client.send('GET /shrinking.bin HTTP/1.1\r\n\r\n');
    while (harness.engine.stats.bytesSent < 100_000) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    fs.truncateSync(path, 1000);
    client.socket.resume();
    await client.end;
    await harness.log.until(() => harness.log.matching('cannot be sent whole').length > 0);
    assert.match(harness.log.matching('cannot be sent whole')[0] ?? '', /^warn 100 .*ret=1046$/);
    while (openFiles() > before) await new Promise((resolve) => setImmediate(resolve));
    fs.rmSync(path);
  });

  it('are found all the time while they are replaced', async () => {
    const path = join(root, 'live.m3u8');
    fs.writeFileSync(path, '0');
    let isReplacing = true;
    const ask = async (): Promise<void> => {
      while (isReplacing) {
        const file = await openBelow(root, path);
        assert.ok(file, 'a file that lost its name while it was looked at');
        await file.handle.close();
      }
    };
    const replace = async (): Promise<void> => {
      for (let version = 1; version <= 50; version++) await writeFileAtomic(path, `${version}`);
      isReplacing = false;
    };
    await Promise.all([replace(), ...Array.from({ length: 20 }, ask)]);
    fs.rmSync(path);
  });

  it('are closed when clients leave in the middle', async () => {
    const path = join(root, 'huge.bin');
    fs.writeFileSync(path, '');
    fs.truncateSync(path, 100_000_000);
    const before = openFiles();
    for (let count = 0; count < 20; count++) {
      const client = harness.client();
      client.send('GET /huge.bin HTTP/1.1\r\n\r\n');
      await client.until('\r\n\r\n');
      client.socket.resetAndDestroy();
      await client.end;
    }
    while (openFiles() > before) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(harness.log.matching('error'), []);
    fs.rmSync(path);
  });

  it('have a policy for Flash, unless there is a file, or it is off', async () => {
    const { status, headers, body } = await harness.ask('GET /crossdomain.xml');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/xml; charset=utf-8');
    assert.match(body.toString(), /allow-access-from domain="\*"/);
    fs.writeFileSync(join(root, 'crossdomain.xml'), 'mine');
    assert.equal((await harness.ask('GET /crossdomain.xml')).body.toString(), 'mine');
    fs.rmSync(join(root, 'crossdomain.xml'));
    harness.close();
    serve({ dir: root, crossdomain: () => false });
    assert.equal((await harness.ask('GET /crossdomain.xml')).status, 404);
  });

  it('can be asked about', async () => {
    const files = new StaticFiles({ dir: root, vhosts: [] });
    const ask = (path: string): Promise<boolean> =>
      files.hasFile({ host: '', path, vhost: undefined });
    assert.ok(await ask('/hello.txt'));
    assert.ok(await ask('/sub/'));
    for (const path of ['/sub', '/nothing', '/fifo']) assert.ok(!(await ask(path)), path);
  });

  it('are 404 where the root does not exist', async () => {
    harness.close();
    serve({ dir: join(base, 'missing') });
    assert.equal((await harness.ask('GET /hello.txt')).status, 404);
  });

  it('come one after another on a connection', async () => {
    const client = harness.client();
    client.send('GET /hello.txt HTTP/1.1\r\n\r\nGET /long.bin HTTP/1.1\r\n\r\n');
    client.send('GET /empty.ts HTTP/1.1\r\n\r\nGET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n');
    const answers = parseAnswers(await client.end);
    assert.deepEqual(
      answers.map(({ status, body }) => [status, body.length]),
      [
        [200, 10],
        [200, long.length],
        [200, 0],
        [404, 9],
      ],
    );
  });

  describe('of type flv', () => {
    it('begin at a key frame, behind the sequence headers', async () => {
      const whole = (await harness.ask('GET /sample.flv')).body;
      const later = await harness.ask('GET /sample.flv?start=200000');
      assert.equal(later.status, 200);
      assert.equal(later.headers['content-type'], 'video/x-flv');
      assert.equal(later.headers['content-length'], `${later.body.length}`);
      assert.ok(later.body.length < whole.length);
      assert.ok(later.body.subarray(0, 13).equals(whole.subarray(0, 13)));
      const tail = later.body.subarray(-1000);
      assert.ok(tail.equals(whole.subarray(-1000)));
      const head = await harness.ask('HEAD /sample.flv?start=200000');
      assert.equal(head.headers['content-length'], `${later.body.length}`);
    });

    it('are whole for no, an odd or a very small start', async () => {
      const { headers } = await harness.ask('HEAD /sample.flv');
      for (const start of ['', '0', '-5', 'abc', '14']) {
        const answer = await harness.ask(`HEAD /sample.flv?start=${start}`);
        assert.equal(answer.headers['content-length'], headers['content-length'], start);
      }
    });

    it('end before some starts', async () => {
      for (const start of ['99999999', '1e400']) {
        assert.equal((await harness.ask(`GET /sample.flv?start=${start}`)).status, 416);
      }
      assert.equal(harness.log.matching('ret=3014').length, 2);
    });

    it('may be none', async () => {
      assert.equal((await harness.ask('GET /fake.flv?start=20')).status, 404);
      assert.equal(harness.log.matching('ret=3036').length, 1);
      assert.equal((await harness.ask('GET /fake.flv')).status, 200);
    });
  });

  it('that grow are sent as long as they were', async () => {
    const path = join(root, 'growing.flv');
    fs.writeFileSync(path, 'x'.repeat(1000));
    fs.appendFileSync(path, 'y');
    const { body } = await harness.ask('GET /growing.flv');
    assert.equal(body.length, 1001);
  });
});
