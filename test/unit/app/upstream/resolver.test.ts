import assert from 'node:assert/strict';

import { Resolver } from '../../../../src/app/upstream/resolver';
import { ErrorCode, SrsError } from '../../../../src/core/errors';
import { DnsServer } from '../../../support/dns-server';

const HOST = 'origin.test';
const SERVICE = '_rtmp._tcp.origin.test';

describe('a resolver of host names', () => {
  let dns: DnsServer;
  let resolver: Resolver;
  beforeEach(async () => {
    dns = await DnsServer.start();
    resolver = new Resolver(() => [dns.address], { limitMs: 200 });
  });
  afterEach(() => dns.close());

  async function fails(answer: Promise<unknown>, text: RegExp): Promise<void> {
    await assert.rejects(answer, (error) => {
      assert.ok(error instanceof SrsError);
      assert.equal(error.code, ErrorCode.SYSTEM_DNS);
      assert.match(error.message, text);
      return true;
    });
  }

  it('asks nobody for numeric addresses', async () => {
    assert.deepEqual(await resolver.addresses('192.0.2.1'), ['192.0.2.1']);
    assert.deepEqual(await resolver.addresses('2001:db8::1'), ['2001:db8::1']);
    assert.equal(dns.questions.length, 0);
  });

  it('finds all addresses, IPv4 first, and asks anew each time', async () => {
    dns.setAddresses(HOST, '2001:db8::1', '192.0.2.1', '192.0.2.2');
    const expected = ['192.0.2.1', '192.0.2.2', '2001:db8:0:0:0:0:0:1'];
    const found = await resolver.addresses(HOST);
    assert.deepEqual(found.slice(0, 2), expected.slice(0, 2));
    assert.match(found[2]!, /^2001:db8:.*1$/);
    dns.setAddresses(HOST, '192.0.2.3');
    assert.deepEqual(await resolver.addresses(HOST), ['192.0.2.3']);
  });

  it('does with one family of addresses', async () => {
    dns.setAddresses(HOST, '2001:db8::1');
    assert.equal((await resolver.addresses(HOST)).length, 1);
  });

  it('finds services', async () => {
    dns.setServices(
      SERVICE,
      { priority: 10, weight: 5, port: 1936, name: 'a.origin.test' },
      { priority: 20, weight: 0, port: 1935, name: 'b.origin.test' },
    );
    const services = await resolver.services(SERVICE);
    assert.deepEqual(
      [...services].sort((a, b) => a.priority - b.priority),
      [
        { host: 'a.origin.test', port: 1936, priority: 10, weight: 5 },
        { host: 'b.origin.test', port: 1935, priority: 20, weight: 0 },
      ],
    );
  });

  it('says what is not there', async () => {
    await fails(resolver.addresses('nowhere.test'), /expected the address of nowhere.test, got/);
    await fails(resolver.services(SERVICE), /expected the service _rtmp.*, got ENO/);
    dns.setServices(SERVICE, { priority: 0, weight: 0, port: 0, name: '' });
    await fails(resolver.services(SERVICE), /expected the service/);
  });

  it('lives on what it heard last while DNS does not answer', async () => {
    dns.setAddresses(HOST, '192.0.2.1');
    const service = { priority: 0, weight: 0, port: 1, name: 'a.test' };
    dns.setServices(SERVICE, service);
    await resolver.addresses(HOST);
    await resolver.services(SERVICE);
    for (const mood of ['failing', 'silent'] as const) {
      dns.mood = mood;
      assert.deepEqual(await resolver.addresses(HOST), ['192.0.2.1']);
      assert.equal((await resolver.services(SERVICE)).length, 1);
      await fails(resolver.addresses('other.test'), /got E/);
    }
    dns.mood = 'answer';
    dns.remove(HOST);
    await fails(resolver.addresses(HOST), /got ENOTFOUND/);
    dns.mood = 'silent';
    await fails(resolver.addresses(HOST), /got ETIMEOUT/);
  });

  it('takes at most its time for an answer', async () => {
    dns.mood = 'silent';
    const began = performance.now();
    await fails(resolver.addresses(HOST), /got ETIMEOUT/);
    assert.ok(performance.now() - began < 1000);
  });

  it('asks once for all who ask meanwhile', async () => {
    dns.setAddresses(HOST, '192.0.2.1');
    await Promise.all([resolver.addresses(HOST), resolver.addresses(HOST)]);
    const asked = dns.questions.filter(({ type }) => type === 'A');
    assert.equal(asked.length, 1);
  });

  it('asks the system for the local host, and where there is no server of its own', async () => {
    assert.ok((await resolver.addresses('localhost')).includes('127.0.0.1'));
    assert.equal(dns.questions.length, 0);
    const lookUp = (host: string): Promise<{ address: string }[]> =>
      Promise.resolve(host === HOST ? [{ address: '::1' }, { address: '192.0.2.9' }] : []);
    const system = new Resolver(() => [], { lookUp });
    assert.deepEqual(await system.addresses(HOST), ['192.0.2.9', '::1']);
    await fails(system.addresses('nowhere.test'), /got there is none|there is none/);
  });

  it('does not wait for a system that hangs', async () => {
    const lookUp = (): Promise<never> => new Promise(() => undefined);
    await fails(new Resolver(() => [], { lookUp, limitMs: 20 }).addresses(HOST), /ETIMEOUT/);
  });

  it('does not ask a system again that has not answered yet', async () => {
    let asked = 0;
    let answer: (found: { address: string }[]) => void = () => undefined;
    const lookUp = (): Promise<{ address: string }[]> => {
      asked += 1;
      return new Promise((resolve) => {
        answer = resolve;
      });
    };
    const system = new Resolver(() => [], { lookUp, limitMs: 20 });
    await fails(system.addresses(HOST), /ETIMEOUT/);
    const second = system.addresses(HOST);
    await new Promise(setImmediate);
    assert.equal(asked, 1);
    answer([{ address: '192.0.2.9' }]);
    assert.deepEqual(await second, ['192.0.2.9']);
    assert.deepEqual(await system.addresses(HOST), ['192.0.2.9']);
    assert.equal(asked, 2);
  });

  it('passes over services without a port', async () => {
    const record = { priority: 0, weight: 0, name: 'a.origin.test' };
    dns.setServices(SERVICE, { ...record, port: 0 }, { ...record, port: 1936 });
    assert.deepEqual(
      (await resolver.services(SERVICE)).map(({ port }) => port),
      [1936],
    );
    dns.setServices(SERVICE, { ...record, port: 0 });
    await fails(resolver.services(SERVICE), /there is none/);
  });

  it('keeps a limited number of answers', async () => {
    let isUp = true;
    const lookUp = (): Promise<{ address: string }[]> =>
      isUp ? Promise.resolve([{ address: '192.0.2.9' }]) : Promise.reject(new Error('down'));
    const system = new Resolver(() => [], { lookUp });
    for (let index = 0; index <= 1000; index++) await system.addresses(`h${index}.test`);
    isUp = false;
    await fails(system.addresses('h0.test'), /down/);
    assert.deepEqual(await system.addresses('h1.test'), ['192.0.2.9']);
  });
});
