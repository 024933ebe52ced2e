import assert from 'node:assert/strict';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import { splitAggregate } from '../../../src/rtmp/aggregate';
import type { MessageHeader } from '../../../src/rtmp/message';

import { bytesOf, message } from './chunk.cases';
import type { TestMessage } from './chunk.cases';

function split(header: MessageHeader, hex: string): TestMessage[] {
  const messages: TestMessage[] = [];
  const bytes = bytesOf(`ee${hex}`);
  const sink = {
    onMessage(sub: MessageHeader, payload: Uint8Array, start: number, end: number): void {
      const part = Buffer.from(payload.subarray(start, end)).toString('hex');
      messages.push({ ...message(sub.type, sub.timestamp, part, sub.streamId, sub.chunkStreamId) });
    },
  };
  splitAggregate(header, bytes, 1, bytes.length, sink);
  return messages;
}

const header = message(22, 1000, '', 1, 4);
const audio = '08 000002 000064 00 000000 aabb 0000000d';
const video = '09 000001 00006e 00 000000 cc 0000000c';
const data = '12 000001 00006e 00 000000 dd 0000000c';

describe('splitAggregate', () => {
  it('moves the timestamps so that the first is the one of the aggregate', () => {
    assert.deepEqual(split(header, audio + video + data), [
      message(8, 1000, 'aabb', 1, 4),
      message(9, 1010, 'cc', 1, 4),
      message(18, 1010, 'dd', 1, 4),
    ]);
  });

  it('reads the high byte of the timestamp', () => {
    const later = '08 000001 000064 01 000000 aa 0000000c';
    assert.deepEqual(
      split(header, audio + later).map((sub) => sub.timestamp),
      [1000, 1000 + 0x1000000],
    );
  });

  it('skips empty messages and those of other types', () => {
    const empty = '08 000000 000064 00 000000 0000000b';
    const command = '14 000001 000064 00 000000 02 0000000c';
    assert.deepEqual(split(header, empty + command + audio).length, 1);
  });

  it('refuses a message that is cut off, after those before it', () => {
    for (const end of [5, 12, 16]) {
      const bytes = bytesOf(audio + video).subarray(0, bytesOf(audio).length + Math.min(end, 15));
      assert.throws(
        () => split(header, bytes.toString('hex')),
        (error) => error instanceof SrsError && error.code === ErrorCode.RTMP_AGGREGATE,
      );
    }
  });
});
