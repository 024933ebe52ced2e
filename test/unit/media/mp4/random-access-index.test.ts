import assert from 'node:assert/strict';

import { RandomAccessIndex } from '../../../../src/media/mp4/random-access-index';
import { hex } from '../../../support/media';

import { audio, one, video } from './boxes';

const sound = { ...audio, sampleRate: 48000 };

describe('media/mp4/random-access-index', () => {
  it('points at the fragments of the video track, with its size at the very end', () => {
    const index = RandomAccessIndex.of([sound, video]);
    index.add(1000, 80);
    index.add(2 ** 33, 2 ** 32);
    const mfra = index.toBuffer();
    assert.deepEqual(
      one(mfra, 'mfra/tfra'),
      hex(`01000000 00000002 00000000 00000002
           0000000000001c20 00000000000003e8 010101
           0000005a00000000 0000000200000000 010101`),
    );
    assert.deepEqual(one(mfra, 'mfra/mfro'), hex(`00000000 000000${mfra.length.toString(16)}`));
  });

  it('indexes audio in its own time scale when there is no video', () => {
    const index = RandomAccessIndex.of([sound]);
    index.add(500, 1000);
    const tfra = one(index.toBuffer(), 'mfra/tfra');
    assert.equal(tfra.readUInt32BE(4), 1);
    assert.equal(Number(tfra.readBigUInt64BE(16)), 48000);
    assert.equal(one(RandomAccessIndex.of([]).toBuffer(), 'mfra/tfra').readUInt32BE(12), 0);
  });

  it('stays small however long the recording, and evenly spread', () => {
    const index = RandomAccessIndex.of([video]);
    for (let at = 0; at < 100_000; at++) index.add(at, at);
    const tfra = one(index.toBuffer(), 'mfra/tfra');
    const count = tfra.readUInt32BE(12);
    assert.ok(count > 2048 && count <= 4096, String(count));
    const positions = Array.from({ length: count }, (_, entry) =>
      Number(tfra.readBigUInt64BE(16 + entry * 19 + 8)),
    );
    assert.ok(positions.every((position, entry) => position === entry * 32));
  });
});
