import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { reportToLauncher, takeWorkerRole } from '../../../../src/app/process/worker-role';

describe('takeWorkerRole', () => {
  it('is false for a program that a person started', () => {
    const env = { PKG_EXECPATH: '/opt/srs' };
    assert.equal(takeWorkerRole(env), false);
    assert.deepEqual(env, { PKG_EXECPATH: '/opt/srs' });
  });

  it('is true once, and hides the mark from children of the worker', () => {
    const env = { SRS_DAEMON_WORKER: '1', PKG_EXECPATH: '', HOME: '/' };
    assert.equal(takeWorkerRole(env), true);
    assert.deepEqual(env, { HOME: '/' });
    assert.equal(takeWorkerRole(env), false);
  });
});

describe('reportToLauncher', () => {
  it('writes the report and closes the pipe', () => {
    const directory = fs.mkdtempSync(join(tmpdir(), 'srs-report-'));
    const path = join(directory, 'pipe');
    const fd = fs.openSync(path, 'w');
    reportToLauncher({ status: 0, message: 'srs started' }, fd);
    assert.throws(() => fs.fstatSync(fd), { code: 'EBADF' });
    assert.equal(fs.readFileSync(path, 'utf8'), '{"status":0,"message":"srs started"}');
    fs.rmSync(directory, { recursive: true });
  });

  it('does not mind a launcher that is gone', () => {
    assert.doesNotThrow(() => {
      reportToLauncher({ status: 2, message: 'unheard' }, 9999);
    });
  });
});
