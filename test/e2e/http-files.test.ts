/** Files over HTTP as curl asks for them, and recordings as ffmpeg seeks in them. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { connect } from 'node:net';

import { assertSameFrames, inspect, seek } from './support/frames';
import { isKeyTag, tagsOf } from './support/media';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Web } from './support/web';

const TEXT = '0123456789'.repeat(20);

describe('HTTP files', () => {
  let sandbox: Sandbox;
  let web: Web;

  before(async () => {
    sandbox = new Sandbox();
    fs.mkdirSync(sandbox.path('html/sub'), { recursive: true });
    fs.mkdirSync(sandbox.path('html/empty'));
    sandbox.write('secret', 'secret');
    sandbox.write('html/index.html', '<p>home</p>');
    sandbox.write('html/sub/index.html', '<p>sub</p>');
    sandbox.write('html/a.txt', TEXT);
    sandbox.write('html/a b%.txt', 'spaced');
    fs.symlinkSync('../../secret', sandbox.path('html/sub/link'));
    const old = new Date(Date.now() - 60_000);
    fs.utimesSync(sandbox.path('html/a.txt'), old, old);
    fs.copyFileSync(await source('h264-aac.flv'), sandbox.path('html/v.flv'));
    fs.copyFileSync(await source('hevc-aac.mp4'), sandbox.path('html/v.mp4'));
    web = await Web.start(sandbox);
  });

  after(async () => {
    await web.srs.stop();
    await sandbox.close();
  });

  it('come whole, in ranges, and not at all when they are known', async () => {
    const whole = await web.ask('/a.txt');
    assert.deepEqual([whole.status, whole.body], [200, TEXT]);
    assert.equal(whole.headers.get('content-type'), 'text/plain; charset=utf-8');
    assert.equal(whole.headers.get('accept-ranges'), 'bytes');
    const tag = whole.headers.get('etag')!;
    const modified = whole.headers.get('last-modified')!;
    const ranges: [string, number, string, string][] = [
      ['0-9', 206, 'bytes 0-9/200', TEXT.slice(0, 10)],
      ['195-', 206, 'bytes 195-199/200', '56789'],
      ['-3', 206, 'bytes 197-199/200', '789'],
      ['190-999', 206, 'bytes 190-199/200', TEXT.slice(190)],
      ['200-', 416, 'bytes */200', 'Range Not Satisfiable'],
    ];
    for (const [range, status, contentRange, body] of ranges) {
      const part = await web.ask('/a.txt', '-r', range);
      assert.deepEqual(
        [part.status, part.headers.get('content-range'), part.body],
        [status, contentRange, body],
        range,
      );
    }
    const conditions: [string, number][] = [
      [`If-None-Match: ${tag}`, 304],
      [`If-None-Match: "other"`, 200],
      [`If-Modified-Since: ${modified}`, 304],
      [`If-Modified-Since: ${new Date(0).toUTCString()}`, 200],
    ];
    for (const [header, status] of conditions) {
      assert.equal((await web.ask('/a.txt', '-H', header)).status, status, header);
    }
    const stale = await web.ask('/a.txt', '-r', '0-9', '-H', 'If-Range: "other"');
    assert.deepEqual([stale.status, stale.body], [200, TEXT]);
    const fresh = await web.ask('/a.txt', '-r', '0-9', '-H', `If-Range: ${tag}`);
    assert.equal(fresh.status, 206);
    const head = await web.ask('/a.txt', '-I');
    assert.deepEqual([head.headers.get('content-length'), head.body], ['200', '']);
  });

  it('are only those below the root, however the path is written', async () => {
    const paths = [
      ...['/../secret', '/sub/../../secret', '/..%2fsecret', '/%2e%2e/secret', '/%2e%2e%2fsecret'],
      ...['/sub/%2e%2e/%2e%2e/secret', '/..%5csecret', '/..\\secret', '/%252e%252e/secret'],
      ...[
        '/sub/link',
        '/secret%00.txt',
        '/a.txt%00',
        '//../secret',
        '/./../secret',
        '/....//secret',
      ],
      ...['/%c0%ae%c0%ae/secret', '/%', '/a.txt/', '/a.txt/../../secret'],
    ];
    for (const path of paths) {
      const { status, body } = await web.ask(path, '--path-as-is');
      assert.ok(status === 400 || status === 404, `${path}: ${status}`);
      assert.doesNotMatch(body, /^secret/);
    }
    assert.equal((await web.ask('/a%20b%25.txt')).body, 'spaced');
    assert.equal((await web.ask('//a.txt', '--path-as-is')).body, TEXT);
  });

  it('of a directory are its index, after a slash, and never a list', async () => {
    assert.equal((await web.ask('/')).body, '<p>home</p>');
    const bare = await web.ask('/sub?a=1');
    assert.deepEqual([bare.status, bare.headers.get('location')], [302, '/sub/?a=1']);
    const { body } = await web.ask('/sub', '-L');
    assert.match(body, /<p>sub<\/p>$/);
    assert.equal((await web.ask('/empty/')).status, 404);
    assert.equal((await web.ask('/none')).status, 404);
  });

  it('are for pages of other origins, too', async () => {
    const preflight = await web.ask(
      '/v.flv',
      ...['-X', 'OPTIONS', '-H', 'Origin: http://page.test'],
      ...['-H', 'Access-Control-Request-Method: GET'],
      ...['-H', 'Access-Control-Request-Headers: range,x-my'],
    );
    assert.equal(preflight.status, 200);
    assert.equal(preflight.headers.get('access-control-allow-origin'), '*');
    assert.match(preflight.headers.get('access-control-allow-methods')!, /\bGET\b/);
    assert.match(preflight.headers.get('access-control-allow-headers')!, /range/i);
    const range = await web.ask('/v.flv', '-r', '0-2', '-H', 'Origin: http://page.test');
    assert.deepEqual([range.status, range.body], [206, 'FLV']);
    assert.equal(range.headers.get('access-control-allow-origin'), '*');
    assert.match(range.headers.get('access-control-expose-headers')!, /Content-Range/);
    const policy = await web.ask('/crossdomain.xml');
    assert.match(policy.headers.get('content-type')!, /xml/);
    assert.match(policy.body, /<allow-access-from domain="\*"/);
    const posted = await web.ask('/a.txt', '-d', 'x');
    assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET, HEAD']);
  });

  it('come over one connection, asked for one after the other or all at once', async () => {
    const urls = ['/a.txt', '/none', '/', '/a.txt'].map((path) => web.url(path));
    const { stderr } = await sandbox.start('curl', ['-s', '-v', ...urls]).succeeds();
    assert.equal(stderr.match(/Re-using existing connection/g)?.length, urls.length - 1);

    const socket = connect(web.port('HTTP'), '127.0.0.1').setEncoding('latin1');
    let text = '';
    socket.on('data', (part: string) => {
      text += part;
    });
    const head = 'HTTP/1.1\r\nHost: x\r\n';
    socket.write(
      `GET /a.txt ${head}\r\nHEAD /a.txt ${head}\r\nGET /none ${head}\r\nGET / ${head}Connection: close\r\n\r\n`,
    );
    await new Promise((resolve) => socket.on('close', resolve));
    assert.deepEqual(
      text.match(/HTTP\/1\.1 \d+/g),
      [200, 200, 404, 200].map((one) => `HTTP/1.1 ${one}`),
    );
    assert.ok(text.includes(TEXT) && text.endsWith('<p>home</p>'));
  });

  it('that are recordings are played and sought in by ffmpeg', async () => {
    const [local, remote] = await Promise.all(
      [sandbox.path('html/v.mp4'), web.url('/v.mp4')].map(inspect),
    );
    assertSameFrames(remote!, local!);
    for (const seconds of [0.5, 2.2]) {
      const shown = await seek(web.url('/v.mp4'), seconds);
      assert.ok(Math.abs(shown - seconds * 1000) <= 41, `${shown} ms, ${seconds} s wanted`);
    }
    const file = sandbox.path('html/v.flv');
    const keys = tagsOf(file).filter(isKeyTag);
    const bytes = fs.readFileSync(file);
    const at = bytes.indexOf(keys[1]!.payload);
    for (const start of [at - 11, at + 5000]) {
      const part = await inspect(web.url(`/v.flv?start=${start}`));
      assert.equal(part.complaints, '');
      assert.equal(part.frames.video.length, 50, `from byte ${start}`);
      assert.equal(part.frames.video[0]!.dts, keys[1]!.timestamp);
    }
    const beyond = await web.ask(`/v.flv?start=${bytes.length}`);
    assert.equal(beyond.status, 416);
  });
});
