import assert from 'node:assert/strict';

import fc from 'fast-check';

import { ErrorCode, SrsError } from '../../src/core/errors';
import { Amf0Reader } from '../../src/rtmp/amf0-reader';
import type { AmfValue } from '../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../src/rtmp/amf0-writer';
import { amf0Cases, bytes } from '../unit/rtmp/amf0.cases';

import { fuzzParameters } from './parameters';

/** Encodings short enough to be worth mutating, and references to what came before them. */
const seeds = [
  ...amf0Cases.map(({ hex }) => bytes(hex)).filter(({ length }) => length < 200),
  bytes('07 0000'),
  bytes('0a 00000002 07 0000 07 0001'),
];
const message = fc
  .array(fc.constantFrom(...seeds), { maxLength: 6 })
  .map((parts) => Buffer.concat(parts));
const change = fc.record({
  at: fc.nat(),
  remove: fc.nat(4),
  insert: fc.uint8Array({ maxLength: 4 }),
});
const mutant = fc.tuple(message, fc.array(change, { maxLength: 4 })).map(([data, changes]) => {
  let result = data;
  for (const { at, remove, insert } of changes) {
    const cut = at % (result.length + 1);
    result = Buffer.concat([result.subarray(0, cut), insert, result.subarray(cut + remove)]);
  }
  return result;
});

/** Reads all values; only the two errors of the reader may end it early. */
function readAll(data: Uint8Array): AmfValue[] {
  const reader = new Amf0Reader(data);
  const values: AmfValue[] = [];
  try {
    while (reader.remaining > 0) values.push(reader.readValue());
  } catch (error) {
    assert.ok(error instanceof SrsError);
    const codes: number[] = [ErrorCode.RTMP_AMF0_DECODE, ErrorCode.RTMP_AMF0_INVALID];
    assert.ok(codes.includes(error.code));
  }
  return values;
}

/** What could be read can be written, and is then read and written the same. */
function assertStable(data: Uint8Array): void {
  const values = readAll(data);
  const written = encodeAmf0(...values);
  const again = readAll(written);
  assert.deepEqual(again, values);
  assert.deepEqual(encodeAmf0(...again), written);
}

describe('AMF0 fuzz', () => {
  it('reads any bytes or refuses them with its own errors', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), assertStable), fuzzParameters());
  });

  it('reads damaged messages or refuses them with its own errors', () => {
    fc.assert(fc.property(mutant, assertStable), fuzzParameters());
  });
});
