import assert from 'node:assert/strict';

import { FragmentWriter } from '../../../../src/media/mp4/fragment-writer';
import { TrackClock, timescaleOf } from '../../../../src/media/mp4/track-clock';
import type { MediaTrack } from '../../../../src/media/track';
import { hex, records } from '../../../support/media';

import { audio, audioFrame, readRuns, video, videoFrame } from './boxes';

/** Decode times of frames with these timestamps. */
function timesOf(track: MediaTrack, timestamps: readonly number[]): number[] {
  const clock = new TrackClock(track);
  const frame = track.kind === 'video' ? videoFrame : audioFrame;
  return timestamps.map((timestamp) => clock.next(frame(timestamp)));
}

function steps(times: readonly number[]): number[] {
  return times.slice(1).map((time, index) => time - times[index]!);
}

const opus: MediaTrack = {
  ...audio,
  codec: 'Opus',
  record: records.opus,
  sampleRate: 44100,
  samplesPerFrame: 0,
};

describe('media/mp4/track-clock', () => {
  it('counts video in 90 kHz, audio in samples, Opus always in 48 kHz', () => {
    assert.deepEqual([video, audio, opus].map(timescaleOf), [90000, 44100, 48000]);
  });

  it('takes video times from the timestamps', () => {
    assert.deepEqual(timesOf(video, [1000, 1033, 1067]), [90000, 92970, 96030]);
  });

  it('keeps decode times rising when timestamps repeat or step back', () => {
    assert.deepEqual(timesOf(video, [40, 40, 20, 80]), [3600, 3601, 3602, 7200]);
    assert.deepEqual(timesOf(video, [-40, 0]), [0, 1]);
  });

  it('puts audio on the grid of its samples, free of the rounding of milliseconds', () => {
    const count = 26000;
    const rounded = Array.from({ length: count }, (_, index) =>
      Math.floor(5000 + (index * 1024000) / 44100),
    );
    const times = timesOf(audio, rounded);
    assert.ok(steps(times).every((step) => step === 1024));
    const driftMs = times[count - 1]! / 44.1 - rounded[count - 1]!;
    assert.ok(Math.abs(driftMs) < 1, `${driftMs} ms after ten minutes`);
  });

  it('stays on the grid through jitter of up to 100 ms', () => {
    assert.deepEqual(steps(timesOf(audio, [0, 100, 20, 150, 93])), [1024, 1024, 1024, 1024]);
  });

  it('follows a gap at once', () => {
    assert.deepEqual(timesOf(audio, [0, 23, 1046, 1070]), [0, 1024, 46129, 46129 + 1024]);
  });

  it('works an overlap off frame by frame, and then is back at the timestamps', () => {
    // Ten frames came in a burst, all stamped 0; the eleventh and later ones advance as they should.
    const timestamps = Array.from({ length: 40 }, (_, index) => Math.max(0, index - 9) * 20);
    const slow = { ...audio, sampleRate: 48000, samplesPerFrame: 960 };
    const times = timesOf(slow, timestamps);
    assert.ok(steps(times).every((step) => step === 960 || step === 480));
    assert.equal(times[39], 30 * 960);
    assert.ok(
      steps(times)
        .slice(-10)
        .every((step) => step === 960),
    );
  });

  it('goes by timestamps for audio that does not state its samples', () => {
    const track = { ...audio, codec: 'ec-3', samplesPerFrame: 0, sampleRate: 48000 } as const;
    assert.deepEqual(timesOf(track, [0, 32, 64, 64]), [0, 1536, 3072, 3073]);
  });

  it('reads the duration of an Opus packet off the packet', () => {
    const clock = new TrackClock(opus);
    // Configuration 31 (CELT, 20 ms), one frame; then configuration 16 (2.5 ms), two frames.
    assert.equal(clock.next(audioFrame(0, hex('f8ff'))), 0);
    assert.equal(clock.next(audioFrame(21, hex('81ff'))), 960);
    assert.equal(clock.expectedDuration, 240);
    assert.equal(clock.next(audioFrame(26, hex('f8'))), 1200);
  });

  it('estimates the last duration from the step before, from the frame rate, or from what is usual', () => {
    const lastOf = (track: MediaTrack, timestamps: readonly number[]): number => {
      const writer = new FragmentWriter([track]);
      const frame = track.kind === 'video' ? videoFrame : audioFrame;
      for (const timestamp of timestamps) writer.add(frame(timestamp));
      return readRuns(writer.flush()!)[0]!.samples.at(-1)!.duration;
    };
    assert.equal(lastOf(video, [0]), 3600);
    assert.equal(lastOf(video, [0, 20]), 1800);
    assert.equal(lastOf(video, [0, 20, 20, 9000]), 1800);
    assert.equal(lastOf({ ...video, fps: 50 }, [0, 40]), 1800);
    assert.equal(lastOf(audio, [0]), 1024);
    assert.equal(lastOf({ ...audio, sampleRate: 48000, samplesPerFrame: 0 }, [0]), 960);
  });

  it('goes on after a flush where the flushed frames ended', () => {
    const writer = new FragmentWriter([audio]);
    writer.add(audioFrame(0));
    writer.flush();
    writer.add(audioFrame(25));
    assert.equal(readRuns(writer.flush()!)[0]!.decodeTime, 1024);
  });
});
