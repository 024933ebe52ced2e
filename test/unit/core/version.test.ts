import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { buildInfo, product } from '../../../src/core/version';

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
    assert.deepEqual(buildInfo, { configure: '', features: '', date: '', uname: '' });
  });
});
