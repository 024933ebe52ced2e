import assert from 'node:assert/strict';

import { describeAudioHeader, describeVideoHeader } from '../../../src/media/codec';
import {
  aacFrame,
  aacSequenceHeader,
  avcKeyFrame,
  avcSequenceHeader,
  hevcSequenceHeader,
  hex,
  records,
} from '../../support/media';

function video(body: Buffer): string | undefined {
  const facts = describeVideoHeader(Buffer.concat([hex('ff'), body]), 1, 1 + body.length);
  if (facts === undefined) return undefined;
  const { codec, codecId, profile, level, width, height, fps } = facts;
  return `${codec}(${codecId}) ${profile} ${level} ${width}x${height} ${fps.toFixed(2)}`;
}

function audio(body: Buffer): string | undefined {
  const facts = describeAudioHeader(Buffer.concat([hex('ff'), body]), 1, 1 + body.length);
  if (facts === undefined) return undefined;
  const { codec, codecId, profile, sampleRate, channels, flv } = facts;
  const claimed = `${flv.bits}/${flv.channels}/${flv.sampleRate}`;
  return `${codec}(${codecId}) ${profile} ${sampleRate}x${channels} ${claimed}`;
}

function enhanced(firstByte: string, fourCc: string, ...rest: Buffer[]): Buffer {
  return Buffer.concat([hex(firstByte), Buffer.from(fourCc), ...rest]);
}

describe('media/codec descriptions', () => {
  const videoRows: [string, Buffer, string][] = [
    ['H.264', avcSequenceHeader(), 'H264(7) High 3 640x360 25.00'],
    [
      'H.264 with cropping',
      avcSequenceHeader(records.avcBaseline),
      'H264(7) Constrained Baseline 4 1918x1078 29.97',
    ],
    [
      'H.264 interlaced',
      avcSequenceHeader(records.avcInterlaced),
      'H264(7) High 3.2 1280x720 30.00',
    ],
    ['H.264 4:4:4', avcSequenceHeader(records.avc444), 'H264(7) High 4:4:4 1.2 320x240 15.00'],
    ['enhanced H.264', enhanced('90', 'avc1', records.avc), 'H264(7) High 3 640x360 25.00'],
    ['H.265', hevcSequenceHeader(), 'HEVC(12) Main 3.1 1280x720 0.00'],
    ['H.265 main 10', hevcSequenceHeader(records.hevcMain10), 'HEVC(12) Main 10 4 1920x1080 0.00'],
    [
      'H.265 with codec id 12',
      Buffer.concat([hex('1c00000000'), records.hevc]),
      'HEVC(12) Main 3.1 1280x720 0.00',
    ],
    ['AV1', enhanced('90', 'av01', records.av1), 'AV1(13) Main 3.1 1280x720 0.00'],
    [
      'AV1 with codec id 13',
      Buffer.concat([hex('1d00000000'), records.av1]),
      'AV1(13) Main 3.1 1280x720 0.00',
    ],
    ['VP9', enhanced('90', 'vp09', records.vp9), 'VP9(0) 0 3.1 0x0 0.00'],
    ['VP9 without version', enhanced('90', 'vp09', hex('0200820202020000')), 'VP9(0) 2  0x0 0.00'],
    ['VP8', enhanced('90', 'vp08'), 'VP8(0) 0  0x0 0.00'],
    [
      'one track of many',
      enhanced('9600', 'hvc1', hex('02'), records.hevc),
      'HEVC(12) Main 3.1 1280x720 0.00',
    ],
    [
      'the first of many tracks',
      enhanced('9610', 'avc1', hex('00 000032'), records.avc, hex('01 000001 ff')),
      'H264(7) High 3 640x360 25.00',
    ],
    ['a Sorenson H.263 frame', hex('1200008400'), 'H263(2)   0x0 0.00'],
    ['a VP6 frame', hex('2400'), 'VP6(4)   0x0 0.00'],
  ];
  for (const [name, body, expected] of videoRows) {
    it(`describes video: ${name}`, () => {
      assert.equal(video(body), expected);
    });
  }

  it('describes no video where there is nothing to read', () => {
    assert.equal(video(Buffer.alloc(0)), undefined, 'empty');
    assert.equal(video(avcKeyFrame()), undefined, 'a frame');
    assert.equal(video(hex('1f00')), undefined, 'an unknown legacy codec');
    assert.equal(video(enhanced('90', 'xxxx', records.avc)), undefined, 'an unknown FourCC');
    assert.equal(video(enhanced('91', 'avc1', records.avc)), undefined, 'an enhanced frame');
  });

  it('describes no video from a configuration cut anywhere before its last parameter set', () => {
    const whole = avcSequenceHeader();
    for (let length = 0; length < whole.length - 4; length++) {
      assert.equal(video(whole.subarray(0, length)), undefined, `${length} bytes`);
    }
    const hevc = hevcSequenceHeader();
    for (let length = 0; length < hevc.length; length++) {
      assert.equal(video(hevc.subarray(0, length)), undefined, `${length} bytes`);
    }
  });

  it('describes a configuration without parameter sets by its profile and level alone', () => {
    assert.equal(video(avcSequenceHeader(hex('014d401fffe000'))), 'H264(7) Main 3.1 0x0 0.00');
    const noArrays = Buffer.concat([records.hevc.subarray(0, 22), hex('00')]);
    assert.equal(video(hevcSequenceHeader(noArrays)), 'HEVC(12) Main 3.1 0x0 0.00');
    assert.equal(video(enhanced('90', 'av01', hex('81050c00'))), 'AV1(13) Main 3.1 0x0 0.00');
  });

  const audioRows: [string, Buffer, string][] = [
    ['AAC', aacSequenceHeader(), 'AAC(10) LC 44100x2 16/2/44100'],
    ['AAC 5.1', aacSequenceHeader(records.aac51), 'AAC(10) LC 48000x6 16/2/44100'],
    ['HE-AAC', aacSequenceHeader(records.aacSbr), 'AAC(10) HE 44100x2 16/2/44100'],
    ['enhanced AAC', enhanced('90', 'mp4a', records.aac), 'AAC(10) LC 44100x2 0/0/0'],
    ['Opus', enhanced('90', 'Opus', records.opus), 'Opus(9)  48000x1 0/0/0'],
    ['Opus without a header', enhanced('90', 'Opus'), 'Opus(9)  0x0 0/0/0'],
    ['FLAC', enhanced('90', 'fLaC', records.flac), 'FLAC(9)  48000x1 0/0/0'],
    ['FLAC without STREAMINFO', enhanced('90', 'fLaC', hex('664c6143')), 'FLAC(9)  0x0 0/0/0'],
    ['AC-3', enhanced('90', 'ac-3'), 'AC-3(9)  0x0 0/0/0'],
    ['E-AC-3', enhanced('90', 'ec-3'), 'E-AC-3(9)  0x0 0/0/0'],
    ['enhanced MP3', enhanced('90', '.mp3'), 'MP3(9)  0x0 0/0/0'],
    [
      'one track of many',
      enhanced('9500', 'Opus', hex('01'), records.opus),
      'Opus(9)  48000x1 0/0/0',
    ],
    ['an MP3 frame', hex('2ffffb9064000000'), 'MP3(2)  44100x2 16/2/44100'],
    ['an MP3 frame without sync', hex('2e000000'), 'MP3(2)  44100x1 16/1/44100'],
    ['a Speex frame', hex('b63054'), 'Speex(11)  16000x1 16/1/11025'],
    ['a Nellymoser frame at 16 kHz', hex('4e00'), 'NellymoserKHz16(4)  16000x1 16/1/44100'],
    ['a Nellymoser frame at 8 kHz', hex('5e00'), 'NellymoserKHz8(5)  8000x1 16/1/44100'],
    ['a G.711 frame', hex('7200'), 'G711APCM(7)  8000x1 16/1/5512'],
    ['a PCM frame', hex('0900'), 'LinearPCM(0)  22050x2 8/2/22050'],
  ];
  for (const [name, body, expected] of audioRows) {
    it(`describes audio: ${name}`, () => {
      assert.equal(audio(body), expected);
    });
  }

  it('describes no audio where there is nothing to read', () => {
    assert.equal(audio(Buffer.alloc(0)), undefined, 'empty');
    assert.equal(audio(aacFrame()), undefined, 'a frame');
    assert.equal(audio(hex('af00')), undefined, 'a header without a configuration');
    assert.equal(audio(hex('c0')), undefined, 'a reserved format');
    assert.equal(audio(enhanced('91', 'Opus', hex('fc'))), undefined, 'an enhanced frame');
    assert.equal(audio(enhanced('90', 'xxxx', records.opus)), undefined, 'an unknown FourCC');
  });
});
