/** Owns the AMF0 values and their wire forms that reader, writer and fuzz tests share. */

import { AmfDate, AmfObject, AmfUnsupported, AmfXml } from '../../../src/rtmp/amf0-value';
import type { AmfValue } from '../../../src/rtmp/amf0-value';

export interface Amf0Case {
  readonly name: string;
  readonly value: AmfValue;
  /** The one encoding the writer gives and the reader understands. */
  readonly hex: string;
}

const longText = 'x'.repeat(65536);

export const amf0Cases: readonly Amf0Case[] = [
  { name: 'number', value: 1.5, hex: '00 3ff8000000000000' },
  { name: 'negative zero', value: -0, hex: '00 8000000000000000' },
  {
    name: 'a denormal that begins like an object end',
    value: 0.5625 * 2 ** -1022,
    hex: '00 0009000000000000',
  },
  { name: 'infinity', value: Infinity, hex: '00 7ff0000000000000' },
  { name: 'true', value: true, hex: '01 01' },
  { name: 'false', value: false, hex: '01 00' },
  { name: 'empty string', value: '', hex: '02 0000' },
  { name: 'string', value: 'live', hex: '02 0004 6c697665' },
  { name: 'string of several alphabets', value: 'é漢😀', hex: '02 0009 c3a9 e6bca2 f09f9880' },
  { name: 'string with the replacement character', value: '\ufffd', hex: '02 0003 efbfbd' },
  { name: 'string of bytes that are not UTF-8', value: 'a\udcc4\udce3', hex: '02 0003 61 c4e3' },
  { name: 'longest short string', value: longText.slice(1), hex: `02 ffff ${'78'.repeat(65535)}` },
  { name: 'long string', value: longText, hex: `0c 00010000 ${'78'.repeat(65536)}` },
  { name: 'null', value: null, hex: '05' },
  { name: 'undefined', value: undefined, hex: '06' },
  { name: 'unsupported', value: new AmfUnsupported(), hex: '0d' },
  { name: 'XML document', value: new AmfXml('<a/>'), hex: '0f 00000004 3c612f3e' },
  { name: 'date', value: AmfDate.fromMs(1500, -480), hex: '0b 4097700000000000 fe20' },
  {
    name: 'date that is a signalling not-a-number',
    value: new AmfDate(0x7ff0000000000123n, 1),
    hex: '0b 7ff0000000000123 0001',
  },
  { name: 'empty object', value: AmfObject.of({}), hex: '03 000009' },
  {
    name: 'object in insertion order',
    value: AmfObject.of({ b: 1, a: 'x' }),
    hex: '03 0001 62 00 3ff0000000000000 0001 61 02 0001 78 000009',
  },
  {
    name: 'object with an empty key',
    value: AmfObject.of({ '': null }),
    hex: '03 0000 05 000009',
  },
  {
    name: 'object with the names of the prototype',
    value: new AmfObject().set('__proto__', 1).set('constructor', true),
    hex: '03 0009 5f5f70726f746f5f5f 00 3ff0000000000000 000b 636f6e7374727563746f72 01 01 000009',
  },
  {
    name: 'ECMA array with its real count',
    value: AmfObject.ecmaArray({ a: true, b: undefined }),
    hex: '08 00000002 0001 61 01 01 0001 62 06 000009',
  },
  {
    name: 'typed object',
    value: new AmfObject('typed', 'C').set('a', null),
    hex: '10 0001 43 0001 61 05 000009',
  },
  { name: 'empty strict array', value: [], hex: '0a 00000000' },
  {
    name: 'strict array of mixed values',
    value: [1, 'a', null, [false]],
    hex: '0a 00000004 00 3ff0000000000000 02 0001 61 05 0a 00000001 01 00',
  },
  {
    name: 'nested objects',
    value: AmfObject.of({ o: AmfObject.of({ l: [AmfObject.ecmaArray({})] }) }),
    hex: '03 0001 6f 03 0001 6c 0a 00000001 08 00000000 000009 000009 000009',
  },
];

/** The bytes of a hex text with spaces. */
export function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

/** `levels` strict arrays, one inside the other. */
export function nested(levels: number): AmfValue[] {
  let value: AmfValue[] = [];
  for (let level = 1; level < levels; level++) value = [value];
  return value;
}
