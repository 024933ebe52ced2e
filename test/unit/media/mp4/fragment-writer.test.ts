import assert from 'node:assert/strict';

import { FragmentWriter } from '../../../../src/media/mp4/fragment-writer';
import type { Fragment } from '../../../../src/media/mp4/fragment-writer';
import type { MediaFrame } from '../../../../src/media/track';
import { hex } from '../../../support/media';

import { all, audio, audioFrame, boxesOf, one, readRuns, video, videoFrame } from './boxes';

const key = 0x02000000;
const delta = 0x01010000;

function write(writer: FragmentWriter, ...frames: MediaFrame[]): void {
  for (const frame of frames) writer.add(frame);
}

function texts(fragment: Fragment | undefined): string[] {
  return readRuns(fragment!).flatMap((run) => run.samples.map((sample) => sample.data.toString()));
}

describe('media/mp4/fragment-writer', () => {
  it('writes the boxes of a fragment byte by byte', () => {
    const writer = new FragmentWriter([video], { sequence: 7 });
    write(writer, videoFrame(1000, true, 80), videoFrame(1040), videoFrame(1080));
    const { data, bytes } = writer.cut()!;
    assert.deepEqual(
      data[0],
      hex(`00000074 6d6f6f66
             00000010 6d666864 00000000 00000007
             0000005c 74726166
               00000018 74666864 00020028 00000001 00000e10 01010000
               00000014 74666474 01000000 0000000000015f90
               00000028 7472756e 01000a05 00000002 0000007c 02000000
                 00000005 00001c20 00000005 00000000
           00000012 6d646174`),
    );
    assert.equal(data[0].readUInt32BE(0), data[0].length - 8);
    assert.equal(bytes, data[0].length + 10);
    assert.equal(writer.sequence, 8);
  });

  it('passes the payloads on as they are, not copied', () => {
    const writer = new FragmentWriter([video]);
    const first = videoFrame(0, true);
    write(writer, first, videoFrame(40));
    const fragment = writer.cut()!;
    assert.equal(fragment.data[1], first.data);
    assert.deepEqual(
      boxesOf(Buffer.concat(fragment.data)).map((box) => box.type),
      ['moof', 'mdat'],
    );
  });

  it('holds one frame per track back, so that a key frame opens the fragment after the cut', () => {
    const writer = new FragmentWriter([video, audio]);
    write(writer, videoFrame(0, true), audioFrame(0), audioFrame(23), videoFrame(40));
    write(writer, audioFrame(46), videoFrame(80, true));
    assert.deepEqual(texts(writer.cut()), ['v0', 'v40', 'a0', 'a23']);
    write(writer, audioFrame(70), videoFrame(120));
    const next = writer.cut();
    assert.deepEqual(texts(next), ['v80', 'a46']);
    assert.equal(next?.isIndependent, true);
    assert.equal(writer.cut(), undefined);
    assert.deepEqual(texts(writer.flush()), ['v120', 'a70']);
    assert.equal(writer.flush(), undefined);
  });

  it('numbers the runs by track id, video first whatever the order of tracks', () => {
    const writer = new FragmentWriter([audio, video]);
    write(writer, audioFrame(0), videoFrame(0, true), audioFrame(23), videoFrame(40));
    const fragment = writer.cut()!;
    assert.deepEqual(
      readRuns(fragment).map((run) => run.trackId),
      [2, 1],
    );
    assert.deepEqual(texts(fragment), ['v0', 'a0']);
  });

  it('states durations and flags once when all samples share them', () => {
    const writer = new FragmentWriter([audio]);
    write(writer, audioFrame(0), audioFrame(23), audioFrame(46), audioFrame(70));
    const fragment = writer.cut()!;
    const trun = one(fragment.data[0]!.subarray(0, -8), 'moof/traf/trun');
    assert.equal(trun.readUInt32BE(0), 0x01000201);
    assert.equal(trun.length, 12 + 3 * 4);
    assert.deepEqual(
      readRuns(fragment)[0]!.samples.map(({ duration, flags }) => [duration, flags]),
      [
        [1024, key],
        [1024, key],
        [1024, key],
      ],
    );
  });

  it('states durations one by one when they differ', () => {
    const writer = new FragmentWriter([video]);
    write(writer, videoFrame(0, true), videoFrame(33), videoFrame(67), videoFrame(100));
    const [run] = readRuns(writer.cut()!);
    assert.deepEqual(
      run!.samples.map((sample) => sample.duration),
      [33 * 90, 34 * 90, 33 * 90],
    );
  });

  it('marks each key frame, also behind the first sample', () => {
    const writer = new FragmentWriter([video]);
    write(writer, videoFrame(0, true), videoFrame(40), videoFrame(80, true), videoFrame(120));
    write(writer, videoFrame(160));
    const [run] = readRuns(writer.cut()!);
    assert.deepEqual(
      run!.samples.map((sample) => sample.flags),
      [key, delta, key, delta],
    );
  });

  it('keeps composition offsets, negative ones too', () => {
    const writer = new FragmentWriter([video]);
    write(writer, videoFrame(0, true, 80), videoFrame(40, false, -40), videoFrame(80));
    const fragment = writer.cut()!;
    assert.deepEqual(
      readRuns(fragment)[0]!.samples.map((sample) => sample.composition),
      [7200, -3600],
    );
    assert.equal(fragment.presentationMs, 80);
  });

  it('tells when a fragment plays', () => {
    const writer = new FragmentWriter([video, audio]);
    write(writer, audioFrame(990), videoFrame(1000, true, 40), audioFrame(1013));
    write(writer, audioFrame(1036), videoFrame(1040), videoFrame(1090));
    const { startMs, durationMs, endMs, presentationMs } = writer.cut()!;
    const round = (value: number): number => Math.round(value * 10) / 10;
    assert.deepEqual(
      [startMs, durationMs, endMs, presentationMs].map(round),
      [990, 90, 1090, 1040],
    );
    write(writer, audioFrame(1060));
    const sound = writer.cut()!;
    assert.equal(sound.isIndependent, false);
    assert.equal(round(sound.durationMs), 23.2);
    assert.equal(round(sound.presentationMs), 1036.4);
  });

  it('calls fragments of a stream without video independent, of others when they open with a key frame', () => {
    const sound = new FragmentWriter([audio]);
    write(sound, audioFrame(0), audioFrame(23));
    assert.equal(sound.cut()?.isIndependent, true);
    const picture = new FragmentWriter([video]);
    write(picture, videoFrame(0), videoFrame(40, true), videoFrame(80));
    assert.equal(picture.cut()?.isIndependent, false);
  });

  it('passes over frames of a kind that has no track', () => {
    const writer = new FragmentWriter([video]);
    write(writer, audioFrame(0), audioFrame(23));
    assert.equal(writer.flush(), undefined);
  });

  it('states decode times beyond 32 bits', () => {
    const writer = new FragmentWriter([video]);
    write(writer, videoFrame(2 ** 32, true), videoFrame(2 ** 32 + 40));
    const fragment = writer.cut()!;
    assert.equal(readRuns(fragment)[0]!.decodeTime, 2 ** 32 * 90);
    assert.equal(fragment.startMs, 2 ** 32);
  });

  it('caps a duration that does not fit, and is right again in the next fragment', () => {
    const writer = new FragmentWriter([video]);
    write(writer, videoFrame(0, true), videoFrame(2 ** 31));
    assert.equal(readRuns(writer.cut()!)[0]!.samples[0]!.duration, 0xffffffff);
    assert.equal(readRuns(writer.flush()!)[0]!.decodeTime, 2 ** 31 * 90);
  });

  it('gives one run to each track and one moof to each fragment', () => {
    const writer = new FragmentWriter([video, audio]);
    for (let at = 0; at < 1000; at += 20) write(writer, videoFrame(at, at === 0), audioFrame(at));
    const moof = writer.cut()!.data[0]!.subarray(0, -8);
    assert.equal(all(moof, 'moof/mfhd').length, 1);
    assert.deepEqual(
      all(moof, 'moof/traf').map((traf) => boxesOf(traf).map((box) => box.type)),
      [
        ['tfhd', 'tfdt', 'trun'],
        ['tfhd', 'tfdt', 'trun'],
      ],
    );
  });

  it('writes a last fragment of all that was before a frame, which it does without', () => {
    const writer = new FragmentWriter([video, audio]);
    write(writer, videoFrame(0, true), audioFrame(0), videoFrame(40), audioFrame(21));
    const last = writer.flushBefore(videoFrame(90, true));
    const runs = readRuns(last!);
    assert.deepEqual(runs.map(({ samples }) => samples.map(({ duration }) => duration)), [[3600, 4500], [1024, 1024]]); // prettier-ignore
    assert.equal(new FragmentWriter([video]).flushBefore(videoFrame(0, true)), undefined);
  });
});
