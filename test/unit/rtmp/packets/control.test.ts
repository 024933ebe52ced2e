import assert from 'node:assert/strict';

import { ErrorCode, SrsError } from '../../../../src/core/errors';
import type { OutgoingMessage } from '../../../../src/rtmp/message';
import {
  decodeUint32,
  decodeUserControl,
  encodeAcknowledgement,
  encodeSetChunkSize,
  encodeSetPeerBandwidth,
  encodeUserControl,
  encodeWindowAcknowledgementSize,
} from '../../../../src/rtmp/packets/control';
import { bytesOf } from '../chunk.cases';

const encodings: readonly (readonly [string, OutgoingMessage, number, string])[] = [
  ['SetChunkSize', encodeSetChunkSize(60000), 1, '0000ea60'],
  ['Acknowledgement', encodeAcknowledgement(0x12345678), 3, '12345678'],
  ['Acknowledgement beyond 32 bits', encodeAcknowledgement(0x100000002), 3, '00000002'],
  ['UserControl', encodeUserControl(0, 1), 4, '000000000001'],
  ['SetBufferLength', encodeUserControl(3, 1, 1000), 4, '000300000001000003e8'],
  ['WindowAcknowledgementSize', encodeWindowAcknowledgementSize(2500000), 5, '002625a0'],
  ['SetPeerBandwidth', encodeSetPeerBandwidth(2500000), 6, '002625a002'],
];

describe('control packets', () => {
  for (const [name, message, type, payload] of encodings) {
    it(`encodes ${name}`, () => {
      assert.deepEqual(
        { ...message, payload: Buffer.from(message.payload).toString('hex') },
        { type, timestamp: 0, streamId: 0, chunkStreamId: 2, payload },
      );
    });
  }

  it('decodes a number from the middle of a buffer', () => {
    assert.equal(decodeUint32(bytesOf('ff 80000001 ff'), 1, 5), 0x80000001);
  });

  it('refuses a number that is cut off', () => {
    assert.throws(
      () => decodeUint32(bytesOf('000102'), 0, 3),
      (error) => error instanceof SrsError && error.code === ErrorCode.RTMP_MESSAGE_DECODE,
    );
  });

  it('decodes user control, and takes no offence at short events', () => {
    assert.deepEqual(decodeUserControl(bytesOf('0006 00000102'), 0, 6), { event: 6, data: 0x102 });
    assert.equal(decodeUserControl(bytesOf('001a 0102'), 0, 4), undefined);
  });
});
