import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import * as sinon from 'sinon';

import { Heartbeat } from '../../../../src/app/heartbeat/heartbeat';
import type { HeartbeatOptions } from '../../../../src/app/heartbeat/heartbeat';
import { product } from '../../../../src/core/version';
import { ManualClock } from '../../../support/fakes/manual-clock';
import { RecordingLogger } from '../../../support/fakes/recording-logger';
import { Waits } from '../../../support/waits';

/** A request as the server of the owner got it. */
interface Report {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** The server of the owner: keeps reports, and answers as it is told. */
class Owner {
  readonly reports: Report[] = [];
  readonly waits = new Waits(() => JSON.stringify(this.reports));
  atOnce = 0;
  mostAtOnce = 0;
  answer: (response: ServerResponse) => void = (response) => response.end('whatever');
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      this.atOnce++;
      this.mostAtOnce = Math.max(this.mostAtOnce, this.atOnce);
      response.on('close', () => {
        this.atOnce--;
        this.waits.look();
      });
      let body = '';
      request.on('data', (bytes: Buffer) => (body += bytes.toString()));
      request.on('end', () => {
        const { method = '', url = '', headers } = request;
        this.reports.push({ method, url, headers, body });
        this.answer(response);
        this.waits.look();
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/api/v1/servers`;
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** Resolves when so many reports came, and all are answered or given up. */
  async got(count: number): Promise<void> {
    await this.waits.until(`${count} reports`, () => this.reports.length >= count);
  }

  async isLeft(): Promise<void> {
    await this.waits.until('the end of all requests', () => this.atOnce === 0);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

describe('Heartbeat', () => {
  let timers: sinon.SinonFakeTimers;
  let clock: ManualClock;
  let log: RecordingLogger;
  let owner: Owner;
  let heartbeat: Heartbeat;
  let asked: number;

  const options = (changes: Partial<HeartbeatOptions> = {}): HeartbeatOptions => ({
    enabled: true,
    intervalMs: 9900,
    url: owner.url,
    deviceId: 'my-srs-device',
    summaries: false,
    ...changes,
  });

  function pass(ms: number): void {
    clock.advance(ms);
    timers.tick(ms);
  }

  beforeEach(async () => {
    owner = new Owner();
    await owner.listen();
    timers = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    clock = new ManualClock();
    log = new RecordingLogger();
    asked = 0;
    heartbeat = new Heartbeat({
      log,
      clock,
      address: () => '192.168.1.2',
      summaries: () => {
        asked++;
        return { ok: true, now_ms: 5 };
      },
    });
  });

  afterEach(() => {
    heartbeat.stop();
    timers.restore();
    owner.close();
  });

  /** Resolves when no beat is under way: nothing but the timer of the next one is set. */
  async function answered(): Promise<void> {
    while (timers.countTimers() > 1) await new Promise((resolve) => setImmediate(resolve));
  }

  async function untilLogged(count: number): Promise<void> {
    await log.until(() => log.lines.length >= count);
  }

  it('reports device and address a second after the start, and every interval from then on', async () => {
    heartbeat.apply(options());
    pass(999);
    assert.equal(timers.countTimers(), 1);
    pass(1);
    await owner.got(1);
    const [{ method, url, headers, body }] = owner.reports as [Report];
    assert.deepEqual([method, url], ['POST', '/api/v1/servers']);
    assert.equal(headers['content-type'], 'application/json');
    assert.equal(headers['user-agent'], product.serverName);
    assert.equal(body, '{"device_id":"my-srs-device","ip":"192.168.1.2"}');
    assert.equal(asked, 0);
    for (const count of [2, 3]) {
      await owner.isLeft();
      await answered();
      pass(9899);
      assert.equal(owner.reports.length, count - 1);
      pass(1);
      await owner.got(count);
    }
    assert.deepEqual(log.lines, []);
  });

  it('adds the whole summaries, with their code, when they are wanted', async () => {
    heartbeat.apply(options({ summaries: true }));
    pass(1000);
    await owner.got(1);
    assert.deepEqual(JSON.parse(owner.reports[0]?.body ?? ''), {
      device_id: 'my-srs-device',
      ip: '192.168.1.2',
      summaries: { code: 0, data: { ok: true, now_ms: 5 } },
    });
  });

  it('keeps the query of the URL and logs in by its user', async () => {
    heartbeat.apply(options({ url: `${owner.url.replace('//', '//bob:pa55@')}?a=1&b=2` }));
    pass(1000);
    await owner.got(1);
    assert.equal(owner.reports[0]?.url, '/api/v1/servers?a=1&b=2');
    const basic = Buffer.from('bob:pa55').toString('base64');
    assert.equal(owner.reports[0].headers.authorization, `Basic ${basic}`);
  });

  it('does not care about an answer, unless it is a refusal', async () => {
    owner.answer = (response) => {
      response.writeHead(204).end();
    };
    heartbeat.apply(options());
    pass(1000);
    await owner.got(1);
    await answered();
    owner.answer = (response) => {
      response.writeHead(503).end('busy');
    };
    pass(9900);
    await untilLogged(1);
    assert.deepEqual(log.lines, [`warn 0 heartbeat to ${owner.url} failed: status 503`]);
  });

  it('takes no more of an answer than it needs', async () => {
    owner.answer = (response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    heartbeat.apply(options());
    pass(1000);
    await owner.got(1);
    await owner.isLeft();
    await answered();
    assert.deepEqual(log.lines, []);
  });

  it('gives a hung server five seconds, and never has two beats under way', async () => {
    owner.answer = () => undefined;
    heartbeat.apply(options({ intervalMs: 7000 }));
    pass(1000);
    await owner.got(1);
    pass(4999);
    assert.deepEqual(log.lines, []);
    pass(1);
    assert.deepEqual(log.lines, [`warn 0 heartbeat to ${owner.url} failed: no answer in 5000 ms`]);
    await owner.isLeft();
    for (const count of [2, 3, 4]) {
      pass(2000);
      await owner.got(count);
      pass(5000);
      await owner.isLeft();
    }
    assert.equal(owner.mostAtOnce, 1);
  });

  it('gives a beat up before the next one is due', async () => {
    owner.answer = () => undefined;
    heartbeat.apply(options({ intervalMs: 2000 }));
    pass(1000);
    await owner.got(1);
    pass(1900);
    assert.deepEqual(log.lines, [`warn 0 heartbeat to ${owner.url} failed: no answer in 1900 ms`]);
    await owner.isLeft();
    pass(100);
    await owner.got(2);
    assert.equal(owner.mostAtOnce, 1);
  });

  it('says once a minute what fails, how often, and no password', async () => {
    const url = owner.url.replace('//', '//bob:pa55@');
    heartbeat.apply(options({ url: `${url}?token=hidden`, intervalMs: 10_000 }));
    owner.answer = (response) => {
      response.socket?.destroy();
    };
    for (let beat = 1; beat <= 8; beat++) {
      pass(beat === 1 ? 1000 : 10_000);
      await owner.got(beat);
      await answered();
    }
    const redacted = `${owner.url.replace('//', '//***@')}?token=***`;
    assert.deepEqual(log.lines, [
      `warn 0 heartbeat to ${redacted} failed: socket hang up`,
      `warn 0 heartbeat to ${redacted} failed: socket hang up, 6 failures since the last such line`,
    ]);
  });

  it('says that nobody listens there', async () => {
    const settings = options();
    owner.close();
    heartbeat.apply(settings);
    pass(1000);
    await untilLogged(1);
    assert.match(log.lines[0] ?? '', /^warn 0 heartbeat to .* failed: connect ECONNREFUSED/);
  });

  it('says so when it has no URL to report to, and does not beat', () => {
    for (const url of ['not a url', 'ftp://127.0.0.1/', '']) {
      log.lines.length = 0;
      heartbeat.apply(options({ url }));
      assert.equal(log.lines.length, 1, url);
      assert.match(
        log.lines[0] ?? '',
        /^error 0 heartbeat url .* expected an http or https URL, ret=3007$/,
      );
      assert.equal(timers.countTimers(), 0);
    }
  });

  describe('when its options are applied again', () => {
    it('goes on in its pace when they are the same', async () => {
      heartbeat.apply(options());
      pass(500);
      heartbeat.apply(options());
      pass(500);
      await owner.got(1);
    });

    it('goes by new ones a second later', async () => {
      heartbeat.apply(options());
      pass(1000);
      await owner.got(1);
      await answered();
      heartbeat.apply(options({ deviceId: 'renamed', intervalMs: 60_000 }));
      assert.equal(timers.countTimers(), 1);
      pass(1000);
      await owner.got(2);
      assert.match(owner.reports[1]?.body ?? '', /"device_id":"renamed"/);
    });

    it('ends when they say so, and the beat under way with it, without a word', async () => {
      owner.answer = () => undefined;
      heartbeat.apply(options());
      pass(1000);
      await owner.got(1);
      heartbeat.apply(options({ enabled: false }));
      await owner.isLeft();
      assert.equal(timers.countTimers(), 0);
      pass(60_000);
      assert.deepEqual([owner.reports.length, log.lines], [1, []]);
      heartbeat.apply(options());
      pass(1000);
      await owner.got(2);
    });
  });

  it('ends at stop, which may be repeated', async () => {
    owner.answer = () => undefined;
    heartbeat.apply(options());
    pass(1000);
    await owner.got(1);
    heartbeat.stop();
    heartbeat.stop();
    await owner.isLeft();
    assert.equal(timers.countTimers(), 0);
    assert.deepEqual(log.lines, []);
  });
});
