/** Boxes, of which ISO base media files are made: size, four-character type, content (ISO/IEC 14496-12, 4.2). */
import { ByteWriter } from '../byte-writer';

/** Length of a box header with a 32-bit size. */
export const boxHeaderBytes = 8;
/** Length of a box header with a 64-bit size. */
export const longBoxHeaderBytes = 16;

/** A box with this content. */
export function box(type: string, ...content: readonly Uint8Array[]): Buffer {
  const size = content.reduce((sum, part) => sum + part.length, boxHeaderBytes);
  const header = new ByteWriter(boxHeaderBytes).u32(size).bytes(Buffer.from(type, 'latin1'));
  return Buffer.concat([header.done(), ...content]);
}

/** A box whose content opens with a version and 24 flags, 4.2.2. */
export function fullBox(
  type: string,
  version: number,
  flags: number,
  ...content: readonly Uint8Array[]
): Buffer {
  return box(type, new ByteWriter(4).u8(version).u24(flags).done(), ...content);
}

/** A 64-bit unsigned number below 2^53, written as two words. */
export function writeU64(writer: ByteWriter, value: number): ByteWriter {
  return writer.u32(Math.floor(value / 2 ** 32)).u32(value);
}

/** What the header of a box says. */
export interface BoxHeader {
  readonly type: string;
  readonly headerBytes: number;
  /** Header included; `Infinity` for a box that reaches to the end of its file. */
  readonly size: number;
}

/** The box header at `at`; undefined when it is cut short, too small for itself or its type is not printable. */
export function readBoxHeader(data: Buffer, at = 0): BoxHeader | undefined {
  if (data.length - at < boxHeaderBytes) return undefined;
  const type = data.toString('latin1', at + 4, at + boxHeaderBytes);
  if (!/^[\x20-\x7e\xa9]{4}$/.test(type)) return undefined;
  const short = data.readUInt32BE(at);
  if (short === 0) return { type, headerBytes: boxHeaderBytes, size: Infinity };
  if (short !== 1) {
    return short < boxHeaderBytes ? undefined : { type, headerBytes: boxHeaderBytes, size: short };
  }
  if (data.length - at < longBoxHeaderBytes) return undefined;
  const size = data.readUInt32BE(at + 8) * 2 ** 32 + data.readUInt32BE(at + 12);
  return size < longBoxHeaderBytes ? undefined : { type, headerBytes: longBoxHeaderBytes, size };
}

/** A box found inside another. */
export interface InnerBox {
  readonly type: string;
  /** Where its content stands in the data searched. */
  readonly start: number;
  readonly content: Buffer;
}

/** The boxes of one level of `data[start, end)`, up to the first that is damaged or cut short. */
export function* innerBoxes(data: Buffer, start = 0, end = data.length): Generator<InnerBox> {
  for (let at = start; at < end;) {
    const header = readBoxHeader(data, at);
    if (header === undefined || at + header.size > end) return;
    const contentStart = at + header.headerBytes;
    at += header.size;
    yield { type: header.type, start: contentStart, content: data.subarray(contentStart, at) };
  }
}

/** The first box at the end of a path of types, each inside the one before; its `start` counts from that of `data`. */
export function findBox(data: Buffer, ...path: readonly string[]): InnerBox | undefined {
  let found: InnerBox = { type: '', start: 0, content: data };
  for (const type of path) {
    const inner = [...innerBoxes(found.content)].find((candidate) => candidate.type === type);
    if (inner === undefined) return undefined;
    found = { ...inner, start: found.start + inner.start };
  }
  return found;
}
