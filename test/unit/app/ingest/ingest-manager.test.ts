import assert from 'node:assert/strict';

import { IngestManager } from '../../../../src/app/ingest/ingest-manager';
import type { IngestConfig, IngestVhost } from '../../../../src/app/ingest/ingest-manager';
import { ContextIds } from '../../../../src/core/context-id';
import { RecordingLogger } from '../../../support/fakes/recording-logger';

import { FakeServer } from './fake-server';

function ingest(changes: Partial<IngestConfig> = {}): IngestConfig {
  return {
    id: 'demo',
    enabled: true,
    ffmpeg: 'builtin',
    input: { type: 'file', url: 'bundled:sample.flv' },
    engines: [{ output: 'rtmp://127.0.0.1:[port]/live?vhost=[vhost]/livestream' }],
    ...changes,
  };
}

function vhost(...blocks: IngestConfig[]): IngestVhost {
  return { name: 'v.com', enabled: true, ingest: blocks };
}

describe('app/ingest/ingest-manager', () => {
  const log = new RecordingLogger();
  const server = new FakeServer();
  let print: ((ageMs: number) => void) | undefined;
  let manager: IngestManager;

  beforeEach(() => {
    log.lines.length = 0;
    server.connections.length = 0;
    server.addresses.length = 0;
    print = undefined;
    manager = new IngestManager({
      connect: server.connect,
      log,
      clock: { nowMs: () => 0 },
      ids: new ContextIds(),
      pithyPrint: {
        join: (stage, line) => {
          assert.equal(stage, 'ingester');
          print = line;
          return () => {
            print = undefined;
          };
        },
      },
    });
  });

  afterEach(async () => {
    await manager.stop();
  });

  it('starts what is enabled and built in, with its variables replaced', async () => {
    const off: IngestVhost = { ...vhost(ingest()), enabled: false };
    const others = [ingest({ enabled: false }), ingest({ ffmpeg: './objs/ffmpeg' })];
    manager.start([off, vhost(ingest(), ...others)], 19350);
    assert.equal(manager.size, 1);
    while (server.connections.length === 0) await new Promise((resolve) => setImmediate(resolve));
    while (server.last.request === undefined) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(server.addresses, ['127.0.0.1:19350']);
    assert.equal(server.last.request.tcUrl, 'rtmp://127.0.0.1:19350/live?vhost=v.com');
    assert.ok(log.lines.includes('trace 0 parse success, ingest=demo, vhost=v.com'));
  });

  it('starts one ingester for each output', () => {
    const outputs = ['rtmp://127.0.0.1/live/a', '', 'rtmp://127.0.0.1/live/b'];
    manager.start([vhost(ingest({ engines: outputs.map((output) => ({ output })) }))], 1935);
    assert.equal(manager.size, 2);
  });

  it('prints how many there are until they are stopped', async () => {
    manager.start([vhost(ingest(), ingest({ id: 'two' }))], 1935);
    print?.(10_000);
    assert.equal(log.lines.at(-1), 'trace 0 -> IGS time=10000, ingesters=2');
    await manager.stop();
    await manager.stop();
    assert.equal(print, undefined);
    assert.equal(manager.size, 0);
  });

  it('prints nothing when there is nothing to start', () => {
    manager.start([vhost()], 1935);
    assert.equal(print, undefined);
  });

  const mistakes: [string, Partial<IngestConfig>, RegExp][] = [
    ['an input of another type', { input: { type: 'stream', url: 'rtmp://a/b/c' } }, /ret=3035$/],
    ['no input', { input: { type: 'file', url: '' } }, /ret=3033$/],
    ['no engine', { engines: [] }, /ret=3034$/],
    ['an output that is no url', { engines: [{ output: 'nonsense' }] }, /ret=2006$/],
  ];
  for (const [name, changes, line] of mistakes) {
    it(`skips an ingest with ${name}, and starts the others`, () => {
      manager.start([vhost(ingest({ id: 'bad', ...changes }), ingest())], 1935);
      assert.equal(manager.size, 1);
      const [error] = log.matching('error');
      assert.match(error ?? '', /ingest=bad, vhost=v\.com skipped: /);
      assert.match(error ?? '', line);
    });
  }

  describe('of a vhost that is reloaded', () => {
    const two = ingest({ id: 'two' });

    it('starts, stops and replaces what differs, and leaves the others', async () => {
      manager.start([vhost(ingest(), two)], 1935);
      const changed = ingest({ id: 'two', input: { type: 'file', url: '/tmp/none.flv' } });
      assert.deepEqual(await manager.setVhost(vhost(ingest(), changed, ingest({ id: 'three' }))), [
        { id: 'two', kind: 'updated' },
        { id: 'three', kind: 'added' },
      ]);
      assert.equal(manager.size, 3);
      assert.deepEqual(await manager.setVhost(vhost(changed, ingest({ id: 'three' }))), [
        { id: 'demo', kind: 'removed' },
      ]);
      assert.deepEqual(await manager.setVhost(vhost(ingest({ id: 'three' }), changed)), []);
      assert.equal(manager.size, 2);
    });

    it('stops all of one that is gone, and of no other', async () => {
      manager.start([vhost(ingest()), { ...vhost(two), name: 'w.com' }], 1935);
      const gone = { ...vhost(ingest()), enabled: false };
      assert.deepEqual(await manager.setVhost(gone), [{ id: 'demo', kind: 'removed' }]);
      assert.equal(manager.size, 1);
      print?.(5);
      assert.equal(log.lines.at(-1), 'trace 0 -> IGS time=5, ingesters=1');
    });

    it('tries again what made no sense, when it has changed', async () => {
      manager.start([vhost(ingest({ engines: [] }))], 1935);
      assert.equal(manager.size, 0);
      assert.deepEqual(await manager.setVhost(vhost(ingest({ engines: [] }))), []);
      assert.deepEqual(await manager.setVhost(vhost(ingest())), [{ id: 'demo', kind: 'updated' }]);
      assert.equal(manager.size, 1);
    });

    it('starts nothing any more when all are stopped', async () => {
      await manager.stop();
      assert.deepEqual(await manager.setVhost(vhost(ingest())), []);
      assert.equal(manager.size, 0);
    });

    it('goes to another port when it has to begin anew', async () => {
      manager.start([vhost(ingest())], 19350);
      manager.setPort(19351);
      await manager.setVhost(vhost(ingest(), two));
      while (server.addresses.length < 2) await new Promise((resolve) => setImmediate(resolve));
      assert.ok(server.addresses.includes('127.0.0.1:19351'));
    });
  });
});
