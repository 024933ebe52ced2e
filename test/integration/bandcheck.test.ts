import assert from 'node:assert/strict';

import { allowAll } from '../../src/app/access/access';
import type { AccessAction, Authorizer } from '../../src/app/access/access';
import { checkBandwidth, parseCheckUrl } from '../../src/app/bandcheck/check';
import type { CheckReport } from '../../src/app/bandcheck/check';
import { runCheck } from '../../src/app/bandcheck/command';
import { BandcheckService } from '../../src/app/bandcheck/service';
import { Config } from '../../src/app/config/config';
import { systemClock } from '../../src/core/clock';
import { Engine } from '../../src/net/engine';
import { AmfObject } from '../../src/rtmp/amf0-value';
import { BandwidthName } from '../../src/rtmp/packets/bandwidth';
import type { LivePeer } from '../support/live-peer';
import { liveServers, vhost } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { plainValues } from '../support/rtmp-peer';
import { pairFiles, trusted } from '../support/tls';

/** Of each direction; the program takes three seconds. */
const DURATION_MS = 300;
const VHOST = 'bandcheck.srs.com';
const PARAMS = `?key=geheim,vhost=${VHOST}`;

interface Options {
  readonly limitKbps?: number;
  readonly intervalS?: number;
  readonly others?: string;
}

function configText({ limitKbps = 4000, intervalS = 0, others = '' }: Options = {}): string {
  const check = `enabled on; key geheim; interval ${intervalS}; limit_kbps ${limitKbps};`;
  return vhost('', `vhost ${VHOST} { bandcheck { ${check} } } ${others}`);
}

type Data = Readonly<Record<string, number>>;

/** The data of the next step of that name; steps before it are passed over. */
async function step(peer: LivePeer, name: BandwidthName): Promise<Data> {
  let data: Data = {};
  await peer.next(name, ({ type, payload }) => {
    if (type !== 20) return false;
    const values = plainValues(payload);
    data = values[3] as Data;
    return values[0] === name;
  });
  return data;
}

function say(peer: LivePeer, name: BandwidthName): void {
  peer.command(0, name, 0, null, AmfObject.of({}));
}

function assertNear(actual: number | undefined, expected: number): void {
  const value = actual ?? NaN;
  assert.ok(Math.abs(value - expected) <= expected * 0.25, `${value}, not about ${expected}`);
}

describe('the bandwidth check', () => {
  const startAny = liveServers();
  /** What the clock of the check is ahead. */
  let offsetMs = 0;
  const start = (options: Options = {}, authorizer: Authorizer = allowAll): Promise<LiveServer> => {
    const clock = { nowMs: (): number => systemClock.nowMs() + offsetMs };
    const bandcheck = new BandcheckService({ clock, durationMs: DURATION_MS });
    return startAny(configText(options), systemClock, { bandcheck, authorizer });
  };

  /** A check by our own client, on a loop of its own. */
  async function check(live: LiveServer, params = PARAMS): Promise<CheckReport> {
    const engine = new Engine(live.log);
    try {
      return await checkBandwidth(parseCheckUrl(`rtmp://127.0.0.1:${live.port}/app${params}`), {
        clock: systemClock,
        connect: (...args) => engine.connect(...args),
      });
    } finally {
      assert.equal(engine.stats.sockets, 0);
      engine.close();
    }
  }

  /** A client that has begun a check. */
  async function begin(live: LiveServer, more: Record<string, string> = {}): Promise<LivePeer> {
    const tcUrl = `rtmp://127.0.0.1:${live.port}/app${PARAMS}`;
    return live.client({ tcUrl, ...more });
  }

  for (const limitKbps of [800, 4000, 200_000]) {
    it(`measures ${limitKbps} kbps both ways, and lets the client go`, async () => {
      const live = await start({ limitKbps });
      const { result, error, server } = await check(live);
      assert.equal(error, undefined);
      assertNear(result?.playKbps, limitKbps);
      assertNear(result?.publishKbps, limitKbps);
      assertNear(result?.playMs, DURATION_MS);
      assertNear(result?.publishMs, DURATION_MS);
      assert.equal(server?.contextId, 100);
      await live.empty();
      const {
        playKbps = 0,
        publishKbps = 0,
        durationMs = 0,
        playMs = 0,
        publishMs = 0,
      } = {
        ...result,
      };
      assert.deepEqual(live.log.matching('bandwidth'), [
        `trace 100 bandwidth ok. duration=${durationMs}ms(${playMs}+${publishMs}), ` +
          `play=${playKbps}kbps, publish=${publishKbps}kbps`,
      ]);
      assert.deepEqual(live.errors, []);
      assert.deepEqual(live.log.matching('geheim'), []);
    });
  }

  it('is told on the console by the command', async () => {
    const live = await start();
    const url = `rtmp://localhost:${live.port}/app${PARAMS}`;
    const { summary, json, isMeasured } = await runCheck(url, live.log);
    assert.equal(isMeasured, true, summary);
    assert.match(summary, /^bandwidth check of rtmp:\/\/localhost:\d+\/app\?key=\*\*\*,vhost=/);
    assert.equal((JSON.parse(json) as { srs_pid: number }).srs_pid, process.pid);
    const other = await runCheck(`rtmp://localhost:${live.port}/live`, live.log);
    assert.equal(other.isMeasured, false);
    assert.equal((JSON.parse(other.json) as { code: number }).code, 2025);
    await assert.rejects(runCheck('nowhere', live.log), { code: 2006 });
  });

  it('closes in good order 600 ms after the last step, if the client has not', async () => {
    const live = await start();
    const peer = await begin(live);
    await goTo(peer, steps.length);
    const saidMs = performance.now();
    await peer.closed;
    assert.ok(performance.now() - saidMs > 500);
    assert.match(await live.closing(100), /^trace 100 client finished\. time=/);
  });

  it('tells a client without the key, or with another, that it is refused', async () => {
    const live = await start();
    for (const params of [`?vhost=${VHOST}`, `?key=geheimer,vhost=${VHOST}`]) {
      assert.equal((await check(live, params)).error?.code, 1032);
      const peer = await (await live.peer()).handshake();
      const info = await peer.connect({ tcUrl: `rtmp://127.0.0.1/app${params}` });
      assert.deepEqual(info, {
        level: 'error',
        code: 'NetConnection.Connect.Rejected',
        description: 'bandcheck rejected, the key is missing or wrong',
      });
      await peer.closed;
    }
    await live.empty();
    assert.equal(live.errors.length, 4);
    for (const line of live.errors) {
      assert.match(line, /connect refused, bandcheck rejected, the key .* wrong, ret=1032$/);
    }
    assert.deepEqual(live.log.matching('geheim'), []);
  });

  it('takes one client per interval, also when that has left', async () => {
    const live = await start({ intervalS: 30 });
    const first = await begin(live);
    first.socket.destroy();
    assert.equal((await check(live)).error?.code, 1033);
    const peer = await (await live.peer()).handshake();
    const info = await peer.connect({ tcUrl: `rtmp://127.0.0.1/app${PARAMS}` });
    assert.equal(info.description, 'bandcheck rejected');
    await peer.closed;
    offsetMs += 29_000;
    assert.equal((await check(live)).error?.code, 1033);
    offsetMs += 1000;
    await step(await begin(live), BandwidthName.startPlay);
  });

  /** What a client does, one step after the other; each ends when the server has answered it. */
  const steps: readonly (readonly [string, (peer: LivePeer) => Promise<unknown>])[] = [
    ['when it has connected', (peer) => step(peer, BandwidthName.startPlay)],
    [
      'while it is sent data',
      (peer) => {
        say(peer, BandwidthName.startingPlay);
        return step(peer, BandwidthName.playing);
      },
    ],
    ['after it was sent data', (peer) => step(peer, BandwidthName.stopPlay)],
    [
      'before it sends data',
      (peer) => {
        say(peer, BandwidthName.stoppedPlay);
        return step(peer, BandwidthName.startPublish);
      },
    ],
    [
      'while it sends data',
      (peer) => {
        say(peer, BandwidthName.startingPublish);
        // Flash has its own way to fill the line.
        const texts = new Array<string>(900).fill('SRS band check data from client');
        peer.command(0, BandwidthName.publishing, 5, null, texts);
        return peer.ping();
      },
    ],
    ['after it has sent data', (peer) => step(peer, BandwidthName.stopPublish)],
    [
      'when it has the result',
      (peer) => {
        say(peer, BandwidthName.stoppedPublish);
        return step(peer, BandwidthName.finished);
      },
    ],
    [
      'after its last word',
      (peer) => {
        say(peer, BandwidthName.final);
        return peer.ping();
      },
    ],
  ];

  async function goTo(peer: LivePeer, count: number): Promise<void> {
    for (const [, act] of steps.slice(0, count)) await act(peer);
  }

  for (const [index, [when]] of steps.entries()) {
    it(`forgets a client that leaves ${when}`, async () => {
      const ended: AccessAction[] = [];
      const authorizer = { ...allowAll, ended: (action: AccessAction) => void ended.push(action) };
      const live = await start({}, authorizer);
      const peer = await begin(live);
      await goTo(peer, index + 1);
      peer.socket.destroy();
      await live.empty();
      assert.deepEqual(ended, ['connect']);
      assert.deepEqual(live.errors, []);
      await step(await begin(live), BandwidthName.startPlay);
    });
  }

  it('does not wait for the last words of Flash', async () => {
    const live = await start();
    const peer = await begin(live, { swfUrl: 'http://host/a.swf' });
    await goTo(peer, 6);
    await step(peer, BandwidthName.finished);
    await peer.closed;
    assert.deepEqual(live.errors, []);
  });

  it('does not read more of a client than its limit, whatever that sends', async () => {
    const live = await start({ limitKbps: 8000 });
    const peer = await begin(live);
    await goTo(peer, 4);
    say(peer, BandwidthName.startingPublish);
    const texts = new Array<string>(900).fill('x'.repeat(60));
    for (let at = 0; at < 100; at++) peer.command(0, BandwidthName.publishing, 0, null, texts);
    const { bytes_delta: bytes = 0, duration_delta: timeMs = 1 } = await step(
      peer,
      BandwidthName.stopPublish,
    );
    assertNear((bytes * 8) / timeMs, 8000);
    say(peer, BandwidthName.stopPublish);
    say(peer, BandwidthName.stoppedPublish);
    const result = await step(peer, BandwidthName.finished);
    assertNear(result['publish_kbps'], 8000);
  });

  it('keeps little for a client that takes nothing, and ends it when it stops', async () => {
    const live = await start({ limitKbps: 10_000_000 });
    const peer = await begin(live);
    await step(peer, BandwidthName.startPlay);
    peer.socket.pause();
    say(peer, BandwidthName.startingPlay);
    await new Promise((resolve) => setTimeout(resolve, DURATION_MS + 100));
    const sent = live.engine.stats.bytesSent;
    assert.ok(sent < 32e6, `${sent} bytes`);
    peer.socket.resume();
    await step(peer, BandwidthName.stopPlay);
    say(peer, BandwidthName.stoppedPlay);
    await step(peer, BandwidthName.startPublish);
    await live.server.stop();
    assert.deepEqual(live.errors, []);
  });

  it('measures a client over TLS', async () => {
    const { cert, key } = pairFiles('first');
    const others = `rtmps_listen 127.0.0.1:0; rtmps_cert ${cert}; rtmps_key ${key};`;
    // What TLS holds back is read all the same: it is to be little beside what is measured.
    const limitKbps = 30_000;
    const live = await start({ limitKbps, others });
    live.trusted = trusted('first');
    const peer = await begin(live);
    await goTo(peer, 4);
    say(peer, BandwidthName.startingPublish);
    const texts = new Array<string>(900).fill('x'.repeat(60));
    for (let at = 0; at < 100; at++) peer.command(0, BandwidthName.publishing, 0, null, texts);
    await step(peer, BandwidthName.stopPublish);
    say(peer, BandwidthName.stoppedPublish);
    const result = await step(peer, BandwidthName.finished);
    for (const kbps of [result['play_kbps'] ?? NaN, result['publish_kbps'] ?? NaN]) {
      // A machine that is busy encrypts less than the limit allows.
      assert.ok(kbps > limitKbps / 8 && kbps < limitKbps * 1.25, `${kbps}`);
    }
  });

  it('serves no streams, to whomever', async () => {
    const live = await start();
    const tested = await begin(live);
    tested.command(0, 'createStream', 2, null);
    tested.command(1, 'play', 0, null, 's', -2, -1);
    tested.command(0, 'FCPublish', 3, null, 's');
    tested.command(1, 'publish', 4, null, 's', 'live');
    await tested.ping();
    const other = await live.client();
    const { code, description } = await other.publish(`s?vhost=${VHOST}`);
    assert.equal(code, 'NetStream.Publish.Denied');
    assert.equal(description, `vhost ${VHOST} is a bandwidth check, and has no streams`);
    assert.deepEqual(live.log.matching('client identified').length, 1);
    assert.deepEqual(live.log.matching('source url'), []);
  });

  it('ends with its vhost', async () => {
    const live = await start();
    const peer = await begin(live);
    await goTo(peer, 2);
    await live.server.reload(Config.parse(vhost(), 'test.conf'));
    await peer.closed;
    assert.equal(live.log.matching(`vhost ${VHOST} was removed`).length, 1);
    await live.empty();
  });
});
