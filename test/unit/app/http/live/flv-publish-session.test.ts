import assert from 'node:assert/strict';

import sinon from 'sinon';

import { FlvPublishSession } from '../../../../../src/app/http/live/flv-publish-session';
import { ErrorCode } from '../../../../../src/core/errors';
import type { SrsError } from '../../../../../src/core/errors';
import { AmfObject } from '../../../../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../../../../src/rtmp/amf0-writer';
import type { FakeStreamLog } from '../../../../support/fakes/fake-stream-log';
import { ManualClock } from '../../../../support/fakes/manual-clock';
import { RecordingLogger } from '../../../../support/fakes/recording-logger';
import { aacFrame, flvFile, sampleTags } from '../../../../support/media';
import { createSource, FakePublisher } from '../../stream/harness';

describe('an FLV publish session', () => {
  let timers: sinon.SinonFakeTimers;
  let clock: ManualClock;
  let log: RecordingLogger;
  let streamLog: FakeStreamLog;
  let source: ReturnType<typeof createSource>['source'];
  let ended: SrsError[];
  let session: FlvPublishSession;

  beforeEach(() => {
    timers = sinon.useFakeTimers();
    clock = new ManualClock();
    log = new RecordingLogger(9);
    ({ source, log: streamLog } = createSource());
    ended = [];
    session = new FlvPublishSession({
      contextId: 9,
      log,
      source,
      clock,
      vhost: { publishFirstPacketTimeoutMs: 1000, publishNormalTimeoutMs: 3000 },
      onEnded: (error) => ended.push(error),
    });
    session.start();
  });
  afterEach(() => {
    timers.restore();
  });

  const endings = (): [number, string][] => ended.map(({ code, message }) => [code, message]);
  const pass = (ms: number): void => {
    clock.advance(ms);
    timers.tick(ms);
  };

  it('passes messages on however the bytes are split', () => {
    const file = flvFile(sampleTags(2));
    for (let at = 0; at < file.length; at += 7) session.push(file.subarray(at, at + 7));
    assert.equal(source.sourceId, 9);
    assert.equal(session.messages, 6);
    assert.deepEqual(
      streamLog.messages.map(({ type, slot }) => [type, slot]),
      [
        [18, 0],
        [9, 1],
        [8, 33],
        [9, -1],
        [8, -1],
        [9, -1],
        [8, -1],
      ],
    );
    session.finish();
    assert.equal(source.publisher, undefined);
    session.push(flvFile([]));
    session.finish();
    assert.deepEqual(ended, []);
  });

  it('relays other script tags but not those for servers, and passes over what is damaged', () => {
    const script = (payload: Buffer): { type: number; timestamp: number; payload: Buffer } => ({
      type: 18,
      timestamp: 0,
      payload,
    });
    session.push(
      flvFile([
        script(encodeAmf0('onCuePoint', 1)),
        script(encodeAmf0('|RtmpSampleAccess', true, true)),
        script(encodeAmf0('@setDataFrame', 'onMetaData', AmfObject.of({ width: 1 }))),
        script(Buffer.from('ff', 'hex')),
        script(Buffer.from('ff', 'hex')),
      ]),
    );
    assert.deepEqual(
      streamLog.messages.map(({ slot }) => slot),
      [-1, 0],
    );
    assert.equal(log.matching('ignore a script tag').length, 1);
  });

  it('ends without a first message in time', () => {
    session.push(flvFile(sampleTags(0).slice(0, 1)));
    pass(999);
    assert.deepEqual(ended, []);
    pass(1);
    assert.deepEqual(endings(), [
      [ErrorCode.SOCKET_TIMEOUT, 'expect audio or video within 1000 ms'],
    ]);
    assert.equal(source.publisher, undefined);
  });

  it('ends after silence', () => {
    const [head, ...rest] = [flvFile([]), flvFile(sampleTags(1)).subarray(13)];
    session.push(head);
    session.push(rest[0]);
    pass(1000);
    pass(1500);
    session.push(flvFile([{ type: 8, timestamp: 40, payload: aacFrame() }]).subarray(13));
    assert.equal(session.lastReceivedMs, clock.nowMs());
    pass(2999);
    assert.deepEqual(ended, []);
    pass(1);
    assert.deepEqual(endings(), [
      [ErrorCode.SOCKET_TIMEOUT, 'expect the next packet within 3000 ms'],
    ]);
  });

  it('tells its owner once that another took the stream', () => {
    source.acquire(new FakePublisher(12));
    assert.deepEqual(endings(), [[ErrorCode.SYSTEM_STREAM_BUSY, 'replaced by id=12']]);
    assert.equal(source.sourceId, 12);
    session.fail();
    session.onReplaced(13);
    pass(60_000);
    assert.equal(ended.length, 1);
    assert.equal(source.sourceId, 12);
  });

  it('says what is wrong with the bytes', () => {
    assert.throws(() => {
      session.push(Buffer.from('this is not FLV'));
    }, /expected "FLV" at offset 0/);
    session.fail();
    assert.equal(source.publisher, undefined);
  });

  it('may be silent for another time from a reload on', () => {
    session.setVhost({ publishFirstPacketTimeoutMs: 5000, publishNormalTimeoutMs: 3000 });
    pass(4999);
    assert.deepEqual(endings(), []);
    session.push(flvFile(sampleTags(1)));
    session.setVhost({ publishFirstPacketTimeoutMs: 5000, publishNormalTimeoutMs: 500 });
    pass(499);
    assert.deepEqual(endings(), []);
    pass(1);
    assert.deepEqual(endings(), [
      [ErrorCode.SOCKET_TIMEOUT, 'expect the next packet within 500 ms'],
    ]);
    session.setVhost({ publishFirstPacketTimeoutMs: 5000, publishNormalTimeoutMs: 400 });
    assert.equal(timers.countTimers(), 0);
  });
});
