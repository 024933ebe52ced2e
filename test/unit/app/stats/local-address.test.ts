import assert from 'node:assert/strict';

import { localAddress } from '../../../../src/app/stats/local-address';

describe('localAddress', () => {
  it('is the one of that number, counted round when there are fewer', () => {
    const addresses = ['192.168.1.2', '10.0.0.3', '203.0.113.5'];
    assert.deepEqual(
      [0, 1, 2, 3, 255].map((network) => localAddress(network, addresses)),
      ['192.168.1.2', '10.0.0.3', '203.0.113.5', '192.168.1.2', '192.168.1.2'],
    );
  });

  it('is loopback on a machine without any', () => {
    assert.equal(localAddress(0, []), '127.0.0.1');
    assert.equal(localAddress(3, []), '127.0.0.1');
  });

  it('is that of this machine by default', () => {
    assert.match(localAddress(0), /^\d+\.\d+\.\d+\.\d+$/);
  });
});
