import assert from 'node:assert/strict';

import { startGate, twoVhosts } from './harness';

describe('the gate before HLS, at a reload', () => {
  it('ends the sessions of a vhost that goes, and of no other', async () => {
    const harness = startGate(twoVhosts);
    try {
      assert.equal(await harness.statusOf('/mem/show.m3u8?key=secret'), 200);
      assert.equal(await harness.statusOf('/b.com/live/show.m3u8'), 200);
      assert.equal(harness.clients.size, 2);
      harness.gate.closeVhost('a.com', 'vhost a.com was removed by a reload');
      assert.deepEqual(
        [...harness.clients].map(({ names }) => names.vhost),
        ['b.com'],
      );
      assert.equal(
        harness.http.log.matching('client is closed, vhost a.com was removed').length,
        1,
      );
      assert.ok(harness.authorizer.events.includes('play ended show'));
      // Nothing is held against them when it is back.
      assert.equal(await harness.statusOf('/mem/show.m3u8?key=secret'), 200);
    } finally {
      harness.close();
    }
  });
});
