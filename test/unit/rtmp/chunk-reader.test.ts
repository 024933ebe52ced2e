import assert from 'node:assert/strict';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import { assemblyPool } from '../../../src/rtmp/assembly-pool';
import { ChunkReader, defaultChunkReaderLimits } from '../../../src/rtmp/chunk-reader';
import type { ChunkReaderLimits } from '../../../src/rtmp/chunk-reader';
import type { MessageHeader } from '../../../src/rtmp/message';
import { pushLent, splits } from '../../support/split';

import { bytesOf, chunkCases, message } from './chunk.cases';
import type { TestMessage } from './chunk.cases';

class Harness {
  readonly messages: TestMessage[] = [];
  /** Buffers the payloads lay in. */
  readonly slabs: Uint8Array[] = [];
  readonly reader: ChunkReader;
  onMessageHook: ((header: MessageHeader) => void) | undefined;

  constructor(limits: Partial<ChunkReaderLimits> = {}) {
    this.reader = new ChunkReader(this, { ...defaultChunkReaderLimits, ...limits });
  }

  onMessage(header: MessageHeader, payload: Uint8Array, start: number, end: number): void {
    const { type, timestamp, streamId, chunkStreamId } = header;
    const bytes = Buffer.from(payload.subarray(start, end)).toString('hex');
    this.messages.push({ type, timestamp, streamId, chunkStreamId, payload: bytes });
    this.slabs.push(payload);
    this.onMessageHook?.(header);
  }

  push(hex: string): number {
    const bytes = bytesOf(hex);
    return this.reader.push(bytes, 0, bytes.length);
  }
}

function fails(action: () => unknown, code: ErrorCode, text: RegExp): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof SrsError);
    assert.equal(error.code, code);
    assert.match(error.message, text);
    return true;
  });
}

describe('ChunkReader', () => {
  for (const { name, chunkSize, messages, bytes } of chunkCases) {
    it(`reads ${name}, cut anywhere`, () => {
      for (const pieces of splits(bytesOf(bytes))) {
        const harness = new Harness();
        harness.reader.setChunkSize(chunkSize);
        pushLent(pieces, (slab, start, end) => {
          assert.equal(harness.reader.push(slab, start, end), end);
        });
        assert.deepEqual(harness.messages, messages);
      }
    });
  }

  it('hands over a message that lies whole in the pushed range without a copy', () => {
    const harness = new Harness();
    const bytes = bytesOf('06 000001 000002 09 01000000 aabb');
    harness.reader.push(bytes, 0, bytes.length);
    assert.equal(harness.slabs[0], bytes);
  });

  it('delivers a short last chunk at once when the extended timestamp is left out', () => {
    const harness = new Harness();
    harness.reader.setChunkSize(4);
    harness.push('06 ffffff 000005 09 01000000 01020304 00010203 c6 09');
    assert.deepEqual(harness.messages, [message(9, 0x01020304, '0001020309')]);
  });

  it('applies a new chunk size to a message in progress', () => {
    const harness = new Harness();
    harness.reader.setChunkSize(2);
    harness.onMessageHook = (header) => {
      if (header.type === 1) harness.reader.setChunkSize(8);
    };
    harness.push('06 000000 000006 09 01000000 0102 02 000000 000001 01 00000000 08 c6 03040506');
    assert.equal(harness.messages[1]?.payload, '010203040506');
  });

  it('ignores the top bit of a chunk size and takes the largest', () => {
    const harness = new Harness();
    harness.reader.setChunkSize(0xffffffff);
    harness.push('06 000000 000002 09 01000000 0102');
    assert.equal(harness.messages.length, 1);
  });

  it('refuses a chunk size of 0', () => {
    const { reader } = new Harness();
    fails(
      () => {
        reader.setChunkSize(0);
      },
      ErrorCode.RTMP_CHUNK_SIZE,
      /above 0.*got 0/,
    );
    fails(
      () => {
        reader.setChunkSize(0x80000000);
      },
      ErrorCode.RTMP_CHUNK_SIZE,
      /above 0/,
    );
  });

  it('drops the unfinished message when it is aborted, and starts anew with any format', () => {
    const harness = new Harness();
    harness.reader.setChunkSize(2);
    harness.push('06 000000 000003 09 01000000 0102');
    harness.reader.abort(6);
    harness.reader.abort(99);
    harness.push('c6 0405 c6 06');
    assert.deepEqual(harness.messages, [message(9, 0, '040506')]);
  });

  it('stops after the message that pauses it and goes on later', () => {
    const harness = new Harness();
    harness.onMessageHook = () => {
      harness.reader.pause();
    };
    const one = '06 000000 000001 09 01000000 aa';
    assert.equal(harness.push(one + one), bytesOf(one).length);
    assert.equal(harness.push(one), 0);
    harness.reader.resume();
    assert.equal(harness.push(one), bytesOf(one).length);
    assert.equal(harness.messages.length, 2);
  });

  it('keeps the bytes it had kept when a pause falls among them', () => {
    const harness = new Harness();
    harness.reader.setChunkSize(1);
    harness.onMessageHook = () => {
      harness.reader.pause();
    };
    // The last payload byte is like the timestamp, so that it and the next message are kept together.
    harness.push('06 ffffff 000002 09 01000000 01020304 00 c6 01');
    assert.equal(harness.messages.length, 0);
    harness.push('c6');
    assert.equal(harness.messages.length, 1);
    harness.reader.resume();
    harness.push('01020305 aa c6 01020305 bb');
    assert.deepEqual(harness.messages[1], message(9, 0x01020305, 'aabb'));
  });

  it('refuses a chunk stream that does not start with fmt 0', () => {
    for (const hex of ['46', '86', 'c6', '82', 'c2']) {
      const bytes = `${hex} 000000 000001 09 00000000 00`;
      fails(() => new Harness().push(bytes), ErrorCode.RTMP_CHUNK_START, /expect fmt 0 .*got fmt/);
    }
  });

  it('refuses fmt 0 inside a message', () => {
    const harness = new Harness();
    harness.reader.setChunkSize(1);
    fails(
      () => harness.push('06 000000 000002 09 01000000 01 06 000000 000002 09 01000000 01'),
      ErrorCode.RTMP_CHUNK_START,
      /expect a continuation on chunk stream 6, got fmt 0 after 1 of 2/,
    );
  });

  it('refuses a length that changes inside a message', () => {
    const harness = new Harness();
    harness.reader.setChunkSize(1);
    fails(
      () => harness.push('06 000000 000002 09 01000000 01 46 000000 000003 09 01'),
      ErrorCode.RTMP_PACKET_SIZE,
      /message length 2 to stay on chunk stream 6, got 3 after 1/,
    );
  });

  it('refuses a message above the limit when it is announced', () => {
    const harness = new Harness({ maxMessageSize: 4 });
    harness.push('06 000000 000004 09 01000000 01020304');
    fails(
      () => harness.push('06 000000 000005 09 01000000'),
      ErrorCode.READER_BUFFER_OVERFLOW,
      /at most 4 bytes, got 5 on chunk stream 6/,
    );
  });

  it('refuses one chunk stream too many', () => {
    const harness = new Harness({ maxChunkStreams: 2 });
    harness.push('06 000000 000001 09 01000000 01 07 000000 000001 09 01000000 01');
    fails(
      () => harness.push('08 000000 000001 09 01000000 01'),
      ErrorCode.RTMP_CHUNK_START,
      /at most 2 chunk streams.*one more: 8/,
    );
  });

  it('refuses more unfinished bytes than the limit, over all chunk streams', () => {
    const harness = new Harness({ maxPendingBytes: 5 });
    harness.reader.setChunkSize(2);
    harness.push('06 000000 000003 09 01000000 0102 07 000000 000003 09 01000000 0102 c6 03');
    harness.push('06 000000 000003 09 01000000 0102');
    fails(
      () => harness.push('08 000000 000003 09 01000000 0102'),
      ErrorCode.READER_BUFFER_OVERFLOW,
      /at most 5 bytes of unfinished messages, got 6, the last on chunk stream 8/,
    );
  });

  it('allocates as data arrives, not as announced', () => {
    const harness = new Harness();
    harness.reader.setChunkSize(1);
    const before = process.memoryUsage().arrayBuffers;
    for (let id = 3; id < 60; id++) {
      harness.push(`${id.toString(16).padStart(2, '0')} 000000 ffffff 09 01000000 01`);
      harness.reader.abort(id);
    }
    assert.ok(process.memoryUsage().arrayBuffers - before < 4 * 1024 * 1024);
  });

  it('grows the buffer of a large message and gives it back', () => {
    const harness = new Harness();
    harness.reader.setChunkSize(1 << 20);
    const payload = Buffer.alloc(100000, 7);
    const head = bytesOf('06 000000 0186a0 09 01000000');
    harness.reader.push(head, 0, head.length);
    for (let at = 0; at < payload.length; at += 1000) {
      harness.reader.push(payload, at, at + 1000);
    }
    assert.equal(harness.messages[0]?.payload.length, 200000);
    const { spareBytes } = assemblyPool;
    harness.push('06 000000 002000 09 01000000 01');
    harness.reader.dispose();
    assert.equal(assemblyPool.spareBytes, spareBytes);
  });
});
