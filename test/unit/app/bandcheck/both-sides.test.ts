import assert from 'node:assert/strict';

import sinon from 'sinon';

import { BandwidthClient } from '../../../../src/app/bandcheck/client';
import type { BandwidthResult } from '../../../../src/app/bandcheck/client';
import { BandcheckService } from '../../../../src/app/bandcheck/service';
import type { SrsError } from '../../../../src/core/errors';
import type { ConnectInfo } from '../../../../src/rtmp/packets/connect';
import { FakeLine } from '../../../support/fakes/fake-line';
import type { LineQuality } from '../../../support/fakes/fake-line';

import { TestedSession } from './tested-session';

/** A check over a line that is all in the hands of the test. */
class Check {
  readonly line: FakeLine;
  readonly server: TestedSession;
  readonly client: BandwidthClient;
  result: BandwidthResult | undefined;
  error: SrsError | undefined;
  info: ConnectInfo | undefined;

  constructor(quality: LineQuality, limitKbps: number, key = 'abc', service = serviceNow()) {
    this.line = new FakeLine(quality);
    this.server = new TestedSession(this.line.server, service, limitKbps);
    const { client: end } = this.line;
    const handler = {
      onConnected: (info: ConnectInfo): void => {
        this.info = info;
      },
      onResult: (result: BandwidthResult): void => {
        this.result = result;
      },
      onError: (error: SrsError): void => {
        this.error = error;
        end.destroy();
      },
    };
    const tcUrl = `rtmp://host/app?key=${key}`;
    const options = { clock: wallClock, tcUrl, app: `app?key=${key}` };
    this.client = new BandwidthClient(end, handler, options);
    end.handler = {
      onData: (slab, start, stop) => {
        this.client.push(slab, start, stop);
      },
      onDrain: () => {
        this.client.onDrain();
      },
      onClose: () => {
        this.client.close('closed');
      },
    };
    this.client.start();
  }
}

const wallClock = { nowMs: (): number => Date.now() };
const serviceNow = (): BandcheckService => new BandcheckService({ clock: wallClock });

function assertNear(actual: number | undefined, expected: number, share: number): void {
  const value = actual ?? NaN;
  assert.ok(Math.abs(value - expected) <= expected * share, `${value}, not about ${expected}`);
}

describe('a bandwidth check, both sides', () => {
  let time: sinon.SinonFakeTimers;
  let checks: Check[];

  beforeEach(() => {
    // Without process.nextTick, which the making of random bytes uses.
    time = sinon.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    });
    checks = [];
  });

  afterEach(() => {
    for (const { line } of checks) line.stop();
    assert.equal(time.countTimers(), 0, 'a timer was left');
    time.restore();
  });

  function check(...args: ConstructorParameters<typeof Check>): Check {
    const made = new Check(...args);
    checks.push(made);
    return made;
  }

  const lan = { kbps: 100_000, delayMs: 1, bufferBytes: 65_536 };

  for (const limitKbps of [100, 1000, 4000]) {
    it(`measures the limit of ${limitKbps} kbps on a line that is faster`, () => {
      const { result, error, info, server } = run(check(lan, limitKbps));
      assert.equal(error, undefined);
      assert.equal(info?.contextId, 100);
      assertNear(result?.playKbps, limitKbps, 0.1);
      assertNear(result?.publishKbps, limitKbps, 0.1);
      assertNear(result?.playMs, 3000, 0.01);
      assertNear(result?.publishMs, 3000, 0.01);
      assertNear(result?.durationMs, 6010, 0.01);
      assert.equal(server.failure, undefined);
      assert.match(
        server.lines.join(),
        /^bandwidth ok\. duration=60\d\dms\(\d+\+\d+\), play=\d+kb/,
      );
    });
  }

  it('measures the line when that is slower than the limit, whatever buffers hold', () => {
    const slow = { kbps: 500, delayMs: 40, bufferBytes: 200_000 };
    const { result, error } = run(check(slow, 4000), 20_000);
    assert.equal(error, undefined);
    assertNear(result?.playKbps, 500, 0.1);
    assertNear(result?.publishKbps, 500, 0.1);
  });

  it('measures a long way as well as a short one', () => {
    const far = { kbps: 10_000, delayMs: 300, bufferBytes: 1_000_000 };
    const { result } = run(check(far, 2000), 15_000);
    assertNear(result?.playKbps, 2000, 0.1);
    assertNear(result?.publishKbps, 2000, 0.15);
    assertNear(result?.playMs, 3000, 0.02);
  });

  it('tells a client within the interval, and one with a wrong key, apart', () => {
    const service = serviceNow();
    const first = check(lan, 1000, 'abc', service);
    const second = check(lan, 1000, 'abcd', service);
    time.tick(500);
    const third = check(lan, 1000, 'abc', service);
    time.tick(500);
    assert.deepEqual([second.error?.code, third.error?.code], [1032, 1033]);
    run(first);
    assert.notEqual(first.result, undefined);
  });

  it('fails on both sides, and at once, when the line goes', () => {
    for (const atMs of [5, 20, 1000, 3010, 4000, 6005]) {
      const cut = check(lan, 1000);
      time.tick(atMs);
      cut.line.client.destroy();
      assert.equal(cut.result, undefined);
      assert.equal(cut.error?.code, 1004);
      cut.line.stop();
      assert.equal(time.countTimers(), 0, `${atMs} ms`);
    }
  });

  it('fails when the server falls silent', () => {
    for (const atMs of [5, 20, 3010, 4000, 6002]) {
      const stuck = check(lan, 1000);
      time.tick(atMs);
      stuck.line.stop();
      stuck.line.server.destroy = (): void => undefined;
      time.tick(20_000);
      assert.equal(stuck.error?.code, 1011, `${atMs} ms`);
    }
  });

  /** Until both sides have closed. */
  function run(made: Check, forMs = 8000): Check {
    time.tick(forMs);
    assert.deepEqual([made.line.client.isClosed, made.line.server.isClosed], [true, true]);
    return made;
  }
});
