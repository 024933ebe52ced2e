/** Owns FLV files left by earlier recordings: cutting them to what is whole, stating what they hold, going on. */
import {
  flvFirstTagAt,
  flvPreviousTagSizeBytes,
  flvTagHeaderBytes,
  FlvTagType,
} from '../../media/flv';
import { FlvIndex } from '../../media/flv-index';
import { scanFlv } from '../../media/flv-scan';
import type { FlvScan, FlvSource } from '../../media/flv-scan';
import type { AmfObject } from '../../rtmp/amf0-value';

import { flvPatches, readFlvMetadata } from './flv-metadata';
import type { FilePatch } from './recording-file';

/** Most entries of an index; a recording of a week has one every few minutes. */
export const MAX_INDEX_ENTRIES = 1024;

/**
 * A crash leaves less than this behind the last whole tag or fragment. What has more is damaged in the middle: it is
 * not cut, as most of it may still be of use to somebody.
 */
export const MAX_TORN_BYTES = 64 * 1024 * 1024;

/** How an unfinished file is made whole. */
export interface Repair {
  /** It begins as a recording does, or does not even get that far; else it may be anybody's. */
  readonly isRecording: boolean;
  /** Size to cut it to; 0 when nothing in it is of use. */
  readonly end: number;
  readonly durationMs: number;
  readonly patches: readonly FilePatch[];
}

/** An existing recording, as far as going on with it needs. */
export interface FlvResume {
  readonly end: number;
  /** Size of the script tag's body; undefined without such a tag. */
  readonly room: number | undefined;
  readonly metadata: AmfObject | undefined;
  readonly index: FlvIndex;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly hasAudio: boolean;
  readonly hasVideo: boolean;
}

/** Finds out how a file is made whole. Rejects only when it cannot be read. */
export async function inspectFlv(source: FlvSource): Promise<Repair> {
  const scan = await scanFlv(source, MAX_INDEX_ENTRIES);
  const { end, firstMs, lastMs, script, index, hasAudio, hasVideo } = scan;
  const isRecording = end > 0 || source.size < flvFirstTagAt;
  if (scan.frames === 0) return { isRecording, end: 0, durationMs: 0, patches: [] };
  const durationMs = lastMs - firstMs;
  const metadata = script && readFlvMetadata(script)?.metadata;
  const facts = { metadata, durationMs, bytes: end, index, hasAudio, hasVideo };
  return { isRecording, end, durationMs, patches: flvPatches(facts, script?.length) };
}

/**
 * Finds out how to go on with a file. Fast when it was finished properly, else all its tags are looked at. Undefined
 * for a file that is empty, no FLV or damaged in the middle. Rejects only when it cannot be read.
 */
export async function resumeFlv(source: FlvSource): Promise<FlvResume | undefined> {
  const finished = await resumeFinished(source);
  if (finished) return finished;
  const scan = await scanFlv(source, MAX_INDEX_ENTRIES);
  const isTorn = source.size - scan.end <= MAX_TORN_BYTES;
  return scan.end > 0 && isTorn ? resumeScanned(scan) : undefined;
}

function resumeScanned(scan: FlvScan): FlvResume {
  const metadata = scan.script && readFlvMetadata(scan.script)?.metadata;
  return { ...scan, room: scan.script?.length, metadata };
}

/** Goes by what the file states, when that agrees with its size and its last tag. */
async function resumeFinished(source: FlvSource): Promise<FlvResume | undefined> {
  const headerEnd = flvFirstTagAt + flvTagHeaderBytes;
  const header = await source.read(0, headerEnd);
  const isScript = header.length === headerEnd && header[flvFirstTagAt] === FlvTagType.script;
  if (!isScript || header.toString('latin1', 0, 3) !== 'FLV') return undefined;
  const room = header.readUIntBE(flvFirstTagAt + 1, 3);
  const stated = readFlvMetadata(await source.read(headerEnd, room));
  const lastMs = await lastTagMs(source);
  if (stated?.bytes !== source.size || lastMs === undefined) return undefined;
  if (stated.entries.length === 0) return undefined;
  const hasVideo = (header.readUInt8(4) & 1) !== 0;
  return {
    end: source.size,
    room,
    metadata: stated.metadata,
    index: new FlvIndex(MAX_INDEX_ENTRIES, stated.entries, hasVideo),
    firstMs: Math.max(0, lastMs - stated.durationMs),
    lastMs,
    hasAudio: (header.readUInt8(4) & 4) !== 0,
    hasVideo,
  };
}

async function lastTagMs(source: FlvSource): Promise<number | undefined> {
  const end = source.size - flvPreviousTagSizeBytes;
  const [tail] = [await source.read(end, flvPreviousTagSizeBytes)];
  const size = tail.length === flvPreviousTagSizeBytes ? tail.readUInt32BE(0) : 0;
  if (size < flvTagHeaderBytes || end - size < flvFirstTagAt) return undefined;
  const tag = await source.read(end - size, flvTagHeaderBytes);
  if (tag.readUIntBE(1, 3) + flvTagHeaderBytes !== size) return undefined;
  return tag.readUIntBE(4, 3) + (tag.readUInt8(7) & 0x7f) * 2 ** 24;
}
