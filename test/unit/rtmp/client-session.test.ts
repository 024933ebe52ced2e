import assert from 'node:assert/strict';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import { product } from '../../../src/core/version';
import { AmfObject } from '../../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../../src/rtmp/amf0-writer';
import { NotingClient } from '../../support/noting-client';
import { bytesOfMessage, command, HANDSHAKE, ReplyReader } from '../../support/rtmp-peer';
import { ServerHarness } from '../../support/server-harness';

const FIRST_SIZE = 1537;

/** Carries bytes between the two, `size` at a time, until both are silent. */
function pump(client: NotingClient, server: ServerHarness, size = 65536): void {
  for (;;) {
    const up = client.transport.take();
    for (let at = 0; at < up.length; at += size) {
      const end = Math.min(at + size, up.length);
      server.session.push(Buffer.from(up.subarray(at, end)), 0, end - at);
    }
    const down = server.transport.take();
    for (let at = 0; at < down.length; at += size) {
      const end = Math.min(at + size, down.length);
      client.session.push(Buffer.from(down.subarray(at, end)), 0, end - at);
    }
    if (up.length + down.length === 0) return;
  }
}

const connected = `connected ${product.serverName} 10.0.0.1 7 100`;

describe('ClientSession with a server session', () => {
  for (const handshake of ['complex', 'simple'] as const) {
    for (const size of [65536, 1]) {
      it(`publishes after a ${handshake} handshake, ${size} bytes at a time`, () => {
        const client = new NotingClient({ handshake });
        const server = new ServerHarness();
        client.onConnectedHook = () => {
          client.session.publish('a?token=1');
        };
        client.session.start();
        pump(client, server, size);
        assert.deepEqual(client.events, [connected, 'NetStream.Publish.Start', 'publishing']);
        assert.ok(client.session.isPublishing);
        client.session.sendMetadata('onMetaData', AmfObject.of({ width: 1 }));
        client.session.sendMedia(9, 0x1000000, Buffer.from([1, 2, 3]), 1);
        client.session.sendMedia(8, 5, Buffer.from([4]));
        client.session.sendMedia(18, 6, encodeAmf0('onCuePoint', 1));
        client.session.close();
        pump(client, server, size);
        assert.deepEqual(server.events, [
          'connect host live',
          'publish a?token=1 fmle',
          'metadata onMetaData 1',
          'media 9 16777216 0203',
          'media 8 5 04',
          'data 22',
          'unpublish',
        ]);
        assert.ok(client.transport.isEnded);
        assert.equal(client.events.length, 3);
      });
    }
  }

  it('plays, pauses and stops', () => {
    const client = new NotingClient();
    const server = new ServerHarness();
    client.onConnectedHook = () => {
      client.session.play('a', 5000);
    };
    client.session.start();
    pump(client, server);
    assert.deepEqual(client.events, [
      connected,
      'NetStream.Play.Reset',
      'NetStream.Play.Start',
      'playing',
      'data 24',
      'data 44',
    ]);
    assert.ok(client.session.isPlaying);
    client.events.length = 0;
    server.session.send({
      type: 9,
      timestamp: 7,
      streamId: 1,
      chunkStreamId: 6,
      payload: Buffer.of(1),
    });
    const metadata = encodeAmf0('onMetaData', AmfObject.of({ width: 1 }));
    server.session.send({
      type: 18,
      timestamp: 7,
      streamId: 1,
      chunkStreamId: 4,
      payload: metadata,
    });
    client.session.setPaused(true, 10);
    client.session.setPaused(false);
    pump(client, server);
    assert.deepEqual(client.events, [
      'media 9 7 01',
      'metadata onMetaData 1',
      'NetStream.Pause.Notify',
      'NetStream.Unpause.Notify',
    ]);
    client.session.close();
    client.session.close();
    pump(client, server);
    assert.deepEqual(server.events, [
      'connect host live',
      'play a 5000',
      'pause true',
      'pause false',
      'play closed',
    ]);
  });

  it('surfaces a refused connect, with its reason', () => {
    const client = new NotingClient();
    const server = new ServerHarness();
    server.decides = false;
    client.session.start();
    pump(client, server);
    server.session.rejectConnect('no such vhost');
    pump(client, server);
    assert.deepEqual(client.events, [
      `error ${ErrorCode.RTMP_ACCESS_DENIED} expect the server to grant connect, got ` +
        'NetConnection.Connect.Rejected no such vhost error',
    ]);
  });

  it('surfaces a refused publish and a refused play, with codes of their own', () => {
    const cases = [
      ['publish', 'NetStream.Publish.BadName', ErrorCode.SYSTEM_STREAM_BUSY],
      ['play', 'NetStream.Play.StreamNotFound', ErrorCode.RTMP_STREAM_NOT_FOUND],
      ['play', 'NetStream.Play.Failed', ErrorCode.RTMP_ACCESS_DENIED],
    ] as const;
    for (const [what, code, expected] of cases) {
      const client = new NotingClient();
      const server = new ServerHarness();
      client.onConnectedHook = () => {
        server.decides = false;
        client.session[what]('a');
      };
      client.session.start();
      pump(client, server);
      if (what === 'publish') server.session.rejectPublish(code, '');
      else server.session.rejectPlay(code, '');
      pump(client, server);
      assert.equal(
        client.events.at(-1),
        `error ${expected} expect the server to grant ${what}, got ${code} error`,
      );
      assert.equal(client.session.isPublishing || client.session.isPlaying, false);
    }
  });
});

describe('ClientSession on the wire', () => {
  it('sends connect with its arguments, then the window', () => {
    const args = AmfObject.of({ token: 'x' });
    const client = new NotingClient({ args, swfUrl: 's', pageUrl: 'p' });
    client.session.start();
    assert.equal(client.transport.take().length, FIRST_SIZE);
    client.push(HANDSHAKE);
    const [connect, window, ...rest] = new ReplyReader().read(
      client.transport.take().subarray(1536),
    );
    assert.deepEqual(connect, [
      20,
      0,
      'connect',
      1,
      {
        app: 'live',
        flashVer: 'WIN 12,0,0,41',
        swfUrl: 's',
        tcUrl: 'rtmp://host/live',
        fpad: false,
        capabilities: 239,
        audioCodecs: 3575,
        videoCodecs: 252,
        videoFunction: 1,
        pageUrl: 'p',
        objectEncoding: 0,
      },
      { token: 'x' },
    ]);
    assert.deepEqual(window, [5, 0, '002625a0']);
    assert.deepEqual(rest, []);
  });

  it('publishes as live encoders do', () => {
    const client = new NotingClient().connected();
    const reader = new ReplyReader();
    client.session.publish('a');
    assert.deepEqual(reader.read(client.transport.take()), [
      [20, 0, 'releaseStream', 2, null, 'a'],
      [20, 0, 'FCPublish', 3, null, 'a'],
      [20, 0, 'createStream', 4, null],
    ]);
    client.push(command(0, '_error', 2, null), command(0, '_result', 4, null, 9));
    assert.deepEqual(reader.read(client.transport.take()), [
      [1, 0, '0000ea60'],
      [20, 9, 'publish', 0, null, 'a', 'live'],
    ]);
    client.session.close();
    assert.deepEqual(reader.read(client.transport.take()), [
      [20, 0, 'FCUnpublish', 5, null, 'a'],
      [20, 0, 'deleteStream', 0, null, 9],
    ]);
    assert.deepEqual(client.events, []);
  });

  it('plays with a buffer length and its chunk size', () => {
    const client = new NotingClient({ chunkSize: 4096 }).connected();
    const reader = new ReplyReader();
    client.session.play('a');
    client.push(command(0, '_result', 2, null));
    assert.deepEqual(reader.read(client.transport.take()), [
      [20, 0, 'createStream', 2, null],
      [20, 1, 'play', 0, null, 'a', -2, -1, true],
      [4, 0, '000300000001000003e8'],
      [1, 0, '00001000'],
    ]);
  });

  it('surfaces a refused createStream', () => {
    const client = new NotingClient().connected();
    client.session.play('a');
    client.push(command(0, '_error', 2, null, AmfObject.of({ level: 'error' })));
    assert.deepEqual(client.events, [
      `error ${ErrorCode.RTMP_ACCESS_DENIED} expect the server to grant createStream, got error`,
    ]);
  });

  it('passes over replies it did not ask for, calls, and what cannot be decoded', () => {
    const client = new NotingClient().connected();
    client.push(
      command(0, '_result', 77, null, 1),
      command(0, 'onBWDone', 0, null),
      command(1, 'onFCPublish', 0, null),
      bytesOfMessage(20, 0, Buffer.of(5)),
      bytesOfMessage(9, 1, Buffer.of(5)),
    );
    client.push(command(1, 'onStatus', 0, null, AmfObject.of({ code: 'x', level: 'status' })));
    assert.deepEqual(client.events, [`ignored ${ErrorCode.RTMP_AMF0_DECODE}`, 'x']);
    assert.equal(client.transport.take().length, 0);
  });

  it('ignores a stream it did not ask for, and sends no media before there is one', () => {
    const client = new NotingClient().connected();
    client.session.sendMedia(9, 0, Buffer.of(1));
    client.session.sendMetadata('onMetaData', new AmfObject());
    client.session.setPaused(true);
    client.session.close();
    assert.equal(client.transport.take().length, 0);
    client.push(bytesOfMessage(9, 1, Buffer.of(5)));
    client.session.sendMedia(9, 0, Buffer.of(1));
    assert.equal(client.transport.take().length, 0);
  });

  it('tells of the grant once', () => {
    const client = new NotingClient().connected();
    client.session.play('a');
    const start = AmfObject.of({ code: 'NetStream.Play.Start', level: 'status' });
    client.push(command(0, '_result', 2, null, 1));
    client.push(command(1, 'onStatus', 0, null, start), command(1, 'onStatus', 0, null, start));
    assert.equal(client.events.filter((event) => event === 'playing').length, 1);
  });

  it('acknowledges what it receives', () => {
    const client = new NotingClient().connected();
    client.push(bytesOfMessage(5, 0, Buffer.from('00000001', 'hex')));
    assert.equal(new ReplyReader().read(client.transport.take())[0]?.[0], 3);
  });

  it('gives up at a server of another version', () => {
    const client = new NotingClient();
    client.session.start();
    assert.throws(
      () => {
        client.push(Buffer.of(6));
      },
      (error) => error instanceof SrsError && error.code === ErrorCode.RTMP_HANDSHAKE,
    );
  });
});
