import assert from 'node:assert/strict';

import fc from 'fast-check';

import { AmfDate, AmfObject, decodeText, encodeText } from '../../../src/rtmp/amf0-value';

describe('AmfObject', () => {
  it('keeps insertion order and moves a key set again to the end', () => {
    const object = AmfObject.of({ a: 1, b: 2, c: 3 }).set('a', 4);
    assert.deepEqual([...object.entries], [['b', 2], ['c', 3], ['a', 4]]); // prettier-ignore
  });

  it('answers a property only in the type asked for', () => {
    const object = AmfObject.of({ text: 'x', size: 7 });
    assert.equal(object.get('text'), 'x');
    assert.equal(object.string('text'), 'x');
    assert.equal(object.string('size'), undefined);
    assert.equal(object.number('size'), 7);
    assert.equal(object.number('text'), undefined);
    assert.equal(object.get('none'), undefined);
  });

  it('does not let a key reach the prototype', () => {
    const object = new AmfObject().set('__proto__', 'evil');
    assert.equal(object.string('__proto__'), 'evil');
    assert.equal(object.get('toString'), undefined);
    assert.equal(Object.getPrototypeOf(object), AmfObject.prototype);
  });

  it('knows its kind and class', () => {
    assert.equal(AmfObject.of({}).kind, 'object');
    assert.equal(AmfObject.ecmaArray({}).kind, 'ecmaArray');
    assert.equal(new AmfObject('typed', 'A').className, 'A');
  });
});

describe('AmfDate', () => {
  it('is milliseconds since the epoch, fractions included', () => {
    assert.equal(AmfDate.fromMs(1.7e12 + 0.5).timeMs, 1.7e12 + 0.5);
    assert.equal(AmfDate.fromMs(-1).timeZone, 0);
  });
});

describe('AMF0 text', () => {
  it('gives back the very bytes it was decoded from', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (array) => {
        const data = Buffer.from(array);
        assert.deepEqual(encodeText(decodeText(data, 0, data.length)), data);
      }),
    );
  });

  it('gives back any well-formed text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const data = encodeText(text);
        assert.equal(decodeText(data, 0, data.length), text);
      }),
    );
  });

  const damaged = [
    ['a stray continuation byte', '61 80 62', 'a\udc80b'],
    ['an overlong slash', 'c0af', '\udcc0\udcaf'],
    ['an overlong three byte form', 'e09fbf', '\udce0\udc9f\udcbf'],
    ['an overlong four byte form', 'f08fbfbf', '\udcf0\udc8f\udcbf\udcbf'],
    ['an encoded surrogate', 'eda080', '\udced\udca0\udc80'],
    ['a code point above the last', 'f4908080', '\udcf4\udc90\udc80\udc80'],
    ['a sequence cut short', 'c3a9 e6bc', 'é\udce6\udcbc'],
    ['a sequence broken off', 'e6 61 a2', '\udce6a\udca2'],
    ['valid text around a bad byte', 'f09f9880 ff e6bca2', '😀\udcff漢'],
  ] as const;
  for (const [name, hex, text] of damaged) {
    it(`escapes ${name}`, () => {
      const data = Buffer.from(hex.replaceAll(' ', ''), 'hex');
      assert.equal(decodeText(data, 0, data.length), text);
      assert.deepEqual(encodeText(text), data);
    });
  }
});
