import assert from 'node:assert/strict';
import { constants } from 'node:os';

import { checkBandwidth, parseCheckUrl } from '../../../../src/app/bandcheck/check';
import type { CheckReport } from '../../../../src/app/bandcheck/check';
import { systemClock } from '../../../../src/core/clock';
import type { Socket, SocketHandler } from '../../../../src/net/socket';
import { FakeSocket } from '../../../support/fakes/fake-socket';

describe('app/bandcheck/check', () => {
  it('takes a url apart, and keeps it as the tcUrl', () => {
    for (const mark of [',', '&']) {
      const url = `rtmp://host:1936/app?key=abc${mark}vhost=v`;
      const app = `app?key=abc${mark}vhost=v`;
      assert.deepEqual(parseCheckUrl(` ${url}\n`), { host: 'host', port: 1936, app, tcUrl: url });
    }
    assert.equal(parseCheckUrl('rtmp://[::1]/app').host, '::1');
  });

  for (const url of ['', 'host/app', 'rtmp://host', 'http://host/app', 'rtmp://host:99999/app']) {
    it(`refuses ${JSON.stringify(url)}`, () => {
      assert.throws(() => parseCheckUrl(url), { code: 2006 });
    });
  }

  it('does not repeat the key of a url that it refuses', () => {
    assert.throws(
      () => parseCheckUrl('rtmps://host/app?key=geheim'),
      ({ message }: Error) => !message.includes('geheim'),
    );
  });

  /** A check in which each address does something. */
  async function check(
    addresses: readonly string[],
    act: (socket: FakeSocket, handler: SocketHandler, address: string) => void,
  ): Promise<CheckReport & { tried: string[] }> {
    const tried: string[] = [];
    const report = await checkBandwidth(parseCheckUrl('rtmp://host/app'), {
      clock: systemClock,
      resolve: () => Promise.resolve(addresses),
      connect: (address, port, _timeoutMs, handler): Socket => {
        const socket = new FakeSocket();
        tried.push(`${address} ${port}`);
        setImmediate(act, socket, handler, address);
        return socket.asSocket;
      },
    });
    return { ...report, tried };
  }

  it('tries one address after the other', async () => {
    const { error, tried } = await check(['::1', '127.0.0.1'], (_socket, handler) => {
      handler.onClose(constants.errno.ECONNREFUSED);
    });
    assert.deepEqual(tried, ['::1 1935', '127.0.0.1 1935']);
    assert.equal(error?.code, 1012);
    assert.match(error.message, /cannot connect to host port 1935: ECONNREFUSED$/);
  });

  it('stays with the first that takes the connection', async () => {
    const { error, tried } = await check(['::1', '127.0.0.1'], (socket, handler) => {
      handler.onConnect?.();
      assert.equal(socket.bytesSent, 1537);
      handler.onClose(constants.errno.ECONNRESET);
    });
    assert.equal(tried.length, 1);
    assert.equal(error?.code, 1004);
    assert.match(error.message, /the server lost, ECONNRESET, before the reply to connect$/);
  });

  it('closes the connection to a server that does wrong', async () => {
    const { error } = await check(['::1'], (socket, handler) => {
      handler.onConnect?.();
      handler.onData(Buffer.from('HTTP'), 0, 4);
      assert.ok(socket.isDestroyed);
      handler.onClose(0);
    });
    assert.equal(error?.code, 2016);
  });

  it('says so when the host has no address', async () => {
    const { error } = await check([], () => assert.fail());
    assert.match(error?.message ?? '', /cannot connect to host port 1935: it has no address$/);
    const target = parseCheckUrl('rtmp://host/app');
    const failed = await checkBandwidth(target, {
      clock: systemClock,
      resolve: () => Promise.reject(new Error('no such name')),
      connect: () => assert.fail(),
    });
    assert.equal(failed.error?.code, 1029);
    assert.match(failed.error.message, /cannot resolve host: no such name$/);
  });
});
