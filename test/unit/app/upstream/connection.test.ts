import assert from 'node:assert/strict';

import { ErrorCode } from '../../../../src/core/errors';
import { AmfObject } from '../../../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../../../src/rtmp/amf0-writer';
import { encodeUserControl } from '../../../../src/rtmp/packets/control';
import { encodeSuccess } from '../../../../src/rtmp/packets/status';
import { pairFiles } from '../../../support/tls';

import { endOf, knowing, UpstreamBench } from './bench';

describe('a connection upstream', () => {
  let bench: UpstreamBench;
  beforeEach(() => {
    bench = new UpstreamBench();
  });
  afterEach(() => bench.close());

  it('publishes, pings, and withdraws', async () => {
    const server = await bench.origin();
    const owner = bench.reach(server.address);
    await owner.until('publishing');
    const connection = owner.connection!;
    assert.deepEqual(owner.events, ['connected', 'NetStream.Publish.Start', 'publishing']);
    assert.equal(connection.streamId, 1);
    assert.equal(connection.info!.pid, 77);
    assert.equal(connection.channel!.remotePort, server.port);
    assert.equal(server.last.request!.tcUrl, `rtmp://127.0.0.1:${server.port}/live`);
    assert.equal(server.last.request!.args, undefined);
    assert.deepEqual(owner.log.lines, [
      `trace 321 upstream connected, url=rtmp://${server.address}/live/s, ` +
        'origin-srs ip=10.9.8.7, version=2.1.0, pid=77, id=707',
    ]);
    connection.sendMetadata(AmfObject.of({ width: 1, height: 2 }));
    await server.until('metadata', () => server.last.data.includes('onMetaData 2'));
    const before = connection.lastReceivedMs;
    connection.ping();
    await owner.until('pong');
    assert.ok(connection.lastReceivedMs > before);
    assert.ok(connection.bytesSent > 3000 && connection.bytesReceived > 3000);
    connection.close();
    connection.close();
    await server.until('the end', () => server.last.isClosed);
    assert.ok(server.last.isUnpublished);
    assert.ok(!owner.events.includes('end'));
  });

  it('plays what comes, with or without a word of the server', async () => {
    const server = await bench.origin();
    const owner = bench.reach(server.address, { does: 'play' });
    await owner.until('playing');
    server.last.sendMedia(9, 40, Buffer.of(0x17, 1));
    const metadata = encodeAmf0('onMetaData', AmfObject.of({ width: 1 }));
    server.last.sendMedia(18, 40, metadata);
    server.last.sendMedia(18, 40, encodeAmf0('onCuePoint', 1));
    server.last.send(encodeSuccess(1, 'NetStream.Play.UnpublishNotify', 'gone'));
    await owner.until('NetStream.Play.UnpublishNotify');
    assert.deepEqual(owner.events.slice(-4), [
      'media 9 40',
      'metadata 1',
      'data',
      'NetStream.Play.UnpublishNotify',
    ]);
    server.behaviour = { stream: 'silent' };
    const quiet = bench.reach(server.address, { does: 'play' });
    await server.until('the play', () => server.connections[1]?.request?.stream === 's');
    server.last.sendMedia(8, 7, Buffer.of(0xaf, 1));
    await quiet.until('media 8 7');
    assert.deepEqual(quiet.events, ['connected', 'playing', 'media 8 7']);
  });

  it('answers pings of the server, and passes over what it does not know', async () => {
    const server = await bench.origin();
    const owner = bench.reach(server.address);
    await owner.until('publishing');
    server.last.send(encodeUserControl(6, 1234));
    server.last.send(encodeUserControl(99, 1234));
    owner.connection!.ping();
    await owner.until('pong');
    assert.equal(owner.error, undefined);
  });

  it('tells who we are beside the tokens of the client', async () => {
    const server = await bench.origin();
    const args = AmfObject.of({ token: 'x', srs_id: 5 });
    await bench.reach(server.address, { identify: true, args }).until('publishing');
    const told = server.last.request!.args!;
    assert.equal(told.string('token'), 'x');
    assert.equal(told.number('srs_id'), 321);
    assert.equal(told.number('srs_pid'), process.pid);
    assert.equal(told.string('srs_server_ip'), '192.0.2.7');
    assert.equal(args.number('srs_id'), 5, 'what it was given stays as it was');
    await bench.reach(server.address, { args }).until('publishing');
    assert.equal(server.last.request!.args!.number('srs_id'), 5);
  });

  it('tries all addresses of a host, and says what became of the last', async () => {
    const server = await bench.origin();
    const addresses = ['127.0.0.3', '127.0.0.2', '127.0.0.1'];
    const resolver = knowing(addresses);
    const owner = bench.reach(`origin.test:${server.port}`, { resolver });
    await owner.until('publishing');
    addresses.pop();
    const { code, message } = await endOf(bench.reach(`origin.test:${server.port}`, { resolver }));
    assert.equal(code, ErrorCode.ST_CONNECT);
    const place = `origin.test:${server.port} at 127.0.0.2:${server.port}`;
    assert.equal(message, `${place}: cannot connect: ECONNREFUSED`);
  });

  it('ends without an address', async () => {
    const none = await endOf(bench.reach('nowhere.test', { resolver: knowing([]) }));
    assert.equal(none.message, 'DNS: expected an address of nowhere.test, got none');
    const failing = {
      ...knowing([]),
      addresses: () => Promise.reject(new Error('the name server burns')),
    };
    const failed = await endOf(bench.reach('nowhere.test', { resolver: failing }));
    assert.equal(failed.message, 'the name server burns');
    assert.equal(failed.code, ErrorCode.SYSTEM_DNS);
  });

  it('can be closed at any moment', async () => {
    let answer: ((addresses: string[]) => void) | undefined;
    const resolver = {
      ...knowing([]),
      addresses: () =>
        new Promise<string[]>((resolve) => {
          answer = resolve;
        }),
    };
    const server = await bench.origin();
    const asking = bench.reach(`origin.test:${server.port}`, { resolver });
    asking.connection!.close();
    answer!(['127.0.0.1']);
    const dialling = bench.reach(server.address);
    await Promise.resolve();
    await Promise.resolve();
    dialling.connection!.close();
    const silent = await bench.origin({ handshake: 'silent' });
    const shaking = bench.reach(silent.address);
    await silent.until('a connection', () => silent.connections.length === 1);
    shaking.connection!.close();
    await silent.until('its end', () => silent.last.isClosed);
    const connecting = bench.reach(server.address, { does: 'nothing' });
    await connecting.until('connected');
    connecting.connection!.close();
    await bench.untilClosed();
    const closed = [asking, dialling, shaking, connecting];
    assert.deepEqual(
      closed.map(({ events }) => events),
      [[], [], [], ['connected']],
    );
    for (const { connection } of closed) {
      connection!.publish();
      connection!.ping();
      connection!.sendMetadata(new AmfObject());
      connection!.setChunkSize(100);
      assert.equal(connection!.streamId, 0);
    }
  });

  it('follows redirects of connect and of the stream', async () => {
    const target = await bench.origin();
    const byConnect = await bench.origin({
      connect: { redirect: `rtmp://${target.address}/other` },
    });
    const first = bench.reach(byConnect.address);
    await first.until('publishing');
    assert.equal(target.last.request!.app, 'other');
    assert.equal(target.last.request!.stream, 's');
    assert.equal(first.connection!.url.label, `rtmp://${target.address}/other/s`);
    const tcUrl = `rtmp://${target.address}/live`;
    const byPlay = await bench.origin({
      stream: { redirect: tcUrl, redirect2: `${tcUrl}/s2?a=1` },
    });
    const second = bench.reach(byPlay.address, { does: 'play' });
    await second.until('playing');
    assert.equal(target.last.request!.stream, 's2');
    assert.equal(target.last.request!.streamParam, '?a=1');
    assert.deepEqual(second.events.slice(0, 2), ['connected', 'connected']);
    assert.equal(second.log.matching('upstream redirected, url=').length, 1);
  });

  describe('with TLS', () => {
    const before = process.env['SSL_CERT_FILE'];
    afterEach(() => {
      if (before === undefined) delete process.env['SSL_CERT_FILE'];
      else process.env['SSL_CERT_FILE'] = before;
    });

    it('checks the certificate, and the name in it', async () => {
      const server = await bench.origin({}, true);
      const strange = await endOf(bench.reach(`rtmps://${server.address}`));
      assert.equal(strange.code, ErrorCode.ST_CONNECT);
      assert.match(strange.message, /TLS handshake failed: self.signed certificate/);
      process.env['SSL_CERT_FILE'] = pairFiles('first').cert;
      const local = `rtmps://localhost:${server.port}`;
      const resolver = knowing(['127.0.0.1']);
      await bench.reach(local, { resolver }).until('publishing');
      assert.equal(server.last.request!.schema, 'rtmps');
      const other = await endOf(bench.reach(`rtmps://other.test:${server.port}`, { resolver }));
      assert.match(other.message, /TLS handshake failed: .*other\.test.* is not in the cert/);
    });

    it('checks nothing when told so', async () => {
      const server = await bench.origin({}, true);
      const owner = bench.reach(`rtmps://${server.address}`, { verify: false });
      await owner.until('publishing');
      owner.connection!.ping();
      await owner.until('pong');
      server.last.socket.destroy();
      await endOf(owner);
    });

    it('says which file of certificates cannot be read', async () => {
      process.env['SSL_CERT_FILE'] = '/nonexistent/roots.pem';
      const server = await bench.origin({}, true);
      const { message } = await endOf(bench.reach(`rtmps://${server.address}`));
      assert.match(message, /expected certificates in SSL_CERT_FILE=\/nonexistent\/roots.pem/);
    });

    it('gives up a server that speaks no TLS', async () => {
      const server = await bench.origin({ handshake: 'other version' });
      const { message } = await endOf(bench.reach(`rtmps://${server.address}`));
      assert.match(message, /TLS handshake/);
    });
  });
});
