import assert from 'node:assert/strict';

import fc from 'fast-check';

import { SrsError } from '../../src/core/errors';
import { ChunkReader } from '../../src/rtmp/chunk-reader';
import { ChunkWriter } from '../../src/rtmp/chunk-writer';
import type { MessageHeader } from '../../src/rtmp/message';
import { defaultServerSessionOptions } from '../../src/rtmp/server-handler';
import { FakeTransport } from '../support/fakes/fake-transport';
import { command, connectCommand, HANDSHAKE } from '../support/rtmp-peer';
import { ServerHarness } from '../support/server-harness';
import { pushLent } from '../support/split';
import { bytesOf, chunkCases } from '../unit/rtmp/chunk.cases';
import type { TestMessage } from '../unit/rtmp/chunk.cases';

import { fuzzParameters } from './parameters';

const streams = chunkCases.map(({ bytes }) => bytesOf(bytes));
const change = fc.record({
  at: fc.nat(),
  remove: fc.nat(4),
  insert: fc.uint8Array({ maxLength: 4 }),
});
const mutant = fc
  .tuple(fc.constantFrom(...streams), fc.array(change, { maxLength: 4 }))
  .map(([data, changes]) => changes.reduce<Buffer>(mutate, data));
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });

const sent = fc.record({
  type: fc.constantFrom(8, 9, 18, 20),
  timestamp: fc.oneof(fc.nat(0x7fffffff), fc.nat(2000)),
  streamId: fc.nat(0x7fffffff),
  chunkStreamId: fc.oneof(fc.integer({ min: 2, max: 65599 }), fc.integer({ min: 2, max: 8 })),
  payload: fc.uint8Array({ minLength: 1, maxLength: 300 }),
});

function mutate(
  data: Buffer,
  { at, remove, insert }: { at: number; remove: number; insert: Uint8Array },
): Buffer {
  const cut = at % (data.length + 1);
  return Buffer.concat([data.subarray(0, cut), insert, data.subarray(cut + remove)]);
}

/** The pieces of data, their sizes repeating. */
function pieces(data: Buffer, sizes: readonly number[]): Buffer[] {
  const result: Buffer[] = [];
  for (let at = 0, i = 0; at < data.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    result.push(data.subarray(at, at + size));
    at += size;
  }
  return result;
}

/** The messages in the pieces, and the code of the violation that ended them. */
function readAll(
  parts: readonly Buffer[],
  chunkSize: number,
): { messages: TestMessage[]; error: number } {
  const messages: TestMessage[] = [];
  const reader = new ChunkReader({
    onMessage({ type, timestamp, streamId, chunkStreamId }: MessageHeader, data, start, end) {
      const payload = Buffer.from(data.subarray(start, end)).toString('hex');
      messages.push({ type, timestamp, streamId, chunkStreamId, payload });
    },
  });
  reader.setChunkSize(chunkSize);
  try {
    pushLent(parts, (slab, start, end) => {
      assert.equal(reader.push(slab, start, end), end);
    });
  } catch (error) {
    assert.ok(error instanceof SrsError, String(error));
    return { messages, error: error.code };
  }
  return { messages, error: 0 };
}

describe('chunk stream fuzz', () => {
  it('reads the same from any bytes however they are cut', () => {
    const property = fc.property(
      mutant,
      cuts,
      fc.integer({ min: 1, max: 9 }),
      (data, sizes, chunkSize) => {
        assert.deepEqual(readAll(pieces(data, sizes), chunkSize), readAll([data], chunkSize));
      },
    );
    fc.assert(property, fuzzParameters());
  });

  it('reads what it writes', () => {
    const property = fc.property(
      fc.array(sent, { maxLength: 20 }),
      cuts,
      fc.integer({ min: 1, max: 200 }),
      (messages, sizes, chunkSize) => {
        const transport = new FakeTransport();
        const writer = new ChunkWriter(transport);
        writer.chunkSize = chunkSize;
        for (const message of messages) writer.write(message, message.payload);
        const read = readAll(pieces(transport.take(), sizes), chunkSize);
        const expected = messages.map(({ payload, ...header }) => ({
          ...header,
          payload: Buffer.from(payload).toString('hex'),
        }));
        assert.deepEqual(read, { messages: expected, error: 0 });
      },
    );
    fc.assert(property, fuzzParameters());
  });

  it('keeps a session standing, or fails it with an error of ours', () => {
    const script = Buffer.concat([
      connectCommand(),
      command(0, 'releaseStream', 2, null, 'a'),
      command(0, 'createStream', 3, null),
      command(1, 'publish', 0, null, 'a'),
      ...streams,
      command(0, 'FCUnpublish', 4, null, 'a'),
      command(1, 'play', 0, null, 'a'),
      command(1, 'closeStream', 0, null),
    ]);
    const property = fc.property(fc.array(change, { maxLength: 4 }), cuts, (changes, sizes) => {
      const harness = new ServerHarness(defaultServerSessionOptions.maxSuspendedBytes);
      const data = changes.reduce<Buffer>(mutate, script);
      try {
        pushLent([HANDSHAKE, ...pieces(data, sizes)], (slab, start, end) => {
          harness.session.push(slab, start, end);
        });
      } catch (error) {
        assert.ok(error instanceof SrsError, String(error));
      }
    });
    fc.assert(property, fuzzParameters());
  });
});
