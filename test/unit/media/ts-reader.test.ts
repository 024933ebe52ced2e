import assert from 'node:assert/strict';

import { crc32Mpeg } from '../../../src/media/crc32';
import type { AudioTrack, VideoTrack } from '../../../src/media/track';
import { TsMuxer } from '../../../src/media/ts-muxer';
import { TsReader, readTs } from '../../../src/media/ts-reader';
import type { TsPes } from '../../../src/media/ts-reader';
import { hex, records } from '../../support/media';

const video: VideoTrack = {
  kind: 'video',
  codec: 'avc1',
  record: records.avc,
  width: 640,
  height: 360,
  fps: 25,
  lengthSize: 4,
};
const audio: AudioTrack = {
  kind: 'audio',
  codec: 'mp4a',
  record: records.aac,
  sampleRate: 44100,
  channels: 2,
  samplesPerFrame: 1024,
};

/** A stream of ten pictures of 500 bytes, the sixth of them a key frame as well, each with a sound. */
function sample(): Buffer {
  const parts: Buffer[] = [];
  const muxer = new TsMuxer((packets) => parts.push(packets));
  muxer.setTracks(video, audio);
  for (let index = 0; index < 10; index++) {
    const data = Buffer.alloc(500, 0x41);
    data.writeUInt32BE(496);
    const isKey = index % 5 === 0;
    const timestamp = 1000 + index * 40;
    muxer.writeFrame({ kind: 'video', timestamp, compositionMs: 40, isKey, data });
    muxer.writeFrame({
      ...{ kind: 'audio', timestamp, compositionMs: 0, isKey: true },
      data: hex('aa'),
    });
  }
  return Buffer.concat(parts);
}

describe('media/ts-reader', () => {
  const file = sample();

  it('tells programs, codecs, times and key frames', () => {
    const summary = readTs(file);
    assert.deepEqual(summary.programs, [
      {
        number: 1,
        pmtPid: 0x1001,
        pcrPid: 0x100,
        version: 0,
        streams: [
          { pid: 0x100, streamType: 0x1b, codec: 'avc1' },
          { pid: 0x101, streamType: 0x0f, codec: 'mp4a' },
        ],
      },
    ]);
    assert.deepEqual(summary.pids.get(0x100), {
      streamId: 0xe0,
      pesPackets: 10,
      keyFrames: 2,
      startsWithKey: true,
      truncated: 0,
      payloadBytes: 10 * (6 + 499) + 2 * 39,
      firstPts: 93600,
      lastPts: 126000,
      firstDts: 90000,
      lastDts: 122400,
    });
    assert.equal(summary.pids.get(0x101)?.pesPackets, 10);
    assert.equal(summary.packets * 188, file.length);
    assert.equal(summary.wholeBytes, file.length);
    assert.equal(summary.firstPcr, 81000);
    assert.equal(summary.lastPcr, 113400);
  });

  it('reads the same from pieces of any size', () => {
    const whole: TsPes[] = [];
    const expected = readTs(file, { onPes: (pes) => whole.push(pes) });
    for (const size of [1, 100, 187, 188, 189, 1000]) {
      const got: TsPes[] = [];
      const reader = new TsReader({ onPes: (pes) => got.push(pes) });
      for (let at = 0; at < file.length; at += size) reader.push(file.subarray(at, at + size));
      assert.deepEqual(reader.finish(), expected);
      assert.deepEqual(got, whole);
    }
  });

  it('tells where a file that ends inside a packet is to be cut', () => {
    const summary = readTs(file.subarray(0, 188 * 20 + 100));
    assert.equal(summary.wholeBytes, 188 * 20);
    assert.equal(summary.totalBytes, 188 * 20 + 100);
    assert.equal(summary.isSyncLost, false);
  });

  it('stops where the sync byte is missing, as in the zeros behind a crash', () => {
    const reader = new TsReader();
    reader.push(Buffer.concat([file.subarray(0, 188 * 7), Buffer.alloc(1000)]));
    reader.push(file);
    const summary = reader.finish();
    assert.equal(summary.wholeBytes, 188 * 7);
    assert.equal(summary.isSyncLost, true);
    assert.equal(summary.packets, 7);
  });

  it('counts missing packets and the pictures they damage', () => {
    const without = Buffer.concat([file.subarray(0, 188 * 3), file.subarray(188 * 4)]);
    const summary = readTs(without);
    assert.equal(summary.continuityErrors, 1);
    assert.equal(summary.pids.get(0x100)?.truncated, 1);
  });

  it('counts tables with a wrong checksum or a wrong length, and does without them', () => {
    const damaged = Buffer.from(file);
    damaged[188 + 20] = 0xff;
    const summary = readTs(damaged);
    assert.equal(summary.crcErrors, 1);
    assert.deepEqual(summary.programs, []);
    assert.equal(summary.pids.size, 2);
    const long = Buffer.from(file);
    long[188 + 6] = 0xbf;
    assert.equal(readTs(long).malformed, 1);
  });

  it('counts a PMT without room for its clock', () => {
    const damaged = Buffer.from(file);
    const section = hex('02 b009 0001 c1 00 00');
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(crc32Mpeg(section));
    Buffer.concat([section, crc]).copy(damaged, 188 + 5);
    const summary = readTs(damaged);
    assert.equal(summary.malformed, 1);
    assert.deepEqual(summary.programs, []);
  });

  it('counts an adaptation field longer than its packet', () => {
    const damaged = Buffer.from(file);
    damaged[188 * 2 + 4] = 200;
    assert.equal(readTs(damaged).malformed, 1);
  });

  it('tells a sound cut short by the end, and passes over what is no PES packet', () => {
    const start = '47410110 000001c0 0400 808005 2100010001';
    const cut = Buffer.from(start.replace(/\s/g, '').padEnd(376, 'a'), 'hex');
    assert.equal(readTs(cut).pids.get(0x101)?.truncated, 1);
    const other = Buffer.from('47410110 000000'.replace(/\s/g, '').padEnd(376, '0'), 'hex');
    assert.equal(readTs(other).pids.size, 0);
    const middle = Buffer.from('47010110'.padEnd(376, '0'), 'hex');
    assert.equal(readTs(middle).pids.size, 0);
  });

  it('follows times over the end of the clock', () => {
    const parts: Buffer[] = [];
    const muxer = new TsMuxer((packets) => parts.push(packets));
    muxer.setTracks(undefined, audio);
    const start = Math.floor(2 ** 33 / 90) - 100;
    for (let ms = 0; ms < 300; ms += 25) {
      const frame = { kind: 'audio', compositionMs: 0, isKey: true, data: hex('aa') } as const;
      muxer.writeFrame({ ...frame, timestamp: start + ms });
    }
    const pid = readTs(Buffer.concat(parts)).pids.get(0x101);
    assert.ok((pid?.lastPts ?? 0) > 2 ** 33);
    assert.equal(pid?.firstPts, start * 90);
  });

  it('knows nothing of an empty stream', () => {
    const summary = readTs(Buffer.alloc(0));
    assert.equal(summary.wholeBytes, 0);
    assert.equal(summary.firstPcr, undefined);
    assert.deepEqual(summary.programs, []);
  });
});
