/** Owns the script tag that an FLV recording begins with: written with room to spare, filled in again at the end. */
import { product } from '../../core/version';
import { flvFirstTagAt, FlvHeaderFlag, flvTagHeaderBytes } from '../../media/flv';
import { FlvIndex } from '../../media/flv-index';
import type { FlvIndexEntry } from '../../media/flv-index';
import { Amf0Reader } from '../../rtmp/amf0-reader';
import { AmfObject } from '../../rtmp/amf0-value';
import type { AmfValue } from '../../rtmp/amf0-value';
import { encodeAmf0 } from '../../rtmp/amf0-writer';
import { ON_METADATA } from '../../rtmp/packets/data';

import type { FilePatch } from './recording-file';

/** What is told of a recording. */
export interface FlvFacts {
  /** The publisher's metadata. */
  readonly metadata: AmfObject | undefined;
  readonly durationMs: number;
  /** Size of the file. */
  readonly bytes: number;
  readonly index: FlvIndex;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
}

/** What the script tag of a file says. */
export interface FlvStatement {
  /** The publisher's metadata, without what recorders add. */
  readonly metadata: AmfObject;
  /** Size of the file, -1 when not stated. */
  readonly bytes: number;
  readonly durationMs: number;
  readonly entries: readonly FlvIndexEntry[];
}

/** What we state ourselves, or what says nothing about a file. */
const ownFields = new Set([
  'duration',
  'filesize',
  'hasKeyframes',
  'keyframes',
  'service',
  'padding',
  'server',
  'srs_primary',
  'srs_authors',
  'server_version',
  'lasttimestamp',
  'lastkeyframetimestamp',
  'lastkeyframelocation',
  'datasize',
  'videosize',
  'audiosize',
]);
/** What is kept of metadata that is out of all proportion. */
const essentialFields = new Set([
  'width',
  'height',
  'framerate',
  'videodatarate',
  'videocodecid',
  'audiodatarate',
  'audiosamplerate',
  'audiosamplesize',
  'audiochannels',
  'stereo',
  'audiocodecid',
]);
/** A number in each of the two arrays of the index, and what these take without any. */
const entryBytes = 18;
const indexBytes = 47;
/** Room for fields that the publisher tells later, beyond the index. */
const spareBytes = 2048;
/** An index of one entry helps nobody, and some readers complain of it. */
const fewestEntries = 2;
const maxPublishedBytes = 16 * 1024;
/** Name, marker and length of the array that fills the room, and the marker and length of a text in it. */
const paddingBytes = 14;
const textBytes = 3;
/** Some readers take no longer text. */
const longestText = 1000;

/** Bytes to set aside for the body of the script tag, for so many entries of the index. */
export function flvMetadataRoom(metadata: AmfObject | undefined, indexCapacity: number): number {
  const nothing = { durationMs: 0, bytes: 0, index: new FlvIndex(0) };
  const facts = { ...nothing, metadata, hasAudio: false, hasVideo: false };
  const rest = encode(facts, publishedFields(metadata), []).length;
  return rest + indexBytes + indexCapacity * entryBytes + spareBytes;
}

/**
 * The body of the script tag, exactly `room` bytes: with as much of the index as there is room for. Undefined when
 * there is no room for even the rest.
 */
export function encodeFlvMetadata(facts: FlvFacts, room: number): Buffer | undefined {
  for (const fields of [publishedFields(facts.metadata), essentials(facts.metadata)]) {
    const free = room - encode(facts, fields, []).length - paddingBytes - textBytes;
    if (free < 0) continue;
    const most = Math.floor((free - indexBytes) / entryBytes);
    const picked = facts.index.pick(Math.max(0, most));
    const entries = picked.length < fewestEntries ? [] : picked;
    const taken = entries.length === 0 ? 0 : indexBytes + entries.length * entryBytes;
    return encode(facts, fields, entries, padding(free - taken + textBytes));
  }
  return undefined;
}

/** What to change in a recording so that it states these facts; `room` is the size of its script tag's body. */
export function flvPatches(facts: FlvFacts, room: number | undefined): FilePatch[] {
  const { hasAudio, hasVideo } = facts;
  const flags = (hasAudio ? FlvHeaderFlag.audio : 0) | (hasVideo ? FlvHeaderFlag.video : 0);
  const patches: FilePatch[] = [{ position: 4, bytes: Buffer.of(flags) }];
  const body = room === undefined ? undefined : encodeFlvMetadata(facts, room);
  if (body) patches.push({ position: flvFirstTagAt + flvTagHeaderBytes, bytes: body });
  return patches;
}

/** Reads the body of a script tag; undefined when it is no metadata, or damaged. */
export function readFlvMetadata(body: Buffer): FlvStatement | undefined {
  const stated = decode(body);
  if (stated === undefined) return undefined;
  const keyframes = stated.get('keyframes');
  const isIndex = keyframes instanceof AmfObject;
  const times = isIndex ? numbers(keyframes.get('times')) : [];
  const positions = isIndex ? numbers(keyframes.get('filepositions')) : [];
  return {
    metadata: publishedFields(stated),
    bytes: stated.number('filesize') ?? -1,
    durationMs: (stated.number('duration') ?? 0) * 1000,
    entries: times.map((time, at) => ({
      timeMs: Math.round(time * 1000),
      position: positions[at] ?? 0,
    })),
  };
}

function encode(
  facts: FlvFacts,
  fields: AmfObject,
  entries: readonly FlvIndexEntry[],
  padding?: string[],
): Buffer {
  const all = AmfObject.ecmaArray({
    duration: facts.durationMs / 1000,
    filesize: facts.bytes,
    hasKeyframes: facts.index.entries.length > 0,
  });
  if (entries.length >= fewestEntries) all.set('keyframes', encodeIndex(entries));
  for (const [key, value] of fields.entries) all.set(key, value);
  all.set('service', product.serverName);
  if (padding) all.set('padding', padding);
  return encodeAmf0(ON_METADATA, all);
}

function encodeIndex(entries: readonly FlvIndexEntry[]): AmfObject {
  return AmfObject.of({
    filepositions: entries.map(({ position }) => position),
    times: entries.map(({ timeMs }) => timeMs / 1000),
  });
}

/** Texts that take so many bytes, at least those of an empty one. */
function padding(bytes: number): string[] {
  const count = Math.ceil(bytes / (textBytes + longestText));
  const letters = bytes - count * textBytes;
  return Array.from({ length: count }, (_, at) => {
    const share = Math.floor(((at + 1) * letters) / count) - Math.floor((at * letters) / count);
    return ' '.repeat(share);
  });
}

/** What the publisher said about the stream; only the essential part when it is too much. */
function publishedFields(metadata: AmfObject | undefined): AmfObject {
  const fields = new AmfObject();
  if (metadata === undefined) return fields;
  for (const [key, value] of metadata.entries) if (!ownFields.has(key)) fields.set(key, value);
  return encodeAmf0(fields).length > maxPublishedBytes ? essentials(metadata) : fields;
}

function essentials(metadata: AmfObject | undefined): AmfObject {
  const fields = new AmfObject();
  for (const [key, value] of metadata?.entries ?? []) {
    const isPlain = typeof value === 'number' || typeof value === 'boolean';
    if (isPlain && essentialFields.has(key)) fields.set(key, value);
  }
  return fields;
}

function decode(body: Buffer): AmfObject | undefined {
  try {
    const reader = new Amf0Reader(body);
    if (reader.readString() !== ON_METADATA) return undefined;
    return reader.readObject();
  } catch {
    // Damaged metadata is rebuilt from what the file holds.
    return undefined;
  }
}

function numbers(value: AmfValue): number[] {
  if (!Array.isArray(value)) return [];
  return value.filter((item) => typeof item === 'number');
}
