import assert from 'node:assert/strict';

import fc from 'fast-check';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import { Amf0Reader } from '../../../src/rtmp/amf0-reader';
import { AMF_MAX_DEPTH, AmfDate, AmfObject, AmfXml } from '../../../src/rtmp/amf0-value';
import type { AmfValue } from '../../../src/rtmp/amf0-value';
import { Amf0Writer, encodeAmf0 } from '../../../src/rtmp/amf0-writer';

import { amf0Cases, bytes, nested } from './amf0.cases';

function fails(action: () => unknown, message: RegExp): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof SrsError);
    assert.equal(error.code, ErrorCode.RTMP_AMF0_ENCODE);
    assert.match(error.message, message);
    return true;
  });
}

const { value: anyValue } = fc.letrec<{ value: AmfValue; entries: [string, AmfValue][] }>(
  (tie) => ({
    value: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.double({ noNaN: true }),
      fc.boolean(),
      fc.string({ unit: 'binary' }),
      fc.constantFrom(null, undefined),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => new AmfDate(bits, -7)),
      fc.string().map((text) => new AmfXml(text)),
      fc.array(tie('value'), { maxLength: 4 }),
      fc
        .tuple(fc.constantFrom('object' as const, 'ecmaArray' as const), tie('entries'))
        .map(([kind, entries]) => {
          const object = new AmfObject(kind);
          for (const [key, value] of entries) object.set(key, value);
          return object;
        }),
    ),
    entries: fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 4 }),
  }),
);

describe('encodeAmf0', () => {
  for (const { name, value, hex } of amf0Cases) {
    it(`writes ${name}`, () => {
      assert.equal(encodeAmf0(value).toString('hex'), bytes(hex).toString('hex'));
    });
  }

  it('writes values one after another', () => {
    assert.deepEqual(encodeAmf0(null, true, 'a'), bytes('05 0101 02 0001 61'));
    assert.equal(encodeAmf0().length, 0);
  });

  it('writes what the reader reads back, whatever the value', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const reader = new Amf0Reader(encodeAmf0(value));
        assert.deepEqual(reader.readValue(), value);
        assert.equal(reader.remaining, 0);
      }),
    );
  });

  it('writes the real count of an array read with another one', () => {
    const value = new Amf0Reader(bytes('08 000000ff 0001 61 05 000009')).readValue();
    assert.deepEqual(encodeAmf0(value), bytes('08 00000001 0001 61 05 000009'));
  });

  it('grows over many values without losing any', () => {
    const numbers = Array.from({ length: 5000 }, (_, index) => index);
    assert.deepEqual(new Amf0Reader(encodeAmf0(numbers)).readValue(), numbers);
  });

  it('grows at each position of each kind of value', () => {
    const values = amf0Cases.map(({ value }) => value);
    for (let fill = 0; fill < 64; fill++) {
      const padding = 'p'.repeat(180 + fill);
      const reader = new Amf0Reader(encodeAmf0(padding, ...values));
      assert.equal(reader.readString(), padding);
      assert.deepEqual(
        values.map(() => reader.readValue()),
        values,
      );
    }
  });

  it('writes up to the depth cap and refuses more, circles included', () => {
    assert.deepEqual(new Amf0Reader(encodeAmf0(nested(AMF_MAX_DEPTH))).remaining, 160);
    fails(() => encodeAmf0(nested(AMF_MAX_DEPTH + 1)), /expected at most 32 levels of nesting/);
    const circle = new AmfObject();
    fails(() => encodeAmf0(circle.set('self', circle)), /expected at most 32 levels of nesting/);
  });

  it('refuses a name that its length field cannot hold', () => {
    const long = 'k'.repeat(65536);
    fails(() => encodeAmf0(AmfObject.of({ [long]: 1 })), /at most 65535 bytes, got 65536/);
    fails(() => encodeAmf0(new AmfObject('typed', long)), /at most 65535 bytes, got 65536/);
  });

  it('refuses more than a message can hold', () => {
    const text = 'm'.repeat(1 << 20);
    fails(() => encodeAmf0(Array.from({ length: 16 }, () => text)), /at most 16777215 bytes/);
  });
});

describe('Amf0Writer', () => {
  it('writes typed values in the order of the calls', () => {
    const writer = new Amf0Writer().writeString('a').writeNumber(1).writeBoolean(false);
    assert.deepEqual(writer.writeValue(null).finish(), encodeAmf0('a', 1, false, null));
  });
});
