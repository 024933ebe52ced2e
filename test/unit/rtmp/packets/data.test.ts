import assert from 'node:assert/strict';

import { AmfObject } from '../../../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../../../src/rtmp/amf0-writer';
import { decodeData, encodeDataFrame } from '../../../../src/rtmp/packets/data';
import type { DataPacket } from '../../../../src/rtmp/packets/data';

function decode(payload: Buffer, type = 18): DataPacket {
  return decodeData(type, payload, 0, payload.length);
}

describe('data packets', () => {
  const object = AmfObject.of({ width: 640, height: 360 });

  it('decodes metadata with and without @setDataFrame', () => {
    assert.deepEqual(decode(encodeAmf0('onMetaData', object)).metadata, object);
    const packet = decode(encodeAmf0('@setDataFrame', 'onMetaData', object));
    assert.deepEqual(packet, { name: 'onMetaData', start: 16, metadata: object });
  });

  it('turns an ECMA array into an object, and anything else into an empty one', () => {
    const array = AmfObject.ecmaArray({ width: 640, height: 360 });
    assert.deepEqual(decode(encodeAmf0('onMetaData', array)).metadata, object);
    assert.deepEqual(decode(encodeAmf0('onMetaData', 5)).metadata, new AmfObject());
    assert.deepEqual(decode(encodeAmf0('onMetaData')).metadata, new AmfObject());
  });

  it('leaves other data alone', () => {
    const packet = decode(encodeAmf0('onCuePoint', object));
    assert.deepEqual(packet, { name: 'onCuePoint', start: 0, metadata: undefined });
  });

  it('skips a leading 0 of the AMF3 envelope, and only that', () => {
    const payload = encodeAmf0('onCuePoint', object);
    assert.equal(decode(Buffer.concat([Buffer.of(0), payload]), 15).start, 1);
    assert.equal(decode(payload, 15).start, 0);
  });

  it('encodes metadata with @setDataFrame, apart from other data', () => {
    const message = encodeDataFrame(1, 'onMetaData', object);
    assert.deepEqual(message.payload, encodeAmf0('@setDataFrame', 'onMetaData', object));
    assert.deepEqual([message.type, message.chunkStreamId, message.streamId], [18, 5, 1]);
  });
});
