/** Owns the chunk streams that reader, writer and fuzz tests share. */
import type { MessageHeader } from '../../../src/rtmp/message';

/** A message as a test compares it. */
export interface TestMessage extends MessageHeader {
  readonly payload: string;
}

/** Messages and their bytes. */
export interface ChunkCase {
  readonly name: string;
  readonly chunkSize: number;
  readonly messages: readonly TestMessage[];
  /** Bytes in hex, spaces allowed. */
  readonly bytes: string;
  /** Whether the writer produces these bytes. */
  readonly isWritten: boolean;
}

/** A message of payload bytes in hex. */
export function message(
  type: number,
  timestamp: number,
  payload: string,
  streamId = 1,
  chunkStreamId = 6,
): TestMessage {
  return { type, timestamp, streamId, chunkStreamId, payload };
}

export const chunkCases: readonly ChunkCase[] = [
  {
    name: 'a message in one chunk',
    chunkSize: 128,
    messages: [message(9, 0x010203, '1701aabb')],
    bytes: '06 010203 000004 09 01000000 1701aabb',
    isWritten: true,
  },
  {
    name: 'a message in three chunks, the rest with fmt 3',
    chunkSize: 4,
    messages: [message(8, 5, '00010203040506070809', 1, 7)],
    bytes: '07 000005 00000a 08 01000000 00010203 c7 04050607 c7 0809',
    isWritten: true,
  },
  {
    name: 'a payload of exactly two chunks',
    chunkSize: 2,
    messages: [message(8, 0, '01020304')],
    bytes: '06 000000 000004 08 01000000 0102 c6 0304',
    isWritten: true,
  },
  {
    name: 'a chunk stream id in two bytes',
    chunkSize: 2,
    messages: [message(20, 0, 'aabbcc', 0, 64), message(20, 0, 'dd', 0, 319)],
    bytes: '0000 000000 000003 14 00000000 aabb c000 cc  00ff 000000 000001 14 00000000 dd',
    isWritten: true,
  },
  {
    name: 'a chunk stream id in three bytes',
    chunkSize: 2,
    messages: [message(20, 0, 'aabbcc', 0, 320), message(20, 0, 'dd', 0, 65599)],
    bytes: '010001 000000 000003 14 00000000 aabb c10001 cc  01ffff 000000 000001 14 00000000 dd',
    isWritten: true,
  },
  {
    name: 'the largest timestamp without extension',
    chunkSize: 128,
    messages: [message(9, 0xfffffe, '01')],
    bytes: '06 fffffe 000001 09 01000000 01',
    isWritten: true,
  },
  {
    name: 'an extended timestamp, repeated on each chunk',
    chunkSize: 4,
    messages: [message(9, 0x01020304, '000102030405060708')],
    bytes: '06 ffffff 000009 09 01000000 01020304 00010203 c6 01020304 04050607 c6 01020304 08',
    isWritten: true,
  },
  {
    name: 'an extended timestamp of 32 bits, of which 31 count',
    chunkSize: 4,
    messages: [message(9, 0x01020304, '0001020304')],
    bytes: '06 ffffff 000005 09 01000000 81020304 00010203 c6 81020304 04',
    isWritten: false,
  },
  {
    name: 'an extended timestamp that continuation chunks leave out',
    chunkSize: 4,
    messages: [message(9, 0x01020304, '000102030405060708090a0b0c')],
    bytes: '06 ffffff 00000d 09 01000000 01020304 00010203 c6 04050607 c6 08090a0b c6 0c',
    isWritten: false,
  },
  {
    name: 'payload that begins like the extended timestamp it leaves out',
    chunkSize: 6,
    messages: [message(9, 0x01020304, '000102030405010203ff0809'), message(8, 1, '0a')],
    bytes:
      '06 ffffff 00000c 09 01000000 01020304 000102030405 c6 010203ff0809 06 000001 000001 08 01000000 0a',
    isWritten: false,
  },
  {
    name: 'an extended timestamp left out in chunks of two bytes',
    chunkSize: 2,
    messages: [message(9, 0x01020304, '00010102'), message(8, 2, '0b')],
    bytes: '06 ffffff 000004 09 01000000 01020304 0001 c6 0102 06 000002 000001 08 01000000 0b',
    isWritten: false,
  },
  {
    name: 'deltas: fmt 1, fmt 2, and fmt 3 that repeats the last one',
    chunkSize: 128,
    messages: [
      message(9, 1000, 'aa'),
      message(9, 1040, 'bbcc'),
      message(9, 1050, 'ddee'),
      message(9, 1060, 'ff00'),
    ],
    bytes: '06 0003e8 000001 09 01000000 aa  46 000028 000002 09 bbcc  86 00000a ddee  c6 ff00',
    isWritten: false,
  },
  {
    name: 'fmt 3 after fmt 0, whose timestamp becomes the delta',
    chunkSize: 128,
    messages: [message(9, 100, 'aa'), message(9, 200, 'bb')],
    bytes: '06 000064 000001 09 01000000 aa c6 bb',
    isWritten: false,
  },
  {
    name: 'an extended timestamp on fmt 1 and 2 and on a message with fmt 3, absolute each time',
    chunkSize: 128,
    messages: [
      message(9, 10, 'aa'),
      message(9, 0x01000000, 'bb'),
      message(9, 0x01000010, 'cc'),
      message(9, 0x01000020, 'dd'),
    ],
    bytes:
      '06 00000a 000001 09 01000000 aa  46 ffffff 000001 09 01000000 bb  86 ffffff 01000010 cc  c6 01000020 dd',
    isWritten: false,
  },
  {
    name: 'timestamps that wrap at 31 bits',
    chunkSize: 128,
    messages: [message(9, 0x7fffffff, 'aa'), message(9, 1, 'bb')],
    bytes: '06 ffffff 000001 09 01000000 7fffffff aa 46 000002 000001 09 bb',
    isWritten: false,
  },
  {
    name: 'two chunk streams that interleave',
    chunkSize: 2,
    messages: [message(8, 2, 'aabbcc', 1, 7), message(9, 1, '0102030405', 1, 6)],
    bytes:
      '06 000001 000005 09 01000000 0102 07 000002 000003 08 01000000 aabb c6 0304 c7 cc c6 05',
    isWritten: false,
  },
  {
    name: 'chunk stream 2 that starts with fmt 1, as librtmp pings',
    chunkSize: 128,
    messages: [message(4, 0, '000600000001', 0, 2)],
    bytes: '42 000000 000006 04 000600000001',
    isWritten: false,
  },
  {
    name: 'fmt 1 inside a message, which neither moves its time nor ends it',
    chunkSize: 2,
    messages: [message(9, 10, '01020304')],
    bytes: '06 00000a 000004 09 01000000 0102 46 000005 000004 09 0304',
    isWritten: false,
  },
  {
    name: 'empty messages, which are dropped',
    chunkSize: 128,
    messages: [message(9, 1, 'aa')],
    bytes: '06 000000 000000 09 01000000  06 000001 000001 09 01000000 aa',
    isWritten: false,
  },
];

/** The bytes of a case. */
export function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}
