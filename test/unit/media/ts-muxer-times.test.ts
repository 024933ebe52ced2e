import assert from 'node:assert/strict';

import { ErrorCode } from '../../../src/core/errors';
import type { AudioTrack, MediaFrame, VideoTrack } from '../../../src/media/track';
import { TsMuxer } from '../../../src/media/ts-muxer';
import { readTs } from '../../../src/media/ts-reader';
import { Muxed, aac, audio, avc, mp3, video } from '../../support/ts-muxed';

/** 90 kHz ticks of 100 ms. */
const hundredMs = 9000;

describe('media/ts-muxer times', () => {
  it('writes PTS and DTS when they differ, and never shows a picture before it is decoded', () => {
    const frame = video(1000, '00000002 4101');
    const muxed = new Muxed(avc).write(
      frame,
      { ...frame, timestamp: 1040, compositionMs: 120 },
      { ...frame, timestamp: 1080, compositionMs: -40 },
    );
    const times = muxed.read().pes.map(({ pts, dts }) => [pts, dts]);
    assert.deepEqual(times, [
      [90000, 90000],
      [104400, 93600],
      [93600, 93600],
    ]);
  });

  it('wraps with 33 bits, also where 32 bits of milliseconds do', () => {
    for (const [start, modulus] of [
      [2 ** 33 / 90 - 1000, Infinity],
      [2 ** 32 - 1000, 2 ** 32],
    ] as const) {
      const muxed = new Muxed(avc, aac);
      for (let ms = 0; ms < 2000; ms += 40) {
        const time = (Math.floor(start) + ms) % modulus;
        muxed.write(video(time, '00000002 4101', ms === 0), audio(time));
      }
      const { summary, pes } = muxed.read();
      const pictures = summary.pids.get(0x100);
      assert.equal((pictures?.lastDts ?? 0) - (pictures?.firstDts ?? 0), 1960 * 90);
      assert.ok(pes.every(({ pts = -1 }) => pts >= 0 && pts < 2 ** 33));
      assert.ok(summary.maxPcrGap <= hundredMs, `PCR step of ${summary.maxPcrGap}`);
      assert.equal(summary.discontinuities, 0);
    }
  });

  it('adds the offset it is given, which may be negative', () => {
    const muxed = new Muxed(avc);
    muxed.muxer.writeFrame(video(10, '00000002 4101'), 63000);
    muxed.muxer.writeFrame(video(10, '00000002 4101'), -1000);
    assert.deepEqual(muxed.times(0x100), [63900, 2 ** 33 - 100]);
  });

  it('counts AAC in samples, through jitter of the timestamps', () => {
    const muxed = new Muxed(undefined, aac);
    const jitter = [0, 7, -9, 40, -30, 3, 0, -80, 90, 1];
    for (let index = 0; index < 430; index++) {
      const ms = Math.round((index * 1024_000) / 44100) + (jitter[index % 10] ?? 0);
      muxed.write(audio(1000 + ms));
    }
    const times = muxed.times(0x101);
    times.forEach((pts, index) => {
      assert.equal(pts, 90000 + Math.round((index * 1024 * 90000) / 44100));
    });
  });

  it('follows the timestamps when sound is missing or comes twice', () => {
    const muxed = new Muxed(undefined, aac).write(audio(0), audio(23), audio(123), audio(300));
    const late = [0, 2090, 4180, 27000];
    assert.deepEqual(muxed.times(0x101), late);
    muxed.write(audio(323), audio(100));
    assert.deepEqual(muxed.times(0x101), [...late, 29090, 9000]);
  });

  it('leaves the times of MP3 as they are', () => {
    const muxed = new Muxed(undefined, mp3).write(audio(0), audio(26), audio(53));
    assert.deepEqual(muxed.times(0x102), [0, 2340, 4770]);
  });
});

describe('media/ts-muxer sound', () => {
  it('gathers frames for about the time asked for, and gives up the rest on flush', () => {
    const muxed = new Muxed(undefined, aac, 100);
    for (let index = 0; index < 12; index++)
      muxed.write(audio(index * 23, `a${index.toString(16)}`));
    const frame = (index: number): string => `fff15080011ffca${index.toString(16)}`;
    const five = (from: number): string =>
      Array.from({ length: 5 }, (_, index) => frame(from + index)).join('');
    assert.deepEqual(muxed.streams(0x101), [five(0), five(5)]);
    muxed.muxer.flush();
    muxed.muxer.flush();
    assert.deepEqual(muxed.streams(0x101), [five(0), five(5), frame(10) + frame(11)]);
    assert.deepEqual(muxed.times(0x101), [0, 10449, 20898]);
  });

  it('writes what waits when the track changes, and keeps it when it does not', () => {
    const muxed = new Muxed(avc, aac, 1000).write(audio(0));
    muxed.muxer.setTracks(avc, { ...aac });
    assert.deepEqual(muxed.writes, []);
    muxed.muxer.setTracks(avc, { ...mp3, sampleRate: 48000 });
    assert.deepEqual(muxed.streams(0x101), ['fff15080013ffcaabb']);
    muxed.write(audio(30, 'fffb'));
    muxed.muxer.setTracks(avc, { ...mp3, sampleRate: 22050 });
    assert.deepEqual(muxed.streams(0x102), ['fffb']);
  });

  it('refuses AAC frames that ADTS has no room for, and goes on', () => {
    const muxed = new Muxed(avc, aac, 500).write(audio(0));
    assert.throws(() => muxed.write(audio(23, Buffer.alloc(8185))), {
      code: ErrorCode.HLS_AAC_FRAME_LENGTH,
    });
    muxed.write(audio(23, Buffer.alloc(8184)));
    muxed.muxer.flush();
    assert.deepEqual(muxed.times(0x101), [0]);
    assert.equal(muxed.streams(0x101)[0]?.length, 2 * (9 + 8191));
  });

  it('refuses other sound that a PES packet has no room for, and goes on', () => {
    for (const audioPesMs of [0, 500]) {
      const muxed = new Muxed(undefined, mp3, audioPesMs).write(audio(0, Buffer.alloc(65527)));
      assert.throws(() => muxed.write(audio(26, Buffer.alloc(65528))), {
        code: ErrorCode.HLS_DECODE_ERROR,
        message: /at most 65527 bytes in one message, got 65528/,
      });
      muxed.write(audio(52, 'fffb'));
      muxed.muxer.flush();
      const sizes = muxed.streams(0x102).map((stream) => stream.length / 2);
      assert.deepEqual(sizes, [65527, 2]);
    }
  });

  it('carries MP3 as it is and AC-3 as a private stream', () => {
    const muxed = new Muxed(undefined, mp3).write(audio(0, 'fffb9064'));
    assert.deepEqual(muxed.streams(0x102), ['fffb9064']);
    assert.equal(muxed.read().pes[0]?.streamId, 0xc0);
    const ac3 = new Muxed(undefined, { ...mp3, codec: 'ac-3' }).write(audio(0, '0b77'));
    assert.equal(ac3.read().pes[0]?.streamId, 0xbd);
  });

  it('marks entry points: key frames, and all sound when there are no pictures', () => {
    const both = new Muxed(avc, aac).write(video(0, '00000002 6588', true), audio(0));
    both.write(video(40, '00000002 4101'));
    assert.deepEqual(
      both.read().pes.map((pes) => pes.isKey),
      [true, false, false],
    );
    assert.equal(new Muxed(undefined, aac).write(audio(0)).read().pes[0]?.isKey, true);
  });
});

describe('media/ts-muxer clock', () => {
  /** Frames of `seconds` at these intervals, in the order of time. */
  function interleaved(
    seconds: number,
    videoMs: number,
    audioMs: number,
    aheadMs = 0,
  ): MediaFrame[] {
    const frames: MediaFrame[] = [];
    for (let ms = 0; videoMs > 0 && ms < seconds * 1000; ms += videoMs) {
      frames.push(video(ms, '00000002 4101', ms === 0));
    }
    for (let ms = 0; audioMs > 0 && ms < seconds * 1000 + aheadMs; ms += audioMs) {
      frames.push(audio(Math.round(ms)));
    }
    const arrival = (frame: MediaFrame): number =>
      frame.timestamp - (frame.kind === 'audio' ? aheadMs : 0);
    return frames.sort((one, other) => arrival(one) - arrival(other));
  }

  const rows: [string, VideoTrack | undefined, AudioTrack | undefined, MediaFrame[], number][] = [
    ['25 frames a second with sound', avc, aac, interleaved(5, 40, 23.22), 0],
    ['60 frames a second', avc, undefined, interleaved(5, 17, 0), 0],
    ['5 frames a second with sound', avc, aac, interleaved(5, 200, 23.22), 0],
    ['one frame a second without sound', avc, undefined, interleaved(5, 1000, 0), 0],
    ['sound alone', undefined, aac, interleaved(5, 0, 23.22), 0],
    ['sound alone, 720 ms a PES', undefined, aac, interleaved(5, 0, 23.22), 720],
    ['a picture track that does not come', avc, aac, interleaved(5, 0, 23.22), 0],
    ['gathered sound', avc, aac, interleaved(5, 40, 23.22), 200],
    ['sound well ahead of the pictures', avc, aac, interleaved(5, 40, 23.22, 600), 0],
  ];
  for (const [name, videoTrack, audioTrack, frames, pesMs] of rows) {
    it(`comes at least every 100 ms: ${name}`, () => {
      const muxed = new Muxed(videoTrack, audioTrack, pesMs).write(...frames);
      muxed.muxer.flush();
      const { summary } = muxed.read();
      assert.ok(summary.firstPcr !== undefined && summary.lastPcr !== undefined);
      assert.ok(summary.lastPcr - summary.firstPcr > 3.5 * 90000, 'it runs to the end');
      assert.ok(summary.maxPcrGap <= hundredMs, `step of ${summary.maxPcrGap}`);
      assert.equal(summary.discontinuities, 0);
    });
  }

  it('is never later than a picture, and not much earlier', () => {
    for (const aheadMs of [0, 600]) {
      const muxed = new Muxed(avc, aac);
      for (const frame of interleaved(5, 40, 23.22, aheadMs)) {
        muxed.write(frame);
        const { lastPcr, pids } = muxed.read().summary;
        const decoding = pids.get(0x100)?.lastDts;
        if (frame.kind !== 'video' || decoding === undefined || lastPcr === undefined) continue;
        const lead = decoding - lastPcr;
        assert.ok(lead >= 0 && lead <= 16000, `${lead} ticks before the picture`);
      }
    }
  });

  it('stands inside long PES packets of sound, in order', () => {
    const muxed = new Muxed(undefined, aac, 720);
    const frames = 430;
    for (let index = 0; index < frames; index++) {
      muxed.write(audio(1000 + Math.round(index * 23.22), Buffer.alloc(190, index)));
    }
    muxed.muxer.flush();
    const { summary, pes } = muxed.read();
    assert.equal(pes.length, 14);
    assert.ok(pes.every((one) => !one.isTruncated));
    assert.ok(summary.maxPcrGap <= hundredMs, `step of ${summary.maxPcrGap}`);
    const alone = summary.packets - Math.ceil((frames * 197) / 184);
    assert.ok(alone < 120, `${alone} packets more than the sound needs`);
  });

  it('starts at 0 with a stream that does, and gains its lead from there', () => {
    const muxed = new Muxed(avc).write(...interleaved(1, 40, 0));
    const { firstPcr, lastPcr } = muxed.read().summary;
    assert.equal(firstPcr, 0);
    assert.equal(lastPcr, 960 * 90 - hundredMs);
  });

  it('says so when times begin anew, asked for or not', () => {
    const muxed = new Muxed(avc, aac).write(...interleaved(1, 40, 23.22));
    muxed.muxer.reset();
    muxed.write(...interleaved(1, 40, 23.22));
    assert.equal(muxed.read().summary.discontinuities, 1);
    muxed.write(video(500_000, '00000002 6588', true), video(500_040, '00000002 4101'));
    assert.equal(muxed.read().summary.discontinuities, 2);
    assert.ok(muxed.read().summary.maxPcrGap <= hundredMs);
  });

  it('says nothing at a reset before anything was written', () => {
    const muxed = new Muxed(avc);
    muxed.muxer.reset();
    muxed.write(video(0, '00000002 6588', true));
    assert.equal(muxed.read().summary.discontinuities, 0);
  });

  it('waits through a small step back', () => {
    const muxed = new Muxed(avc).write(...interleaved(1, 40, 0));
    const { lastPcr } = muxed.read().summary;
    muxed.write(video(800, '00000002 4101'), video(840, '00000002 6588', true));
    assert.equal(muxed.read().summary.lastPcr, lastPcr);
    assert.equal(muxed.read().summary.discontinuities, 0);
  });

  it('counts anew after another muxer, and says so where media begins', () => {
    const lost = (isContinued: boolean): number => {
      const writes: Buffer[] = [];
      for (const atMs of [0, 1000]) {
        const options = { isContinued: isContinued && atMs > 0 };
        const muxer = new TsMuxer((packets) => writes.push(packets), options);
        muxer.setTracks(avc, aac);
        for (let ms = atMs; ms < atMs + 1000; ms += 40) {
          muxer.writeFrame(video(ms, '00000002 4101', ms === atMs));
          muxer.writeFrame(audio(ms));
        }
      }
      return readTs(Buffer.concat(writes)).continuityErrors;
    };
    // Of the tables nobody minds.
    assert.deepEqual([lost(false), lost(true)], [4, 2]);
  });
});
