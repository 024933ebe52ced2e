import assert from 'node:assert/strict';

import {
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
  hevcSequenceHeader,
  hex,
  records,
} from '../../support/media';
import { Heard, enhanced, legacy, unit } from '../../support/track-heard';

/** The parameter sets of two configurations. */
const sps = records.avc.subarray(8, 34);
const pps = records.avc.subarray(37, 42);
const smallSps = records.avc444.subarray(8, 33);
const smallPps = records.avc444.subarray(36, 44);

describe('media/key-frame', () => {
  const inBand = legacy('1701000000', unit(sps), unit(pps), unit(hex('6588')));

  it('makes the track of H.264 that has no configuration', () => {
    const heard = new Heard().video(avcInterFrame(), inBand, avcInterFrame());
    assert.deepEqual(heard.codecs, ['avc1 640x360 /4']);
    assert.equal(heard.tracks[0]?.record.toString('hex'), records.avc.toString('hex'));
    assert.equal(heard.frames.length, 2);
    heard.video(avcSequenceHeader());
    assert.equal(heard.tracks.length, 1, 'the same configuration later is nothing new');
  });

  it('completes a configuration without any, and reads one that is a byte stream', () => {
    const empty = avcSequenceHeader(hex('0164001e ffe0 00'));
    const heard = new Heard().video(empty, avcKeyFrame());
    assert.deepEqual(heard.tracks, []);
    assert.deepEqual(heard.ignored, ['video frames before their configuration']);
    heard.video(inBand);
    assert.deepEqual(heard.codecs, ['avc1 640x360 /4']);
    const stream = Buffer.concat([hex('00000001'), sps, hex('00000001'), pps]);
    const streamed = new Heard().video(avcSequenceHeader(stream));
    assert.deepEqual(streamed.tracks[0]?.record, records.avc);
  });

  it('changes the track only when they are new', () => {
    const heard = new Heard().video(avcSequenceHeader(), inBand);
    assert.equal(heard.tracks.length, 1);
    const other = legacy('1701000000', unit(smallSps), unit(smallPps), unit(hex('6588')));
    heard.video(other, other, avcSequenceHeader());
    assert.deepEqual(heard.codecs, ['avc1 640x360 /4', 'avc1 320x240 /4']);
    assert.equal(heard.tracks[1]?.record.toString('hex', 0, 4), '01f4000c');
  });

  it('does the same for H.265', () => {
    const hevc = (record: Buffer): Buffer[] => {
      const sizes = record === records.hevc ? [24, 43, 6] : [24, 45, 6];
      let at = 23;
      return sizes.map((size) => {
        at += 5 + size;
        return unit(record.subarray(at - size, at));
      });
    };
    const heard = new Heard().video(hevcSequenceHeader());
    heard.video(enhanced('93', 'hvc1', ...hevc(records.hevc), unit(hex('2601'))));
    assert.equal(heard.tracks.length, 1);
    heard.video(enhanced('93', 'hvc1', ...hevc(records.hevcMain10), unit(hex('2601'))));
    assert.deepEqual(heard.codecs, ['hvc1 1280x720 /4', 'hvc1 1920x1080 /4']);
  });
});
