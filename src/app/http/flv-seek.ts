/** Owns finding one's way in an FLV file without reading all of it: the headers of its codecs, and where to begin. */
import { ErrorCode, SrsError } from '../../core/errors';
import { classifyAudio, classifyVideo, TagFlags } from '../../media/codec';
import {
  flvFirstTagAt,
  flvPreviousTagSizeBytes,
  flvTagHeaderBytes,
  FlvTagType,
  isFlvTagType,
  maxFlvTagBytes,
} from '../../media/flv';

import type { FileWindow } from './file-window';

const OVERHEAD = flvTagHeaderBytes + flvPreviousTagSizeBytes;
/** Enough of a tag to say what it is, ModEx and multitrack headers included. */
const PEEKED_BYTES = flvTagHeaderBytes + 32;
/** Codec headers stand within so many tags. */
const MAX_HEADER_TAGS = 64;
/** A picture that decoding may start at lies within so many bytes. */
const MAX_SEARCHED_BYTES = 32 * 1024 * 1024;
/** Places that could be a tag: bytes of media hold few, unless somebody put them there. */
const MAX_CANDIDATES = 1000;
const MAX_HEADERS_BYTES = 1024 * 1024;

interface Tag {
  readonly at: number;
  /** Of the next tag, if there is one. */
  readonly end: number;
  readonly type: number;
  /** `TagFlags`. */
  readonly flags: number;
  /** The PreviousTagSize behind it is right. */
  readonly isProven: boolean;
}

/** What a client that begins in the middle needs first. */
export interface FlvHeaders {
  /** File header and sequence headers, as whole tags. */
  readonly bytes: Buffer;
  /** Where the tags begin that they were taken from. */
  readonly end: number;
  readonly hasVideo: boolean;
}

/**
 * Collects the file header and the sequence headers of the first tags.
 *
 * @throws SrsError KERNEL_FLV_HEADER (3036) when it is no FLV file
 */
export async function readFlvHeaders(file: FileWindow): Promise<FlvHeaders> {
  const preface = Buffer.from(await file.read(0, flvFirstTagAt));
  if (preface.length < flvFirstTagAt || preface.toString('latin1', 0, 3) !== 'FLV') {
    throw new SrsError(ErrorCode.KERNEL_FLV_HEADER, 'expect a file that begins with FLV');
  }
  const parts = [preface];
  let end = flvFirstTagAt;
  let bytes = 0;
  let hasVideo = false;
  let tag = await tagAt(file, end);
  for (let count = 0; tag !== undefined && count < MAX_HEADER_TAGS; count++) {
    hasVideo ||= tag.type === FlvTagType.video;
    if (tag.flags & TagFlags.sequenceHeader && bytes + tag.end - tag.at <= MAX_HEADERS_BYTES) {
      parts.push(Buffer.from(await file.read(tag.at, tag.end - tag.at)));
      bytes += tag.end - tag.at;
      end = tag.end;
    }
    tag = await tagAt(file, tag.end);
  }
  return { bytes: Buffer.concat(parts), end, hasVideo };
}

/**
 * Where to begin for a client that asks for the byte at `wanted`: the tag there, or the next one when it is within a
 * tag; in a file with pictures the last key frame up to it, or the next one.
 *
 * @returns the position of a tag; undefined when none follows
 */
export async function findFlvStart(
  file: FileWindow,
  wanted: number,
  { hasVideo, end }: FlvHeaders,
): Promise<number | undefined> {
  const tag = (await tagAt(file, wanted)) ?? (await nextTag(file, wanted));
  if (tag === undefined) return undefined;
  if (!hasVideo || isKey(tag)) return tag.at;
  const before = await keyFrameBefore(file, tag, end);
  return before ?? (await keyFrameAfter(file, tag)) ?? tag.at;
}

async function keyFrameBefore(
  file: FileWindow,
  { at: from }: Tag,
  headersEnd: number,
): Promise<number | undefined> {
  let at = from;
  while (at > headersEnd && from - at < MAX_SEARCHED_BYTES) {
    const field = await file.read(at - flvPreviousTagSizeBytes, flvPreviousTagSizeBytes, true);
    const start = at - flvPreviousTagSizeBytes - (field.length < 4 ? 0 : field.readUInt32BE(0));
    if (start < flvFirstTagAt || start >= at) return undefined;
    const tag = await tagAt(file, start, true);
    if (tag?.end !== at) return undefined;
    if (isKey(tag)) return tag.at;
    at = start;
  }
  return undefined;
}

async function keyFrameAfter(file: FileWindow, from: Tag): Promise<number | undefined> {
  let tag: Tag | undefined = from;
  while (tag !== undefined && tag.at - from.at < MAX_SEARCHED_BYTES) {
    if (isKey(tag)) return tag.at;
    tag = await tagAt(file, tag.end);
  }
  return undefined;
}

/** The first place after `from` that is the beginning of a tag beyond doubt. */
async function nextTag(file: FileWindow, from: number): Promise<Tag | undefined> {
  const limit = Math.min(file.size, from + maxFlvTagBytes + OVERHEAD);
  let at: number | undefined = Math.max(from, flvFirstTagAt);
  for (let tried = 0; tried < MAX_CANDIDATES; tried++) {
    at = await nextCandidate(file, at, limit);
    if (at === undefined) return undefined;
    const tag = await tagAt(file, at);
    if (tag?.isProven === true) return tag;
    at++;
  }
  return undefined;
}

/** The first place that could be the beginning of a tag: its type, and a stream id of zero. */
async function nextCandidate(
  file: FileWindow,
  from: number,
  limit: number,
): Promise<number | undefined> {
  for (let start = from; start < limit;) {
    const bytes = await file.read(start, 64 * 1024);
    const last = bytes.length - flvTagHeaderBytes;
    for (let at = 0; at <= last; at++) {
      if (looksLikeTag(bytes, at)) return start + at;
    }
    if (last < 0) return undefined;
    start += last + 1;
  }
  return undefined;
}

/** The tag at a place; undefined when there is none: its header makes no sense, or it is not whole. */
async function tagAt(file: FileWindow, at: number, backwards = false): Promise<Tag | undefined> {
  if (at < flvFirstTagAt) return undefined;
  const head = await file.read(at, PEEKED_BYTES, backwards);
  if (head.length < flvTagHeaderBytes || !looksLikeTag(head, 0)) return undefined;
  const size = head.readUIntBE(1, 3);
  const end = at + size + OVERHEAD;
  if (end > file.size) return undefined;
  const type = head.readUInt8(0) & 0x1f;
  const flags = flagsOf(type, head.subarray(flvTagHeaderBytes, flvTagHeaderBytes + size));
  if (!backwards) {
    const next = await file.read(end, flvTagHeaderBytes);
    if (next.length >= flvTagHeaderBytes && !looksLikeTag(next, 0)) return undefined;
  }
  const field = await file.read(end - flvPreviousTagSizeBytes, flvPreviousTagSizeBytes, backwards);
  const isProven = field.length === 4 && field.readUInt32BE(0) === size + flvTagHeaderBytes;
  return { at, end, type, flags, isProven };
}

function flagsOf(type: number, body: Buffer): number {
  if (type === FlvTagType.video) return classifyVideo(body, 0, body.length);
  return type === FlvTagType.audio ? classifyAudio(body, 0, body.length) : 0;
}

function isKey({ type, flags }: Tag): boolean {
  return type === FlvTagType.video && (flags & TagFlags.keyFrame) !== 0;
}

function looksLikeTag(bytes: Buffer, at: number): boolean {
  if (!isFlvTagType((bytes[at] ?? 0) & 0x1f)) return false;
  return ((bytes[at + 8] ?? 1) | (bytes[at + 9] ?? 1) | (bytes[at + 10] ?? 1)) === 0;
}
