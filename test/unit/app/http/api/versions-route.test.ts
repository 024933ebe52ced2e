import assert from 'node:assert/strict';

import { versionJson } from '../../../../../src/app/http/api/product-info';
import { VersionsRoute } from '../../../../../src/app/http/api/versions-route';
import { product } from '../../../../../src/core/version';
import { Harness } from '../harness';

import { ApiHarness, SERVER_ID } from './harness';

describe('the version at the port of the streams', () => {
  let harness: Harness;

  beforeEach(() => {
    harness = new Harness({ routes: [new VersionsRoute(SERVER_ID)] });
  });
  afterEach(() => {
    harness.close();
  });

  it('is what the API says', async () => {
    const api = new ApiHarness();
    const { answer } = await api.json('GET /api/v1/versions');
    api.close();
    for (const path of ['/api/v1/versions', '/api/v1/versions/']) {
      const { status, body } = await harness.ask(`GET ${path}`);
      assert.equal(status, 200);
      assert.deepEqual(body, answer.body);
    }
    const { version } = product;
    const [major, minor, revision] = version.split('.').map(Number);
    const data = { major, minor, revision, version };
    assert.deepEqual(JSON.parse(answer.body.toString()), { code: 0, server: SERVER_ID, data });
  });

  it('is all there is of the API', async () => {
    for (const path of ['/', '/api/v1', '/api/v1/streams', '/api/v1/versions/x']) {
      assert.equal((await harness.ask(`GET ${path}`)).status, 404);
    }
  });

  it('is only read', async () => {
    const { status, headers } = await harness.ask('DELETE /api/v1/versions');
    assert.deepEqual([status, headers['allow']], [405, 'GET, HEAD']);
  });

  it('is told in numbers that can be compared, whatever follows them', () => {
    const told = { major: 2, minor: 11, revision: 70, version: '2.11.70-beta.1' };
    assert.deepEqual(versionJson('2.11.70-beta.1'), told);
  });
});
