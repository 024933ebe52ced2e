import assert from 'node:assert/strict';

import { NetworkSet } from '../../../src/core/network-set';

function setOf(...texts: readonly string[]): NetworkSet {
  return new NetworkSet(
    texts.map((text) => {
      const [address = '', prefix] = text.split('/');
      return { address, prefix: Number(prefix) };
    }),
  );
}

const cases: readonly (readonly [network: string, ip: string, isWithin: boolean])[] = [
  ['10.0.0.0/8', '10.255.1.2', true],
  ['10.0.0.0/8', '11.0.0.0', false],
  ['10.1.2.3/8', '10.9.9.9', true],
  ['192.168.4.0/22', '192.168.7.255', true],
  ['192.168.4.0/22', '192.168.8.0', false],
  ['192.0.2.1/32', '192.0.2.1', true],
  ['192.0.2.1/32', '192.0.2.0', false],
  ['0.0.0.0/0', '8.8.8.8', true],
  ['0.0.0.0/0', '::1', false],
  ['::/0', '::1', true],
  ['::/0', '8.8.8.8', false],
  ['::/0', '::ffff:8.8.8.8', false],
  ['10.0.0.0/8', '::ffff:10.1.1.1', true],
  ['::ffff:10.0.0.0/104', '10.1.1.1', true],
  ['::ffff:10.0.0.0/104', '11.1.1.1', false],
  ['2001:db8::/33', '2001:db8:7fff::1', true],
  ['2001:db8::/33', '2001:db8:8000::1', false],
  ['::1/128', '0:0:0:0:0:0:0:1', true],
  ['10.0.0.0/8', '', false],
  ['0.0.0.0/0', 'unknown', false],
  ['10.0.0.0/33', '10.0.0.0', false],
];

describe('a set of networks', () => {
  for (const [network, ip, isWithin] of cases) {
    it(`of ${network} ${isWithin ? 'has' : 'does not have'} ${JSON.stringify(ip)}`, () => {
      assert.equal(setOf(network).has(ip), isWithin);
    });
  }

  it('has what is in any of its ranges', () => {
    const set = setOf('10.0.0.0/8', '2001:db8::/32', '192.0.2.1/32');
    assert.deepEqual(
      ['10.0.0.1', '2001:db8::1', '192.0.2.1', '192.0.2.2'].map((ip) => set.has(ip)),
      [true, true, true, false],
    );
    assert.equal(set.isEmpty, false);
  });

  it('has nothing when it is empty', () => {
    assert.equal(setOf().isEmpty, true);
    assert.equal(setOf().has('10.0.0.1'), false);
  });
});
