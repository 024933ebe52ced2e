import assert from 'node:assert/strict';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import { bytesOfMessage, command } from '../../support/rtmp-peer';
import {
  clientid,
  fcPublish,
  playReplies,
  publishStart,
  result,
  ServerHarness,
} from '../../support/server-harness';

describe('ServerSession identifying a client', () => {
  it('serves an encoder: releaseStream, FCPublish, createStream, publish', () => {
    const harness = new ServerHarness().connected();
    const release = harness.push(command(0, 'releaseStream', 2, null, 'a'));
    assert.deepEqual(release, [result(2, undefined)]);
    assert.deepEqual(harness.push(command(0, 'FCPublish', 3, null, 'a')), [result(3, undefined)]);
    assert.deepEqual(harness.push(command(0, 'createStream', 4, null)), [result(4, 1)]);
    const replies = harness.push(command(1, 'publish', 5, null, 'a?token=1', 'live'));
    assert.deepEqual(replies, [fcPublish, publishStart]);
    assert.deepEqual(harness.events, ['publish a?token=1 fmle']);
    assert.equal(harness.session.role, 'publish');
  });

  it('serves an encoder whatever the order, and takes the announced name when publish has none', () => {
    const harness = new ServerHarness().connected();
    harness.push(command(0, 'FCPublish', 3, null, 'b'), command(0, 'createStream', 4, null));
    harness.push(command(1, 'publish', 5, null, ''));
    assert.deepEqual(harness.events, ['publish b fmle']);
  });

  it('serves a Haivision encoder: createStream, FCPublish, publish', () => {
    const harness = new ServerHarness().connected();
    harness.push(command(0, 'createStream', 2, null));
    assert.deepEqual(harness.push(command(0, 'FCPublish', 3, null, 'a')), [result(3, undefined)]);
    assert.deepEqual(harness.push(command(1, 'publish', 0, null, 'a')), [fcPublish, publishStart]);
    assert.deepEqual(harness.events, ['publish a haivision']);
  });

  it('serves a Flash publisher: createStream, publish', () => {
    const harness = new ServerHarness().connected();
    harness.push(command(0, 'createStream', 2, null));
    assert.deepEqual(harness.push(command(1, 'publish', 0, null, 'a')), [publishStart]);
    assert.deepEqual(harness.events, ['publish a flash']);
  });

  it('serves a player, whose duration it passes on', () => {
    const harness = new ServerHarness().connected();
    harness.push(command(0, 'createStream', 2, null));
    assert.deepEqual(harness.push(command(1, 'play', 0, null, 'a', -2, 5000)), playReplies);
    assert.deepEqual(harness.events, ['play a 5000']);
    assert.equal(harness.session.role, 'play');
    assert.equal(harness.session.playStreamId, 1);
  });

  it('answers generic calls that want an answer', () => {
    const harness = new ServerHarness().connected();
    assert.deepEqual(harness.push(command(0, '_checkbw', 4, null)), [result(4, null)]);
    assert.deepEqual(harness.push(command(0, 'deleteStream', 5, null, 1)), [result(5, null)]);
    assert.deepEqual(harness.push(command(0, 'getStreamLength', 6, null, 'a')), [result(6, 0)]);
    assert.deepEqual(harness.push(command(0, 'foo', 0, null)), []);
    const [reply, onFc] = harness.push(command(0, 'FCSubscribe', 7, null, 'a'));
    assert.deepEqual(reply, result(7, null));
    assert.equal(onFc?.[2], 'onFCSubscribe');
  });

  it('answers repeated createStream, within reason', () => {
    const harness = new ServerHarness().connected();
    for (let tid = 2; tid < 34; tid++) {
      assert.deepEqual(harness.push(command(0, 'createStream', tid, null)), [result(tid, 1)]);
    }
    assert.throws(
      () => harness.push(command(0, 'createStream', 40, null)),
      (error) => error instanceof SrsError && error.code === ErrorCode.SYSTEM_CLIENT_INVALID,
    );
  });

  it('passes over what makes no sense or cannot be decoded', () => {
    const harness = new ServerHarness().connected();
    const odd = [
      command(0, 'pause', 2, null, true),
      command(0, 'closeStream', 0, null),
      command(0, '_result', 9, null),
      bytesOfMessage(20, 0, Buffer.of(5)),
      bytesOfMessage(8, 1, Buffer.of(5)),
    ];
    assert.deepEqual(harness.push(...odd), []);
    assert.deepEqual(harness.events, [`ignored ${ErrorCode.RTMP_AMF0_DECODE}`]);
  });

  it('knows no steps of a bandwidth check that was not begun', () => {
    const harness = new ServerHarness().connected();
    assert.deepEqual(harness.push(command(0, 'finalClientPacket', 0, null)), []);
    assert.deepEqual(harness.events, []);
  });

  it('refuses a stream when the owner does, and lets the client try another', () => {
    const harness = new ServerHarness().connected();
    harness.decides = false;
    harness.push(command(0, 'createStream', 2, null), command(1, 'publish', 0, null, 'a'));
    harness.session.rejectPublish('NetStream.Publish.BadName', 'busy');
    const failure = {
      level: 'error',
      code: 'NetStream.Publish.BadName',
      description: 'busy',
      clientid,
    };
    assert.deepEqual(harness.push(), [[20, 1, 'onStatus', 0, null, failure]]);
    harness.push(command(1, 'play', 0, null, 'b'));
    harness.session.rejectPlay('NetStream.Play.StreamNotFound', 'none');
    assert.equal(harness.push()[0]?.[2], 'onStatus');
    assert.deepEqual(harness.events, ['publish a flash', 'play b -1']);
    assert.equal(harness.session.role, 'none');
  });

  it('ignores answers to questions it did not ask', () => {
    const harness = new ServerHarness().connected();
    harness.session.acceptPublish();
    harness.session.acceptPlay();
    harness.session.rejectPublish('x', 'y');
    harness.session.rejectPlay('x', 'y');
    harness.session.rejectConnect('x');
    harness.session.notifyPlay('stop');
    assert.deepEqual(harness.push(), []);
    assert.equal(harness.session.role, 'none');
  });
});
