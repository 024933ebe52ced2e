import assert from 'node:assert/strict';

import type { VhostOptions } from '../../../../src/app/config/config';
import { Hub } from '../../../../src/app/stream/hub';
import { FakeSocket } from '../../../support/fakes/fake-socket';
import { FakeStreamLog } from '../../../support/fakes/fake-stream-log';

const vhost = {
  chunkSize: 4096,
  queueLengthMs: 10_000,
  gopCache: false,
  gopCacheMaxBytes: 1000,
  timeJitter: 'zero',
  atc: false,
  atcAuto: true,
  reduceSequenceHeader: true,
} as VhostOptions;

function createHub(): { hub: Hub; logs: FakeStreamLog[] } {
  const logs: FakeStreamLog[] = [];
  const hub = new Hub(
    (options) => {
      const log = new FakeStreamLog(options);
      logs.push(log);
      return log;
    },
    { graceMs: 1000 },
  );
  return { hub, logs };
}

const name = { vhost: 'v', app: 'live', stream: 's' };

describe('Hub', () => {
  it('makes a stream once per vhost, app and stream, by the options of the vhost', () => {
    const { hub, logs } = createHub();
    assert.equal(hub.find(name), undefined);
    const source = hub.fetch(name, vhost);
    assert.equal(source.key, 'v/live/s');
    assert.equal(hub.fetch({ ...name }, vhost), source);
    assert.equal(hub.find(name), source);
    assert.notEqual(hub.fetch({ ...name, app: 'other' }, vhost), source);
    assert.deepEqual([...hub.sources].length, 2);
    assert.deepEqual(logs[0]?.options, {
      chunkSize: 4096,
      queueMs: 10_000,
      gopCache: false,
      gopCacheMaxBytes: 1000,
      absolute: false,
    });
  });

  it('keeps names with slashes apart', () => {
    const { hub } = createHub();
    const source = hub.fetch({ vhost: 'v', app: 'live/a', stream: 'b' }, vhost);
    assert.notEqual(hub.fetch({ vhost: 'v', app: 'live', stream: 'a/b' }, vhost), source);
    assert.equal(source.key, 'v/live/a/b');
  });

  it('drops a stream that was never published when its last player leaves', () => {
    const { hub, logs } = createHub();
    const source = hub.fetch(name, vhost);
    source.attach(new FakeSocket().asSocket, 1, 0);
    hub.playerLeft(source);
    assert.equal(hub.find(name), source);
    source.detach(new FakeSocket().asSocket);
    hub.playerLeft(source);
    assert.equal(hub.find(name), undefined);
    assert.ok(logs[0]?.isClosed);
  });

  it('drops a stream that nobody uses for the grace period', () => {
    const { hub, logs } = createHub();
    hub.fetch(name, vhost);
    hub.sweep(0);
    hub.sweep(999);
    assert.ok(hub.find(name));
    hub.sweep(1000);
    assert.equal(hub.find(name), undefined);
    assert.ok(logs[0]?.isClosed);
  });

  it('keeps a stream with players, and counts the grace period from their leaving', () => {
    const { hub } = createHub();
    const source = hub.fetch(name, vhost);
    const socket = new FakeSocket().asSocket;
    hub.sweep(0);
    source.attach(socket, 1, 0);
    hub.sweep(5000);
    source.detach(socket);
    hub.sweep(6000);
    hub.sweep(6999);
    assert.ok(hub.find(name));
    hub.sweep(7000);
    assert.equal(hub.find(name), undefined);
  });

  it('begins the grace period again when a stream is asked for', () => {
    const { hub } = createHub();
    hub.fetch(name, vhost);
    hub.sweep(0);
    hub.fetch(name, vhost);
    hub.sweep(1500);
    assert.ok(hub.find(name));
  });

  it('drops everything when closed', () => {
    const { hub, logs } = createHub();
    hub.fetch(name, vhost);
    hub.close();
    assert.deepEqual([...hub.sources], []);
    assert.ok(logs[0]?.isClosed);
  });

  it('tells of each stream that is made or gone', () => {
    const told: string[] = [];
    const hub = new Hub((options) => new FakeStreamLog(options), {
      graceMs: 1000,
      onCreate: ({ key }) => told.push(`+${key}`),
      onDrop: ({ key }) => told.push(`-${key}`),
    });
    hub.fetch(name, vhost);
    hub.fetch(name, vhost);
    hub.sweep(0);
    hub.sweep(1000);
    hub.fetch(name, vhost);
    hub.close();
    assert.deepEqual(told, ['+v/live/s', '-v/live/s', '+v/live/s', '-v/live/s']);
  });

  it('tells the streams of a vhost, and drops those of them that nobody uses', () => {
    const { hub, logs } = createHub();
    const used = hub.fetch(name, vhost);
    used.attach(new FakeSocket().asSocket, 1, 0);
    hub.fetch({ ...name, stream: 'idle' }, vhost);
    hub.fetch({ ...name, vhost: 'other' }, vhost);
    assert.deepEqual(
      hub.ofVhost('v').map(({ key }) => key),
      ['v/live/s', 'v/live/idle'],
    );
    hub.dropIdle('v');
    assert.deepEqual(
      [...hub.sources].map(({ key }) => key),
      ['v/live/s', 'other/live/s'],
    );
    assert.deepEqual(
      logs.map(({ isClosed }) => isClosed),
      [false, true, false],
    );
  });
});
