import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';

import sinon from 'sinon';
import { WebSocket } from 'ws';
import type { RawData } from 'ws';

import { RefusalStatus } from '../../../../../src/app/access/access';
import { ErrorCode } from '../../../../../src/core/errors';
import { avcInterFrame, sampleTags } from '../../../../support/media';
import { firstContext, trusted } from '../../../../support/tls';

import { flvTags, LiveHarness, TestAuthorizer } from './harness';
import type { LiveHarnessOptions } from './harness';

describe('playing over WebSocket', () => {
  let harness: LiveHarness;
  const opened: WebSocket[] = [];
  const start = (options: LiveHarnessOptions = {}): LiveHarness => {
    harness.close();
    harness = new LiveHarness(options);
    return harness;
  };
  beforeEach(() => {
    harness = new LiveHarness();
  });
  afterEach(() => {
    for (const socket of opened.splice(0)) socket.terminate();
    harness.close();
  });

  const connect = (path: string, isSecure = false): WebSocket => {
    const schema = isSecure ? 'wss' : 'ws';
    const socket = new WebSocket(`${schema}://127.0.0.1:${harness.port}${path}`, {
      ...(isSecure && { ca: trusted('first'), servername: 'localhost' }),
    });
    socket.on('error', () => undefined);
    opened.push(socket);
    return socket;
  };
  const refusal = async (socket: WebSocket): Promise<[number | undefined, string]> => {
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    let text = '';
    for await (const part of response) text += String(part);
    return [response.statusCode, text];
  };
  const messages = (socket: WebSocket): Buffer[] => {
    const all: Buffer[] = [];
    socket.on('message', (data: RawData, isBinary: boolean) => {
      assert.ok(isBinary && Buffer.isBuffer(data));
      all.push(data);
    });
    return all;
  };

  it('sends the head with the first flush, then each flush, as binary messages', async () => {
    const publisher = harness.publish();
    publisher.send(...sampleTags(2));
    const socket = connect('/live/s.flv');
    const all = messages(socket);
    await once(socket, 'message');
    assert.deepEqual(
      flvTags(Buffer.concat(all)).map(({ type }) => type),
      [18, 9, 8, 9, 8, 9, 8],
    );
    publisher.send({ type: 9, timestamp: 80, payload: avcInterFrame('more') });
    await once(socket, 'message');
    assert.equal(flvTags(Buffer.concat(all)).length, 8);
    assert.equal(all.length, 2);
    assert.equal(
      harness.log.matching('client identified, type=Play(WS-FLV), stream_name=s').length,
      1,
    );
    assert.equal(harness.source().players, 1);
    socket.close();
    await harness.log.until(() => harness.log.matching('client disconnect').length > 0);
    assert.equal(harness.source().players, 0);
    assert.equal(harness.route.size, 0);
  });

  it('does so over TLS, and for MPEG-TS', async () => {
    start({ tls: firstContext() });
    harness.publish().send(...sampleTags(2));
    const flv = connect('/live/s.flv', true);
    const all = messages(flv);
    await once(flv, 'message');
    assert.equal(flvTags(Buffer.concat(all)).length, 7);
    const ts = connect('/live/s.ts', true);
    const packets = messages(ts);
    await once(ts, 'message');
    assert.equal(packets[0]?.[0], 0x47);
    assert.equal(packets[0].length % 188, 0);
  });

  it('refuses before the upgrade, with a status of HTTP', async () => {
    const authorizer = new TestAuthorizer();
    authorizer.refusals.set('connect', {
      code: ErrorCode.SYSTEM_SECURITY_DENY,
      status: RefusalStatus.connect,
      description: 'no ticket',
    });
    start({ authorizer, remux: 'publisher_wait 0;' });
    harness.publish();
    assert.deepEqual(await refusal(connect('/live/s.flv')), [403, 'no ticket']);
    assert.deepEqual(authorizer.endings, []);
    assert.deepEqual(await refusal(connect('/live/none.ts')), [404, 'Not Found']);
    assert.deepEqual(await refusal(connect('/live/s.mp3')), [404, 'Not Found']);
    assert.deepEqual(await refusal(connect('/elsewhere')), [404, 'Not Found']);
    authorizer.refusals.clear();
    const late = await refusal(connect('/live/none.flv'));
    assert.deepEqual(late, [404, 'live/none is not published']);
    assert.deepEqual(authorizer.endings, ['play', 'connect']);
  });

  it('lets a client go that does not speak WebSocket after all', async () => {
    const authorizer = new TestAuthorizer();
    start({ authorizer });
    harness.publish();
    const upgrade = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Key': 'short' };
    const client = harness.request('GET /live/s.flv', upgrade);
    assert.equal(await client.status(), 400);
    await client.end();
    assert.deepEqual(authorizer.endings, ['play', 'connect']);
    assert.equal(harness.source().players, 0);
  });

  it('says a normal close when the stream is over', async () => {
    start({ remux: 'publisher_wait 0.02;' });
    const publisher = harness.publish();
    publisher.send(...sampleTags(1));
    const socket = connect('/live/s.flv');
    await once(socket, 'message');
    publisher.end();
    const [code] = (await once(socket, 'close')) as [number];
    assert.equal(code, 1000);
    await harness.log.until(() => harness.log.matching('client finished. time=').length > 0);
  });

  it('closes a client whose message is too large, or that says too much', async () => {
    harness.publish().send(...sampleTags(1));
    const large = connect('/live/s.flv');
    await once(large, 'open');
    large.send(Buffer.alloc(5000));
    const [code] = (await once(large, 'close')) as [number];
    assert.equal(code, 1009);
    const chatty = connect('/live/s.flv');
    await once(chatty, 'open');
    for (let count = 0; count < 300; count++) chatty.send(Buffer.alloc(4000));
    await once(chatty, 'close');
    await harness.log.until(() => harness.log.matching('client disconnect').length === 2);
    assert.equal(harness.source().players, 0);
  });

  it('closes a client that does not answer a ping', async () => {
    const timers = sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      harness.publish().send(...sampleTags(1));
      const alive = connect('/live/s.flv');
      const dead = new WebSocket(`ws://127.0.0.1:${harness.port}/live/s.flv`, { autoPong: false });
      dead.on('error', () => undefined);
      opened.push(dead);
      await Promise.all([once(alive, 'message'), once(dead, 'message')]);
      timers.tick(30_000);
      await Promise.all([once(alive, 'ping'), once(dead, 'ping')]);
      // The answer of the one has to have come before the next ping.
      alive.ping();
      await once(alive, 'pong');
      timers.tick(30_000);
      await once(dead, 'close');
      await harness.log.until(() => harness.log.matching('client timeout. ret=1011').length > 0);
      assert.equal(alive.readyState, WebSocket.OPEN);
      assert.equal(harness.route.size, 1);
    } finally {
      timers.restore();
    }
  });

  it('resumes a client that reads slowly', async () => {
    const publisher = harness.publish();
    publisher.send(...sampleTags(1));
    const socket = connect('/live/s.flv');
    const all = messages(socket);
    await once(socket, 'message');
    socket.pause();
    for (let count = 1; count <= 100; count++) {
      const payload = avcInterFrame(`n${count}`, 100_000);
      publisher.send({ type: 9, timestamp: count * 40, payload });
    }
    await new Promise((resolve) => setImmediate(resolve));
    socket.resume();
    while (!(all.at(-1)?.includes('n100') ?? false)) await once(socket, 'message');
    assert.equal(flvTags(Buffer.concat(all)).length, 105);
  });
});
