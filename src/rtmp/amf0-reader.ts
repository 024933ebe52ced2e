/** Owns decoding of AMF0: a bounds-checked cursor over one message, capped in depth and in values. */

import { ErrorCode, SrsError } from '../core/errors';

import {
  AMF_MAX_DEPTH,
  AMF_MAX_VALUES,
  AmfDate,
  AmfMarker,
  AmfObject,
  AmfUnsupported,
  AmfXml,
  decodeText,
} from './amf0-value';
import type { AmfValue } from './amf0-value';

const OBJECT_END_BYTES = 3;

/** An object or array seen in this message, as a later reference needs it. */
interface Complex {
  readonly value: AmfObject | AmfValue[];
  /** Values inside it, itself included; 0 while it is still being read. */
  values: number;
  /** Levels of nesting it has, itself included. */
  height: number;
}

/**
 * Reads the AMF0 values of one message in order. Errors are RTMP_AMF0_DECODE (2003) for data that
 * is cut short or of another type than asked for, and RTMP_AMF0_INVALID (2004) for markers that
 * cannot be read. Use one reader a message: references count the objects of the whole message.
 */
export class Amf0Reader {
  private readonly data: Buffer;
  private readonly end: number;
  private readonly maxValues: number;
  private position: number;
  private depth = 0;
  /** Deepest level reached inside the value being read. */
  private deepest = 0;
  private values = 0;
  private readonly complexes: Complex[] = [];

  /** Reads the bytes [start, end) of `data`, which are only looked at during the calls. */
  constructor(data: Uint8Array, start = 0, end = data.length, maxValues = AMF_MAX_VALUES) {
    this.data = Buffer.isBuffer(data)
      ? data
      : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.position = start;
    this.end = end;
    this.maxValues = maxValues;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.end - this.position;
  }

  /** The marker of the next value; -1 at the end of the message. */
  peekMarker(): number {
    return this.remaining > 0 ? this.data.readUInt8(this.position) : -1;
  }

  /** Reads a value of any type. */
  readValue(): AmfValue {
    this.countValues(1);
    const marker = this.readU8('a value marker');

    switch (marker) {
      case AmfMarker.number:
        return this.take(8, 'number').readDoubleBE(this.position - 8);
      case AmfMarker.boolean:
        return this.readU8('boolean') !== 0;
      case AmfMarker.string:
        return this.readShortText();
      case AmfMarker.longString:
        return this.readLongText();
      case AmfMarker.null:
        return null;
      case AmfMarker.undefined:
        return undefined;
      default:
        return this.readUncommon(marker);
    }
  }

  /** Reads a string or long string; anything else is error 2003. */
  readString(): string {
    const marker = this.expect('string', AmfMarker.string, AmfMarker.longString);
    return marker === AmfMarker.string ? this.readShortText() : this.readLongText();
  }

  /** Reads a number; anything else is error 2003. */
  readNumber(): number {
    this.expect('number', AmfMarker.number);
    return this.take(8, 'number').readDoubleBE(this.position - 8);
  }

  /** Reads a boolean; anything else is error 2003. */
  readBoolean(): boolean {
    this.expect('boolean', AmfMarker.boolean);
    return this.readU8('boolean') !== 0;
  }

  /** Reads an object, ECMA array or typed object, also by reference; anything else is error 2003. */
  readObject(): AmfObject {
    const at = this.position;
    const marker = this.peekMarker();
    const value = this.readValue();
    if (value instanceof AmfObject) return value;
    throw decodeError(`expected object at byte ${at}, got ${describeMarker(marker)}`);
  }

  /**
   * Passes over the place of a null: null, undefined or, as some clients send there, a value of any
   * other type. At the end of the message there is nothing to pass over.
   */
  readNull(): void {
    if (this.remaining > 0) this.readValue();
  }

  private readUncommon(marker: number): AmfValue {
    switch (marker) {
      case AmfMarker.object:
        return this.readProperties(new AmfObject('object'));
      case AmfMarker.ecmaArray:
        this.readU32('ECMA array count'); // only a hint: the end marker decides
        return this.readProperties(new AmfObject('ecmaArray'));
      case AmfMarker.typedObject:
        return this.readProperties(new AmfObject('typed', this.readShortText()));
      case AmfMarker.strictArray:
        return this.readStrictArray();
      case AmfMarker.date:
        return this.readDate();
      case AmfMarker.reference:
        return this.readReference();
      case AmfMarker.xmlDocument:
        return new AmfXml(this.readLongText());
      case AmfMarker.unsupported:
        return new AmfUnsupported();
      default:
        throw this.unreadable(marker);
    }
  }

  /** Reads properties up to the end marker; the end of the message ends the object as well. */
  private readProperties(object: AmfObject): AmfObject {
    const outer = this.enter(object);
    while (this.remaining > 0 && !this.skipObjectEnd()) {
      const key = this.readShortText();
      object.set(key, this.readValue());
    }
    this.leave(outer);
    return object;
  }

  /** Reads the counted values; the end of the message ends the array as well. */
  private readStrictArray(): AmfValue[] {
    const count = this.readU32('strict array count');
    const array: AmfValue[] = [];
    const outer = this.enter(array);
    while (array.length < count && this.remaining > 0) array.push(this.readValue());
    this.leave(outer);
    return array;
  }

  private readDate(): AmfDate {
    const data = this.take(10, 'date');
    return new AmfDate(
      data.readBigUInt64BE(this.position - 10),
      data.readInt16BE(this.position - 2),
    );
  }

  /**
   * Resolves a reference. It costs what the repeated value costs, so that a short message cannot
   * stand for an endless one, and it cannot name a value around it, so that no value is circular.
   */
  private readReference(): AmfValue {
    const index = this.take(2, 'reference').readUInt16BE(this.position - 2);
    const target = this.complexes[index];
    if (target === undefined || target.values === 0) {
      const what = target === undefined ? 'an object not seen before' : 'an object around it';
      throw decodeError(`reference ${index} at byte ${this.position - 3} names ${what}`);
    }
    this.countValues(target.values - 1);
    this.checkDepth(this.depth + target.height);
    return target.value;
  }

  private enter(value: Complex['value']): { entry: Complex; values: number; deepest: number } {
    const entry = { value, values: 0, height: 0 };
    this.complexes.push(entry);
    const outer = { entry, values: this.values, deepest: this.deepest };
    this.depth += 1;
    this.deepest = 0;
    this.checkDepth(this.depth);
    return outer;
  }

  private leave(outer: { entry: Complex; values: number; deepest: number }): void {
    outer.entry.values = this.values - outer.values + 1;
    outer.entry.height = this.deepest - this.depth + 1;
    this.deepest = Math.max(this.deepest, outer.deepest);
    this.depth -= 1;
  }

  private checkDepth(depth: number): void {
    if (depth > AMF_MAX_DEPTH) {
      throw decodeError(
        `values nested deeper than ${AMF_MAX_DEPTH} levels at byte ${this.position}`,
      );
    }
    this.deepest = Math.max(this.deepest, depth);
  }

  private countValues(count: number): void {
    this.values += count;
    if (this.values > this.maxValues) {
      throw decodeError(`more than ${this.maxValues} values in a message at byte ${this.position}`);
    }
  }

  private skipObjectEnd(): boolean {
    if (this.remaining < OBJECT_END_BYTES) return false;
    if (this.data.readUIntBE(this.position, OBJECT_END_BYTES) !== AmfMarker.objectEnd) return false;
    this.position += OBJECT_END_BYTES;
    return true;
  }

  private expect(what: string, ...markers: number[]): number {
    const marker = this.peekMarker();
    if (!markers.includes(marker)) {
      throw decodeError(`expected ${what} at byte ${this.position}, got ${describeMarker(marker)}`);
    }
    this.countValues(1);
    this.position += 1;
    return marker;
  }

  private readShortText(): string {
    return this.readText(this.take(2, 'string length').readUInt16BE(this.position - 2));
  }

  private readLongText(): string {
    return this.readText(this.readU32('string length'));
  }

  private readText(length: number): string {
    const start = this.position;
    return decodeText(this.take(length, 'string'), start, start + length);
  }

  private readU8(what: string): number {
    return this.take(1, what).readUInt8(this.position - 1);
  }

  private readU32(what: string): number {
    return this.take(4, what).readUInt32BE(this.position - 4);
  }

  /** Moves over `size` bytes, which the caller then reads from the returned message. */
  private take(size: number, what: string): Buffer {
    if (this.remaining < size) {
      throw decodeError(
        `expected ${size} bytes of ${what} at byte ${this.position}, got ${this.remaining}`,
      );
    }
    this.position += size;
    return this.data;
  }

  private unreadable(marker: number): SrsError {
    const at = this.position - 1;
    if (marker === AmfMarker.objectEnd)
      return decodeError(`object end outside an object at byte ${at}`);
    const reason =
      marker === AmfMarker.avmPlus ? 'AMF3 values are not supported' : 'the type is not supported';
    return new SrsError(
      ErrorCode.RTMP_AMF0_INVALID,
      `amf0: ${reason}: ${describeMarker(marker)} at byte ${at}`,
    );
  }
}

const markerNames = new Map<number, string>(
  Object.entries(AmfMarker).map(([name, marker]) => [marker, name]),
);

function describeMarker(marker: number): string {
  if (marker < 0) return 'the end of the message';
  return `${markerNames.get(marker) ?? 'unknown'} (marker 0x${marker.toString(16).padStart(2, '0')})`;
}

function decodeError(message: string): SrsError {
  return new SrsError(ErrorCode.RTMP_AMF0_DECODE, `amf0: ${message}`);
}
