import assert from 'node:assert/strict';

import { readAsked, scriptOf } from '../../../../../src/app/http/api/jsonp';
import type { HttpRoute } from '../../../../../src/app/http/exchange';

import { ApiHarness, sampleClient, SERVER_ID } from './harness';
import type { ApiHarnessOptions } from './harness';

const OWN = { Host: 'srs.test:1985', Origin: 'http://srs.test:1985' };
const OTHER = { Host: 'srs.test:1985', Origin: 'http://evil.test' };
const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;

describe('the HTTP API', () => {
  const made: ApiHarness[] = [];
  const start = (config = '', parts: ApiHarnessOptions = {}): ApiHarness => {
    const api = new ApiHarness({ config, ...parts });
    made.push(api);
    return api;
  };
  afterEach(() => {
    for (const api of made.splice(0)) api.close();
  });

  it('answers a path that it does not have as SRS does', async () => {
    const api = start();
    const { status, json } = await api.json('GET /api//v1/nothing/?a=b');
    assert.equal(status, 404);
    assert.deepEqual(json, {
      code: 3011,
      server: SERVER_ID,
      data: { status_code: 404, reason_phrase: 'Not Found', url: '/api/v1/nothing?a=b' },
    });
  });

  it('answers as JSON what is refused before it is looked at', async () => {
    const api = start('crossdomain off;');
    const { status, json } = await api.json('GET /a/../b?token=hidden');
    assert.deepEqual([status, json['code'], json['server']], [400, 3011, SERVER_ID]);
    assert.match(String(json['message']), /expect a clean path/);
    const data = { status_code: 400, reason_phrase: 'Bad Request', url: '/a/../b?token=***' };
    assert.deepEqual(json['data'], data);
    const preflight = await api.json('OPTIONS /api/v1/clients/1');
    assert.deepEqual([preflight.status, preflight.json['code']], [405, 3011]);
    assert.match(preflight.answer.headers['allow'] ?? '', /GET/);
  });

  it('answers as JSON when it fails by itself', async () => {
    const api = start('', { reload: () => Promise.reject(new Error('broken')) });
    const { status, json } = await api.json('POST /api/v1/reload');
    assert.deepEqual([status, json['code']], [500, 3011]);
    assert.equal(api.http.log.matching('error ').length, 1);
  });

  it('logs a request as one of the API, with a body that nobody reads', async () => {
    const api = start();
    const client = api.http.client();
    const head = 'POST /api/v1/reload?token=hidden HTTP/1.1\r\nHost: a\r\nConnection: close\r\n';
    client.send(`${head}Content-Length: 5\r\n\r\n{"a":`);
    assert.match((await client.end).toString(), /^HTTP\/1\.1 200 OK/);
    const [line] = api.http.log.matching('content-length');
    assert.match(line ?? '', /HTTP API POST \/api\/v1\/reload\?token=\*\*\*, content-length=5/);
  });

  it('takes a path with and without a slash at its end, and says where things are', async () => {
    const api = start();
    for (const path of ['/', '/api', '/api/', '/api/v1', '/api/v1/', '/api/v1/versions/']) {
      const { status, json } = await api.json(`GET ${path}`);
      assert.deepEqual([status, json['code'], json['server']], [200, 0, SERVER_ID], path);
    }
    const { urls } = (await api.json('GET /api/v1')).json as { urls: Record<string, unknown> };
    const known = ['versions', 'summaries', 'rusages', 'self_proc_stats', 'system_proc_stats', 'meminfos', 'authors', 'features', 'requests', 'vhosts', 'streams', 'clients', 'tests']; // prettier-ignore
    assert.deepEqual(Object.keys(urls).slice(0, known.length), known);
  });

  it('answers HEAD with the headers alone', async () => {
    const api = start();
    const get = await api.http.ask('GET /api/v1/versions');
    const head = await api.http.ask('HEAD /api/v1/versions');
    assert.equal(head.body.length, 0);
    assert.equal(head.headers['content-length'], String(get.body.length));
  });

  it('shows a request to who sent it, without what nobody else may see', async () => {
    const api = start();
    const { json } = await api.json('GET /api/v1/requests?x=1', {
      Host: 'srs.test',
      Authorization: 'Bearer hidden',
      Cookie: 'session=hidden',
      'X-Mine': 'shown',
    });
    const text = JSON.stringify(json);
    assert.match(text, /shown/);
    assert.doesNotMatch(text, /hidden/);
  });

  it('has errors and redirects to try a program with', async () => {
    const api = start();
    assert.equal((await api.json('GET /api/v1/tests/errors')).json['code'], 100);
    const redirect = await api.http.ask('GET /api/v1/tests/redirects');
    assert.deepEqual([redirect.status, redirect.headers['location']], [301, '/api/v1/tests/errors']); // prettier-ignore
  });

  describe('with a reload', () => {
    it('tells what has changed', async () => {
      const api = start();
      api.reloadResult = { ok: true, code: 0, changes: ['root max_connections: 10 -> 20'] };
      const { status, json } = await api.json('POST /api/v1/reload');
      assert.equal(status, 200);
      assert.deepEqual(json['data'], { changes: ['root max_connections: 10 -> 20'] });
    });

    it('tells where a file is wrong', async () => {
      const api = start();
      api.reloadResult = { ok: false, code: 1023, error: 'srs.conf:3: no such thing', changes: [] };
      const { status, json } = await api.json('POST /api/v1/reload');
      assert.deepEqual([status, json['code']], [422, 1023]);
      assert.match(String(json['message']), /srs\.conf:3/);
    });

    it('takes no GET for one', async () => {
      const answer = await start().http.ask('GET /api/v1/reload');
      assert.deepEqual([answer.status, answer.headers['allow']], [405, 'POST, OPTIONS']);
    });
  });

  describe('for pages of other sites', () => {
    it('answers with a script that calls a function of the page', async () => {
      const answer = await start().http.ask('GET /api/v1/versions?callback=angular.callbacks._0');
      assert.match(answer.headers['content-type'] ?? '', /^text\/javascript/);
      assert.equal(answer.headers['x-content-type-options'], 'nosniff');
      assert.match(answer.body.toString(), /^angular\.callbacks\._0\(\{"code":0,.*\}\)$/);
    });

    it('puts nothing into a script but a name and JSON', async () => {
      const api = start();
      for (const bad of ['alert(1)', 'a;b', 'a.', '.a', '1a', 'a[0]', '<b>', 'a%0ab', 'é']) {
        const { status } = await api.json(
          `GET /api/v1/versions?callback=${encodeURIComponent(bad)}`,
        );
        assert.equal(status, 400, bad);
      }
      assert.equal(scriptOf('f', '"a\u2028b\u2029c"'), 'f("a\\u2028b\\u2029c")');
    });

    it('lets a script order by method=, unless it may only read, or there are none', async () => {
      const kick = 'GET /api/v1/clients/102?callback=f&method=DELETE';
      const on = start();
      assert.equal((await on.http.ask(kick)).status, 200);
      assert.equal(on.statistics.done.length, 1);
      const read = start('jsonp read;');
      assert.equal((await read.http.ask(kick)).status, 403);
      assert.equal((await read.http.ask('GET /api/v1/versions?callback=f')).status, 200);
      const off = start('jsonp off;');
      const answer = await off.json(kick);
      assert.deepEqual([answer.status, answer.json['code']], [200, 0], 'plain JSON, of a GET');
      assert.deepEqual([...read.statistics.done, ...off.statistics.done], []);
    });

    it('looks at method= only where a function is to be called', () => {
      const asked = (method: string, query: string): unknown =>
        readAsked({ method, query: new URLSearchParams(query) }, 'on').method;
      assert.equal(asked('GET', 'method=DELETE'), 'GET');
      assert.equal(asked('POST', 'callback=f&method=DELETE'), 'POST');
      assert.equal(asked('GET', 'callback=f&method=delete'), 'DELETE');
    });

    it('takes no orders of theirs when the browser adds the password by itself', async () => {
      const api = start('auth { enabled on; username u; password p; }');
      const Authorization = basic('u:p');
      const order = 'GET /api/v1/clients/102?callback=f&method=DELETE';
      assert.equal((await api.http.ask(order, { ...OTHER, Authorization })).status, 403);
      assert.equal((await api.http.ask('POST /api/v1/reload', { ...OTHER, Authorization })).status, 403); // prettier-ignore
      assert.deepEqual(api.statistics.done, []);
      assert.equal((await api.http.ask(order, { ...OWN, Authorization })).status, 200);
      assert.equal((await api.http.ask('POST /api/v1/reload', { ...OWN, Authorization })).status, 200); // prettier-ignore
      // No browser at all.
      assert.equal((await api.http.ask('POST /api/v1/reload', { Authorization })).status, 200);
    });

    it('takes none without a password either where crossdomain is off', async () => {
      const api = start('crossdomain off;');
      assert.equal((await api.http.ask('POST /api/v1/reload', OTHER)).status, 403);
      assert.equal((await api.http.ask('POST /api/v1/reload', OWN)).status, 200);
      const script = 'GET /api/v1/versions?callback=f';
      assert.equal((await api.http.ask(script, { Referer: 'http://evil.test/' })).status, 403);
    });

    it('asks no preflight for a password', async () => {
      const api = start('auth { enabled on; token 0123456789abcdef; }');
      const answer = await api.http.ask('OPTIONS /api/v1/clients/1', {
        Origin: 'http://page.test',
        'Access-Control-Request-Method': 'DELETE',
        'Access-Control-Request-Headers': 'authorization',
      });
      assert.equal(answer.status, 200);
      assert.match(answer.headers['access-control-allow-methods'] ?? '', /DELETE/);
      assert.match(answer.headers['access-control-allow-headers'] ?? '', /authorization/i);
    });
  });

  describe('with credentials', () => {
    it('tells strangers what it expects, and warns of wrong ones only', async () => {
      const api = start('auth { enabled on; username u; password p; token 0123456789abcdef; }');
      const none = await api.http.ask('GET /api/v1/streams');
      assert.equal(none.status, 401);
      assert.match(JSON.stringify(none.headers), /Basic realm.*Bearer realm|Bearer realm/);
      assert.equal(api.http.log.matching('warn ').length, 0);
      for (let attempt = 0; attempt < 50; attempt++) {
        const { status } = await api.http.ask('GET /metrics', { Authorization: basic(`u:x${attempt}`) }); // prettier-ignore
        assert.equal(status, 401);
      }
      const warnings = api.http.log.matching('warn ');
      assert.ok(warnings.length >= 1 && warnings.length <= 5, `${warnings.length} warnings`);
      assert.ok(warnings.every((line) => !line.includes('x0') && line.includes('127.0.0.1')));
    });

    it('takes a changed one from the next request on', async () => {
      const api = start('auth { enabled on; token t0ken-t0ken-t0ken; }');
      const headers = { Authorization: 'Bearer t0ken-t0ken-t0ken' };
      assert.equal((await api.http.ask('GET /api/v1/streams', headers)).status, 200);
      api.options = { ...api.options, auth: { ...api.options.auth, token: 'another-token-here' } };
      assert.equal((await api.http.ask('GET /api/v1/streams', headers)).status, 401);
    });

    it('takes passwords in UTF-8, and no pair with an empty name or token', async () => {
      const api = start('auth { enabled on; username user; password "päss w"; }');
      const ask = async (Authorization: string): Promise<number> =>
        (await api.http.ask('GET /api/v1/streams', { Authorization })).status;
      assert.equal(await ask(basic('user:päss w')), 200);
      for (const bad of [basic('user:'), basic(':'), basic('user'), 'Bearer ', 'Bearer', 'Basic']) {
        assert.equal(await ask(bad), 401, bad);
      }
      assert.equal(await ask(`Bearer ${'x'.repeat(8000)}`), 401);
    });
  });

  describe('asked often', () => {
    it('makes a body once while nothing changes, for a quarter of a second', async () => {
      const api = start();
      for (let at = 0; at < 20; at++) await api.http.ask('GET /api/v1/streams');
      assert.equal(api.statistics.reads, 1);
      await api.http.ask('GET /api/v1/streams?stream=livestream');
      assert.equal(api.statistics.reads, 2, 'another question');
      await api.http.ask('GET /api/v1/streams?unknown=1');
      assert.equal(api.statistics.reads, 2, 'not another question');
      api.statistics.version++;
      await api.http.ask('GET /api/v1/streams');
      assert.equal(api.statistics.reads, 3);
      api.clock.advance(251);
      await api.http.ask('GET /api/v1/streams');
      assert.equal(api.statistics.reads, 4);
    });

    it('makes no more bodies than leave time for the rest, but tells those that it has', async () => {
      const api = start();
      let reads = 0;
      api.statistics.streams = (): [] => {
        reads++;
        api.clock.advance(150);
        return [];
      };
      const statusOf = async (start: number): Promise<number> =>
        (await api.http.ask(`GET /api/v1/streams?start=${start}`)).status;
      assert.deepEqual([await statusOf(0), await statusOf(1), await statusOf(2)], [200, 200, 200]);
      assert.deepEqual([await statusOf(3), await statusOf(4), await statusOf(2)], [503, 503, 200]);
      assert.equal(reads, 3);
      assert.equal((await api.http.ask('GET /api/v1/versions')).status, 200);
      const { answer, json } = await api.json('GET /api/v1/streams?start=3');
      assert.equal(answer.headers['retry-after'], '1');
      assert.equal(json['message'], 'too much is asked, try again later');
      api.clock.advance(4000);
      assert.equal(await statusOf(3), 200);
    });

    it('shows what an order has changed at once', async () => {
      const api = start();
      await api.http.ask('GET /api/v1/clients');
      await api.http.ask('DELETE /api/v1/clients/102');
      api.statistics.clientList = [sampleClient(103)];
      const { json } = await api.json('GET /api/v1/clients');
      assert.equal((json['clients'] as { id: number }[])[0]?.id, 103);
    });
  });

  it('serves files below /console/ alone, and other routes, to those who may', async () => {
    const asked: string[] = [];
    const route = (name: string, paths: readonly string[]): HttpRoute => ({
      handle: ({ path, response }) => {
        asked.push(`${name} ${path}`);
        if (!paths.includes(path)) return false;
        response.end(name);
        return true;
      },
    });
    const parts = { files: route('files', ['/console/a.js', '/b']), more: [route('more', ['/m'])] };
    const api = start('auth { enabled on; token 0123456789abcdef; }', parts);
    assert.equal((await api.http.ask('GET /console/a.js')).status, 401);
    assert.equal(asked.length, 0);
    const headers = { Authorization: 'Bearer 0123456789abcdef' };
    const body = async (path: string): Promise<string> =>
      (await api.http.ask(`GET ${path}`, headers)).body.toString();
    assert.equal(await body('/console/a.js'), 'files');
    assert.equal(await body('/m'), 'more');
    assert.match(await body('/b'), /"code":3011/);
    assert.match(await body('/console/none'), /"code":3011/);
    assert.ok(!asked.includes('files /b'));
  });
});
