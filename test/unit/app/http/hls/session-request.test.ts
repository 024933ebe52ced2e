import assert from 'node:assert/strict';

import { startGate, twoVhosts } from './harness';
import type { GateHarness } from './harness';

describe('what a session of HLS keeps of its request', () => {
  const long = 'x'.repeat(4000);
  const Referer = `http://page.com/${long}`;
  let harness: GateHarness;

  beforeEach(() => {
    harness = startGate(twoVhosts);
  });
  afterEach(() => {
    harness.close();
  });

  for (const url of ['/mem/show.m3u8?key=secret', '/a.com/live/show.m3u8?key=secret']) {
    it(`is no more than it needs, of ${url}`, async () => {
      await harness.ask(url, { Referer, Host: long, 'User-Agent': long });
      const { names } = [...harness.clients][0] ?? {};
      assert.equal(names?.pageUrl, Referer.slice(0, 1024));
      assert.equal(names.tcUrl.length, 1024);
      assert.equal(names.param, '?key=secret');
      const { host, flashVer } = harness.authorizer.clients[0]?.request ?? {};
      assert.equal(host, long.slice(0, 1024));
      assert.equal(flashVer, long.slice(0, 1024));
    });
  }

  it('is all of a short one', async () => {
    await harness.ask('/mem/show.m3u8?key=secret', {
      Referer: 'http://page.com/\xe9',
      Host: 'A.com',
    });
    const { pageUrl, host, stream } = harness.authorizer.clients[0]?.request ?? {};
    assert.deepEqual([pageUrl, host, stream], ['http://page.com/\xe9', 'a.com', 'show']);
  });
});
