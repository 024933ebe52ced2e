import assert from 'node:assert/strict';

import { Filler } from '../../../../src/app/bandcheck/filler';
import { BandwidthName } from '../../../../src/rtmp/packets/bandwidth';
import { plainValues } from '../../../support/rtmp-peer';

describe('app/bandcheck/filler', () => {
  const propertiesOf = (payload: Uint8Array): Record<string, string> =>
    plainValues(Buffer.from(payload))[3] as Record<string, string>;

  it('names the properties of a message by their numbers, and fills them', () => {
    const filler = new Filler(BandwidthName.playing);
    filler.next();
    const { payload, streamId, type } = filler.next();
    const text = "SRS band check data from server's playing......";
    assert.deepEqual(plainValues(Buffer.from(payload)), [
      'onSrsBandCheckPlaying',
      0,
      null,
      { '0': text, '1': text, '2': text },
    ]);
    assert.deepEqual([type, streamId, text.length], [20, 0, 47]);
  });

  it('has two properties more in each message, until one comes near 64 KiB', () => {
    const filler = new Filler(BandwidthName.publishing);
    const payloads = Array.from({ length: 600 }, () => filler.next().payload);
    const counts = payloads.map((payload) => Object.keys(propertiesOf(payload)).length);
    assert.deepEqual(counts.slice(0, 5), [1, 3, 5, 7, 9]);
    assert.deepEqual(counts.slice(498, 503), [997, 999, 1001, 1001, 1001]);
    const last = payloads.at(-1)?.length ?? 0;
    assert.ok(last > 50_000 && last < 64 * 1024, `${last} bytes`);
  });
});
