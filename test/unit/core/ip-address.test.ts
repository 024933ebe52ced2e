import assert from 'node:assert/strict';

import { formatIp, parseIp } from '../../../src/core/ip-address';

const canonical: readonly (readonly [text: string, written: string])[] = [
  ['10.0.0.1', '10.0.0.1'],
  ['255.255.255.255', '255.255.255.255'],
  ['010.0.0.001', '10.0.0.1'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['2001:DB8::0001', '2001:db8::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:c000:0207', '192.0.2.7'],
  ['64:ff9b::192.0.2.7', '64:ff9b::c000:207'],
];

const wrong = [
  '',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.256',
  '1.2.3.-1',
  '1.2.3.4 ',
  '1.2.3.4:80',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7:8::',
  '1:2:3:4:5:6:7::8',
  '12345::',
  'g::',
  '1.2.3.4::',
  '::1.2.3.4:5',
  '[::1]',
  'fe80::1%eth0',
  'unknown',
  'a'.repeat(1_000_000),
];

describe('an address', () => {
  for (const [text, written] of canonical) {
    it(`${text} is written as ${written}`, () => {
      const bytes = parseIp(text);
      assert.ok(bytes);
      assert.equal(formatIp(bytes), written);
      assert.deepEqual(parseIp(written), bytes);
    });
  }

  for (const text of wrong) {
    it(`is not ${JSON.stringify(text.slice(0, 30))}`, () => {
      assert.equal(parseIp(text), undefined);
    });
  }
});
