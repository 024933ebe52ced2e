import assert from 'node:assert/strict';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import { AmfObject } from '../../../src/rtmp/amf0-value';
import type { AmfValue } from '../../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../../src/rtmp/amf0-writer';
import { bytesOfMessage, command } from '../../support/rtmp-peer';
import {
  fcPublish,
  flashPublisher,
  publisher,
  publishStart,
  result,
  ServerHarness,
  status,
} from '../../support/server-harness';

describe('ServerSession publishing', () => {
  const metadata = AmfObject.of({ width: 1 });
  const data = (...values: AmfValue[]): Buffer => bytesOfMessage(18, 1, encodeAmf0(...values));

  it('hands over media, aggregates split', () => {
    const harness = publisher();
    const sub = Buffer.from('0800000200000000000000aabb0000000d', 'hex');
    harness.push(
      bytesOfMessage(9, 1, Buffer.of(1, 2)),
      bytesOfMessage(8, 1, Buffer.of(3)),
      bytesOfMessage(22, 1, sub),
    );
    assert.deepEqual(harness.events, ['media 9 0 0102', 'media 8 0 03', 'media 8 0 aabb']);
  });

  it('hands over metadata decoded and other data as it is', () => {
    const harness = publisher();
    harness.push(
      data('@setDataFrame', 'onMetaData', metadata),
      data('onMetaData', metadata),
      data('@setDataFrame', 'onCuePoint', 1),
      bytesOfMessage(15, 1, Buffer.concat([Buffer.of(0), encodeAmf0('onTextData', 1)])),
    );
    assert.deepEqual(harness.events, [
      'metadata onMetaData 1',
      'metadata onMetaData 1',
      'data 22',
      'data 22',
    ]);
  });

  it('passes over data that cannot be decoded, and unknown types', () => {
    const harness = publisher();
    harness.push(data(5), bytesOfMessage(20, 1, Buffer.of(5)), bytesOfMessage(16, 1, Buffer.of(5)));
    const ignored = `ignored ${ErrorCode.RTMP_AMF0_DECODE}`;
    assert.deepEqual(harness.events, [ignored, ignored]);
  });

  it('gives up at a damaged aggregate', () => {
    assert.throws(
      () => publisher().push(bytesOfMessage(22, 1, Buffer.alloc(5))),
      (error) => error instanceof SrsError && error.code === ErrorCode.RTMP_AGGREGATE,
    );
  });

  it('answers FCUnpublish in three parts and takes a new publish', () => {
    const harness = publisher();
    assert.deepEqual(harness.push(command(0, 'FCUnpublish', 6, null, 'a')), [
      [
        20,
        1,
        'onFCUnpublish',
        0,
        null,
        { code: 'NetStream.Unpublish.Success', description: 'Stop publishing stream.' },
      ],
      result(6, undefined, 1),
      status('NetStream.Unpublish.Success', 'Stream is now unpublished'),
    ]);
    assert.equal(harness.session.role, 'none');
    assert.deepEqual(harness.push(command(0, 'deleteStream', 7, null, 1)), [result(7, null)]);
    harness.push(command(0, 'releaseStream', 8, null, 'b'), command(0, 'createStream', 9, null));
    assert.deepEqual(harness.push(command(1, 'publish', 0, null, 'b')), [fcPublish, publishStart]);
    assert.deepEqual(harness.events, ['unpublish', 'publish b fmle']);
  });

  it('is ended by closeStream and deleteStream of an encoder, and by nothing else', () => {
    for (const name of ['closeStream', 'deleteStream']) {
      const harness = publisher();
      harness.push(command(1, name, 0, null, 1));
      assert.deepEqual(harness.events, ['unpublish']);
    }
    const harness = publisher();
    harness.push(command(1, 'pause', 0, null), command(0, 'createStream', 9, null));
    harness.push(command(0, '_result', 9, null), command(0, 'onStatus', 9, null));
    assert.deepEqual(harness.push(command(0, 'foo', 5, null)), [result(5, null)]);
    assert.deepEqual(harness.events, []);
  });

  it('is ended by any stream command of a Flash client, which then means what it says', () => {
    const closed = flashPublisher();
    assert.deepEqual(closed.push(command(1, 'closeStream', 0, null)), []);
    assert.deepEqual(closed.events, ['unpublish']);
    const other = flashPublisher();
    assert.deepEqual(other.push(command(1, 'publish', 0, null, 'b')), [publishStart]);
    assert.deepEqual(other.events, ['unpublish', 'publish b flash']);
    const asking = flashPublisher();
    asking.push(command(0, '_checkbw', 3, null));
    assert.deepEqual(asking.events, []);
  });

  it('plays on the same connection afterwards, and publishes after playing', () => {
    const harness = publisher();
    harness.push(command(0, 'FCUnpublish', 6, null, 'a'), command(1, 'play', 0, null, 'b'));
    assert.equal(harness.session.role, 'play');
    harness.push(command(1, 'closeStream', 0, null), command(1, 'publish', 0, null, 'c'));
    assert.equal(harness.session.role, 'publish');
    assert.deepEqual(harness.events, ['unpublish', 'play b -1', 'play closed', 'publish c flash']);
  });

  it('may send long messages while it publishes, and only then', () => {
    const long = bytesOfMessage(9, 1, Buffer.alloc(100_000));
    const harness = publisher();
    harness.push(long);
    assert.equal(harness.events.length, 1);
    harness.push(command(0, 'FCUnpublish', 6, null, 'a'));
    const tooLong = (error: unknown): boolean =>
      error instanceof SrsError && error.code === ErrorCode.READER_BUFFER_OVERFLOW;
    assert.throws(() => harness.push(long), tooLong);
    assert.throws(() => new ServerHarness().connected().push(long), tooLong);
  });

  it('can be ended by the owner', () => {
    const harness = publisher();
    harness.session.rejectPublish('NetStream.Publish.BadName', 'replaced');
    assert.equal(harness.push(bytesOfMessage(9, 1, Buffer.of(1))).length, 1);
    assert.deepEqual(harness.events, []);
    assert.equal(harness.session.role, 'none');
  });

  it('keeps the request of the connect apart from those of the streams', () => {
    const harness = new ServerHarness().connected();
    harness.push(command(1, 'publish', 0, null, 'a?vhost=x'));
    assert.equal(harness.session.request.vhost, 'x');
    harness.push(command(1, 'publish', 0, null, 'b'));
    assert.equal(harness.session.request.vhost, 'host');
  });
});
