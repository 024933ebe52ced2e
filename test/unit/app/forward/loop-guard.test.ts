import assert from 'node:assert/strict';

import { guardedResolver, isSameStream } from '../../../../src/app/forward/loop-guard';
import type { OwnServer } from '../../../../src/app/forward/loop-guard';
import { parseUpstream } from '../../../../src/app/upstream/target';
import { ErrorCode, SrsError } from '../../../../src/core/errors';
import type { Interfaces } from '../../../../src/core/local-addresses';

const DEFAULT = '__defaultVhost__';

/** An interface with these addresses. */
function interfacesOf(...addresses: string[]): Interfaces {
  return {
    eth0: addresses.map((address) => ({
      address,
      netmask: '',
      mac: '',
      cidr: null,
      internal: false,
      ...(address.includes(':')
        ? { family: 'IPv6' as const, scopeid: 0 }
        : { family: 'IPv4' as const }),
    })),
  };
}

/** A server of a.com and everything else, that listens at `listen`. */
function ownServer(...listen: { host: string; port: number }[]): OwnServer {
  return {
    vhostName: (name) => (name === 'a.com' ? name : DEFAULT),
    listening: () => listen,
    interfaces: () => interfacesOf('10.0.0.1', '2001:db8::1', 'fe80::1'),
  };
}

const everywhere = ownServer({ host: '', port: 1935 });

describe('the words that name the stream itself, if their server is this one', () => {
  const isSame = (word: string, vhost = DEFAULT): boolean => {
    const name = { vhost, app: 'live', stream: 's' };
    const names = { ...name, param: '', streamParam: '' };
    return isSameStream(parseUpstream(word), names, name, everywhere);
  };

  const same = ['b.test', '10.0.0.1:1936', '[::1]:1935', 'srv:_rtmp._tcp.b.test', 'rtmp://b.test', 'rtmps://b.test/live', 'rtmp://b.test/[app]/[stream]', 'rtmp://b.test/live/s?token=x', 'rtmp://b.test/live?x=y/s']; // prettier-ignore
  for (const word of same) {
    it(`are such as ${word}`, () => {
      assert.equal(isSame(word), true);
    });
  }

  const other = ['rtmp://b.test/other', 'rtmp://b.test/live/t', 'rtmp://b.test/live/[stream]_copy', 'rtmp://a.com/live/s', 'rtmp://b.test/live/s?vhost=a.com', 'rtmp://b.test/live?vhost=a.com/s']; // prettier-ignore
  for (const word of other) {
    it(`are not such as ${word}`, () => {
      assert.equal(isSame(word), false);
    });
  }

  it('tell vhosts by the name that they send', () => {
    assert.equal(isSame('10.0.0.1', 'a.com'), true, 'the vhost goes with it');
    assert.equal(isSame('rtmp://a.com/live/s', 'a.com'), true);
    assert.equal(isSame('rtmp://10.0.0.1/live/s', 'a.com'), false, 'that is the default vhost');
    assert.equal(isSame('rtmp://10.0.0.1/live/s?vhost=a.com', 'a.com'), true);
    assert.equal(isSame('rtmp://10.0.0.1/live/s?vhost=[vhost]', 'a.com'), true);
  });
});

describe('the addresses of a destination that names the stream itself', () => {
  interface Found {
    readonly addresses: readonly string[];
    readonly loops: string[];
  }

  /** What is found for a word whose host has these addresses. */
  async function look(word: string, own: OwnServer, ...found: string[]): Promise<Found> {
    const loops: string[] = [];
    const parsed = parseUpstream(word);
    const resolver = guardedResolver(
      {
        addresses: () => Promise.resolve(found),
        services: () => Promise.resolve([]),
      },
      parsed,
      own,
      (error) => loops.push(error.message),
    );
    try {
      return { addresses: await resolver.addresses(parsed.host), loops };
    } catch (error) {
      assert.ok(error instanceof SrsError);
      assert.equal(error.code, ErrorCode.SYSTEM_FORWARD_LOOP);
      assert.deepEqual(loops, [error.message]);
      return { addresses: [], loops };
    }
  }

  const isLoop = async (word: string, own: OwnServer, ...found: string[]): Promise<boolean> => {
    const { addresses, loops } = await look(word, own, ...found);
    if (loops.length === 0) assert.deepEqual(addresses, found);
    return loops.length === 1;
  };

  it('are refused where this server listens at every address', async () => {
    for (const own of ['127.0.0.1', '127.1.2.3', '10.0.0.1', '0.0.0.0', '::', '::ffff:10.0.0.1']) {
      assert.equal(await isLoop('b.test', everywhere, own), true, own);
    }
    const ipv6 = ownServer({ host: '::', port: 1935 });
    for (const own of ['2001:db8::1', '2001:DB8:0:0::1', 'fe80::1']) {
      assert.equal(await isLoop('b.test', ipv6, own), true, own);
    }
  });

  it('are those of others when they are, or the port is another', async () => {
    assert.equal(await isLoop('b.test', everywhere, '10.0.0.2', '2001:db8::2'), false);
    assert.equal(await isLoop('b.test:1936', everywhere, '10.0.0.1'), false);
    assert.equal(await isLoop('rtmps://b.test', everywhere, '10.0.0.1'), false);
  });

  it('are refused when one of several is ours', async () => {
    assert.equal(await isLoop('b.test', everywhere, '10.0.0.2', '10.0.0.1'), true);
  });

  it('are only ours where this server listens, and not another of the machine', async () => {
    const one = ownServer({ host: '127.0.0.1', port: 1935 }, { host: '10.0.0.1', port: 1936 });
    assert.equal(await isLoop('b.test', one, '127.0.0.1'), true);
    assert.equal(await isLoop('b.test', one, '127.0.0.2'), false);
    assert.equal(await isLoop('b.test', one, '10.0.0.1'), false);
    assert.equal(await isLoop('b.test:1936', one, '10.0.0.1'), true);
    assert.equal(await isLoop('b.test', one, '0.0.0.0'), true, 'leads to the machine itself');
  });

  it('are looked at each time anew', async () => {
    let found = ['10.0.0.2'];
    const loops: SrsError[] = [];
    const resolver = guardedResolver(
      { addresses: () => Promise.resolve(found), services: () => Promise.resolve([]) },
      parseUpstream('b.test'),
      everywhere,
      (error) => loops.push(error),
    );
    assert.deepEqual(await resolver.addresses('b.test'), found);
    found = ['10.0.0.1'];
    await assert.rejects(resolver.addresses('b.test'), { code: ErrorCode.SYSTEM_FORWARD_LOOP });
    assert.match(loops[0]?.message ?? '', /got 10\.0\.0\.1:1935$/);
  });

  it('count with the ports of the records that name their host', async () => {
    const service = (host: string, port: number): object => ({
      host,
      port,
      priority: 0,
      weight: 1,
    });
    const records = [service('own.test', 1935), service('own.test', 1937), service('b.test', 1936)];
    const own = ['10.0.0.1'];
    const resolver = guardedResolver(
      {
        addresses: () => Promise.resolve(own),
        services: () => Promise.resolve(records as never),
      },
      parseUpstream('srv:_rtmp._tcp.test'),
      everywhere,
      () => undefined,
    );
    assert.deepEqual(await resolver.services('_rtmp._tcp.test'), records);
    assert.deepEqual(await resolver.addresses('b.test'), own);
    await assert.rejects(resolver.addresses('own.test'), { code: ErrorCode.SYSTEM_FORWARD_LOOP });
  });

  it('are not found when they cannot be', async () => {
    const failure = new SrsError(ErrorCode.SYSTEM_DNS, 'none');
    const resolver = guardedResolver(
      { addresses: () => Promise.reject(failure), services: () => Promise.reject(failure) },
      parseUpstream('b.test'),
      everywhere,
      () => assert.fail('no loop'),
    );
    await assert.rejects(resolver.addresses('b.test'), failure);
    await assert.rejects(resolver.services('b.test'), failure);
  });
});
