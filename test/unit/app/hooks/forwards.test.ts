import assert from 'node:assert/strict';

import type { ForwardedPublish } from '../../../../src/app/hooks/payload';
import { answer, HookServer } from '../../../support/hook-server';
import type { HookAnswer } from '../../../support/hook-server';

import { Bench, hookOptions } from './harness';

const publish: ForwardedPublish = {
  clientId: 105,
  ip: '10.0.0.7',
  vhost: 'a.com',
  app: 'live',
  tcUrl: 'rtmp://a.com/live?token=hidden',
  stream: 'cam',
  param: '?token=hidden',
};

describe('the hook that says where else a stream goes', () => {
  let server: HookServer;
  let bench: Bench;

  beforeEach(async () => {
    server = await HookServer.start();
    bench = new Bench(hookOptions({ enabled: false, timeoutMs: 2000 }));
  });

  afterEach(async () => {
    await bench.service.stop(10);
    await server.close();
  });

  const ask = (reply?: HookAnswer): Promise<readonly string[] | undefined> => {
    if (reply) server.answer = reply;
    return bench.service.askForwards(server.url('/f?site=7'), publish);
  };

  it('is told who publishes what, also where no other hook is on', async () => {
    assert.deepEqual(await ask(), []);
    const [request] = server.requests;
    assert.equal(`${request?.method} ${request?.path}`, 'POST /f?site=7');
    assert.equal(request?.headers['content-type'], 'application/json');
    assert.deepEqual(server.events, [
      {
        action: 'on_forward',
        client_id: 105,
        ip: '10.0.0.7',
        vhost: 'a.com',
        app: 'live',
        tcUrl: 'rtmp://a.com/live?token=hidden',
        stream: 'cam',
        param: '?token=hidden',
      },
    ]);
    const [line = ''] = bench.log.matching('on_forward');
    assert.match(line, /^trace 105 http hook on_forward success\./);
    assert.doesNotMatch(line, /hidden/);
  });

  it('answers with urls, or with none', async () => {
    const urls = ['rtmp://b.test/live/KEY', 'c.test:1936'];
    assert.deepEqual(await ask(answer({ code: 0, data: { urls } })), urls);
    const none = ['0', { code: 0 }, { code: 0, data: {} }, { code: 0, data: { urls: [] } }];
    for (const body of [...none, { code: 0, data: null }, { code: 0, data: { urls: null } }]) {
      assert.deepEqual(await ask(answer(body)), [], JSON.stringify(body));
    }
  });

  it('has no key in the log, however it is written', async () => {
    await ask(answer('{"code":0,"data":{"urls":["rtmp:\\/\\/b.test\\/live\\/HIDDEN1"]}}'));
    await ask(answer({ code: 0, data: { urls: ['rtmps://b.test/live?a=b/HIDDEN2', 7] } }));
    await ask(answer('rtmp://b.test/live/HIDDEN3'));
    await ask(answer({ code: 1, urls: ['RTMP://b.test/live/HIDDEN4'] }));
    await ask(answer({ message: 'rtmp://b.test/live/HIDDEN5' }, 500));
    await ask(
      answer({ code: 0, data: { urls: ['b.test/live/HIDDEN6', 'http://b.test/HIDDEN7'] } }),
    );
    assert.equal(bench.log.matching('on_forward').length, 6);
    assert.match(bench.log.matching('on_forward')[1] ?? '', /"rtmps:\/\/b\.test\/\*\*\*"/);
    assert.doesNotMatch(bench.log.lines.join('\n'), /HIDDEN/);
  });

  it('is not known, and may be asked again, without a proper answer', async () => {
    const broken: HookAnswer[] = [
      answer(''),
      answer('<html>'),
      answer({ code: 0, data: { urls: 'rtmp://b.test/live/KEY' } }),
      answer({ code: 0, data: { urls: [{}] } }),
      answer({ code: 0, data: { urls: [''] } }),
      answer({ code: 0, data: { urls: ['x'.repeat(3000)] } }),
      answer({ code: 0, data: { urls: Array(100).fill('x'.repeat(1000)) } }),
      answer('busy', 503),
      (response) => response.destroy(),
    ];
    for (const [index, reply] of broken.entries()) {
      assert.equal(await ask(reply), undefined, String(index));
    }
    assert.equal(bench.log.matching('warn 105').length, broken.length);
    bench.setOptions(hookOptions({ timeoutMs: 30 }));
    assert.equal(await ask(() => undefined), undefined);
  });

  it('is final when the server refuses, and where there is nobody to ask', async () => {
    assert.deepEqual(await ask(answer({ code: 1, reason: 'not this one' })), []);
    assert.deepEqual(await ask(answer('no', 403)), []);
    assert.deepEqual(await bench.service.askForwards('ftp://b.test', publish), []);
    assert.deepEqual(await bench.service.askForwards(server.url(), { ...publish, vhost: 'x' }), []);
    assert.equal(server.requests.length, 2);
  });

  it('answers with 64 urls at most', async () => {
    const urls = Array.from({ length: 70 }, (_, index) => `b${index}.test`);
    assert.deepEqual(await ask(answer({ code: 0, data: { urls } })), urls.slice(0, 64));
    assert.equal(bench.log.matching('answered 70 urls, the first 64 are used').length, 1);
  });

  it('is signed like others, and asked no more once the server stops', async () => {
    bench.setOptions(hookOptions({ secret: 'abc' }));
    await ask();
    assert.match(String(server.requests[0]?.headers['x-srs-signature']), /^sha256=/);
    await bench.service.stop(10);
    assert.deepEqual(await ask(), []);
    assert.equal(server.requests.length, 1);
  });
});
