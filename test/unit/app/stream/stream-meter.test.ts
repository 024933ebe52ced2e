import assert from 'node:assert/strict';

import { MediaDescription } from '../../../../src/app/stream/media-description';
import type { StreamMessage } from '../../../../src/app/stream/sink';
import { StreamMeter } from '../../../../src/app/stream/stream-meter';
import { classifyAudio, classifyVideo } from '../../../../src/media/codec';
import { AmfObject } from '../../../../src/rtmp/amf0-value';
import {
  aacFrame,
  aacSequenceHeader,
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
} from '../../../support/media';

function message(type: number, payload: Buffer): StreamMessage {
  return { type, timestamp: 0, flags: 0, payload };
}

describe('the meter of a stream', () => {
  let meter: StreamMeter;
  beforeEach(() => {
    meter = new StreamMeter();
  });

  function video(timestamp: number, payload: Buffer): void {
    const flags = classifyVideo(payload, 0, payload.length);
    meter.onVideo(flags, timestamp, payload, 0, payload.length);
  }
  function audio(payload: Buffer): void {
    meter.onAudio(classifyAudio(payload, 0, payload.length), payload, 0, payload.length);
  }
  /** So many pictures, every `gop`th of them a key frame. */
  function pictures(count: number, fromMs: number, stepMs: number, gop: number): void {
    for (let at = 0; at < count; at++) {
      const frame = at % gop === 0 ? avcKeyFrame : avcInterFrame;
      video(fromMs + at * stepMs, frame('x'));
    }
  }

  it('counts frames and bytes, but no headers as frames', () => {
    video(0, avcSequenceHeader());
    pictures(10, 0, 40, 5);
    audio(aacSequenceHeader());
    for (let at = 0; at < 7; at++) audio(aacFrame('y'));
    assert.deepEqual([meter.video.frames, meter.audio.frames, meter.videoFrames], [10, 7, 10]);
    const bytes = avcSequenceHeader().length + 2 * avcKeyFrame('x').length + 8 * avcInterFrame('x').length; // prettier-ignore
    assert.equal(meter.video.bytes, bytes);
    assert.equal(meter.audio.bytes, aacSequenceHeader().length + 7 * aacFrame('y').length);
  });

  it('measures the rate of pictures and the last whole group of them', () => {
    pictures(101, 1000, 40, 50);
    assert.equal(meter.fps, 25);
    assert.deepEqual([meter.gopMs, meter.gopFrames], [2000, 50]);
    pictures(241, 5040, 20, 60);
    assert.equal(meter.fps, 50);
    assert.deepEqual([meter.gopMs, meter.gopFrames], [1200, 60]);
  });

  it('takes no jump of the timestamps for a rate or a group', () => {
    pictures(60, 0, 40, 25);
    const { fps, gopMs } = meter;
    video(3_600_000, avcInterFrame('far'));
    video(100, avcKeyFrame('back'));
    assert.deepEqual([meter.fps, meter.gopMs], [fps, gopMs]);
    pictures(60, 140, 40, 25);
    assert.equal(meter.fps, 25);
  });

  it('begins anew with the next publisher, but for the pictures of all', () => {
    pictures(60, 0, 40, 25);
    audio(aacFrame('y'));
    meter.reset();
    assert.deepEqual(
      [meter.video.frames, meter.audio.frames, meter.fps, meter.gopMs],
      [0, 0, 0, 0],
    );
    pictures(5, 0, 40, 25);
    assert.equal(meter.videoFrames, 65);
  });

  describe('and the description of its media', () => {
    it('names codec, profile, level, size and rates', () => {
      pictures(101, 0, 40, 50);
      audio(aacFrame('y'));
      const description = new MediaDescription();
      const pictured = description.video(message(9, avcSequenceHeader()), undefined, meter);
      assert.equal(pictured?.codec, 'H264');
      assert.match(pictured.profile, /^(Baseline|Main|High)/);
      assert.match(pictured.level, /^\d(\.\d)?$/);
      assert.ok(pictured.width > 0 && pictured.height > 0);
      assert.deepEqual([pictured.fps, pictured.gopMs, pictured.gopFrames], [25, 2000, 50]);
      assert.equal(pictured.frames, 101);
      const heard = description.audio(message(8, aacSequenceHeader()), undefined, meter);
      assert.deepEqual([heard?.codec, heard?.profile], ['AAC', 'LC']);
      assert.ok((heard?.sampleRate ?? 0) >= 8000 && (heard?.channels ?? 0) >= 1);
    });

    it('says nothing of what did not come', () => {
      const description = new MediaDescription();
      assert.equal(description.video(undefined, undefined, meter), undefined);
      assert.equal(description.audio(undefined, undefined, meter), undefined);
    });

    it('names codecs without headers by their frames, and takes sizes from the metadata then', () => {
      // Key frame of VP6; MP3 of 44.1 kHz, stereo: the header of the frame tells.
      video(0, Buffer.from([0x14, 0, 1, 2, 3]));
      audio(Buffer.from([0x2f, 0xff, 0xfb, 0x90, 0x00, 0, 0, 0]));
      const claims = AmfObject.of({ width: 320, height: 240, framerate: 15 });
      const description = new MediaDescription();
      const pictured = description.video(undefined, claims, meter);
      assert.deepEqual([pictured?.width, pictured?.height, pictured?.fps], [320, 240, 15]);
      const heard = description.audio(undefined, claims, meter);
      assert.deepEqual([heard?.codec, heard?.sampleRate, heard?.channels], ['MP3', 44100, 2]);
    });

    it('believes no claim that cannot be', () => {
      video(0, Buffer.from([0x14, 0, 1, 2, 3]));
      const claims = AmfObject.of({ width: -5, height: 1e9, framerate: NaN });
      const pictured = new MediaDescription().video(undefined, claims, meter);
      assert.deepEqual([pictured?.width, pictured?.height, pictured?.fps], [0, 0, 0]);
    });
  });
});
