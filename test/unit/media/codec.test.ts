import assert from 'node:assert/strict';

import { TagFlags, classifyAudio, classifyVideo, trackIdOf } from '../../../src/media/codec';
import {
  aacFrame,
  aacSequenceHeader,
  avcEndOfSequence,
  avcInterFrame,
  avcKeyFrame,
  avcSequenceHeader,
  hevcInterFrame,
  hevcKeyFrame,
  hevcSequenceHeader,
  hex,
} from '../../support/media';

const { keyFrame, sequenceHeader, endOfSequence, interFrame, metadata } = TagFlags;

const hvc1 = '68766331';
const av01 = '61763031';
const opus = '4f707573';

/** Body in hexadecimal or whole, flags, track. */
type Row = [name: string, body: string | Buffer, flags: number, track?: number];

const legacyVideo: Row[] = [
  ['H.264 sequence header', avcSequenceHeader(), sequenceHeader],
  ['H.264 key frame', avcKeyFrame(), keyFrame],
  ['H.264 inter frame', avcInterFrame(), interFrame],
  ['H.264 end of sequence', avcEndOfSequence(), endOfSequence],
  ['H.264 key frame cut from a file', '17010000000000144f658882', keyFrame],
  ['H.264 disposable inter frame', '37010000000000000141', interFrame],
  ['H.264 generated key frame', '47010000000000000165', keyFrame],
  ['H.264 info frame', '5700', 0],
  ['H.264 inter frame that claims to be a header', '2700000000', interFrame],
  ['H.264 with a reserved packet type', '1703000000', 0],
  ['H.264 without a packet type', '17', 0],
  ['H.265 sequence header with codec id 12', '1c000000000101', sequenceHeader],
  ['H.265 key frame with codec id 12', '1c01000000', keyFrame],
  ['H.265 inter frame with codec id 12', '2c01000000', interFrame],
  ['AV1 sequence header with codec id 13', '1d00000000810c', sequenceHeader],
  ['Sorenson H.263 key frame', '1200008400', keyFrame],
  ['Sorenson H.263 inter frame of one byte', '22', interFrame],
  ['VP6 key frame', '1400', keyFrame],
  ['a reserved frame type', '07010000', 0],
  ['an empty body', '', 0],
];

const enhancedVideo: Row[] = [
  ['H.265 SequenceStart', hevcSequenceHeader(), sequenceHeader],
  ['H.265 CodedFrames key frame', hevcKeyFrame(), keyFrame],
  ['H.265 CodedFramesX inter frame', hevcInterFrame(), interFrame],
  ['H.265 SequenceEnd', `92${hvc1}`, endOfSequence],
  ['H.265 Metadata', `94${hvc1}02000963`, metadata],
  ['Metadata with a command frame type', `d4${hvc1}0200`, metadata],
  ['AV1 MPEG2TSSequenceStart', `95${av01}8005`, sequenceHeader],
  ['AV1 CodedFrames inter frame', `a1${av01}32`, interFrame],
  ['AV1 generated key frame', `c1${av01}32`, keyFrame],
  ['a codec of the future', '9178787878ff', keyFrame],
  ['a command frame', 'd100', 0],
  ['a reserved packet type', `98${hvc1}`, 0],
  ['a FourCC cut short', '91687663', 0],
  ['OneTrack, track 3, SequenceStart', `96 00 ${hvc1} 03 01`, sequenceHeader, 3],
  ['OneTrack, track 255, key frame', `96 01 ${hvc1} ff 000000`, keyFrame, 255],
  ['ManyTracks, inter frames', `a6 13 ${hvc1} 01 000001 ff`, interFrame, 1],
  ['ManyTracksManyCodecs, SequenceStart', `96 20 ${av01} 02 000001 81`, sequenceHeader, 2],
  ['multitrack inside multitrack', `96 06 ${hvc1} 03 01`, 0, 3],
  ['multitrack cut before the track id', `96 00 ${hvc1}`, 0],
  ['multitrack with nothing behind it', '96', 0],
  ['ModEx with a nanosecond offset, key frame', `97 02 0f4240 01 ${hvc1} 000000`, keyFrame],
  ['two ModEx, key frame', `97 02 0f4240 07 00 aa 01 ${hvc1} 00`, keyFrame],
  ['ModEx of 257 bytes', `97 ff 0100 ${'aa'.repeat(257)} 00 ${hvc1} 01`, sequenceHeader],
  ['ModEx, then multitrack', `97 02 0f4240 06 00 ${hvc1} 05 01`, sequenceHeader, 5],
  ['ModEx longer than the body', '97 ff ffff 01', 0],
  ['ModEx without a size', '97', 0],
];

const audio: Row[] = [
  ['AAC sequence header', aacSequenceHeader(), sequenceHeader],
  ['AAC frame', aacFrame(), 0],
  ['AAC frame cut from a file', 'af01de02004c617663', 0],
  ['AAC without a packet type', 'af', 0],
  ['MP3 frame', '2ffffb906400', 0],
  ['Speex frame', 'b63054', 0],
  ['an empty body', '', 0],
  ['Opus SequenceStart', `90 ${opus} 4f70757348656164`, sequenceHeader],
  ['Opus CodedFrames', `91 ${opus} fc`, 0],
  ['Opus SequenceEnd', `92 ${opus}`, endOfSequence],
  ['Opus MultichannelConfig', `94 ${opus} 0002 00000003`, metadata],
  ['a FourCC cut short', '904f70', 0],
  ['OneTrack, track 7, SequenceStart', `95 00 ${opus} 07 4f`, sequenceHeader, 7],
  ['ManyTracks, CodedFrames', `95 11 ${opus} 01 000001 fc`, 0, 1],
  ['ModEx, then SequenceStart', `97 02 0f4240 00 ${opus} 4f`, sequenceHeader],
  ['a reserved packet type', `93 ${opus}`, 0],
];

function bytesOf(body: string | Buffer): Buffer {
  return typeof body === 'string' ? hex(body) : body;
}

/** The body at a distance from the start and the end of a buffer full of other bytes. */
function surrounded(body: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(5, 0xff), body, Buffer.alloc(300, 0x97)]);
}

describe('media/codec classification', () => {
  for (const [name, body, flags, track = 0] of [...legacyVideo, ...enhancedVideo]) {
    it(`classifies as video: ${name}`, () => {
      const bytes = bytesOf(body);
      const [start, end] = [5, 5 + bytes.length];
      assert.equal(classifyVideo(bytes, 0, bytes.length), flags);
      assert.equal(classifyVideo(surrounded(bytes), start, end), flags, 'inside a larger buffer');
      assert.equal(trackIdOf('video', surrounded(bytes), start, end), track);
    });
  }

  for (const [name, body, flags, track = 0] of audio) {
    it(`classifies as audio: ${name}`, () => {
      const bytes = bytesOf(body);
      const [start, end] = [5, 5 + bytes.length];
      assert.equal(classifyAudio(bytes, 0, bytes.length), flags);
      assert.equal(classifyAudio(surrounded(bytes), start, end), flags, 'inside a larger buffer');
      assert.equal(trackIdOf('audio', surrounded(bytes), start, end), track);
    });
  }
});
