import assert from 'node:assert/strict';

import { ErrorCode } from '../../../src/core/errors';
import { AmfObject } from '../../../src/rtmp/amf0-value';
import { NotingClient } from '../../support/noting-client';
import { bytesOfMessage, command, HANDSHAKE, ReplyReader } from '../../support/rtmp-peer';

describe('ClientSession as a relay needs it', () => {
  it('sends metadata as publishers do, on a chunk stream of its own', () => {
    const client = new NotingClient().connected();
    client.session.publish('a');
    client.push(command(0, '_result', 4, null, 9));
    client.transport.take();
    assert.equal(client.session.messageStreamId, 9);
    client.session.sendMetadata('onMetaData', AmfObject.of({ width: 1 }));
    const bytes = client.transport.take();
    assert.equal(bytes[0], 5, 'a whole header on chunk stream 5');
    assert.deepEqual(new ReplyReader().read(bytes), [
      [18, 9, '@setDataFrame', 'onMetaData', { width: 1 }],
    ]);
  });

  it('changes its chunk size once there is a stream', () => {
    const client = new NotingClient().connected();
    client.session.setOutChunkSize(4096);
    assert.equal(client.transport.take().length, 0);
    client.session.publish('a');
    client.push(command(0, '_result', 4, null, 9));
    client.transport.take();
    client.session.setOutChunkSize(4096);
    client.session.setOutChunkSize(4096);
    assert.deepEqual(new ReplyReader().read(client.transport.take()), [[1, 0, '00001000']]);
    client.session.close();
    client.transport.take();
    client.session.setOutChunkSize(128);
    assert.equal(client.transport.take().length, 0);
  });

  it('pings after the handshake, and tells of the answer', () => {
    const client = new NotingClient();
    client.session.start();
    assert.ok(client.session.isHandshaking);
    client.transport.take();
    client.session.ping(1);
    assert.equal(client.transport.take().length, 0);
    client.push(HANDSHAKE, command(0, '_result', 1, null, new AmfObject()));
    assert.ok(!client.session.isHandshaking);
    client.transport.take();
    client.events.length = 0;
    client.session.ping(2 ** 32 + 258);
    const sent = new ReplyReader().read(client.transport.take());
    assert.deepEqual(sent, [[4, 0, '000600000102']]);
    client.push(bytesOfMessage(4, 0, Buffer.from('000700000102', 'hex')));
    assert.deepEqual(client.events, ['pong']);
    client.session.close();
    client.transport.take();
    client.session.ping(1);
    assert.equal(client.transport.take().length, 0);
  });

  it('hears a refusal in whatever words', () => {
    const info = (code: string, level?: string): AmfObject =>
      AmfObject.of(level === undefined ? { code } : { code, level });
    const bad = 'NetStream.Publish.BadName';
    for (const [name, status, isRefused] of [
      ['onStatus', info(bad), true],
      ['onFCPublish', info(bad, 'error'), true],
      ['onFCPublish', info('NetStream.Publish.Start'), false],
      ['onStatus', info('NetStream.Publish.Idle'), false],
    ] as const) {
      const client = new NotingClient().connected();
      client.session.publish('a');
      client.push(command(0, '_result', 4, null, 1), command(1, name, 0, null, status));
      const isHeard = client.events.some((event) => event.startsWith('error'));
      assert.equal(isHeard, isRefused, name);
    }
  });

  it('hears a status in place of the answer to connect', () => {
    const client = new NotingClient();
    client.session.start();
    client.push(HANDSHAKE);
    const rejected = { code: 'NetConnection.Connect.Rejected', level: 'error', description: 'no' };
    client.push(command(0, 'onStatus', 0, null, AmfObject.of(rejected)));
    const text = 'expect the server to grant connect, got NetConnection.Connect.Rejected no error';
    assert.deepEqual(client.events, [
      'NetConnection.Connect.Rejected',
      `error ${ErrorCode.RTMP_ACCESS_DENIED} ${text}`,
    ]);
  });

  it('hears nothing more once it was closed, be it amid an aggregate', () => {
    const client = new NotingClient().connected();
    client.session.play('a');
    client.push(command(0, '_result', 2, null, 1));
    client.onMediaHook = () => {
      client.session.close();
    };
    const tag = Buffer.from('0800000100000000000000 05 0000000c'.replace(/ /g, ''), 'hex');
    client.push(bytesOfMessage(22, 1, Buffer.concat([tag, tag])));
    assert.equal(client.events.filter((event) => event.startsWith('media')).length, 1);
  });
});
