import assert from 'node:assert/strict';

import { ErrorCode } from '../../../src/core/errors';
import { aacSampleRateIndex, parseAacConfig } from '../../../src/media/aac';
import { adtsHeaderBytes, adtsParameters, writeAdtsHeader } from '../../../src/media/adts';
import { hex, records } from '../../support/media';

function header(record: Buffer, size: number): string {
  const parameters = adtsParameters(parseAacConfig(record));
  assert.ok(parameters);
  const target = Buffer.alloc(adtsHeaderBytes + 1);
  writeAdtsHeader(target, 1, parameters, size);
  return target.toString('hex', 1);
}

describe('media/adts', () => {
  it('states LC as profile 1, the rate, the channels and the length with its header', () => {
    assert.equal(header(records.aac, 363), 'fff150802e5ffc');
    assert.equal(header(records.aac51, 8184), 'fff14d83fffffc');
  });

  it('states HE-AAC and HE-AACv2 as their core coder', () => {
    assert.equal(header(records.aacSbr, 100), 'fff15c800d7ffc');
    assert.equal(header(hex('eb098800'), 100), 'fff158400d7ffc', 'one channel at 24000 Hz');
  });

  it('states Main and SSR', () => {
    assert.equal(header(hex('0a10'), 1), 'fff11080011ffc');
    assert.equal(header(hex('1a10'), 1), 'fff19080011ffc');
  });

  it('refuses frames that are empty or do not fit 13 bits', () => {
    for (const size of [0, 8185]) {
      assert.throws(() => header(records.aac, size), {
        code: ErrorCode.HLS_AAC_FRAME_LENGTH,
        message: new RegExp(`1 to 8184 bytes, got ${size}`),
      });
    }
  });

  it('has no parameters for what it cannot say', () => {
    const config = parseAacConfig(records.aac);
    assert.equal(adtsParameters({ ...config, objectType: 42 }), undefined);
    assert.equal(adtsParameters({ ...config, coreSampleRate: 44000 }), undefined);
    assert.equal(adtsParameters({ ...config, channels: 0 }), undefined);
    assert.equal(adtsParameters({ ...config, channels: 8 })?.channelConfiguration, 7);
  });

  it('finds the index of a sample rate', () => {
    assert.deepEqual([96000, 44100, 7350, 1].map(aacSampleRateIndex), [0, 4, 12, -1]);
  });
});
