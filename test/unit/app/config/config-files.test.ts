import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ConfigError } from '../../../../src/app/config/config-error';
import { identityOf, readConfigFile } from '../../../../src/app/config/config-files';

describe('reading a config file', () => {
  let dir = '';
  const place = { file: 'asked.conf', line: 7 };

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'srs-config-'));
  });

  after(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  it('returns its text', () => {
    writeFileSync(join(dir, 'a.conf'), 'listen 1935; # ü');
    assert.equal(readConfigFile(join(dir, 'a.conf'), place), 'listen 1935; # ü');
  });

  it('says why it cannot be opened', () => {
    assert.throws(
      () => readConfigFile('/proc/none', place),
      (error) =>
        error instanceof ConfigError &&
        error.code === 1042 &&
        error.line === 7 &&
        error.message ===
          'asked.conf:7: open conf file /proc/none error: no such file or directory' &&
        error.cause instanceof Error,
    );
  });

  it('refuses a file beyond its limit without reading it', () => {
    const file = join(dir, 'large.conf');
    writeFileSync(file, '');
    truncateSync(file, 16 * 1024 * 1024 + 1);
    assert.throws(
      () => readConfigFile(file, place),
      (error) =>
        error instanceof ConfigError &&
        error.code === 1044 &&
        error.message.endsWith('16777217 bytes, must be at most 16777216'),
    );
  });

  it('knows a file by one name however it is spelled', () => {
    writeFileSync(join(dir, 'b.conf'), '');
    assert.equal(
      identityOf(`${dir}/./x/../b.conf`.replace('x/../', '')),
      identityOf(`${dir}/b.conf`),
    );
    assert.equal(identityOf('no/such.conf'), 'no/such.conf');
  });
});
