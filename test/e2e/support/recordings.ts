/** Owns what tests see of recordings: which files the server has closed, and what an FLV file says of itself. */
import assert from 'node:assert/strict';
import fs from 'node:fs';

import type { FlvTag } from '../../../src/media/flv';
import type { AmfObject } from '../../../src/rtmp/amf0-value';
import { decodeData } from '../../../src/rtmp/packets/data';

import { tagsOf } from './media';
import type { Program } from './program';

const CLOSED = /dvr (?:file|recovered) (\S+?),? (?:closed, )?duration=(\d+)ms, bytes=(\d+)/g;
const VIDEO = 9;
const SCRIPT = 18;
/** Of the first byte of a video tag, and what its low bits mean. */
const IS_EXTENDED = 0x80;
const CODED_FRAMES = 1;
const AVC = 7;
const MS_PER_SECOND = 1000;
const TAG_HEADER_BYTES = 11;

/** A file as the log tells of it. */
export interface Recorded {
  /** Relative to where the server runs. */
  readonly file: string;
  readonly durationMs: number;
  readonly bytes: number;
}

/** The files that were finished, or recovered, so far whose path holds a text; in order. */
export function recorded(program: Program, part: string): Recorded[] {
  return [...program.stdout.matchAll(CLOSED)]
    .map(([, file = '', durationMs, bytes]) => ({
      file,
      durationMs: Number(durationMs),
      bytes: Number(bytes),
    }))
    .filter(({ file }) => file.includes(part));
}

/** All files below a directory, sorted; none when it is not there. */
export function filesBelow(directory: string): string[] {
  if (!fs.existsSync(directory)) return [];
  const names = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => fs.statSync(`${directory}/${name}`).isFile()).sort();
}

/** Fails unless the metadata of an FLV file are those of the file: its length, duration and key frames. */
export function assertMetadata(path: string, durationMs: number): void {
  const tags = tagsOf(path);
  const [first] = tags;
  assert.equal(first?.type, SCRIPT);
  const data = decodeData(SCRIPT, first.payload, 0, first.payload.length);
  assert.equal(data.name, 'onMetaData');
  const metadata = data.metadata!;
  assert.equal(metadata.number('filesize'), fs.statSync(path).size);
  const toldMs = metadata.number('duration')! * MS_PER_SECOND;
  assert.ok(Math.abs(toldMs - durationMs) <= 100, `duration ${toldMs} ms, sent ${durationMs} ms`);
  const keys = tags.filter(isAnyKeyTag);
  if (keys.length === 0) return;
  const index = metadata.get('keyframes') as AmfObject;
  const positions = index.get('filepositions') as number[];
  const times = index.get('times') as number[];
  const bytes = fs.readFileSync(path);
  assert.deepEqual(
    times.map((seconds) => Math.round(seconds * MS_PER_SECOND)),
    keys.map(({ timestamp }) => timestamp),
  );
  positions.forEach((position, at) => {
    const payload = bytes.subarray(position + TAG_HEADER_BYTES);
    assert.ok(payload.subarray(0, keys[at]!.payload.length).equals(keys[at]!.payload));
  });
}

/** The same for every codec, enhanced or not, that a test uses. */
function isAnyKeyTag({ type, payload }: FlvTag): boolean {
  const [first = 0, second] = payload;
  if (type !== VIDEO || ((first >> 4) & 7) !== 1) return false;
  if (first >= IS_EXTENDED) return (first & 0xf) === CODED_FRAMES;
  return (first & 0xf) !== AVC || second === 1;
}
