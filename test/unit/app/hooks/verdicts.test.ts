import assert from 'node:assert/strict';

import { ErrorCode } from '../../../../src/core/errors';
import { accept, answer, HookServer } from '../../../support/hook-server';

import { allTo, Bench, client, hookOptions } from './harness';

describe('hooks that are asked', () => {
  let server: HookServer;
  let bench: Bench;

  beforeEach(async () => {
    server = await HookServer.start();
    bench = new Bench(allTo(server.url('/hook?a=1')));
  });

  afterEach(async () => {
    await bench.service.stop(100);
    await server.close();
  });

  it('are not there for a vhost without them: the answer comes at once', () => {
    for (const options of [
      hookOptions({ enabled: false, onPlay: [server.url()] }),
      hookOptions({ onClose: [server.url()] }),
    ]) {
      bench.setOptions(options);
      assert.equal(bench.service.authorize('play', client()), undefined);
    }
    bench.vhosts.clear();
    assert.equal(bench.service.authorize('play', client()), undefined);
  });

  it('get JSON by POST, with the query of their URL', async () => {
    assert.equal(await bench.service.authorize('connect', client()), undefined);
    const [request] = server.requests;
    assert.equal(request?.method, 'POST');
    assert.equal(request.path, '/hook?a=1');
    const { host, 'content-type': type, 'user-agent': agent } = request.headers;
    assert.equal(host, `127.0.0.1:${server.port}`);
    assert.equal(type, 'application/json');
    assert.match(agent ?? '', /^SRS\/\d/);
    assert.deepEqual(server.events, [
      {
        action: 'on_connect',
        client_id: 101,
        ip: '10.0.0.7',
        vhost: 'a.com',
        app: 'live',
        tcUrl: 'rtmp://a.com/live',
        pageUrl: 'http://page.com/watch',
      },
    ]);
  });

  it('get stream and parameters of who publishes and plays', async () => {
    await bench.service.authorize('publish', client());
    await bench.service.authorize('play', client(102, { streamParam: '', param: '?of=app' }));
    const common = { ip: '10.0.0.7', vhost: 'a.com', app: 'live', stream: 'cam' };
    const urls = { pageUrl: 'http://page.com/watch', tcUrl: 'rtmp://a.com/live' };
    assert.deepEqual(server.events, [
      { action: 'on_publish', client_id: 101, param: '?user=me', ...common, ...urls },
      { action: 'on_play', client_id: 102, param: '?of=app', ...common, ...urls },
    ]);
  });

  it('log what was accepted, without the secrets in it', async () => {
    bench.setOptions(allTo(server.url('/hook?token=hidden', 'me:hidden')));
    const { request, ...rest } = client(101, {
      streamParam: '?secret=hidden',
      tcUrl: 'a?pass=hidden',
    });
    await bench.service.authorize('play', { ...rest, request });
    const [line] = bench.log.matching('http hook on_play success');
    assert.match(
      line ?? '',
      /^trace 101 .*success\. client_id=101, url=http:.*, request=\{.*\}, response=0, ret=0$/,
    );
    assert.equal(bench.log.matching('hidden').length, 0);
    assert.match(server.requests[0]?.body ?? '', /secret=hidden/);
  });

  it('authenticate by the user and password of the URL', async () => {
    bench.setOptions(allTo(server.url('/', 'me:p%40ss')));
    await bench.service.authorize('connect', client());
    const expected = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
    assert.equal(server.requests[0]?.headers.authorization, expected);
  });

  it('refuse with a reason for the client', async () => {
    server.answer = answer({ code: 7, reason: 'the key\r\nhas expired' });
    const refusal = await bench.service.authorize('publish', client());
    assert.deepEqual(refusal, {
      code: ErrorCode.RESPONSE_DATA,
      status: 'NetStream.Publish.Denied',
      description: 'the key has expired',
    });
    const [line] = bench.log.matching('http hook on_publish validate failed');
    assert.match(
      line ?? '',
      /^warn 101 .*client_id=101, url=http.*, status=200, res=.*expired.*, ret=3064$/,
    );
  });

  it('refuse without a reason of their own', async () => {
    server.answer = answer('1');
    const refusal = await bench.service.authorize('connect', client());
    assert.equal(refusal?.description, 'refused by on_connect');
    assert.equal(refusal.status, 'NetConnection.Connect.Rejected');
  });

  it('refuse by a status, and keep what they say of their own trouble from clients', async () => {
    server.answer = answer('<b>no</b>', 403);
    const refused = await bench.service.authorize('play', client());
    assert.equal(refused?.code, ErrorCode.HTTP_STATUS_INVALID);
    assert.equal(refused.description, 'refused by on_play');
    server.answer = answer('at line 7 of db.php', 500);
    const broken = await bench.service.authorize('play', client(102));
    assert.equal(broken?.description, 'the server cannot decide on it now');
    assert.match(bench.log.matching('status=500')[0] ?? '', /uri failed.*ret=4005$/);
  });

  it('are asked in order, and the first that refuses is the last that is asked', async () => {
    const urls = ['/1', '/2', '/3'].map((path) => server.url(path));
    bench.setOptions(hookOptions({ onPlay: urls }));
    server.answer = (response, { path }) => {
      response.end(path === '/2' ? '1' : '0');
    };
    const refusal = await bench.service.authorize('play', client());
    assert.equal(refusal?.code, ErrorCode.RESPONSE_DATA);
    assert.deepEqual(
      server.requests.map(({ path }) => path),
      ['/1', '/2'],
    );
  });

  it('are those of the configuration as it is now', async () => {
    await bench.service.authorize('play', client());
    bench.setOptions(hookOptions({ onPlay: [server.url('/other')] }));
    await bench.service.authorize('play', client());
    assert.deepEqual(
      server.requests.map(({ path }) => path),
      ['/hook?a=1', '/other'],
    );
  });

  it('keep connections for the next call', async () => {
    for (let n = 0; n < 5; n++) await bench.service.authorize('play', client(n));
    assert.equal(server.mostConnections, 1);
  });

  it('sign what they send, with the time in it', async () => {
    const { createHmac } = await import('node:crypto');
    bench.setOptions(allTo(server.url(), { secret: 's3' }));
    await bench.service.authorize('play', client());
    const [request] = server.requests;
    const hex = createHmac('sha256', 's3')
      .update(request?.body ?? '')
      .digest('hex');
    assert.equal(request?.headers['x-srs-signature'], `sha256=${hex}`);
    assert.equal(request.headers['x-srs-timestamp'], `${Date.UTC(2026, 0, 2, 3, 4, 5) / 1000}`);
    assert.equal(server.events[0]?.['timestamp'], Date.UTC(2026, 0, 2, 3, 4, 5) / 1000);
  });

  it('are asked when what was told of the client before has arrived', async () => {
    const publisher = client();
    await bench.service.authorize('publish', publisher);
    let arrive: (() => void) | undefined;
    server.answer = (response, request) => {
      if (!request.body.includes('on_unpublish')) accept(response, request);
      else arrive = () => response.end('0');
    };
    bench.service.ended('publish', publisher);
    const again = bench.service.authorize('publish', publisher);
    await server.untilRequests(2);
    assert.deepEqual(server.actions, ['on_publish', 'on_unpublish']);
    arrive?.();
    assert.equal(await again, undefined);
    assert.deepEqual(server.actions, ['on_publish', 'on_unpublish', 'on_publish']);
  });

  it('refuse everybody when the service has stopped', async () => {
    await bench.service.stop(100);
    const refusal = await bench.service.authorize('play', client());
    assert.equal(refusal?.description, 'the server is stopping');
    assert.equal(server.requests.length, 0);
  });
});
