import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import { ErrorCode, SrsError } from '../../src/core/errors';
import { LivePeer } from '../support/live-peer';
import { liveServers, LiveServer, texts, vhost } from '../support/live-server';
import { sampleTags } from '../support/media';

const tags = sampleTags(3).slice(1);

/** Whether this machine has the loopback address of IPv6. */
function hasIpv6(): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(0, '::1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

describe('the listeners', () => {
  const start = liveServers();

  it('are as many as the configuration has, of one server', async () => {
    const live = await start(vhost().replace('127.0.0.1:0', '127.0.0.1:0 127.0.0.1:0 127.0.0.1:0'));
    assert.equal(new Set(live.server.ports('RTMP')).size, 3);
    assert.equal(live.log.matching('RTMP listen at 127.0.0.1:').length, 3);
    const [publisher, ...players] = await Promise.all(
      live.server.ports('RTMP').map(async (port) => {
        const peer = await (await live.peer(port)).handshake();
        await peer.connect({ tcUrl: 'rtmp://127.0.0.1/live' });
        return peer;
      }),
    );
    await publisher!.publish('s');
    publisher!.sendAll(tags);
    await publisher!.ping();
    for (const player of players) {
      await player.play('s');
      assert.deepEqual(texts(await player.media(tags.length)), texts(tags));
    }
  });

  it('serve IPv6', async function () {
    if (!(await hasIpv6())) this.skip();
    const live = await start(vhost().replace('127.0.0.1:0', '[::1]:0'));
    const peer = await (await live.peer(live.port, '::1')).handshake();
    const info = await peer.connect({ tcUrl: `rtmp://[::1]:${live.port}/live` });
    assert.equal(info.code, 'NetConnection.Connect.Success');
    assert.equal((info['data'] as Record<string, unknown>)['srs_server_ip'], '::1');
    assert.equal(live.log.matching('RTMP client ip=::1').length, 1);
  });

  it('fail with 1002 on a port that is taken, and none stays open', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as AddressInfo;
    const live = new LiveServer(vhost().replace('127.0.0.1:0', `127.0.0.1:0 127.0.0.1:${port}`));
    let first = 0;
    live.log
      .until(() => live.log.matching('started success').length > 0)
      .then(
        () => {
          first = live.port;
        },
        () => undefined,
      );
    await assert.rejects(live.server.start(), (error: unknown) => {
      assert.ok(error instanceof SrsError);
      assert.equal(error.code, ErrorCode.SOCKET_BIND);
      assert.match(error.message, /EADDRINUSE/);
      return true;
    });
    assert.equal(live.errors.length, 1);
    assert.match(live.errors[0]!, new RegExp(`bind socket error. port=${port}, ret=1002`));
    const opened = /127\.0\.0\.1:(\d+) started/.exec(live.log.lines.join('\n'));
    await assert.rejects(LivePeer.open(Number(opened?.[1] ?? first)), /ECONNREFUSED/);
    taken.close();
  });

  it('close clients beyond max_connections, with an error line', async () => {
    const live = await start(`max_connections 3; ${vhost()}`);
    const peers = [await live.publisher(), await live.player(), await live.client()];
    const extra = await live.peer();
    await extra.closed;
    assert.equal(live.errors.length, 1);
    assert.match(
      live.errors[0]!,
      /^error 0 exceed the max connections, drop client: clients=3, max=3, ip=127.0.0.1, dropped=1$/,
    );
    // A place that gets free is given to the next one.
    peers.pop()!.socket.end();
    await live.closing(102);
    await live.player();
    await live.log.until(() => live.log.matching('type=Play').length === 2);
  });

  it('take a burst of connections, and lose none of them', async () => {
    const live = await start();
    const clients = await Promise.all(Array.from({ length: 200 }, () => live.client()));
    assert.equal(live.engine.stats.sockets, 200);
    for (const { socket } of clients) socket.end();
    await live.empty();
    assert.deepEqual(live.errors, []);
  });

  it('are closed by a stop, which every kind of client survives in good order', async () => {
    const live = await start();
    const halfOpen = await live.peer();
    const clients = [await live.client(), await live.publisher(), await live.player()];
    const { port } = live;
    await live.server.stop();
    await Promise.all([halfOpen, ...clients].map(({ closed }) => closed));
    await assert.rejects(LivePeer.open(port), /ECONNREFUSED/);
    assert.equal(live.log.matching('client finished.').length, 4);
    assert.deepEqual(live.errors, []);
  });
});
