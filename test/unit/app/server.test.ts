import assert from 'node:assert/strict';

import sinon from 'sinon';

import { Config } from '../../../src/app/config/config';
import { Server } from '../../../src/app/server';
import { ErrorCode, SrsError } from '../../../src/core/errors';
import { FakeEngine } from '../../support/fakes/fake-engine';
import { ManualClock } from '../../support/fakes/manual-clock';
import { RecordingLogger } from '../../support/fakes/recording-logger';
import { TestClient } from '../../support/test-client';

interface Parts {
  server: Server;
  engine: FakeEngine;
  log: RecordingLogger;
  clock: ManualClock;
}

function create(text: string): Parts {
  const engine = new FakeEngine();
  const log = new RecordingLogger();
  const clock = new ManualClock();
  const config = Config.parse(text, 'test.conf');
  const server = new Server(config, log, { engine: engine.asEngine, clock });
  return { server, engine, log, clock };
}

const ingest = (url: string, output: string): string =>
  `ingest demo { enabled on; input { type file; url ${url}; } ffmpeg builtin; engine { output ${output}; } }`;

describe('Server', () => {
  it('listens at every address and serves who comes there', async () => {
    const { server, engine, log } = create('listen 127.0.0.1:0 1936; vhost __defaultVhost__ {}');
    await server.start();
    assert.deepEqual(server.ports('RTMP'), [50_000, 1936]);
    assert.deepEqual(log.lines, [
      'trace 0 RTMP listen at 127.0.0.1:50000 started success',
      'trace 0 RTMP listen at port=1936 started success',
    ]);
    const client = new TestClient();
    engine.accept(1936, client.socket);
    client.publish();
    assert.equal(client.takeReplies().at(-1), 'NetStream.Publish.Start');
    client.socket.close();
    await server.stop();
  });

  it('fails to start when a port is taken, and leaves none open', async () => {
    const { server, engine, log } = create('listen 1935 1936; vhost __defaultVhost__ {}');
    engine.takenPort = 1936;
    await assert.rejects(server.start(), (error: unknown) => {
      assert.ok(error instanceof SrsError);
      assert.equal(error.code, ErrorCode.SOCKET_BIND);
      assert.match(error.message, /^RTMP stream listen at port 1936 failed: .*EADDRINUSE$/);
      return true;
    });
    assert.equal(log.matching('error 0 bind socket error. port=1936, ret=1002').length, 1);
    assert.equal(engine.listening.size, 0);
    assert.ok(engine.isClosed);
  });

  it('drops clients beyond max_connections, with one line a second', async () => {
    const { server, engine, log, clock } = create(
      'listen 1935; max_connections 1; vhost __defaultVhost__ {}',
    );
    await server.start();
    const clients = [1, 2, 3, 4].map(() => new TestClient());
    for (const { socket } of clients.slice(0, 3)) engine.accept(1935, socket);
    clock.advance(1000);
    engine.accept(1935, clients[3]!.socket);
    assert.deepEqual(
      clients.map(({ socket }) => socket.isDestroyed),
      [false, true, true, true],
    );
    assert.deepEqual(log.matching('exceed'), [
      'error 0 exceed the max connections, drop client: clients=1, max=1, ip=192.0.2.9, dropped=1',
      'error 0 exceed the max connections, drop client: clients=1, max=1, ip=192.0.2.9, dropped=3',
    ]);
    clients[0]!.socket.close();
    const next = new TestClient();
    engine.accept(1935, next.socket);
    assert.ok(!next.socket.isDestroyed);
    next.socket.close();
    await server.stop();
  });

  it('stops once: no new clients, those there told, the engine last', async () => {
    const { server, engine } = create('listen 1935; vhost __defaultVhost__ {}');
    await server.start();
    const client = new TestClient();
    engine.accept(1935, client.socket);
    client.play();
    client.takeReplies();
    const stopped = server.stop();
    assert.equal(engine.listening.size, 0, 'nobody comes while the ingesters end');
    assert.equal(server.stop(), stopped);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    assert.equal(engine.listening.size, 0);
    assert.deepEqual(client.takeReplies(), ['NetStream.Play.Stop']);
    assert.ok(!engine.isClosed);
    client.socket.close();
    await stopped;
    assert.ok(engine.isClosed);
  });

  it('prints where ingested streams can be played', async () => {
    const { server, log } = create(
      `listen 1935; vhost __defaultVhost__ {
         ${ingest('a.flv', 'rtmp://127.0.0.1:[port]/live?vhost=[vhost]/livestream')}
       }
       vhost demo.com {
         ${ingest('b.flv', 'rtmp://127.0.0.1:[port]/live?vhost=[vhost]/other')}
       }
       vhost broken.com { ${ingest('c.flv', 'nonsense')} }
       vhost off.com { enabled off; ${ingest('d.flv', 'rtmp://127.0.0.1/live/off')} }`,
    );
    await server.start();
    assert.deepEqual(log.matching('play: '), [
      'trace 0 play: rtmp://127.0.0.1:1935/live/livestream',
      'trace 0 play: rtmp://127.0.0.1:1935/live?vhost=demo.com/other',
    ]);
    await server.stop();
  });

  it('drops unused streams from time to time', async () => {
    const timers = sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const { server, engine, clock } = create('listen 1935; vhost __defaultVhost__ {}');
      await server.start();
      const client = new TestClient();
      engine.accept(1935, client.socket);
      client.publish();
      client.socket.close();
      timers.tick(5000);
      clock.advance(30_000);
      assert.ok(!engine.nativeCalls.includes('closeLog'));
      timers.tick(5000);
      assert.equal(engine.nativeCalls.filter((name) => name === 'closeLog').length, 1);
      await server.stop();
      assert.equal(timers.countTimers(), 0);
    } finally {
      timers.restore();
    }
  });
});
