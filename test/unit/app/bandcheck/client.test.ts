import assert from 'node:assert/strict';

import sinon from 'sinon';

import { BandwidthClient } from '../../../../src/app/bandcheck/client';
import type { BandwidthResult } from '../../../../src/app/bandcheck/client';
import type { SrsError } from '../../../../src/core/errors';
import { AmfObject } from '../../../../src/rtmp/amf0-value';
import type { AmfValue } from '../../../../src/rtmp/amf0-value';
import { FakeTransport } from '../../../support/fakes/fake-transport';
import { command, HANDSHAKE, ReplyReader } from '../../../support/rtmp-peer';
import type { Received } from '../../../support/rtmp-peer';

const CLIENT_HANDSHAKE_SIZE = 1 + 1536 + 1536;
const plan = { limit_kbps: 1000, duration_ms: 3000, interval_ms: 0 };
const finished = {
  start_time: 1000,
  end_time: 7100,
  play_kbps: 990,
  publish_kbps: 980,
  play_bytes: 371_250,
  publish_bytes: 367_500,
  play_time: 3000,
  publish_time: 3001,
};

/** A transport on which the server lets bytes wait. */
class Transport extends FakeTransport {
  pendingBytes = 0;
}

describe('app/bandcheck/client', () => {
  let time: sinon.SinonFakeTimers;
  let transport: Transport;
  let client: BandwidthClient;
  let replies: ReplyReader;
  let result: BandwidthResult | undefined;
  let errors: SrsError[];

  beforeEach(() => {
    time = sinon.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    });
    transport = new Transport();
    replies = new ReplyReader();
    result = undefined;
    errors = [];
    const handler = {
      onConnected: (): void => undefined,
      onResult: (told: BandwidthResult): void => {
        result = told;
      },
      onError: (error: SrsError): void => {
        errors.push(error);
      },
    };
    const clock = { nowMs: (): number => Date.now() };
    client = new BandwidthClient(transport, handler, { clock, tcUrl: 'rtmp://h/a', app: 'a' });
    client.start();
  });

  afterEach(() => {
    assert.equal(time.countTimers(), 0, 'a timer was left');
    time.restore();
  });

  /** The server says something; what the client answers, its fillers left out. */
  function push(...parts: Buffer[]): Received[] {
    for (const part of parts) client.push(part, 0, part.length);
    return taken();
  }

  function taken(): Received[] {
    return replies
      .read(transport.take())
      .filter(([, , name]) => name !== 'onSrsBandCheckPublishing');
  }

  function say(name: string, data: Record<string, AmfValue> = {}): Received[] {
    return push(command(0, name, 0, null, AmfObject.of(data)));
  }

  function shakeHands(): void {
    client.push(HANDSHAKE, 0, HANDSHAKE.length);
    const bytes = transport.take();
    const [connect] = replies.read(bytes.subarray(CLIENT_HANDSHAKE_SIZE));
    assert.deepEqual(connect?.slice(0, 4), [20, 0, 'connect', 1]);
  }

  function connect(): void {
    shakeHands();
    const info = AmfObject.of({ level: 'status', code: 'NetConnection.Connect.Success' });
    assert.deepEqual(push(command(0, '_result', 1, AmfObject.of({}), info)), []);
  }

  const step = (name: string): Received[] => [[20, 0, name, 0, null, {}]];

  function playThrough(): void {
    assert.deepEqual(
      say('onSrsBandCheckStartPlayBytes', plan),
      step('onSrsBandCheckStartingPlayBytes'),
    );
    assert.deepEqual(say('onSrsBandCheckPlaying', { '0': 'x' }), []);
    assert.deepEqual(
      say('onSrsBandCheckStopPlayBytes', plan),
      step('onSrsBandCheckStoppedPlayBytes'),
    );
  }

  function publishThrough(): void {
    assert.deepEqual(
      say('onSrsBandCheckStartPublishBytes', plan),
      step('onSrsBandCheckStartingPublishBytes'),
    );
    time.tick(3000);
    assert.deepEqual(taken(), step('onSrsBandCheckStopPublishBytes'));
    assert.deepEqual(
      say('onSrsBandCheckStopPublishBytes', plan),
      step('onSrsBandCheckStoppedPublishBytes'),
    );
  }

  it('goes through all steps, and tells what the server has measured', () => {
    connect();
    playThrough();
    publishThrough();
    assert.deepEqual(say('onSrsBandCheckFinished', finished), step('finalClientPacket'));
    assert.deepEqual(result, {
      durationMs: 6100,
      playKbps: 990,
      publishKbps: 980,
      playBytes: 371_250,
      publishBytes: 367_500,
      playMs: 3000,
      publishMs: 3001,
    });
    assert.ok(transport.isEnded);
    client.close('closed');
    assert.deepEqual(errors, []);
  });

  it('stops to send when the server has enough', () => {
    connect();
    playThrough();
    say('onSrsBandCheckStartPublishBytes', plan);
    time.tick(1000);
    taken();
    assert.deepEqual(say('onSrsBandCheckStopPublishBytes', plan), [
      ...step('onSrsBandCheckStopPublishBytes'),
      ...step('onSrsBandCheckStoppedPublishBytes'),
    ]);
    client.close('closed');
  });

  it('passes over steps that are not due, and what cannot be decoded', () => {
    connect();
    assert.deepEqual(say('onSrsBandCheckStopPlayBytes', plan), []);
    assert.deepEqual(say('onSrsBandCheckFinished', finished), []);
    assert.deepEqual(push(Buffer.from('03000000000001140000000005', 'hex')), []);
    playThrough();
    client.close('closed');
    assert.equal(errors.length, 1);
  });

  it('sends no more than a server takes', () => {
    connect();
    playThrough();
    transport.pendingBytes = 1_000_000;
    say('onSrsBandCheckStartPublishBytes', plan);
    const before = transport.bytesSent;
    time.tick(2999);
    assert.equal(transport.bytesSent, before);
    transport.pendingBytes = 0;
    client.onDrain();
    assert.ok(transport.bytesSent > before);
    client.close('closed');
  });

  const bad: readonly (readonly [string, Record<string, AmfValue>, RegExp])[] = [
    ['no duration', { limit_kbps: 1 }, /expect duration_ms from 1 to 60000 .*, got none$/],
    ['no limit', { duration_ms: 1 }, /expect limit_kbps from 1 .*, got none$/],
    ['a duration of 0', { ...plan, duration_ms: 0 }, /got 0$/],
    ['a duration below 0', { ...plan, duration_ms: -3000 }, /got -3000$/],
    ['a duration that is no number', { ...plan, duration_ms: NaN }, /got NaN$/],
    ['a duration without end', { ...plan, duration_ms: Infinity }, /got Infinity$/],
    ['a duration of days', { ...plan, duration_ms: 1e9 }, /got 1000000000$/],
    ['a duration of another type', { ...plan, duration_ms: '3000' }, /got none$/],
    ['a limit of 0', { ...plan, limit_kbps: 0 }, /got 0$/],
    ['a limit below 0', { ...plan, limit_kbps: -1 }, /got -1$/],
    ['a limit that is no number', { ...plan, limit_kbps: NaN }, /got NaN$/],
  ];
  for (const [what, data, message] of bad) {
    it(`fails with 2025 when the server gives ${what}`, () => {
      connect();
      playThrough();
      assert.deepEqual(say('onSrsBandCheckStartPublishBytes', data), []);
      assert.equal(errors[0]?.code, 2025);
      assert.match(errors[0].message, message);
      time.tick(200_000);
      assert.equal(errors.length, 1);
    });
  }

  it('fails with 2025 when the result makes no sense', () => {
    connect();
    playThrough();
    publishThrough();
    assert.deepEqual(say('onSrsBandCheckFinished', { ...finished, play_kbps: -1 }), []);
    assert.equal(errors[0]?.code, 2025);
    assert.equal(result, undefined);
  });

  const refusals: readonly (readonly [string, string, number])[] = [
    ['bandcheck rejected', 'the interval', 1033],
    ['bandcheck rejected, the key is missing or wrong', 'the key', 1032],
    ['vhost x is unknown or disabled', 'anything else', 2015],
  ];
  for (const [description, what, code] of refusals) {
    it(`tells a refusal for ${what} by code ${code}`, () => {
      shakeHands();
      const info = { level: 'error', code: 'NetConnection.Connect.Rejected', description };
      push(command(0, '_error', 1, null, AmfObject.of(info)));
      assert.equal(errors[0]?.code, code);
      assert.match(errors[0].message, /got NetConnection\.Connect\.Rejected /);
    });
  }

  it('knows a refusal by onStatus, as SRS 2.0 has it', () => {
    shakeHands();
    const code = 'NetConnection.Connect.Rejected';
    say('onStatus', { level: 'error', code, description: 'bandcheck rejected' });
    assert.equal(errors[0]?.code, 1033);
  });

  it('knows a server that has no check to make', () => {
    connect();
    push(command(0, 'onBWDone', 0, null));
    assert.equal(errors[0]?.code, 2025);
    assert.match(errors[0].message, /expect a vhost with bandcheck, got one without/);
  });

  it('gives a silent server up after ten seconds', () => {
    shakeHands();
    time.tick(9999);
    assert.equal(errors.length, 0);
    time.tick(1);
    assert.equal(errors[0]?.code, 1011);
    assert.match(errors[0].message, /expect the reply to connect of the server within 10000 ms/);
  });

  it('gives a server up that talks for ever', () => {
    connect();
    say('onSrsBandCheckStartPlayBytes', plan);
    for (let at = 0; at < 160 && errors.length === 0; at++) {
      time.tick(1000);
      say('onSrsBandCheckPlaying', { '0': 'x' });
    }
    assert.equal(errors[0]?.code, 1011);
    assert.match(errors[0].message, /done within 150000 ms/);
  });

  it('fails when the other end does not speak RTMP', () => {
    client.push(Buffer.from('HTTP/1.1 400 Bad Request'), 0, 24);
    assert.equal(errors[0]?.code, 2016);
    client.push(HANDSHAKE, 0, HANDSHAKE.length);
    assert.equal(errors.length, 1);
  });
});
