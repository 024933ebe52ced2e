import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';

import { DnsServer } from '../../support/dns-server';

describe('the name server of the tests', () => {
  let server: DnsServer;
  let resolver: Resolver;

  beforeEach(async () => {
    server = await DnsServer.start();
    resolver = new Resolver({ timeout: 100, tries: 1 });
    resolver.setServers([server.address]);
  });

  afterEach(() => server.close());

  it('answers with the addresses of a name, whatever its case, and forgets the old ones', async () => {
    server.setAddresses('Origin.test', '127.0.0.1', '127.0.0.2', '::1', 'fe80::1:2');
    assert.deepEqual(await resolver.resolve4('origin.TEST'), ['127.0.0.1', '127.0.0.2']);
    assert.deepEqual(await resolver.resolve6('origin.test'), ['::1', 'fe80::1:2']);
    server.setAddresses('origin.test', '127.0.0.3');
    assert.deepEqual(await resolver.resolve4('origin.test', { ttl: true }), [
      { address: '127.0.0.3', ttl: 0 },
    ]);
    assert.deepEqual(server.questions.slice(0, 2), [
      { name: 'origin.test', type: 'A' },
      { name: 'origin.test', type: 'AAAA' },
    ]);
    await server.untilAsked('origin.test', 2);
  });

  it('answers with services, and with nothing of a type that a name has not', async () => {
    const services = [
      { priority: 1, weight: 60, port: 1935, name: 'a.test' },
      { priority: 2, weight: 0, port: 19350, name: 'b.test' },
    ];
    server.setServices('_rtmp._tcp.test', ...services);
    const answer = await resolver.resolveSrv('_rtmp._tcp.test');
    assert.deepEqual(
      answer.map(({ priority, weight, port, name }) => ({ priority, weight, port, name })),
      services,
    );
    await assert.rejects(resolver.resolve4('_rtmp._tcp.test'), { code: 'ENODATA' });
  });

  it('knows no other names, and none that was removed', async () => {
    server.setAddresses('gone.test', '127.0.0.1');
    server.remove('GONE.test');
    await assert.rejects(resolver.resolve4('gone.test'), { code: 'ENOTFOUND' });
    await assert.rejects(resolver.resolve4('never.test'), { code: 'ENOTFOUND' });
  });

  it('answers late, never, or as one in trouble', async () => {
    server.setAddresses('a.test', '127.0.0.1');
    server.delayMs = 30;
    const began = performance.now();
    assert.deepEqual(await resolver.resolve4('a.test'), ['127.0.0.1']);
    assert.ok(performance.now() - began >= 29);
    server.mood = 'silent';
    await assert.rejects(resolver.resolve4('a.test'), { code: 'ETIMEOUT' });
    server.mood = 'failing';
    await assert.rejects(resolver.resolve4('a.test'), { code: 'ESERVFAIL' });
  });
});
