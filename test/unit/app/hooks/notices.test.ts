import assert from 'node:assert/strict';

import type { DvrFile, HlsSegment } from '../../../../src/app/hooks/payload';
import { accept, answer, HookServer } from '../../../support/hook-server';
import { eventually } from '../../../support/waits';

import { allTo, Bench, client, hookOptions, wallMs } from './harness';

const name = { vhost: 'a.com', app: 'live', stream: 'cam' };
const file: DvrFile = {
  name,
  file: './objs/cam.flv',
  cwd: '/srv',
  durationMs: 12_345,
  bytes: 678,
  startedAt: wallMs,
};
const segment: HlsSegment = {
  name,
  file: './objs/live/cam-3.ts',
  url: 'cam-3.ts',
  m3u8: './objs/live/cam.m3u8',
  m3u8Url: 'live/cam.m3u8',
  durationMs: 9876,
  sequence: 3,
};

describe('hooks that are told', () => {
  let server: HookServer;
  let bench: Bench;

  beforeEach(async () => {
    server = await HookServer.start();
    bench = new Bench(allTo(server.url()));
  });

  afterEach(async () => {
    await bench.service.stop(10);
    await server.close();
  });

  it('hear of the end of all that was allowed, on_close last, with the bytes of the connection', async () => {
    const publisher = { ...client(), bytesSent: () => 11, bytesReceived: () => 22 };
    await bench.service.authorize('connect', publisher);
    await bench.service.authorize('publish', publisher);
    bench.service.ended('publish', publisher);
    await bench.service.authorize('play', publisher);
    bench.service.ended('play', publisher);
    bench.service.ended('connect', publisher);
    await server.untilRequests(6);
    const common = { client_id: 101, ip: '10.0.0.7', vhost: 'a.com', app: 'live' };
    const pageUrl = 'http://page.com/watch';
    const whole = { ...common, pageUrl, stream: 'cam', param: '?user=me' };
    assert.deepEqual(server.actions, [
      'on_connect',
      'on_publish',
      'on_unpublish',
      'on_play',
      'on_stop',
      'on_close',
    ]);
    assert.deepEqual(server.events[2], { action: 'on_unpublish', ...whole });
    assert.deepEqual(server.events[4], { action: 'on_stop', ...whole });
    const bytes = { send_bytes: 11, recv_bytes: 22 };
    assert.deepEqual(server.events[5], { action: 'on_close', ...common, pageUrl, ...bytes });
  });

  it('hear the names that were allowed, whatever the client has asked for since', async () => {
    const player = client();
    await bench.service.authorize('play', player);
    Object.assign(player.request, { stream: 'other', streamParam: '', vhost: 'b.com' });
    bench.service.ended('play', player);
    await server.untilRequests(2);
    assert.equal(server.events[1]?.['stream'], 'cam');
    assert.equal(server.events[1]['vhost'], 'a.com');
  });

  it('hear nothing of who was refused, or was let in while there were no hooks', async () => {
    server.answer = answer('1');
    const refused = client();
    await bench.service.authorize('play', refused);
    bench.service.ended('play', refused);
    bench.service.ended('connect', refused);
    bench.service.ended('play', client(102));
    await server.untilRequests(2);
    assert.deepEqual(server.actions, ['on_play', 'on_close']);
    assert.equal(server.events[1]?.['client_id'], 101);
  });

  it('hear of a client that left before its answer in the right order', async () => {
    const player = client();
    await bench.service.authorize('connect', player);
    let answerPlay: (() => void) | undefined;
    server.answer = (response, request) => {
      if (request.body.includes('on_play')) answerPlay = () => response.end('0');
      else accept(response, request);
    };
    const verdict = bench.service.authorize('play', player);
    await server.untilRequests(2);
    bench.service.ended('connect', player);
    answerPlay?.();
    assert.equal(await verdict, undefined);
    bench.service.ended('play', player);
    await server.untilRequests(4);
    assert.deepEqual(server.actions, ['on_connect', 'on_play', 'on_stop', 'on_close']);
  });

  it('hear of a client that left before it was refused, too', async () => {
    const player = client();
    await bench.service.authorize('connect', player);
    server.answer = (response, request) => {
      response.end(request.body.includes('on_play') ? '1' : '0');
    };
    const verdict = bench.service.authorize('play', player);
    bench.service.ended('connect', player);
    assert.notEqual(await verdict, undefined);
    await server.untilRequests(3);
    assert.deepEqual(server.actions, ['on_connect', 'on_play', 'on_close']);
  });

  it('hear of each vhost that a client was let into', async () => {
    bench.setOptions(allTo(server.url()), 'b.com');
    const player = client();
    await bench.service.authorize('connect', player);
    player.request.vhost = 'b.com';
    await bench.service.authorize('connect', player);
    bench.service.ended('connect', player);
    bench.service.ended('connect', player);
    await server.untilRequests(4);
    assert.deepEqual(
      server.events.map(({ action, vhost }) => [action, vhost]),
      [
        ['on_connect', 'a.com'],
        ['on_connect', 'b.com'],
        ['on_close', 'b.com'],
        ['on_close', 'a.com'],
      ],
    );
  });

  it('are all told, also when the first of them fails, and told again', async () => {
    const url = server.url('/second');
    const onStop = [server.url('/first'), url];
    bench.setOptions(hookOptions({ onStop, retries: 2 }));
    let failures = 2;
    server.answer = (response, { path }) => {
      response.statusCode = path === '/first' && failures-- > 0 ? 500 : 200;
      response.end('0');
    };
    const player = client();
    void bench.service.authorize('play', player);
    bench.service.ended('play', player);
    await server.untilRequests(4);
    await eventually('an empty outbox', () => bench.service.pending === 0);
    assert.deepEqual(
      server.requests.map(({ path }) => path),
      ['/first', '/first', '/first', '/second'],
    );
    const lines = bench.log.matching('uri failed');
    assert.match(
      lines[0] ?? '',
      /^warn 101 http post on_stop .*status=500.*ret=4005, retry in 1ms$/,
    );
    assert.match(lines[1] ?? '', /retry in 2ms$/);
    assert.equal(bench.log.matching('http hook on_stop success').length, 2);
  });

  it('are given up when the retries are, and when the answer says no', async () => {
    bench.setOptions(hookOptions({ onStop: [server.url()], retries: 5 }));
    server.answer = answer({ code: 1 });
    const player = client();
    void bench.service.authorize('play', player);
    bench.service.ended('play', player);
    await eventually('an empty outbox', () => bench.service.pending === 0);
    assert.equal(server.requests.length, 1);
    assert.match(bench.log.matching('validate failed')[0] ?? '', /ret=3064, ignored$/);
  });

  it('of one server do not wait for those of another', async () => {
    const slow = await HookServer.start(() => undefined);
    bench.setOptions(hookOptions({ onStop: [slow.url(), server.url()], onClose: [server.url()] }));
    const player = client();
    void bench.service.authorize('connect', player);
    void bench.service.authorize('play', player);
    bench.service.ended('play', player);
    bench.service.ended('connect', player);
    await server.untilRequests(2);
    assert.deepEqual(server.actions, ['on_stop', 'on_close']);
    await slow.untilRequests(1);
    await bench.service.stop(1);
    await slow.untilConnections(0);
    await slow.close();
  });

  it('are told by former options when the vhost is gone, but not by those of the default one', async () => {
    const player = client();
    await bench.service.authorize('play', player);
    bench.vhosts.clear();
    const defaults = allTo(server.url('/default'), { onDvr: [server.url('/default')] });
    bench.setOptions(defaults, '__defaultVhost__');
    bench.service.ended('play', player);
    await eventually('an empty outbox', () => bench.service.pending === 0);
    assert.equal(server.requests[1]?.path, '/');
    bench.service.onDvr(file);
    assert.equal(bench.service.pending, 0);
  });

  it('are not told when they were switched off meanwhile', async () => {
    const player = client();
    await bench.service.authorize('play', player);
    bench.setOptions(allTo(server.url(), { enabled: false }));
    bench.service.ended('play', player);
    assert.equal(bench.service.pending, 0);
  });

  it('are told what waits when the service stops', async () => {
    const player = client();
    await bench.service.authorize('play', player);
    bench.service.ended('play', player);
    bench.service.ended('connect', player);
    await bench.service.stop(5000);
    assert.deepEqual(server.actions, ['on_play', 'on_stop', 'on_close']);
  });

  describe('of files', () => {
    it('hear of recordings and of their publisher, also when he is gone', async () => {
      bench.setOptions(hookOptions({ onDvr: [server.url()] }));
      const publisher = client();
      void bench.service.authorize('publish', publisher);
      bench.service.ended('publish', publisher);
      bench.service.onDvr(file);
      await server.untilRequests(1);
      assert.deepEqual(server.events, [
        {
          action: 'on_dvr',
          client_id: 101,
          ip: '10.0.0.7',
          ...name,
          param: '?user=me',
          cwd: '/srv',
          file: './objs/cam.flv',
          duration: 12.345,
          bytes: 678,
        },
      ]);
    });

    it('hear of segments in their order', async () => {
      bench.setOptions(hookOptions({ onHls: [server.url()] }));
      void bench.service.authorize('publish', client());
      for (const sequence of [3, 4, 5]) bench.service.onHls({ ...segment, sequence });
      await server.untilRequests(3);
      assert.deepEqual(server.events[0], {
        action: 'on_hls',
        client_id: 101,
        ip: '10.0.0.7',
        ...name,
        param: '?user=me',
        duration: 9.876,
        cwd: process.cwd(),
        file: './objs/live/cam-3.ts',
        url: 'cam-3.ts',
        m3u8: './objs/live/cam.m3u8',
        m3u8_url: 'live/cam.m3u8',
        seq_no: 3,
      });
      assert.deepEqual(
        server.events.map(({ seq_no: number }) => number),
        [3, 4, 5],
      );
    });

    it('hear of streams whose publisher nobody knows', async () => {
      bench.setOptions(hookOptions({ onDvr: [server.url()] }));
      bench.service.onDvr(file);
      await server.untilRequests(1);
      const { client_id: id, ip, param } = server.events[0] ?? {};
      assert.deepEqual([id, ip, param], [0, '', '']);
      await eventually('an empty outbox', () => bench.service.pending === 0);
      assert.match(bench.log.matching('on_dvr success')[0] ?? '', /^trace 0 /);
    });

    it('do not wait for each other: neither streams nor kinds of events', async () => {
      const urls = [server.url()];
      bench.setOptions(hookOptions({ onDvr: urls, onHls: urls }));
      server.answer = () => undefined;
      bench.service.onHls(segment);
      bench.service.onHls({ ...segment, sequence: 4 });
      bench.service.onHls({ ...segment, name: { ...name, stream: 'other' } });
      bench.service.onDvr(file);
      await server.untilRequests(3);
      assert.deepEqual(server.actions.sort(), ['on_dvr', 'on_hls', 'on_hls']);
      assert.equal(bench.service.pending, 4);
    });

    it('fetch what is to be warmed up, and read no more of it than they should', async () => {
      const url = server.url('/[app]/[stream]/[ts_url][param]');
      bench.setOptions(hookOptions({ onHlsNotify: [url], retries: 5 }));
      server.answer = answer(Buffer.alloc(10_000_000));
      void bench.service.authorize('publish', client(101, { stream: 'a b/ü' }));
      bench.service.onHls({ ...segment, name: { ...name, stream: 'a b/ü' } });
      await server.untilRequests(1);
      const [request] = server.requests;
      assert.equal(request?.method, 'GET');
      assert.equal(request.path, '/live/a%20b/%C3%BC/cam-3.ts?user=me');
      await server.untilConnections(0);
      await eventually('an empty outbox', () => bench.service.pending === 0);
      assert.equal(bench.log.matching('http hook on_hls_notify success').length, 1);
    });

    it('fetch the segment itself when its address is absolute, and only once', async () => {
      const onHlsNotify = ['http://127.0.0.1:1/', 'http://127.0.0.1:2/'];
      bench.setOptions(hookOptions({ onHlsNotify, retries: 5 }));
      server.answer = answer('', 404);
      bench.service.onHls({ ...segment, url: server.url('/cam-3.ts') });
      await eventually('an empty outbox', () => bench.service.pending === 0);
      assert.deepEqual(
        server.requests.map(({ path }) => path),
        ['/cam-3.ts'],
      );
      assert.match(bench.log.lines[0] ?? '', /on_hls_notify.*status=404.*ret=4005, ignored$/);
    });
  });

  it('keep no more than 10 000 things for a server that hangs, with 64 connections', async function () {
    this.timeout(20_000);
    server.answer = () => undefined;
    bench.setOptions(hookOptions({ onStop: [server.url()] }));
    for (let n = 0; n < 12_000; n++) {
      const player = client(n);
      void bench.service.authorize('play', player);
      bench.service.ended('play', player);
    }
    assert.equal(bench.service.pending, 10_000);
    await server.untilRequests(64);
    assert.equal(server.mostConnections, 64);
    assert.equal(bench.log.matching('given up').length, 1);
    await bench.service.stop(1);
    assert.equal(bench.service.pending, 0);
    await server.untilConnections(0);
  });
});
