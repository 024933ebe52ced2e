import assert from 'node:assert/strict';

import sinon from 'sinon';

import { ServerTest } from '../../../../src/app/bandcheck/server-test';
import { describeError } from '../../../../src/core/errors';
import { BandwidthName } from '../../../../src/rtmp/packets/bandwidth';

import { FakeTested } from './tested-connection';

const planned = { duration_ms: 3000, interval_ms: 0 };
const limited = { limit_kbps: 1000, ...planned };

describe('app/bandcheck/server-test', () => {
  let time: sinon.SinonFakeTimers;
  let connection: FakeTested;
  let test: ServerTest;

  beforeEach(() => {
    time = sinon.useFakeTimers(1_700_000_000_000);
    connection = new FakeTested();
  });

  afterEach(() => {
    assert.equal(time.countTimers(), 0, 'a timer was left');
    time.restore();
  });

  function begin(isFlash = false): void {
    const clock = { nowMs: (): number => Date.now() - 1000 };
    test = new ServerTest(connection, { clock, durationMs: 3000, limitKbps: 1000, isFlash });
  }

  function say(name: BandwidthName): void {
    test.onPacket({ kind: 'bandwidth', name, data: undefined });
  }

  /** What a client does up to here, without faults; a step takes 40 ms. */
  const stages: readonly (readonly [string, () => void])[] = [
    ['before it has begun', (): void => undefined],
    [
      'while it is sent data',
      (): void => {
        time.tick(40);
        say(BandwidthName.startingPlay);
        time.tick(1000);
      },
    ],
    [
      'after it was sent data',
      (): void => {
        time.tick(2000);
      },
    ],
    [
      'before it sends data',
      (): void => {
        time.tick(40);
        say(BandwidthName.stoppedPlay);
      },
    ],
    [
      'while it sends data',
      (): void => {
        time.tick(40);
        say(BandwidthName.startingPublish);
        time.tick(1000);
        connection.socket.bytesReceived += 125_000;
        say(BandwidthName.publishing);
      },
    ],
    [
      'after it has sent data',
      (): void => {
        time.tick(2000);
      },
    ],
    [
      'when it has the result',
      (): void => {
        time.tick(40);
        say(BandwidthName.stoppedPublish);
      },
    ],
    [
      'when it was said good-bye',
      (): void => {
        time.tick(40);
        say(BandwidthName.final);
      },
    ],
  ];

  function goTo(stage: number): void {
    for (const [, act] of stages.slice(0, stage + 1)) act();
  }

  it('takes a client through all steps and closes 600 ms after the last', () => {
    begin();
    assert.deepEqual(connection.take(), [[BandwidthName.startPlay, limited]]);
    goTo(2);
    const [stopPlay] = connection.take();
    assert.equal(stopPlay?.[0], BandwidthName.stopPlay);
    const { bytes_delta: playBytes = 0, duration_delta: playMs, ...rest } = stopPlay[1];
    assert.deepEqual([playMs, rest], [3000, planned]);
    assert.ok(playBytes > 370_000 && playBytes < 400_000, `${playBytes} bytes`);
    stages[3]?.[1]();
    assert.deepEqual(connection.take(), [[BandwidthName.startPublish, limited]]);
    stages[4]?.[1]();
    stages[5]?.[1]();
    const stopped = { ...planned, duration_delta: 3000, bytes_delta: 125_000 };
    assert.deepEqual(connection.take(), [[BandwidthName.stopPublish, stopped]]);
    stages[6]?.[1]();
    const total = 4 * 40 + 6000;
    assert.deepEqual(connection.take(), [
      [
        BandwidthName.finished,
        {
          start_time: 1_700_000_000_000,
          end_time: 1_700_000_000_000 + total,
          play_kbps: Math.floor((playBytes * 8) / 3000),
          publish_kbps: 333,
          play_bytes: playBytes,
          publish_bytes: 125_000,
          play_time: 3000,
          publish_time: 3000,
        },
      ],
    ]);
    const playKbps = Math.floor((playBytes * 8) / 3000);
    assert.deepEqual(connection.lines, [
      `bandwidth ok. duration=${total}ms(3000+3000), play=${playKbps}kbps, publish=333kbps`,
    ]);
    stages[7]?.[1]();
    time.tick(599);
    assert.equal(connection.hasFinished, false);
    time.tick(1);
    assert.equal(connection.hasFinished, true);
    assert.equal(connection.failure, undefined);
  });

  it('does not wait for the last words of Flash', () => {
    begin(true);
    goTo(5);
    const names = connection.take().map(([name]) => name);
    assert.deepEqual(names.slice(-2), [BandwidthName.stopPublish, BandwidthName.finished]);
    time.tick(600);
    assert.equal(connection.hasFinished, true);
  });

  it('ends the upload early when the client does', () => {
    begin();
    goTo(4);
    say(BandwidthName.stopPublish);
    const [, , , stopPublish] = connection.take();
    assert.deepEqual(stopPublish, [
      BandwidthName.stopPublish,
      { ...planned, duration_delta: 1000, bytes_delta: 125_000 },
    ]);
    test.stop();
  });

  it('counts what arrived late as late', () => {
    begin();
    goTo(2);
    time.tick(1040);
    say(BandwidthName.stoppedPlay);
    time.tick(40);
    say(BandwidthName.startingPublish);
    time.tick(3000);
    say(BandwidthName.stoppedPublish);
    const [, data] = connection.take().at(-1) ?? ['', {}];
    assert.equal(data['play_time'], 4000);
    test.stop();
  });

  it('passes over all but the awaited step', () => {
    begin();
    for (const name of Object.values(BandwidthName)) {
      if (name !== BandwidthName.startingPlay) say(name);
    }
    assert.deepEqual(connection.take(), [[BandwidthName.startPlay, limited]]);
    say(BandwidthName.startingPlay);
    say(BandwidthName.startingPlay);
    time.tick(2999);
    assert.deepEqual(connection.take(), []);
    test.stop();
  });

  it('stops to read from a client that sends too much, and reads on after it', () => {
    begin();
    goTo(4);
    connection.socket.bytesReceived += 1_000_000;
    say(BandwidthName.publishing);
    assert.equal(connection.socket.isReading, false);
    time.tick(2000);
    assert.equal(connection.socket.isReading, true);
    test.stop();
  });

  it('waits six seconds for a step, and says for which', () => {
    const waits = [
      [0, BandwidthName.startingPlay],
      [2, BandwidthName.stoppedPlay],
      [3, BandwidthName.startingPublish],
      [5, BandwidthName.stoppedPublish],
    ] as const;
    for (const [stage, name] of waits) {
      connection = new FakeTested();
      begin();
      goTo(stage);
      const failure = (): string | undefined =>
        connection.failure && describeError(connection.failure);
      time.tick(5999);
      assert.equal(failure(), undefined);
      time.tick(1);
      assert.equal(failure(), `bandwidth check: expect ${name} within 6000 ms, ret=1011`);
      assert.equal(time.countTimers(), 0);
    }
  });

  it('does not mind a client that has nothing to say at the end', () => {
    begin();
    goTo(6);
    time.tick(6600);
    assert.equal(connection.hasFinished, true);
    assert.equal(connection.failure, undefined);
  });

  for (const [stage, [when]] of stages.entries()) {
    it(`leaves nothing behind of a client that leaves ${when}`, () => {
      begin();
      goTo(stage);
      test.stop();
      assert.equal(time.countTimers(), 0);
      const before = [connection.steps.length, connection.fillers];
      for (const name of Object.values(BandwidthName)) say(name);
      test.onDrain();
      test.stop();
      time.tick(20_000);
      assert.deepEqual([connection.steps.length, connection.fillers], before);
      assert.deepEqual([connection.hasFinished, connection.failure], [false, undefined]);
      assert.equal(connection.socket.isReading, true);
    });
  }
});
