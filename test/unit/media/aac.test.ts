import assert from 'node:assert/strict';

import { ErrorCode } from '../../../src/core/errors';
import { aacProfileName, parseAacConfig } from '../../../src/media/aac';
import { hex, records } from '../../support/media';

function summary(record: Buffer): string {
  const config = parseAacConfig(record);
  const { objectType, coreSampleRate, sampleRate, channels } = config;
  return `${aacProfileName(config)} type ${objectType} ${coreSampleRate}->${sampleRate} x${channels}`;
}

/** A record written as bits: blanks separate the fields, zeros fill the last byte. */
function bits(text: string): Buffer {
  const digits = text.replace(/\s/g, '');
  const padded = digits.padEnd(Math.ceil(digits.length / 8) * 8, '0');
  return Buffer.from((padded.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

describe('media/aac', () => {
  const rows: [string, Buffer, string][] = [
    ['LC stereo', records.aac, 'LC type 2 44100->44100 x2'],
    ['LC stereo without extension', hex('1210'), 'LC type 2 44100->44100 x2'],
    ['LC cut before its last three bits', bits('00010 0100 0010'), 'LC type 2 44100->44100 x2'],
    ['5.1', records.aac51, 'LC type 2 48000->48000 x6'],
    ['7.1', bits('00010 0011 0111 000'), 'LC type 2 48000->48000 x8'],
    ['backward compatible SBR', records.aacSbr, 'HE type 2 22050->44100 x2'],
    [
      'backward compatible SBR and PS',
      bits('00010 0110 0001 000 01010110111 00101 1 0011 10101001000 1'),
      'HEv2 type 2 24000->48000 x1',
    ],
    ['hierarchical SBR', bits('00101 0110 0010 0011 00010 000'), 'HE type 2 24000->48000 x2'],
    ['hierarchical PS', bits('11101 0110 0001 0011 00010 000'), 'HEv2 type 2 24000->48000 x1'],
    [
      'an explicit sample rate',
      bits('00010 1111 000000001011101110000000 0010 000'),
      'LC type 2 48000->48000 x2',
    ],
    ['an escaped object type', bits('11111 001010 0100 0010'), '42 type 42 44100->44100 x2'],
    [
      'a core coder delay',
      bits('00010 0100 0010 0 1 11111111111111 1 0'),
      'LC type 2 44100->44100 x2',
    ],
    [
      'channels listed in a program_config_element',
      bits(
        '00010 0100 0000 000 0000 01 0100 0010 0000 0001 01 000 0000 1 0000 1 0000 1 000 0 0000 1 0001 1 0010',
      ),
      'LC type 2 44100->44100 x6',
    ],
    ['Main', bits('00001 0100 0010 000'), 'Main type 1 44100->44100 x2'],
  ];
  for (const [name, record, expected] of rows) {
    it(`parses ${name}`, () => {
      assert.equal(summary(record), expected);
    });
  }

  it('refuses a reserved sample rate index', () => {
    assert.throws(() => parseAacConfig(bits('00010 1101 0010')), {
      code: ErrorCode.HLS_DECODE_ERROR,
      message: /index of 0 to 12 or 15, got 13/,
    });
  });

  it('refuses a record that ends early', () => {
    assert.throws(() => parseAacConfig(hex('12')), { code: ErrorCode.HLS_DECODE_ERROR });
    assert.throws(() => parseAacConfig(hex('')), { code: ErrorCode.HLS_DECODE_ERROR });
  });
});
