import assert from 'node:assert/strict';
import { once } from 'node:events';

import { WebSocket } from 'ws';

import type { StatClient } from '../../../../../src/app/stats/stat-types';
import { Statistics } from '../../../../../src/app/stats/statistics';
import { ErrorCode } from '../../../../../src/core/errors';
import { ManualClock } from '../../../../support/fakes/manual-clock';
import { flvFile, sampleTags } from '../../../../support/media';
import { firstContext } from '../../../../support/tls';

import { LiveHarness } from './harness';
import type { LiveClient, LiveHarnessOptions } from './harness';

const SHOWN = 'kicked by an operator, too loud';

describe('HTTP clients in statistics', () => {
  let clock: ManualClock;
  let statistics: Statistics;
  let harness: LiveHarness;
  const opened: WebSocket[] = [];
  const start = (options: LiveHarnessOptions = {}): LiveHarness => {
    harness.close();
    harness = new LiveHarness({ statistics, ...options });
    return harness;
  };
  beforeEach(() => {
    clock = new ManualClock();
    statistics = new Statistics(clock, 1);
    harness = new LiveHarness({ statistics });
  });
  afterEach(() => {
    for (const socket of opened.splice(0)) socket.terminate();
    harness.close();
  });

  const seen = (): StatClient[] => statistics.clients(0, 10).map(({ client }) => client);
  const only = (): StatClient => {
    const [one, ...others] = seen();
    assert.ok(one);
    assert.deepEqual(others, []);
    return one;
  };
  const finished = (): Promise<void> => {
    const line = `client finished. ret=${ErrorCode.USER_DISCONNECT}, `;
    return harness.log.until(() => harness.log.matching(line).length > 0);
  };
  const player = async (path = '/live/s.flv'): Promise<LiveClient> => {
    const client = harness.request(`GET ${path}`, { Referer: 'http://p/' });
    await client.until(() => client.body.length > 100);
    return client;
  };
  const poster = async (): Promise<LiveClient> => {
    const client = harness.request('POST /live/s.flv?k=v', { 'Content-Length': '1000000' });
    client.send(flvFile(sampleTags(1)));
    await harness.log.until(() => harness.log.matching('audio sh').length > 0);
    return client;
  };
  const webSocket = async (): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://127.0.0.1:${harness.port}/live/s.flv`);
    opened.push(socket);
    await once(socket, 'message');
    return socket;
  };

  it('are players of each container and transport', async () => {
    harness.publish().send(...sampleTags(3));
    await player('/live/s.flv?a=b');
    const { id, ip, type, isPublisher, names } = only();
    assert.deepEqual([id, ip, type, isPublisher], [100, '127.0.0.1', 'Play', false]);
    assert.deepEqual(names, {
      vhost: '__defaultVhost__',
      app: 'live',
      stream: 's',
      param: '?a=b',
      tcUrl: `http://a.test:${harness.port}/live`,
      pageUrl: 'http://p/',
      swfUrl: '',
    });
    await player('/live/s.ts');
    await webSocket();
    assert.deepEqual(
      seen().map(({ protocol }) => protocol),
      ['http-flv', 'http-ts', 'ws-flv'],
    );
  });

  it('are named by TLS where it is TLS', async () => {
    start({ tls: firstContext() })
      .publish()
      .send(...sampleTags(1));
    await player();
    assert.equal(only().protocol, 'https-flv');
  });

  it('count the bytes of the play, not those of requests before on the same connection', async () => {
    harness.publish().send(...sampleTags(3));
    const client = harness.request('GET /none', { 'X-Padding': 'x'.repeat(2000) });
    await client.until(
      () => client.received.includes('Not Found\r\n\r\n') || client.body.length > 0,
    );
    const before = client.received.length;
    client.send('GET /live/s.flv HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await client.until(() => client.received.includes('FLV') && client.received.length > 700);
    const { sendBytes, recvBytes, player: figures } = statistics.clients(0, 1)[0] ?? {};
    assert.ok(sendBytes !== undefined && sendBytes > 100);
    assert.ok(sendBytes <= client.received.length - before);
    assert.equal(recvBytes, 0);
    assert.ok(figures !== undefined && figures.messages > 0);
  });

  it('are publishers by the body of a request, and gone with it', async () => {
    const client = await poster();
    const { type, isPublisher, protocol, names } = only();
    assert.deepEqual([type, isPublisher, protocol], ['http-publish', true, 'http-post']);
    assert.deepEqual([names.stream, names.param], ['s', '?k=v']);
    assert.equal(statistics.clients(0, 1)[0]?.recvBytes, flvFile(sampleTags(1)).length);
    client.socket.destroy();
    await harness.log.until(() => harness.log.matching('client disconnect').length > 0);
    assert.deepEqual(seen(), []);
  });

  describe('that an operator ends', () => {
    for (const [what, tls] of [
      ['on the native socket', undefined],
      ['over TLS', firstContext()],
    ] as const) {
      it(`get whole tags and a close, ${what}`, async () => {
        start(tls ? { tls } : {})
          .publish()
          .send(...sampleTags(3));
        const client = await player();
        assert.equal(statistics.kick(100, 'too loud'), true);
        assert.deepEqual(seen(), []);
        assert.equal(harness.source().players, 0);
        await client.end();
        await finished();
        assert.equal(client.tags.length, 9);
        assert.deepEqual(harness.log.matching(SHOWN), [`warn 100 client is closed, ${SHOWN}`]);
        assert.equal(harness.route.size, 0);
      });
    }

    it('are told why over WebSocket, as far as there is room', async () => {
      harness.publish().send(...sampleTags(1));
      const socket = await webSocket();
      statistics.kick(100, `${'é'.repeat(80)}!`);
      const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
      assert.equal(code, 1008);
      assert.match(reason.toString(), /^kicked by an operator, é{50}$/);
      await finished();
    });

    it('are answered when they publish', async () => {
      const client = await poster();
      statistics.kick(100, 'too loud');
      assert.equal(await client.status(), 403);
      await client.until(() => client.body.includes(SHOWN));
      assert.deepEqual(seen(), []);
      assert.equal(harness.source().publisher, undefined);
      await client.end();
      const line = `error 100 publish ends, ${SHOWN}, ret=${ErrorCode.USER_DISCONNECT}`;
      assert.deepEqual(harness.log.matching(SHOWN), [line]);
    });
  });
});
