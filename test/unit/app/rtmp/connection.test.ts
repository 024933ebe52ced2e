import assert from 'node:assert/strict';
import { constants } from 'node:os';

import { product } from '../../../../src/core/version';
import { AmfObject } from '../../../../src/rtmp/amf0-value';
import { encodeConnect } from '../../../../src/rtmp/packets/connect';

import { Harness } from './harness';

describe('RtmpConnection, connect', () => {
  it('accepts a connect to a known vhost and logs it under its id', () => {
    const harness = new Harness();
    const client = harness.client();
    assert.deepEqual(client.socket.timeouts, [30_000, 30_000]);
    client.connect({ tcUrl: 'rtmp://host/live?token=abc' });
    assert.deepEqual(client.takeReplies(), ['_result NetConnection.Connect.Success', 'onBWDone']);
    assert.deepEqual(harness.log.lines, [
      'trace 100 RTMP client ip=192.0.2.9',
      'trace 100 connect app, tcUrl=rtmp://host/live?token=***, pageUrl=, swfUrl=, schema=rtmp, ' +
        'vhost=host, port=1935, app=live, args=null',
    ]);
  });

  it('logs which server it is that connects', () => {
    const harness = new Harness();
    const args = AmfObject.of({
      srs_version: '9.9',
      srs_server_ip: '1.2.3.4',
      srs_pid: 7,
      srs_id: 105,
    });
    harness.client().connect({ args });
    assert.equal(harness.log.matching('edge-srs ip=1.2.3.4, version=9.9, pid=7, id=105').length, 1);
    assert.equal(harness.log.matching('args=(obj)').length, 1);
  });

  it('logs what a server says of itself without secrets, and not all of it', () => {
    const harness = new Harness();
    const version = `token=secret,${'9'.repeat(60_000)}`;
    harness.client().connect({ args: AmfObject.of({ srs_version: version, srs_pid: 7 }) });
    const [line = ''] = harness.log.matching('edge-srs');
    assert.match(line, /version=token=\*\*\*,9/);
    assert.ok(line.length < 5000);
  });

  it('refuses names that are too long', () => {
    const long = 'n'.repeat(2049);
    for (const [name, tcUrl] of [
      ['app', `rtmp://host/${long}`],
      ['param', `rtmp://host/live?${long}`],
    ] as const) {
      const harness = new Harness();
      const client = harness.client();
      client.connect({ tcUrl });
      assert.deepEqual(client.takeReplies(), ['_error NetConnection.Connect.Rejected']);
      assert.equal(
        harness.log.matching(`${name} may have 2048 characters, got 20`).length,
        1,
        harness.log.lines.join('\n'),
      );
    }
  });

  for (const [what, vhosts] of [
    ['an unknown', 'vhost other {}'],
    ['a disabled', 'vhost host { enabled off; } vhost __defaultVhost__ {}'],
  ] as const) {
    it(`refuses ${what} vhost in words of RTMP, then closes`, () => {
      const harness = new Harness(vhosts);
      const client = harness.client();
      client.connect();
      assert.deepEqual(client.takeReplies(), ['_error NetConnection.Connect.Rejected']);
      assert.ok(client.socket.isEnded);
      client.socket.close();
      assert.deepEqual(harness.log.lines.slice(2), [
        'error 100 connect refused, vhost host is unknown or disabled, ret=2014',
        `trace 100 client finished. ret=2014, time=0, received=${client.socket.bytesReceived}, sent=${client.socket.bytesSent}`,
      ]);
    });
  }

  it('refuses by the refer rule', () => {
    const harness = new Harness('vhost __defaultVhost__ { refer github.com; }');
    const client = harness.client();
    client.connect({ pageUrl: 'http://evil.com/' });
    assert.deepEqual(client.takeReplies(), ['_error NetConnection.Connect.Rejected']);
    assert.equal(harness.log.matching('ret=2015').length, 1);
  });

  it('refuses a connect whose tcUrl is none', () => {
    const harness = new Harness();
    const client = harness.client();
    client.handshake();
    client.send(encodeConnect({ app: '', tcUrl: 'nonsense' }));
    assert.deepEqual(client.takeReplies(), ['_error NetConnection.Connect.Rejected']);
    assert.ok(client.socket.isEnded);
    assert.equal(harness.log.matching('error 100 connect refused,').length, 1);
    assert.equal(harness.log.matching('ret=2006').length, 1);
  });

  it('names the server to the client', () => {
    const client = new Harness().client();
    client.connect();
    assert.ok(Buffer.concat(client.socket.written).includes(product.serverName));
  });
});

describe('RtmpConnection, the end', () => {
  it('of a peer that leaves is logged once, with totals', () => {
    const harness = new Harness();
    const client = harness.client();
    client.connect();
    harness.clock.advance(1500);
    const { bytesReceived, bytesSent } = client.socket;
    client.socket.close();
    assert.equal(harness.service.size, 0);
    assert.equal(
      harness.log.lines.at(-1),
      `warn 100 client disconnect peer. ret=1004, time=1500, received=${bytesReceived}, sent=${bytesSent}`,
    );
    assert.equal(harness.log.matching('client finished').length, 0);
  });

  it('of a silent peer is logged as timeout', () => {
    const harness = new Harness();
    const client = harness.client();
    client.socket.close(constants.errno.ETIMEDOUT);
    assert.match(harness.log.lines.at(-1) ?? '', /^warn 100 client timeout\. ret=1011, /);
  });

  it('of a peer that takes nothing is an error, and not called its leaving', () => {
    const harness = new Harness();
    const client = harness.client();
    client.socket.close(constants.errno.ENOBUFS);
    const [, failed, finished, ...more] = harness.log.lines;
    assert.match(failed ?? '', /^error 100 serve client failed, .*too much of it waits, ret=1009$/);
    assert.match(finished ?? '', /^trace 100 client finished\. ret=1009, /);
    assert.deepEqual(more, []);
  });

  it('of a peer that violates the protocol is logged with its code, and comes at once', () => {
    const harness = new Harness();
    const client = harness.client();
    client.socket.receive(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    assert.ok(client.socket.isDestroyed);
    client.socket.receive(Buffer.alloc(5000));
    client.socket.close();
    const [, failed, finished, ...more] = harness.log.lines;
    assert.match(failed ?? '', /^error 100 serve client failed, .*ret=2000$/);
    assert.match(finished ?? '', /^trace 100 client finished\. ret=2000, /);
    assert.deepEqual(more, []);
  });

  it('by a failure of ours is logged with its stack', () => {
    const harness = new Harness(undefined, {
      authorize: () => {
        throw new TypeError('broken');
      },
      ended: () => undefined,
    });
    const client = harness.client();
    client.connect();
    assert.ok(client.socket.isDestroyed);
    assert.match(harness.log.matching('serve client failed')[0] ?? '', /TypeError: broken\n.* at /);
    client.socket.close();
    assert.match(harness.log.lines.at(-1) ?? '', /ret=1021/);
  });

  it('is bounded for messages that cannot be decoded: one line a connection', () => {
    const harness = new Harness();
    const client = harness.client();
    client.connect();
    for (let i = 0; i < 3; i++) client.sendMedia(20, 0, Buffer.from([0x02, 0xff]));
    assert.equal(harness.log.matching('ignore a message').length, 1);
    assert.ok(!client.socket.isDestroyed);
  });

  it('takes nothing more once it is closing', () => {
    const harness = new Harness('vhost other {}');
    const client = harness.client();
    client.connect();
    const lines = harness.log.lines.length;
    client.socket.receive(Buffer.alloc(9000, 0xff));
    client.socket.handler?.onPlayEnd?.();
    assert.equal(harness.log.lines.length, lines);
  });
});
