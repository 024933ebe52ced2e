import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import {
  TagFlags,
  classifyVideo,
  describeAudioHeader,
  describeVideoHeader,
} from '../../../src/media/codec';
import { maxFlvTagBytes } from '../../../src/media/flv';
import type { FlvTag } from '../../../src/media/flv';
import { FlvReader } from '../../../src/media/flv-reader';
import { FlvWriter } from '../../../src/media/flv-writer';
import { aacFrame, avcKeyFrame, flvFile, hex, sampleTags } from '../../support/media';

/** Reads `bytes` in pieces of `size`; what stopped it, if anything, comes with the tags. */
function readInPieces(bytes: Buffer, size: number): { tags: FlvTag[]; error?: SrsError } {
  const reader = new FlvReader();
  const tags: FlvTag[] = [];
  try {
    for (let at = 0; at < bytes.length; at += size) {
      reader.push(bytes.subarray(at, at + size));
      for (let tag = reader.read(); tag !== undefined; tag = reader.read()) tags.push(tag);
    }
    reader.finish();
  } catch (error) {
    assert.ok(error instanceof SrsError);
    return { tags, error };
  }
  return { tags };
}

const tags: FlvTag[] = [
  ...sampleTags(3),
  { type: 9, timestamp: 0xfedcba98, payload: avcKeyFrame('late', 300) },
  { type: 8, timestamp: 0xffffffff, payload: Buffer.alloc(0) },
];
const file = flvFile(tags);

describe('media/flv-writer', () => {
  it('writes the header, tags and previous tag sizes of the standard', () => {
    const written: Buffer[] = [];
    const writer = new FlvWriter((bytes) => written.push(bytes));
    writer.writeHeader();
    writer.writeTag({ type: 8, timestamp: 0x01020304, payload: hex('af01aabb') });
    assert.deepEqual(
      Buffer.concat(written),
      hex('464c5601 05 00000009 00000000 08 000004 020304 01 000000 af01aabb 0000000f'),
    );
  });

  it('announces only the tracks there are', () => {
    const flags = [
      [true, false],
      [false, true],
      [false, false],
    ].map(([audio, video]) => {
      const written: Buffer[] = [];
      new FlvWriter((bytes) => written.push(bytes)).writeHeader(audio, video);
      return Buffer.concat(written)[4];
    });
    assert.deepEqual(flags, [4, 1, 0]);
  });

  it('takes timestamps modulo 2^32', () => {
    const [tag] = readInPieces(
      flvFile([{ type: 8, timestamp: 2 ** 32 + 5, payload: aacFrame() }]),
      999,
    ).tags;
    assert.equal(tag?.timestamp, 5);
  });
});

describe('media/flv-reader', () => {
  it('reads what the writer wrote, however it is cut', () => {
    for (let size = 1; size <= file.length; size++) {
      const result = readInPieces(file, size);
      assert.equal(result.error, undefined);
      assert.deepEqual(result.tags, tags, `pieces of ${size}`);
    }
  });

  it('reads the bundled sample, a loop of whole audio and video frames', () => {
    const sample = readFileSync(join(__dirname, '../../../doc/sample.flv'));
    assert.ok(sample.length < 500_000);
    const all = readInPieces(sample, 4096);
    assert.equal(all.error, undefined);
    const video = all.tags.filter((tag) => tag.type === 9);
    const audio = all.tags.filter((tag) => tag.type === 8);
    const keyTimes = video
      .filter((tag) => classifyVideo(tag.payload, 0, tag.payload.length) === TagFlags.keyFrame)
      .map((tag) => tag.timestamp);
    assert.deepEqual(keyTimes, [0, 2000, 4000, 6000, 8000]);
    // One sequence header each; 256 pictures and 441 AAC frames both last 10.24 s. (The last video tag ends the sequence.)
    assert.equal(audio.length, 1 + 441);
    assert.equal(video.length, 1 + 256 + 1);
    const facts = describeVideoHeader(video[0]!.payload, 0, video[0]!.payload.length);
    assert.deepEqual([facts?.width, facts?.height, facts?.fps], [640, 360, 25]);
    const sound = describeAudioHeader(audio[0]!.payload, 0, audio[0]!.payload.length);
    assert.deepEqual([sound?.sampleRate, sound?.channels], [44100, 2]);
  });

  it('skips a longer file header and ignores wrong previous tag sizes', () => {
    const longer = Buffer.concat([hex('464c5601050000000c ffffff'), file.subarray(9)]);
    longer.writeUInt32BE(77, 12);
    assert.deepEqual(readInPieces(longer, 5).tags, tags);
  });

  it('delivers everything before a truncation, then says where it is', () => {
    const ends: number[] = [];
    let offset = 13;
    for (const tag of tags) ends.push((offset += 11 + tag.payload.length + 4));
    for (let length = 0; length < file.length; length++) {
      const whole = ends.filter((end) => length >= end - 4).length;
      const { tags: got, error } = readInPieces(file.subarray(0, length), 64);
      assert.deepEqual(got, tags.slice(0, whole), `${length} bytes`);
      const tagEnd = whole === 0 ? 13 : ends[whole - 1]!;
      const isClean = length >= 9 && length <= tagEnd;
      assert.equal(error?.code, isClean ? undefined : ErrorCode.SYSTEM_FILE_EOF, `${length} bytes`);
      if (error && length > 13)
        assert.match(error.message, new RegExp(`at offset ${tagEnd}, .*ends at ${length}$`));
    }
  });

  const damages: [string, (bytes: Buffer) => void, RegExp][] = [
    [
      'a wrong signature',
      (bytes) => bytes.write('GIF'),
      /expected "FLV" at offset 0, got 0x474946/,
    ],
    [
      'a data offset too small',
      (bytes) => bytes.writeUInt32BE(8, 5),
      /data offset of 9 to 1024 at offset 5, got 8/,
    ],
    ['a data offset too large', (bytes) => bytes.writeUInt32BE(1025, 5), /at offset 5, got 1025/],
    [
      'an unknown tag type',
      (bytes) => bytes.writeUInt8(7, 13),
      /tag type 8, 9 or 18 at offset 13, got 7/,
    ],
    ['an encrypted tag', (bytes) => bytes.writeUInt8(0x29, 13), /at offset 13, got 41/],
    ['a stream id', (bytes) => bytes.writeUInt8(1, 23), /stream id 0 at offset 21, got 1/],
  ];
  for (const [name, damage, message] of damages) {
    it(`refuses ${name}, again and again`, () => {
      const bytes = Buffer.from(file);
      damage(bytes);
      const reader = new FlvReader();
      reader.push(bytes);
      assert.throws(() => reader.read(), { code: ErrorCode.KERNEL_FLV_HEADER, message });
      reader.push(file);
      assert.throws(() => reader.read(), { code: ErrorCode.KERNEL_FLV_HEADER, message });
      assert.throws(
        () => {
          reader.finish();
        },
        { code: ErrorCode.KERNEL_FLV_HEADER, message },
      );
    });
  }

  it('reads the largest message that RTMP can carry', () => {
    const large: FlvTag = { type: 9, timestamp: 0, payload: Buffer.alloc(maxFlvTagBytes, 0x27) };
    const { tags: got, error } = readInPieces(flvFile([large, ...sampleTags(1)]), 1024 * 1024);
    assert.equal(error, undefined);
    assert.equal(got.length, 1 + sampleTags(1).length);
    assert.ok(got[0]?.payload.equals(large.payload));
  });

  it('delivers everything before damage in the middle', () => {
    const bytes = Buffer.concat([file, Buffer.from('not a tag at all')]);
    const { tags: got, error } = readInPieces(bytes, 100);
    assert.deepEqual(got, tags);
    assert.match(error?.message ?? '', new RegExp(`at offset ${file.length}`));
  });
});
