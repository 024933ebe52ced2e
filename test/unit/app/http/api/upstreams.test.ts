import assert from 'node:assert/strict';

import { ApiHarness } from './harness';

const PATH = '/api/v1/upstreams';

describe('the upstreams of the API', () => {
  let api: ApiHarness;

  beforeEach(() => {
    api = new ApiHarness();
  });
  afterEach(() => {
    api.close();
  });

  it('are what is fetched and what is handed on, and the registry', async () => {
    const { status, json } = await api.json(`GET ${PATH}`);
    assert.equal(status, 200);
    assert.equal(json['total'], 2);
    assert.deepEqual((json['upstreams'] as unknown[])[0], {
      id: 301,
      direction: 'pull',
      vhost: 'a.com',
      app: 'live',
      stream: 'livestream',
      url: 'rtmp://origin.test/live/livestream',
      state: 'pulling',
      bytes: 7000,
      reconnects: 1,
      last_error: 'origin.test:1935: connection lost',
    });
    assert.deepEqual(json['registry'], {
      url: 'redis://redis.test:6379/0',
      connected: true,
      published: 3,
      announced: 2,
      failures: 4,
    });
  });

  it('are listed in parts', async () => {
    const { json } = await api.json(`GET ${PATH}?start=1&count=5`);
    const ids = (json['upstreams'] as { id: number }[]).map(({ id }) => id);
    assert.deepEqual([ids, json['total']], [[302], 2]);
  });
});
