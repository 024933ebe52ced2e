import assert from 'node:assert/strict';

import { ChunkReader } from '../../../src/rtmp/chunk-reader';
import { ChunkWriter, chunkedSize } from '../../../src/rtmp/chunk-writer';
import { FakeTransport } from '../../support/fakes/fake-transport';

import { bytesOf, chunkCases, message } from './chunk.cases';

describe('ChunkWriter', () => {
  for (const { name, chunkSize, messages, bytes } of chunkCases.filter((c) => c.isWritten)) {
    it(`writes ${name}`, () => {
      const transport = new FakeTransport();
      const writer = new ChunkWriter(transport);
      writer.chunkSize = chunkSize;
      let size = 0;
      for (const each of messages) {
        const payload = bytesOf(each.payload);
        writer.write(each, payload);
        size += chunkedSize(each, payload.length, chunkSize);
      }
      assert.equal(transport.take().toString('hex'), bytesOf(bytes).toString('hex'));
      assert.equal(size, bytesOf(bytes).length);
    });
  }

  it('writes the given range only, and nothing when it is empty', () => {
    const transport = new FakeTransport();
    const writer = new ChunkWriter(transport);
    writer.write(message(8, 0, ''), bytesOf('01020304'), 1, 3);
    writer.write(message(8, 0, ''), bytesOf('01020304'), 2, 2);
    const expected = bytesOf('06 000000 000002 08 01000000 0203');
    assert.deepEqual(transport.take(), expected);
  });

  it('replaces chunk stream ids that have no wire form by 2', () => {
    const transport = new FakeTransport();
    const writer = new ChunkWriter(transport);
    for (const id of [0, 1, 65600]) {
      writer.write(message(8, 0, '', 1, id), bytesOf('01'));
      assert.equal(transport.take()[0], 2);
    }
  });

  it('writes a message larger than the shared memory', () => {
    const transport = new FakeTransport();
    const writer = new ChunkWriter(transport);
    const payload = Buffer.alloc(600000, 3);
    writer.write(message(9, 1, ''), payload);
    let received = 0;
    const reader = new ChunkReader({
      onMessage(_header, data, start, end) {
        received = end - start;
        assert.ok(payload.equals(data.subarray(start, end)));
      },
    });
    const bytes = transport.take();
    reader.push(bytes, 0, bytes.length);
    assert.equal(received, payload.length);
  });
});
