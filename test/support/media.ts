/** Small audio and video messages for tests: real decoder configurations, frames whose payload tells them apart. */
import type { FlvTag } from '../../src/media/flv';
import { FlvWriter } from '../../src/media/flv-writer';

/** The bytes of a hexadecimal text; blanks are for the reader. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replace(/\s/g, ''), 'hex');
}

/** Decoder configurations cut from files made by ffmpeg with the encoder named. */
export const records = {
  /** x264, High 3.0, 640x360, 25 fps. */
  avc: hex(
    '0164001e ffe1 001a 6764001eacb301405ff2e022000003000200000300651e2c5cd0 01 0005 68e9732c8b fdf8f800',
  ),
  /** x264, Constrained Baseline 4.0, 1918x1078 (cropped), 29.97 fps. */
  avcBaseline: hex(
    '0142c028 ffe1 0019 6742c028d900780227a9b01100000303e90000ea600f183248 01 0005 68cb83cb20',
  ),
  /** x264, High 3.2, 1280x720 interlaced, 30 fps. */
  avcInterlaced: hex(
    '01640020 ffe1 001a 67640020acd940500bbf2e0220000003002000000783e2c5b2c0 01 0006 68fba3cb22c0 fdf8f800',
  ),
  /** x264, High 4:4:4 1.2, 320x240, 15 fps, with scaling matrices in the picture parameter set. */
  avc444: hex(
    '01f4000c ffe1 0019 67f4000c919b28283f60220000030002000003003c1e28532c 01 0008 68ebe3c44c000440 fff8f800',
  ),
  /** x265, Main 3.1, 1280x720. */
  hevc: hex(
    `01 01 60000000 900000000000 5d f000 fc fd f8 f8 0000 0f 03
     20 0001 0018 40010c01ffff01600000030090000003000003005d959409
     21 0001 002b 42010101600000030090000003000003005da00280802d16595952930bc05a020000030002000003003c10
     22 0001 0006 4401c073c189`,
  ),
  /** x265, Main 10 4.0, 1920x1080. */
  hevcMain10: hex(
    `01 02 20000000 900000000000 78 f000 fc fd fa fa 0000 0f 03
     20 0001 0018 40010c01ffff022000000300900000030000030078959409
     21 0001 002d 420101022000000300900000030000030078a003c0801107cad965654a4c2f016808000003000800000300f040
     22 0001 0006 4401c073c189`,
  ),
  /** libaom, Main 3.1, 1280x720. */
  av1: hex('81050c00 0a0b0000002d4cffb3ccaf9004'),
  /** libvpx, VP9 profile 0 level 3.1, with the version and flags of its box. */
  vp9: hex('01000000 001f820202020000'),
  /** ffmpeg's own encoder, AAC LC 44100 Hz stereo, with the sync extension saying that there is no SBR. */
  aac: hex('1210 56e500'),
  /** The same at 48000 Hz, 5.1. */
  aac51: hex('11b0 56e500'),
  /** HE-AAC as signalled backward compatibly: LC 22050 Hz stereo, SBR 44100 Hz. */
  aacSbr: hex('1390 56e5a0'),
  /** OpusHead of libopus: mono, 48000 Hz. */
  opus: hex('4f70757348656164 01 01 3801 80bb0000 0000 00'),
  /** fLaC and STREAMINFO of ffmpeg: 48000 Hz mono. */
  flac: hex(
    '664c6143 00000022 12001200 000000c204ff 0bb800f000002580 bad7bf8f781a2330b6b7b8712dacb304',
  ),
} as const;

/** Offset of the text in the frames made here: all enhanced and legacy video headers used are 5 bytes or padded. */
function lengthPrefixed(nalHeader: Buffer, text: string, size: number): Buffer {
  const nal = Buffer.concat([nalHeader, Buffer.from(text)]);
  const padded = Buffer.concat([nal, Buffer.alloc(Math.max(0, size - nal.length), 0x5a)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(padded.length);
  return Buffer.concat([length, padded]);
}

/** H.264 sequence header, legacy FLV. */
export function avcSequenceHeader(record: Buffer = records.avc): Buffer {
  return Buffer.concat([hex('17 00 000000'), record]);
}

/** H.264 key frame, legacy FLV; `text` is found in it, its NAL unit is at least `size` bytes. */
export function avcKeyFrame(text = 'key', size = 0): Buffer {
  return Buffer.concat([hex('17 01 000000'), lengthPrefixed(hex('65'), text, size)]);
}

/** H.264 inter frame, legacy FLV. */
export function avcInterFrame(text = 'inter', size = 0): Buffer {
  return Buffer.concat([hex('27 01 000000'), lengthPrefixed(hex('41'), text, size)]);
}

/** H.264 end of sequence, legacy FLV. */
export function avcEndOfSequence(): Buffer {
  return hex('17 02 000000');
}

/** AAC sequence header, legacy FLV. */
export function aacSequenceHeader(record: Buffer = records.aac): Buffer {
  return Buffer.concat([hex('af 00'), record]);
}

/** AAC frame, legacy FLV; `text` is found in it. */
export function aacFrame(text = 'audio', size = 0): Buffer {
  const frame = Buffer.concat([hex('af 01'), Buffer.from(text)]);
  return Buffer.concat([frame, Buffer.alloc(Math.max(0, size - text.length), 0xa5)]);
}

/** H.265 sequence header, Enhanced RTMP. */
export function hevcSequenceHeader(record: Buffer = records.hevc): Buffer {
  return Buffer.concat([hex('90'), Buffer.from('hvc1'), record]);
}

/** H.265 key frame, Enhanced RTMP CodedFrames with a composition time of 0. */
export function hevcKeyFrame(text = 'key', size = 0): Buffer {
  return Buffer.concat([
    hex('91'),
    Buffer.from('hvc1'),
    hex('000000'),
    lengthPrefixed(hex('2601'), text, size),
  ]);
}

/** H.265 inter frame, Enhanced RTMP CodedFramesX. */
export function hevcInterFrame(text = 'inter', size = 0): Buffer {
  return Buffer.concat([hex('a3'), Buffer.from('hvc1'), lengthPrefixed(hex('0201'), text, size)]);
}

/** onMetaData as FLV files hold it: the name and an ECMA array with width and height. */
function flvMetadata(width = 640, height = 360): Buffer {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(9);
    bytes.writeDoubleBE(value, 1);
    return bytes;
  };
  return Buffer.concat([
    hex('02 000a'),
    Buffer.from('onMetaData'),
    hex('08 00000002 0005'),
    Buffer.from('width'),
    number(width),
    hex('0006'),
    Buffer.from('height'),
    number(height),
    hex('000009'),
  ]);
}

/** An FLV file with these tags. */
export function flvFile(tags: readonly FlvTag[]): Buffer {
  const parts: Buffer[] = [];
  const writer = new FlvWriter((bytes) => parts.push(bytes));
  writer.writeHeader();
  for (const tag of tags) writer.writeTag(tag);
  return Buffer.concat(parts);
}

/**
 * The tags of a file of `frames` video frames at 25 fps, with a key frame every `gop` frames and one audio frame
 * beside each: metadata, both sequence headers, then frames `v0 a0 v1 a1 ...`.
 */
export function sampleTags(frames: number, gop = 25): FlvTag[] {
  const tags: FlvTag[] = [
    { type: 18, timestamp: 0, payload: flvMetadata() },
    { type: 9, timestamp: 0, payload: avcSequenceHeader() },
    { type: 8, timestamp: 0, payload: aacSequenceHeader() },
  ];
  for (let index = 0; index < frames; index++) {
    const video = index % gop === 0 ? avcKeyFrame(`v${index}`) : avcInterFrame(`v${index}`);
    tags.push({ type: 9, timestamp: index * 40, payload: video });
    tags.push({ type: 8, timestamp: index * 40, payload: aacFrame(`a${index}`) });
  }
  return tags;
}

/** One second of video, one frame each 40 ms with a key frame first, from a time on; the texts are `f` and the time. */
export function videoSecond(from: number, size?: number): FlvTag[] {
  return Array.from({ length: 25 }, (_, index) => {
    const frame = index === 0 ? avcKeyFrame : avcInterFrame;
    const timestamp = from + index * 40;
    return { type: 9, timestamp, payload: frame(`f${timestamp}`, size) };
  });
}
