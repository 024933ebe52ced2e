import assert from 'node:assert/strict';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import { Amf0Reader } from '../../../src/rtmp/amf0-reader';
import { AMF_MAX_DEPTH, AMF_MAX_VALUES, AmfObject } from '../../../src/rtmp/amf0-value';
import type { AmfValue } from '../../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../../src/rtmp/amf0-writer';

import { amf0Cases, bytes, nested } from './amf0.cases';

function read(hex: string): AmfValue {
  const reader = new Amf0Reader(bytes(hex));
  const value = reader.readValue();
  assert.equal(reader.remaining, 0);
  return value;
}

function fails(action: () => unknown, code: ErrorCode, message: RegExp): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof SrsError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });
}

const DECODE = ErrorCode.RTMP_AMF0_DECODE;
const INVALID = ErrorCode.RTMP_AMF0_INVALID;

describe('Amf0Reader', () => {
  for (const { name, value, hex } of amf0Cases) {
    it(`reads ${name}`, () => {
      assert.deepEqual(read(hex), value);
    });
  }

  it('reads only the given part of the bytes', () => {
    const reader = new Amf0Reader(new Uint8Array(bytes('ff 05 0101 ff')), 1, 4);
    assert.equal(reader.peekMarker(), 5);
    assert.equal(reader.readValue(), null);
    assert.equal(reader.readBoolean(), true);
    assert.equal(reader.peekMarker(), -1);
    fails(() => reader.readValue(), DECODE, /expected 1 bytes of a value marker at byte 4, got 0/);
  });

  it('takes any non-zero byte for true', () => {
    assert.equal(read('01 7f'), true);
  });

  it('ignores the count of an ECMA array', () => {
    const expected = AmfObject.ecmaArray({ a: null });
    assert.deepEqual(read('08 00000000 0001 61 05 000009'), expected);
    assert.deepEqual(read('08 ffffffff 0001 61 05 000009'), expected);
  });

  it('accepts the end of the message for the end of an object or array', () => {
    assert.deepEqual(read('03 0001 61 05'), AmfObject.of({ a: null }));
    assert.deepEqual(read('08 00000001'), AmfObject.ecmaArray({}));
    assert.deepEqual(read('0a ffffffff 05 06'), [null, undefined]);
  });

  it('lets a repeated key replace the earlier one and move to the end', () => {
    const value = read('03 0001 61 05 0001 62 05 0001 61 06 000009');
    assert.ok(value instanceof AmfObject);
    assert.deepEqual([...value.entries], [['b', null], ['a', undefined]]); // prettier-ignore
  });

  it('refuses every value cut short', () => {
    for (const { name, value, hex } of amf0Cases) {
      if (value instanceof AmfObject || Array.isArray(value)) continue;
      const data = bytes(hex);
      for (let end = Math.max(0, data.length - 20); end < data.length; end++) {
        fails(() => new Amf0Reader(data, 0, end).readValue(), DECODE, /got \d+$/);
      }
      assert.ok(data.length > 0, name);
    }
  });

  for (const [marker, message] of [
    ['04', /amf0: the type is not supported: movieClip \(marker 0x04\) at byte 0/],
    ['0e', /recordSet/],
    ['11', /AMF3 values are not supported: avmPlus \(marker 0x11\)/],
    ['12', /unknown \(marker 0x12\)/],
  ] as const) {
    it(`refuses marker 0x${marker}`, () => {
      fails(() => read(marker), INVALID, message);
    });
  }

  it('refuses an object end outside an object', () => {
    fails(() => read('09'), DECODE, /object end outside an object at byte 0/);
  });
});

describe('Amf0Reader typed reads', () => {
  it('read what was asked for, one after another', () => {
    const reader = new Amf0Reader(
      encodeAmf0('connect', 1, true, AmfObject.of({}), 'y'.repeat(70000)),
    );
    assert.equal(reader.readString(), 'connect');
    assert.equal(reader.readNumber(), 1);
    assert.equal(reader.readBoolean(), true);
    assert.deepEqual(reader.readObject(), AmfObject.of({}));
    assert.equal(reader.readString().length, 70000);
    assert.equal(reader.remaining, 0);
  });

  it('refuse another type and say what came and where', () => {
    const reader = (hex: string): Amf0Reader => new Amf0Reader(bytes(hex));
    fails(() => reader('05').readString(), DECODE, /expected string at byte 0, got null \(m/);
    fails(() => reader('02 0000').readNumber(), DECODE, /expected number at byte 0, got string/);
    fails(() => reader('05').readBoolean(), DECODE, /expected boolean at byte 0, got null/);
    fails(() => reader('05').readObject(), DECODE, /expected object at byte 0, got null/);
    fails(() => reader('').readString(), DECODE, /expected string at byte 0, got the end of the/);
  });

  it('pass over any value, or none at all, where a null belongs', () => {
    for (const hex of ['05', '06', '00 3ff0000000000000', '03 000009', '']) {
      const reader = new Amf0Reader(bytes(hex));
      reader.readNull();
      assert.equal(reader.remaining, 0);
    }
  });
});

describe('Amf0Reader references', () => {
  it('resolve to the objects and arrays of the message in the order they begin', () => {
    const reader = new Amf0Reader(
      bytes('0a 00000001 03 000009 08 00000000 000009 07 0000 07 0002'),
    );
    const array = reader.readValue();
    const ecmaArray = reader.readValue();
    assert.equal(reader.readValue(), array);
    assert.equal(reader.readObject(), ecmaArray);
  });

  it('are refused when they name nothing seen before', () => {
    fails(() => read('07 0000'), DECODE, /reference 0 at byte 0 names an object not seen before/);
  });

  it('are refused when they name an object around them', () => {
    fails(() => read('03 0001 61 07 0000 000009'), DECODE, /reference 0 at byte 4 .* around it/);
  });

  it('count as the values they repeat', () => {
    // Each array holds the one before it twice: 2^n values out of 11 bytes a step.
    const step = (index: number): string =>
      `0a 00000002 07 ${index.toString(16).padStart(4, '0')} 07 ${index.toString(16).padStart(4, '0')}`;
    const message = ['0a 00000000', ...Array.from({ length: 20 }, (_, index) => step(index))];
    const reader = new Amf0Reader(bytes(message.join('')));
    fails(() => message.map(() => reader.readValue()), DECODE, /more than 32768 values/);
  });

  it('count as the levels they repeat', () => {
    const inside = (levels: number): Buffer =>
      Buffer.concat([encodeAmf0(nested(20)), bytes('0a00000001'.repeat(levels) + '07 0000')]);
    const reader = new Amf0Reader(inside(12));
    reader.readValue();
    assert.deepEqual(reader.readValue(), nested(AMF_MAX_DEPTH));
    const deeper = new Amf0Reader(inside(13));
    deeper.readValue();
    fails(() => deeper.readValue(), DECODE, /nested deeper than 32 levels/);
  });
});

describe('Amf0Reader limits', () => {
  it('read up to the depth cap and no deeper', () => {
    assert.deepEqual(
      new Amf0Reader(bytes('0a00000001'.repeat(31) + '0a00000000')).readValue(),
      nested(AMF_MAX_DEPTH),
    );
    const tooDeep = bytes('0a00000001'.repeat(100000));
    fails(() => new Amf0Reader(tooDeep).readValue(), DECODE, /nested deeper than 32 levels/);
  });

  it('read up to the cap of values and no more', () => {
    const full = Buffer.alloc(AMF_MAX_VALUES - 1, 5);
    const header = bytes('0a ffffffff');
    const value = new Amf0Reader(Buffer.concat([header, full])).readValue();
    assert.ok(Array.isArray(value));
    assert.equal(value.length, AMF_MAX_VALUES - 1);
    const over = new Amf0Reader(Buffer.concat([header, full, bytes('05')]));
    fails(() => over.readValue(), DECODE, /more than 32768 values in a message at byte/);
  });
});
