/** Owns encoding of AMF0 values into a message payload. */

import { ErrorCode, SrsError } from '../core/errors';

import {
  AMF_MAX_DEPTH,
  AmfDate,
  AmfMarker,
  AmfObject,
  AmfUnsupported,
  encodeText,
} from './amf0-value';
import type { AmfValue, AmfXml } from './amf0-value';

const INITIAL_SIZE = 256;
/** Longest payload an RTMP message can have: its length field has 24 bits. */
const MAX_SIZE = 0xffffff;
const MAX_SHORT_TEXT = 0xffff;

/** The values one after another as AMF0. Fails with RTMP_AMF0_ENCODE (2009) like Amf0Writer. */
export function encodeAmf0(...values: AmfValue[]): Buffer {
  const writer = new Amf0Writer();
  for (const value of values) writer.writeValue(value);
  return writer.finish();
}

/**
 * Appends AMF0 values to a buffer that grows by doubling. Fails with RTMP_AMF0_ENCODE (2009) for
 * what no message can hold: nesting deeper than the reader's cap, more than 16777215 bytes, or a
 * property name of more than 65535 bytes.
 */
export class Amf0Writer {
  private data = Buffer.allocUnsafe(INITIAL_SIZE);
  private size = 0;
  private depth = 0;

  /** The bytes written so far; the writer must not be used afterwards. */
  finish(): Buffer {
    return this.data.subarray(0, this.size);
  }

  /** Appends a value of any type. */
  writeValue(value: AmfValue): this {
    switch (typeof value) {
      case 'number':
        return this.writeNumber(value);
      case 'boolean':
        return this.writeBoolean(value);
      case 'string':
        return this.writeString(value);
      case 'undefined':
        return this.writeMarker(AmfMarker.undefined);
      default:
        return value === null ? this.writeMarker(AmfMarker.null) : this.writeComplex(value);
    }
  }

  /** Appends a number. */
  writeNumber(value: number): this {
    const at = this.reserve(9);
    this.data.writeUInt8(AmfMarker.number, at);
    this.data.writeDoubleBE(value, at + 1);
    return this;
  }

  /** Appends a boolean as 0 or 1. */
  writeBoolean(value: boolean): this {
    const at = this.reserve(2);
    this.data.writeUInt8(AmfMarker.boolean, at);
    this.data.writeUInt8(value ? 1 : 0, at + 1);
    return this;
  }

  /** Appends a string, as a long string when it takes more than 65535 bytes. */
  writeString(value: string): this {
    const bytes = encodeText(value);
    if (bytes.length > MAX_SHORT_TEXT) {
      return this.writeMarker(AmfMarker.longString).writeU32(bytes.length).append(bytes);
    }
    return this.writeMarker(AmfMarker.string).writeShortText(bytes);
  }

  private writeComplex(
    value: Exclude<AmfValue, number | boolean | string | null | undefined>,
  ): this {
    if (Array.isArray(value)) return this.writeStrictArray(value);
    if (value instanceof AmfObject) return this.writeObject(value);
    if (value instanceof AmfDate) return this.writeDate(value);
    if (value instanceof AmfUnsupported) return this.writeMarker(AmfMarker.unsupported);
    return this.writeXml(value);
  }

  private writeObject(object: AmfObject): this {
    this.enter();
    if (object.kind === 'ecmaArray') {
      this.writeMarker(AmfMarker.ecmaArray).writeU32(object.entries.size);
    } else if (object.kind === 'typed') {
      this.writeMarker(AmfMarker.typedObject).writeShortText(encodeText(object.className));
    } else {
      this.writeMarker(AmfMarker.object);
    }
    for (const [key, value] of object.entries) {
      this.writeShortText(encodeText(key)).writeValue(value);
    }
    this.depth -= 1;
    const at = this.reserve(3);
    this.data.writeUIntBE(AmfMarker.objectEnd, at, 3);
    return this;
  }

  private writeStrictArray(array: readonly AmfValue[]): this {
    this.enter();
    this.writeMarker(AmfMarker.strictArray).writeU32(array.length);
    for (const value of array) this.writeValue(value);
    this.depth -= 1;
    return this;
  }

  private writeDate(date: AmfDate): this {
    const at = this.reserve(11);
    this.data.writeUInt8(AmfMarker.date, at);
    this.data.writeBigUInt64BE(date.bits, at + 1);
    this.data.writeInt16BE(date.timeZone, at + 9);
    return this;
  }

  private writeXml(xml: AmfXml): this {
    const bytes = encodeText(xml.text);
    return this.writeMarker(AmfMarker.xmlDocument).writeU32(bytes.length).append(bytes);
  }

  private writeShortText(bytes: Buffer): this {
    if (bytes.length > MAX_SHORT_TEXT) {
      throw encodeError(`expected a name of at most 65535 bytes, got ${bytes.length}`);
    }
    const at = this.reserve(2);
    this.data.writeUInt16BE(bytes.length, at);
    return this.append(bytes);
  }

  private writeMarker(marker: number): this {
    const at = this.reserve(1);
    this.data.writeUInt8(marker, at);
    return this;
  }

  private writeU32(value: number): this {
    const at = this.reserve(4);
    this.data.writeUInt32BE(value, at);
    return this;
  }

  private append(bytes: Buffer): this {
    const at = this.reserve(bytes.length);
    bytes.copy(this.data, at);
    return this;
  }

  private enter(): void {
    this.depth += 1;
    if (this.depth > AMF_MAX_DEPTH) {
      throw encodeError(`expected at most ${AMF_MAX_DEPTH} levels of nesting, got more`);
    }
  }

  /** Makes room for `size` bytes and returns where they go; `data` may be another buffer then. */
  private reserve(size: number): number {
    const at = this.size;
    const needed = at + size;
    if (needed > MAX_SIZE) {
      throw encodeError(`expected at most ${MAX_SIZE} bytes in a message, got more`);
    }
    if (needed > this.data.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.data.length * 2));
      this.data.copy(grown, 0, 0, at);
      this.data = grown;
    }
    this.size = needed;
    return at;
  }
}

function encodeError(message: string): SrsError {
  return new SrsError(ErrorCode.RTMP_AMF0_ENCODE, `amf0: ${message}`);
}
