import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { buildInfo, isBuilt, product } from '../../../src/core/version';

describe('product', () => {
  it('has the version of package.json and nothing else', () => {
    const text = readFileSync(join(__dirname, '../../../package.json'), 'utf8');
    const { version } = JSON.parse(text) as { version: string };
    assert.equal(product.version, version);
    assert.equal(product.serverName, `SRS/${version}`);
  });

  it('answers to the names that clients of SRS look for', () => {
    assert.equal(product.key, 'SRS');
    assert.equal(product.name, 'SRS(Simple RTMP Server)');
    assert.equal(product.role, 'origin/edge server');
  });

  it('knows nothing of a build when it runs from the sources', () => {
    const nothing = { configure: '', features: '', date: '', uname: '', enabled: {} };
    assert.deepEqual(buildInfo, nothing);
  });

  it('lacks the features that the build left out', () => {
    assert.equal(isBuilt('ssl'), true);
    assert.equal(isBuilt('ssl', { ...buildInfo, enabled: { ssl: false } }), false);
    assert.equal(isBuilt('ingest', { ...buildInfo, enabled: { ssl: false } }), true);
  });
});
