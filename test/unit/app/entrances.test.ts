import assert from 'node:assert/strict';

import { Config } from '../../../src/app/config/config';
import type { GlobalOptions } from '../../../src/app/config/config';
import { Entrances } from '../../../src/app/entrances';
import { Listeners } from '../../../src/app/listeners';
import { FakeEngine } from '../../support/fakes/fake-engine';
import { FakeSocket } from '../../support/fakes/fake-socket';
import { ManualClock } from '../../support/fakes/manual-clock';
import { RecordingLogger } from '../../support/fakes/recording-logger';
import { pairFiles } from '../../support/tls';

function options(root: string): GlobalOptions {
  return Config.parse(`${root} vhost __defaultVhost__ {}`, 'test.conf').global;
}

describe('app/entrances', () => {
  let engine: FakeEngine;
  let log: RecordingLogger;
  let entrances: Entrances;
  let accepted: string[];

  beforeEach(() => {
    engine = new FakeEngine();
    log = new RecordingLogger();
    accepted = [];
    const listeners = new Listeners({
      engine: engine.asEngine,
      log,
      clock: new ManualClock(),
      maxConnections: () => 10,
      clients: () => 0,
    });
    entrances = new Entrances(
      [
        {
          protocol: 'RTMP',
          addresses: ({ listen }) => listen,
          accept: () => accepted.push('RTMP'),
        },
        {
          protocol: 'RTMPS',
          addresses: ({ rtmpsListen }) => rtmpsListen,
          certificate: ({ rtmpsCert: cert, rtmpsKey: key }) => ({ cert, key }),
          accept: (_socket, certificate) => accepted.push(`RTMPS ${certificate !== undefined}`),
        },
      ],
      listeners,
      log,
    );
  });

  afterEach(() => {
    entrances.close();
  });

  const both = ['RTMP', 'RTMPS'] as const;
  const ports = (): number[] => [...engine.listening.keys()].sort((one, other) => one - other);
  const secure = (name: 'first' | 'second'): string => {
    const { cert, key } = pairFiles(name);
    return `listen 1935; rtmps_listen 1936; rtmps_cert ${cert}; rtmps_key ${key};`;
  };

  it('leaves open what is wanted still', () => {
    entrances.open(options('listen 1935 127.0.0.1:0;'));
    const before = ports();
    const onAccept = engine.listening.get(1935);
    assert.equal(entrances.reconcile(both, options('listen 1935 127.0.0.1:0;')), false);
    assert.deepEqual(ports(), before);
    assert.equal(engine.listening.get(1935), onAccept);
  });

  it('opens and closes as wanted, and tells the ports in the order of the file', () => {
    entrances.open(options('listen 1935 1936;'));
    assert.equal(entrances.reconcile(both, options('listen 1937 1936;')), true);
    assert.deepEqual(ports(), [1936, 1937]);
    assert.deepEqual(entrances.ports('RTMP'), [1937, 1936]);
    engine.accept(1937, new FakeSocket());
    assert.deepEqual(accepted, ['RTMP']);
  });

  it('looks at no protocol it is not asked about', () => {
    entrances.open(options('listen 1935;'));
    assert.equal(entrances.reconcile(['RTMPS'], options('listen 1936;')), false);
    assert.deepEqual(ports(), [1935]);
  });

  it('keeps what it has when another address cannot be had, and tries that again', () => {
    entrances.open(options('listen 1935;'));
    engine.takenPort = 1937;
    const wanted = options('listen 1936 1937;');
    assert.throws(() => entrances.reconcile(both, wanted), /port 1937 failed: .*EADDRINUSE/);
    assert.deepEqual(ports(), [1935]);
    engine.takenPort = -1;
    assert.equal(entrances.reconcile(both, wanted), true);
    assert.deepEqual(ports(), [1936, 1937]);
  });

  it('opens another host at the same port, and the old one again when that fails', () => {
    entrances.open(options('listen 1935;'));
    engine.takenPort = 1935;
    assert.throws(() => entrances.reconcile(both, options('listen 127.0.0.1:1935;')));
    // Nobody can have it: the log says so.
    assert.equal(log.matching('bind socket error. port=1935').length, 2);
    engine.takenPort = -1;
    assert.equal(entrances.reconcile(both, options('listen 127.0.0.1:1935;')), true);
    assert.deepEqual(ports(), [1935]);
  });

  it('does one protocol although another cannot be', () => {
    entrances.open(options('listen 1935;'));
    const wanted = 'listen 1937; rtmps_listen 1936; rtmps_cert /none; rtmps_key /none;';
    assert.throws(() => entrances.reconcile(both, options(wanted)), AggregateError);
    assert.deepEqual(ports(), [1937]);
  });

  it('takes another certificate into use, and keeps the one it has when it cannot', () => {
    entrances.open(options(secure('first')));
    assert.equal(entrances.reconcile(both, options(secure('first'))), false);
    assert.equal(entrances.reconcile(both, options(secure('second'))), true);
    const broken = 'listen 1935; rtmps_listen 1936 1938; rtmps_cert /none; rtmps_key /none;';
    assert.throws(() => entrances.reconcile(both, options(broken)), /\/none/);
    assert.deepEqual(ports(), [1935, 1936, 1938]);
    engine.accept(1938, new FakeSocket());
    assert.deepEqual(accepted, ['RTMPS true']);
  });
});
