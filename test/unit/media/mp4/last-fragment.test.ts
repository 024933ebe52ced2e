import assert from 'node:assert/strict';

import { box } from '../../../../src/media/mp4/box';
import { FragmentWriter } from '../../../../src/media/mp4/fragment-writer';
import { mp4InitSegment, mp4RecordingHeader } from '../../../../src/media/mp4/init-segment';
import { findLastFragmentEnd } from '../../../../src/media/mp4/last-fragment';
import type { RandomAccessSource } from '../../../../src/media/mp4/last-fragment';
import { RandomAccessIndex } from '../../../../src/media/mp4/random-access-index';
import type { MediaTrack } from '../../../../src/media/track';
import { hex } from '../../../support/media';

import { audio, audioFrame, one, video, videoFrame } from './boxes';

interface Recording {
  bytes: Buffer;
  headerBytes: number;
  /** File offsets at which the fragments end. */
  ends: number[];
  index: RandomAccessIndex;
}

/** A recording of seconds of 25 fps, a key frame and a fragment each second. */
function record(tracks: readonly MediaTrack[], seconds: number): Recording {
  const writer = new FragmentWriter(tracks);
  const header = mp4RecordingHeader(tracks);
  const index = RandomAccessIndex.of(tracks);
  const parts = [header];
  const ends: number[] = [];
  let position = header.length;
  const put = (fragment = writer.cut()): void => {
    if (fragment === undefined) return;
    if (fragment.isIndependent) index.add(position, fragment.presentationMs);
    parts.push(...fragment.data);
    position += fragment.bytes;
    ends.push(position);
  };
  for (let frame = 0; frame < seconds * 25; frame++) {
    const isKey = frame % 25 === 0;
    writer.add(videoFrame(frame * 40, isKey, 80));
    if (isKey) put();
    writer.add(audioFrame(frame * 40));
  }
  put(writer.flush());
  return { bytes: Buffer.concat(parts), headerBytes: header.length, ends, index };
}

/** The bytes as a file, counting reads. */
function source(bytes: Buffer): RandomAccessSource & { reads: number } {
  return {
    size: bytes.length,
    reads: 0,
    read(position, length) {
      this.reads++;
      return Promise.resolve(bytes.subarray(position, position + length));
    },
  };
}

/** Audio of exactly 40 ms a frame. */
const sound = { ...audio, sampleRate: 48000, samplesPerFrame: 1920 };

describe('media/mp4/last-fragment', () => {
  it('finds the end and the duration of a recording that is whole', async () => {
    const { bytes, ends, index } = record([video, sound], 5);
    const found = await findLastFragmentEnd(source(bytes));
    assert.equal(found.end, bytes.length);
    assert.equal(found.fragments, ends.length);
    assert.equal(found.durationMs, 5000);
    assert.deepEqual(found.index.toBuffer(), index.toBuffer());
  });

  it('finds the last whole fragment wherever the file was cut', async () => {
    const { bytes, headerBytes, ends } = record([video, sound], 3);
    for (let size = 0; size <= bytes.length; size++) {
      const { end, fragments, durationMs } = await findLastFragmentEnd(
        source(bytes.subarray(0, size)),
      );
      const whole = ends.filter((fragmentEnd) => fragmentEnd <= size);
      assert.equal(end, whole.at(-1) ?? (size < headerBytes ? 0 : headerBytes));
      assert.equal(fragments, whole.length);
      assert.equal(durationMs, whole.length * 1000);
    }
  });

  it('says what completes a recording that was cut off', async () => {
    const { bytes, ends } = record([video, sound], 4);
    const found = await findLastFragmentEnd(source(bytes.subarray(0, ends[2]! + 50)));
    const mended = Buffer.concat([bytes.subarray(0, found.end), found.index.toBuffer()]);
    for (const patch of found.patches) patch.bytes.copy(mended, patch.position);
    assert.equal(one(mended, 'moov/mvhd').readUInt32BE(16), 3000);
    assert.equal(one(mended, 'moov/mvex/mehd').readUInt32BE(4), 3000);
    assert.equal(one(mended, 'mfra/tfra').readUInt32BE(12), 3);
    const again = await findLastFragmentEnd(source(mended));
    assert.equal(again.end, found.end);
    assert.equal(again.durationMs, 3000);
  });

  it('reads about once per fragment, not per box', async () => {
    const { bytes } = record([video, sound], 30);
    const file = source(bytes);
    await findLastFragmentEnd(file);
    assert.ok(file.reads <= 30, String(file.reads));
  });

  it('counts from the first fragment when a recording does not begin at 0', async () => {
    const writer = new FragmentWriter([video]);
    for (const at of [90000, 90040, 90080]) writer.add(videoFrame(at, at === 90000));
    const bytes = Buffer.concat([mp4InitSegment([video]), ...writer.flush()!.data]);
    const { durationMs, patches } = await findLastFragmentEnd(source(bytes));
    assert.equal(durationMs, 120);
    assert.equal(patches.length, 1);
  });

  it('passes over boxes it does not know, also with 64-bit sizes', async () => {
    const { bytes, headerBytes, ends } = record([video, sound], 2);
    const long = hex('00000001 66726565 0000000000000014 deadbeef');
    const mixed = Buffer.concat([
      bytes.subarray(0, headerBytes),
      long,
      bytes.subarray(headerBytes, ends[0]),
      box('free', Buffer.alloc(3)),
      bytes.subarray(ends[0]),
    ]);
    const { end, fragments } = await findLastFragmentEnd(source(mixed));
    assert.deepEqual([end, fragments], [mixed.length, 2]);
  });

  it('stops at damage without an error', async () => {
    const { bytes, headerBytes, ends } = record([video, sound], 2);
    const head = bytes.subarray(0, ends[0]);
    const moov = one(bytes, 'moov');
    const fragmentOf = (...boxes: Buffer[]): Buffer =>
      Buffer.concat([head, box('moof', ...boxes), box('mdat', Buffer.alloc(4))]);
    const tfhd = box('tfhd', hex('00020028 00000001 00000e10 01010000'));
    const cases: [string, Buffer][] = [
      ['zeros', Buffer.concat([head, Buffer.alloc(500)])],
      ['a size below that of a header', Buffer.concat([head, hex('00000004 6d6f6f66')])],
      ['a type that is none', Buffer.concat([head, hex('00000010 00010203'), Buffer.alloc(8)])],
      ['a 64-bit size cut short', Buffer.concat([head, hex('00000001 6d646174 0000')])],
      [
        'a 64-bit size that is none',
        Buffer.concat([head, hex('00000001 6d646174'), Buffer.alloc(9)]),
      ],
      ['mdat without moof', Buffer.concat([head, box('mdat', Buffer.alloc(9))])],
      ['moof without tracks', fragmentOf(box('mfhd', Buffer.alloc(8)))],
      ['moof of another track', fragmentOf(box('traf', box('tfhd', hex('00000000 00000009'))))],
      ['traf without times', fragmentOf(box('traf', tfhd))],
      [
        'a run cut short',
        fragmentOf(
          box(
            'traf',
            tfhd,
            box('tfdt', Buffer.alloc(8)),
            box('trun', hex('00000201 ffffffff 00000000')),
          ),
        ),
      ],
      ['a second moov', Buffer.concat([head, box('moov', moov), bytes.subarray(headerBytes)])],
    ];
    for (const [what, damaged] of cases) {
      const { end, fragments } = await findLastFragmentEnd(source(damaged));
      assert.deepEqual([end, fragments], [head.length, 1], what);
    }
  });

  it('takes a moof of unlikely size for damage', async () => {
    const { bytes, ends } = record([video, sound], 2);
    const damaged = Buffer.concat([bytes.subarray(0, ends[0]), hex('02000001 6d6f6f66')]);
    const file = { ...source(damaged), size: damaged.length + 2 ** 26 };
    const { end } = await findLastFragmentEnd(file);
    assert.equal(end, ends[0]);
  });

  it('finds nothing to keep in other files', async () => {
    const { bytes, headerBytes } = record([video, sound], 1);
    const others = [
      Buffer.alloc(0),
      Buffer.from('FLV\x01\x05 and so on'),
      box('moov', box('mvhd', Buffer.alloc(100))),
      box('moov', box('trak', box('tkhd', Buffer.alloc(2)))),
      bytes.subarray(headerBytes),
    ];
    for (const other of others) {
      const found = await findLastFragmentEnd(source(other));
      assert.deepEqual([found.end, found.fragments, found.durationMs], [0, 0, 0]);
      assert.deepEqual(found.patches, []);
    }
  });

  it('takes a file that ends before the size it claimed as cut there', async () => {
    const { bytes, headerBytes } = record([video, sound], 1);
    const short = { ...source(bytes.subarray(0, headerBytes + 4)), size: bytes.length };
    const { end } = await findLastFragmentEnd(short);
    assert.equal(end, headerBytes);
  });

  it('rejects when the file cannot be read', async () => {
    const failing = { size: 100, read: () => Promise.reject(new Error('EIO')) };
    await assert.rejects(findLastFragmentEnd(failing), /EIO/);
  });
});
