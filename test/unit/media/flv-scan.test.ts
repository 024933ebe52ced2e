import assert from 'node:assert/strict';

import { maxFlvTagBytes } from '../../../src/media/flv';
import { scanFlv } from '../../../src/media/flv-scan';
import type { FlvScan, FlvSource } from '../../../src/media/flv-scan';
import { avcKeyFrame, flvFile, sampleTags } from '../../support/media';

function source(content: Buffer): FlvSource {
  return {
    size: content.length,
    read: (position, length) => Promise.resolve(content.subarray(position, position + length)),
  };
}

function scan(content: Buffer): Promise<FlvScan> {
  return scanFlv(source(content), 100);
}

describe('scanFlv', () => {
  it('tells what a whole file holds', async () => {
    const content = flvFile(sampleTags(60));
    const result = await scan(content);
    assert.equal(result.end, content.length);
    assert.equal(result.frames, 120);
    assert.deepEqual([result.firstMs, result.lastMs], [0, 2360]);
    assert.deepEqual([result.hasAudio, result.hasVideo], [true, true]);
    assert.deepEqual(result.script, sampleTags(0)[0]?.payload);
    const { entries } = result.index;
    assert.deepEqual(
      entries.map(({ timeMs }) => timeMs),
      [0, 1000, 2000],
    );
    for (const { position } of entries) assert.equal(content[position], 9);
  });

  it('finds the last whole tag wherever the file was cut', async () => {
    const tags = sampleTags(2);
    const ends = tags.map((_, at) => flvFile(tags.slice(0, at + 1)).length);
    const content = flvFile(tags);
    for (let size = 0; size <= content.length; size++) {
      const { end } = await scan(content.subarray(0, size));
      const whole = [13, ...ends].filter((at) => at <= size).at(-1) ?? 0;
      assert.equal(end, whole, `cut at ${size}`);
    }
  });

  it('reads tags larger than what it reads at once', async () => {
    const tags = sampleTags(1);
    const large = { type: 9, timestamp: 40, payload: avcKeyFrame('big', 100_000) };
    const content = flvFile([...tags, large, { ...large, timestamp: 2 ** 24 + 5 }]);
    const result = await scan(content);
    assert.equal(result.end, content.length);
    assert.equal(result.lastMs, 2 ** 24 + 5);
  });

  it('reads past the largest message that RTMP can carry', async () => {
    const large = { type: 9, timestamp: 40, payload: Buffer.alloc(maxFlvTagBytes, 0x27) };
    const content = flvFile([large, ...sampleTags(1)]);
    assert.equal((await scan(content)).end, content.length);
  });

  it('stops at damage', async () => {
    const whole = flvFile(sampleTags(3));
    const zeros = Buffer.concat([whole, Buffer.alloc(100)]);
    assert.equal((await scan(zeros)).end, whole.length);
    const wrongStream = Buffer.concat([whole, Buffer.from('090000010000000000000199', 'hex')]);
    assert.equal((await scan(wrongStream)).end, whole.length);
    const huge = Buffer.concat([whole, Buffer.from('09ffffff0000000000000099', 'hex')]);
    assert.equal((await scan(huge)).end, whole.length);
  });

  it('takes nothing of a file that is no FLV', async () => {
    for (const content of [
      '',
      'FLV',
      'precious text, long enough',
      'FLV\x01\x05\0\0\0\x0a\0\0\0\0',
    ]) {
      const result = await scan(Buffer.from(content, 'latin1'));
      assert.deepEqual([result.end, result.frames, result.script], [0, 0, undefined], content);
    }
  });

  it('knows a file without frames, and one without metadata', async () => {
    const headers = await scan(flvFile(sampleTags(0)));
    assert.deepEqual([headers.frames, headers.firstMs, headers.lastMs], [0, 0, 0]);
    const bare = await scan(flvFile(sampleTags(1).slice(1)));
    assert.equal(bare.script, undefined);
    assert.equal(bare.frames, 2);
    const empty = await scan(flvFile([{ type: 8, timestamp: 0, payload: Buffer.alloc(0) }]));
    assert.equal(empty.frames, 0);
  });
});
