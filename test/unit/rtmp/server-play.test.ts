import assert from 'node:assert/strict';

import { bytesOfMessage, command } from '../../support/rtmp-peer';
import { detailed, player, result, status } from '../../support/server-harness';

describe('ServerSession playing', () => {
  it('answers pause and unpause', () => {
    const harness = player();
    assert.deepEqual(harness.push(command(1, 'pause', 0, null, true, 100)), [
      status('NetStream.Pause.Notify', 'Paused stream.', {}),
      [4, 0, '000100000001'],
    ]);
    assert.deepEqual(harness.push(command(1, 'pause', 0, null, false, 100)), [
      status('NetStream.Unpause.Notify', 'Unpaused stream.', {}),
      [4, 0, '000000000001'],
    ]);
    assert.deepEqual(harness.events, ['pause true', 'pause false']);
  });

  it('is ended by closeStream and deleteStream', () => {
    const closed = player();
    assert.deepEqual(closed.push(command(1, 'closeStream', 0, null)), []);
    assert.deepEqual(closed.events, ['play closed']);
    const deleted = player();
    assert.deepEqual(deleted.push(command(0, 'deleteStream', 6, null, 1)), [result(6, null)]);
    assert.deepEqual(deleted.events, ['play closed']);
  });

  it('ignores play, publish, createStream and media, and answers calls', () => {
    const harness = player();
    const ignored = [
      command(1, 'play', 0, null, 'b'),
      command(1, 'publish', 0, null, 'b'),
      command(0, 'createStream', 9, null),
      bytesOfMessage(8, 1, Buffer.of(1)),
    ];
    assert.deepEqual(harness.push(...ignored), []);
    assert.deepEqual(harness.push(command(0, 'foo', 5, null)), [result(5, null)]);
    assert.deepEqual(harness.events, []);
  });

  it('tells the player what became of its stream', () => {
    const harness = player();
    harness.session.notifyPlay('unpublish');
    harness.session.notifyPlay('publish');
    harness.session.notifyPlay('stop');
    assert.deepEqual(harness.push(), [
      status('NetStream.Play.UnpublishNotify', 'Stream is now unpublished.', detailed),
      [4, 0, '000100000001'],
      [4, 0, '000000000001'],
      status('NetStream.Play.PublishNotify', 'Stream is now published.', detailed),
      status('NetStream.Play.Stop', 'Stopped playing stream.', detailed),
      [4, 0, '000100000001'],
    ]);
    assert.equal(harness.session.role, 'none');
    harness.push(command(1, 'play', 0, null, 'b'));
    assert.deepEqual(harness.events, ['play b -1']);
  });

  it('can be refused after it was granted', () => {
    const harness = player();
    harness.session.rejectPlay('NetStream.Play.Failed', 'gone');
    assert.equal(harness.session.role, 'none');
  });

  it('answers a ping, acknowledges, and tells the chunk size', () => {
    const harness = player();
    harness.session.setOutChunkSize(60000);
    assert.equal(harness.session.outChunkSize, 60000);
    const [size, pong] = harness.push(bytesOfMessage(4, 0, Buffer.from('000600000005', 'hex')));
    assert.deepEqual(size, [1, 0, '0000ea60']);
    assert.deepEqual(pong, [4, 0, '000700000005']);
    const [ack] = harness.push(bytesOfMessage(5, 0, Buffer.from('00000001', 'hex')));
    assert.equal(ack?.[0], 3);
  });
});
