import assert from 'node:assert/strict';

import { ErrorCode } from '../../../../src/core/errors';
import { AmfObject } from '../../../../src/rtmp/amf0-value';
import { encodeCommand, streamRoute } from '../../../../src/rtmp/packets/command';
import { encodeSuccess } from '../../../../src/rtmp/packets/status';

import { endOf, UpstreamBench } from './bench';

describe('a connection upstream in trouble', () => {
  let bench: UpstreamBench;
  beforeEach(() => {
    bench = new UpstreamBench();
  });
  afterEach(() => bench.close());

  it('says in the words of the server why it was refused', async () => {
    const cases = [
      [{ connect: 'refuse' }, 'publish', 'NetConnection.Connect.Rejected', 'no such app', 2015],
      [{ stream: 'refuse' }, 'publish', 'NetStream.Publish.BadName', 'stream busy', 1028],
      [{ stream: 'refuse' }, 'play', 'NetStream.Play.StreamNotFound', 'not here', 2048],
    ] as const;
    for (const [behaviour, does, status, description, code] of cases) {
      const server = await bench.origin(behaviour);
      const error = await endOf(bench.reach(server.address, { does }));
      assert.ok(error.isRefusal);
      assert.deepEqual([error.status, error.description, error.code], [status, description, code]);
      assert.ok(error.message.startsWith(`${server.address}: expect the server to grant`));
    }
    const server = await bench.origin({ connect: 'login' });
    const { message } = await endOf(bench.reach(server.address));
    assert.match(message, /; to log in by authmod=adobe is not supported$/);
  });

  it('tries the simple handshake when the server leaves amid the complex one', async () => {
    const server = await bench.origin({ handshake: 'only simple' });
    await bench.reach(server.address).until('publishing');
    assert.equal(server.connections.length, 2);
  });

  it('ends when no handshake will do', async () => {
    const leaving = await bench.origin({ handshake: 'leave' });
    const left = await endOf(bench.reach(leaving.address));
    assert.equal(left.code, ErrorCode.RTMP_HANDSHAKE);
    assert.match(left.message, /: expected .*, got: /);
    assert.equal(leaving.connections.length, 2);
    const other = await bench.origin({ handshake: 'other version' });
    const { code } = await endOf(bench.reach(other.address));
    assert.equal(code, ErrorCode.RTMP_HANDSHAKE);
  });

  for (const [behaviour, awaited] of [
    [{ handshake: 'silent' }, 'the handshake'],
    [{ connect: 'silent' }, 'the answer to connect'],
    [{ stream: 'silent' }, 'the grant of the stream'],
  ] as const) {
    it(`gives up a server that never gives ${awaited}`, async () => {
      const server = await bench.origin(behaviour);
      const { code, message } = await endOf(bench.reach(server.address, { timeoutMs: 100 }));
      assert.equal(code, ErrorCode.SOCKET_TIMEOUT);
      assert.equal(message, `${server.address}: expected ${awaited} within 100 ms, got none`);
    });
  }

  it('gives up a server early that says nothing at all', async () => {
    const server = await bench.origin({ handshake: 'silent' });
    const { code, message } = await endOf(bench.reach(server.address, { firstByteMs: 50 }));
    assert.equal(code, ErrorCode.SOCKET_TIMEOUT);
    assert.equal(message, `${server.address}: expected the handshake within 50 ms, got not a byte`);
    const slow = await bench.origin({ stream: 'silent' });
    const limits = { firstByteMs: 50, timeoutMs: 200 };
    assert.match((await endOf(bench.reach(slow.address, limits))).message, /within 200 ms/);
  });

  it('tells of a loss before and after the grant', async () => {
    const leaving = await bench.origin({ stream: 'leave' });
    const early = await endOf(bench.reach(leaving.address));
    assert.match(early.message, /expected the grant of the stream, got: /);
    const server = await bench.origin();
    const owner = bench.reach(server.address);
    await owner.until('publishing');
    server.last.socket.destroy();
    const late = await endOf(owner);
    assert.equal(late.code, ErrorCode.SOCKET_CLOSED);
    assert.match(late.message, /: the server closed the connection$/);
    assert.ok(!late.isRefusal);
    assert.ok(owner.connection!.bytesSent > 3000, 'totals outlive the connection');
  });

  it('ends when the server ends the publish', async () => {
    const server = await bench.origin();
    const owner = bench.reach(server.address);
    await owner.until('publishing');
    server.last.send(encodeSuccess(1, 'NetStream.Unpublish.Success', 'stopped'));
    assert.match((await endOf(owner)).message, /the server ended the publish$/);
  });

  it('ends at a server that breaks the protocol', async () => {
    const server = await bench.origin();
    const owner = bench.reach(server.address);
    await owner.until('publishing');
    server.last.socket.write(Buffer.alloc(4096, 0xee));
    assert.equal((await endOf(owner)).isRefusal, false);
  });

  it('does not follow redirects in a circle, nor away from TLS, nor to nowhere', async () => {
    const circle = await bench.origin();
    circle.behaviour = { connect: { redirect: `rtmp://${circle.address}/live` } };
    const error = await endOf(bench.reach(circle.address));
    assert.match(error.message, /expected at most 3 redirects, got another/);
    assert.equal(circle.connections.length, 4);
    circle.behaviour = { connect: { redirect: 'http://somewhere/else' } };
    const nowhere = await endOf(bench.reach(circle.address));
    assert.match(nowhere.message, /redirected to nowhere: upstream: expected rtmp:/);
    const secure = await bench.origin(
      { connect: { redirect: `rtmp://${circle.address}/live` } },
      true,
    );
    const fallen = await endOf(bench.reach(`rtmps://${secure.address}`, { verify: false }));
    assert.match(fallen.message, /expected to stay with rtmps, got a redirect to rtmp/);
  });

  it('is lost, not moved, when the server sends it on amid the stream', async () => {
    const [server, other] = [await bench.origin(), await bench.origin()];
    const owner = bench.reach(server.address);
    await owner.until('publishing');
    const ex = AmfObject.of({ code: 302, redirect: `rtmp://${other.address}/live` });
    const info = AmfObject.of({ level: 'error', code: 'NetConnection.Connect.Rejected', ex });
    server.last.send(encodeCommand(streamRoute(1), 'onStatus', 0, null, info));
    const error = await endOf(owner);
    assert.equal(error.isRefusal, false);
    assert.match(error.message, /the server sends us on to another/);
    assert.equal(other.connections.length, 0);
  });
});
