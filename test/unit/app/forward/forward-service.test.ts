import assert from 'node:assert/strict';

import { Config } from '../../../../src/app/config/config';
import type { VhostOptions } from '../../../../src/app/config/config';
import { ForwardService } from '../../../../src/app/forward/forward-service';
import type { ForwardBackend } from '../../../../src/app/forward/forward-service';
import { PithyPrint } from '../../../../src/app/stats/pithy-print';
import type { Source } from '../../../../src/app/stream/source';
import { Backoff } from '../../../../src/app/upstream/backoff';
import { ContextIds } from '../../../../src/core/context-id';
import { ErrorCode, SrsError } from '../../../../src/core/errors';
import { FakeEngine } from '../../../support/fakes/fake-engine';
import { ManualClock } from '../../../support/fakes/manual-clock';
import { RecordingLogger } from '../../../support/fakes/recording-logger';
import { createSource, FakePublisher } from '../stream/harness';

const config = Config.parse('listen 1935;', 'test.conf').global;

/** The vhost of the sources that tests make. */
function vhostOf(options: string): VhostOptions {
  const [vhost] = Config.parse(`listen 1935; vhost v { ${options} }`, 'test.conf').vhosts;
  assert.ok(vhost);
  return vhost;
}

describe('the service of forwards', () => {
  const log = new RecordingLogger();
  const clock = new ManualClock();
  let engine: FakeEngine;
  let service: ForwardService;
  let pithyPrint: PithyPrint;
  let vhost: VhostOptions;
  let source: Source;
  let publisher: FakePublisher;
  let backend: ForwardBackend;

  beforeEach(() => {
    log.lines.length = 0;
    engine = new FakeEngine();
    pithyPrint = new PithyPrint(config.pithyPrintMs, clock);
    vhost = vhostOf('');
    backend = { askForwards: () => Promise.resolve([]) };
    service = new ForwardService({
      upstream: {
        engine: engine.asEngine,
        resolver: {
          addresses: (host) =>
            host === 'nowhere.test'
              ? Promise.reject(new SrsError(ErrorCode.SYSTEM_DNS, 'none'))
              : Promise.resolve([host]),
          services: () => Promise.resolve([]),
        },
        clock,
        serverIp: () => '192.0.2.1',
      },
      log,
      ids: new ContextIds(),
      pithyPrint,
      statistics: { client: () => undefined },
      findVhost: (name) => (name === vhost.name ? vhost : undefined),
      listening: () => [{ host: '', port: 1935 }],
      backend: { askForwards: (...asked) => backend.askForwards(...asked) },
      createBackoff: () => new Backoff(1, 1),
      wallMs: () => 5000,
    });
    ({ source } = createSource());
    publisher = new FakePublisher(100);
  });

  afterEach(() => {
    service.stop();
    pithyPrint.close();
    source.close();
  });

  /** Puts another vhost in force. */
  function apply(options: string): void {
    vhost = vhostOf(options);
    service.apply(source, vhost);
  }

  const urls = (): string[] => service.list().map(({ url }) => url);
  const later = (): Promise<void> => new Promise(setImmediate);

  it('does nothing for a stream that nobody publishes', async () => {
    apply('forward b.test;');
    await later();
    assert.deepEqual(urls(), []);
    assert.deepEqual(engine.connected, []);
  });

  it('copies from the publish to its end, and from when it is asked for amid one', async () => {
    apply('forward 198.51.100.2;');
    source.acquire(publisher);
    await later();
    assert.deepEqual(engine.connected, ['198.51.100.2:1935']);
    assert.deepEqual(service.list(), [
      {
        id: 100,
        destinationId: undefined,
        vhost: 'v',
        app: 'live',
        stream: 's',
        url: 'rtmp://198.51.100.2:1935/live/s',
        origin: 'config',
        state: 'connecting',
        sinceMs: 5000,
        sendBytes: 0,
        sendKbps: 0,
        reconnects: 0,
        dropped: 0,
        lastError: '',
      },
    ]);
    apply('forward 198.51.100.2 198.51.100.3:1936;');
    await later();
    assert.deepEqual(engine.connected, ['198.51.100.2:1935', '198.51.100.3:1936']);
    source.release(publisher);
    await later();
    assert.deepEqual(urls(), []);
    assert.equal(log.matching('forward ends').length, 2);
  });

  it('goes on when another takes the stream over at once', async () => {
    apply('forward 198.51.100.2;');
    source.acquire(publisher);
    const second = new FakePublisher(200);
    source.acquire(second);
    await later();
    assert.deepEqual(engine.connected, ['198.51.100.2:1935']);
    assert.deepEqual(
      log.matching('source_id=').map((line) => /forward (.*), url.*source_id=(\d+)/.exec(line)?.slice(1)), // prettier-ignore
      [
        ['begins', '100'],
        ['goes on', '200'],
      ],
    );
    source.release(second);
  });

  it('asks the backend again, in the name of who takes over, and keeps what it said until then', async () => {
    const asked: number[] = [];
    const answers = [['198.51.100.4'], ['198.51.100.5']];
    backend = {
      askForwards: (_url, { clientId }) => {
        asked.push(clientId);
        return Promise.resolve(answers.shift());
      },
    };
    apply('forward_backend http://hook.test/f;');
    const begun = (count: number): Promise<void> =>
      log.until(() => log.matching('forward begins').length === count);
    source.acquire(publisher);
    await begun(1);
    assert.deepEqual(urls(), ['198.51.100.4']);
    source.acquire(new FakePublisher(200));
    assert.deepEqual(urls().length, 1, 'until it is known better');
    await begun(2);
    assert.deepEqual(urls(), ['198.51.100.5']);
    assert.deepEqual(asked, [100, 200]);
  });

  it('takes what comes from several sides once, the configuration first', async () => {
    apply('forward 198.51.100.2;');
    const id = service.add({ vhost: 'v', app: 'live', stream: '*', url: '198.51.100.2' });
    source.acquire(publisher);
    await later();
    const [copy, waiting] = service.list();
    assert.deepEqual([copy?.origin, copy?.destinationId], ['config', undefined]);
    assert.deepEqual([waiting?.id, waiting?.state, waiting?.origin], [id, 'idle', 'api']);
    apply('');
    const [left, ...more] = service.list();
    assert.deepEqual([left?.origin, left?.destinationId, left?.id], ['api', id, copy?.id]);
    assert.equal(more.length, 0);
    assert.equal(service.remove(left?.id ?? 0), 'removed');
    assert.deepEqual(urls(), []);
  });

  it('removes only what was added, by either id', () => {
    apply('forward 198.51.100.2;');
    source.acquire(publisher);
    const [copy] = service.list();
    assert.equal(service.remove(copy?.id ?? 0), 'fixed');
    assert.equal(service.remove(1), 'unknown');
    const id = service.add({ vhost: 'v', app: 'x', stream: 's', url: '198.51.100.3' });
    assert.equal(service.remove(id), 'removed');
    assert.equal(service.remove(id), 'unknown');
  });

  it('refuses a vhost that is not served', () => {
    const wish = { vhost: 'other', app: '*', stream: '*', url: '198.51.100.3' };
    const refused = { code: ErrorCode.REQUEST_DATA, message: /expect a vhost.*"other"/ };
    assert.throws(() => service.add(wish), refused);
  });

  it('copies nothing where that is switched off, not even what was added', () => {
    apply('forward { enabled off; destination 198.51.100.2; backend http://hook.test/f; }');
    const id = service.add({ vhost: 'v', app: '*', stream: '*', url: '198.51.100.3' });
    source.acquire(publisher);
    assert.deepEqual(service.list().map(({ id: one, state }) => [one, state]), [[id, 'idle']]); // prettier-ignore
    apply('');
    assert.deepEqual(urls(), ['198.51.100.3']);
  });

  it('ends with the vhost, and is there again with it', async () => {
    apply('forward 198.51.100.2;');
    source.acquire(publisher);
    service.closeVhost('other');
    assert.equal(urls().length, 1);
    service.closeVhost('v');
    assert.deepEqual(urls(), []);
    service.setVhost(vhost);
    await later();
    assert.equal(engine.connected.length, 1);
    assert.equal(urls().length, 1);
  });

  it('forgets a stream that is gone', () => {
    apply('forward 198.51.100.2;');
    source.acquire(publisher);
    service.forget(source);
    assert.deepEqual(urls(), []);
    source.acquire(new FakePublisher(200));
    assert.deepEqual(urls(), []);
  });

  it('is stopped for good where the stream would come back', async () => {
    apply('forward 127.0.0.1;');
    source.acquire(publisher);
    await later();
    const [loop] = service.list();
    assert.deepEqual([loop?.state, engine.connected], ['stopped', []]);
    assert.match(loop?.lastError ?? '', /another server than this one.*127\.0\.0\.1:1935/);
    assert.equal(log.matching('ret=1030').length, 1);
  });

  it('tells why there is no connection, and tries again', async () => {
    apply('forward nowhere.test;');
    source.acquire(publisher);
    await log.until(() => log.matching('retry in').length >= 3);
    const [waiting] = service.list();
    assert.match(waiting?.lastError ?? '', /none/);
    assert.ok(['waiting', 'connecting'].includes(waiting?.state ?? ''));
  });
});
