/** Owns the values of AMF0: markers, the typed value classes and the mapping of AMF0 text to strings. */

/** Type markers of AMF0 (AMF0 specification, section 2.1). */
export const AmfMarker = {
  number: 0x00,
  boolean: 0x01,
  string: 0x02,
  object: 0x03,
  movieClip: 0x04,
  null: 0x05,
  undefined: 0x06,
  reference: 0x07,
  ecmaArray: 0x08,
  objectEnd: 0x09,
  strictArray: 0x0a,
  date: 0x0b,
  longString: 0x0c,
  unsupported: 0x0d,
  recordSet: 0x0e,
  xmlDocument: 0x0f,
  typedObject: 0x10,
  avmPlus: 0x11,
} as const;

/** Deepest nesting of objects and arrays read or written; recursion stays inside it. */
export const AMF_MAX_DEPTH = 32;

/**
 * Most values one message may hold, counting what references repeat. Large enough for the key frame
 * index that FLV tools put into the metadata of a file of several hours.
 */
export const AMF_MAX_VALUES = 32768;

/** Most values of a command: a value may take a hundred times its bytes in memory. */
export const AMF_MAX_COMMAND_VALUES = 1024;

/**
 * Any AMF0 value. A strict array is a plain JavaScript array; object, ECMA array and typed object
 * are all an AmfObject. A value decoded through a reference is the very object referred to.
 */
export type AmfValue =
  | number
  | boolean
  | string
  | null
  | undefined
  | AmfObject
  | AmfDate
  | AmfXml
  | AmfUnsupported
  | AmfValue[];

/** A plain record an AmfObject can be made from. */
export type AmfRecord = Readonly<Record<string, AmfValue>>;

/** An object, ECMA array or typed object: named values in insertion order. */
export class AmfObject {
  /** Which of the three wire forms the value has. */
  readonly kind: 'object' | 'ecmaArray' | 'typed';
  /** Class name of a typed object, else empty. */
  readonly className: string;
  /** The properties; a Map, so a peer's `__proto__` is a key like any other. */
  readonly entries = new Map<string, AmfValue>();

  constructor(kind: AmfObject['kind'] = 'object', className = '') {
    this.kind = kind;
    this.className = className;
  }

  /** An object holding the properties of `record`, in its order. */
  static of(record: AmfRecord): AmfObject {
    return new AmfObject('object').assign(record);
  }

  /** An ECMA array holding the properties of `record`, in its order. */
  static ecmaArray(record: AmfRecord): AmfObject {
    return new AmfObject('ecmaArray').assign(record);
  }

  /** The value of `key`; undefined when there is none. */
  get(key: string): AmfValue {
    return this.entries.get(key);
  }

  /** Sets `key`; a key already present moves to the end. */
  set(key: string, value: AmfValue): this {
    this.entries.delete(key);
    this.entries.set(key, value);
    return this;
  }

  /** The value of `key` when it is a string. */
  string(key: string): string | undefined {
    const value = this.entries.get(key);
    return typeof value === 'string' ? value : undefined;
  }

  /** The value of `key` when it is a number. */
  number(key: string): number | undefined {
    const value = this.entries.get(key);
    return typeof value === 'number' ? value : undefined;
  }

  private assign(record: AmfRecord): this {
    for (const [key, value] of Object.entries(record)) this.set(key, value);
    return this;
  }
}

/** A date. The wire bits are kept, so that any peer's date is written back exactly. */
export class AmfDate {
  readonly kind = 'date';
  /** The 64 bits of the double on the wire. */
  readonly bits: bigint;
  /** Time zone in minutes, signed 16 bits; reserved by the specification, usually 0. */
  readonly timeZone: number;

  constructor(bits: bigint, timeZone = 0) {
    this.bits = BigInt.asUintN(64, bits);
    this.timeZone = timeZone;
  }

  /** The date `timeMs` milliseconds after the Unix epoch. */
  static fromMs(timeMs: number, timeZone = 0): AmfDate {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, timeMs);
    return new AmfDate(view.getBigUint64(0), timeZone);
  }

  /** Milliseconds since the Unix epoch, UTC. */
  get timeMs(): number {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, this.bits);
    return view.getFloat64(0);
  }
}

/** An XML document, kept as its text. */
export class AmfXml {
  readonly kind = 'xml';
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** The marker a peer sends for a value it could not serialize. */
export class AmfUnsupported {
  readonly kind = 'unsupported';
}

/*
 * Text. AMF0 strings should be UTF-8, yet some encoders send names in a local code page. Names are
 * keys, so different bytes must stay different strings and come back unchanged: each byte that is
 * not part of valid UTF-8 becomes the lone surrogate U+DC00 + byte, which valid text never holds.
 */

const ESCAPE_BASE = 0xdc00;
const ESCAPED_BYTE = /[\udc80-\udcff]/u;

/** The string of the bytes [start, end): UTF-8, bytes that are not UTF-8 escaped. */
export function decodeText(data: Buffer, start: number, end: number): string {
  const text = data.toString('utf8', start, end);
  return text.includes('\ufffd') ? decodeDamagedText(data, start, end) : text;
}

/** The bytes of a string, undoing the escapes of decodeText. */
export function encodeText(text: string): Buffer {
  if (!ESCAPED_BYTE.test(text)) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const isEscape = code >= ESCAPE_BASE + 0x80 && code <= ESCAPE_BASE + 0xff;
    parts.push(isEscape ? Buffer.of(code - ESCAPE_BASE) : Buffer.from(character, 'utf8'));
  }
  return Buffer.concat(parts);
}

function decodeDamagedText(data: Buffer, start: number, end: number): string {
  const pieces: string[] = [];
  let valid = start;
  let position = start;
  while (position < end) {
    const length = sequenceLength(data, position, end);
    if (length > 0) {
      position += length;
      continue;
    }
    pieces.push(data.toString('utf8', valid, position));
    pieces.push(String.fromCharCode(ESCAPE_BASE + data.readUInt8(position)));
    position += 1;
    valid = position;
  }
  pieces.push(data.toString('utf8', valid, end));
  return pieces.join('');
}

/** Length of the valid UTF-8 sequence at `position` (RFC 3629), 0 when there is none. */
function sequenceLength(data: Buffer, position: number, end: number): number {
  const lead = data.readUInt8(position);
  if (lead < 0x80) return 1;
  const length = leadLength(lead);
  if (length === 0 || position + length > end) return 0;
  for (let i = 1; i < length; i++) {
    if ((data.readUInt8(position + i) & 0xc0) !== 0x80) return 0;
  }
  return isCanonical(lead, data.readUInt8(position + 1)) ? length : 0;
}

function leadLength(lead: number): number {
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

/** False for overlong forms, surrogates and code points above U+10FFFF. */
function isCanonical(lead: number, second: number): boolean {
  if (lead === 0xe0) return second >= 0xa0;
  if (lead === 0xed) return second < 0xa0;
  if (lead === 0xf0) return second >= 0x90;
  return lead !== 0xf4 || second < 0x90;
}
