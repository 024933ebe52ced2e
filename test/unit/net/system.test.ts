import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

import { lockFile, raiseFileLimit, releaseMemory } from '../../../src/net/system';

describe('system calls', () => {
  it('lock a file against other processes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'srs-lock-'));
    const file = join(folder, 'srs.pid');
    const fd = openSync(file, 'w');
    assert.equal(lockFile(fd), 0);
    assert.equal(lockFile(fd), 0, 'the holder may take it again');
    const python = `import fcntl
f = open(${JSON.stringify(file)}, 'w')
try:
  fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
  print('free')
except OSError:
  print('held')`;
    const other = spawnSync('python3', ['-c', python], { encoding: 'utf8' });
    assert.equal(other.stdout.trim(), 'held');
    closeSync(fd);
    assert.equal(spawnSync('python3', ['-c', python], { encoding: 'utf8' }).stdout.trim(), 'free');
    assert.equal(lockFile(fd), constants.errno.EBADF);
    rmSync(folder, { recursive: true });
  });

  it('report the descriptor limit and never lower it', () => {
    const before = raiseFileLimit(0);
    assert.ok(before.soft > 0 && before.hard >= before.soft);
    const raised = raiseFileLimit(before.hard + 1000);
    assert.equal(raised.soft, before.hard);
    assert.equal(raiseFileLimit(10).soft, before.hard);
  });

  it('give memory back that is not in use', async () => {
    const before = fileBackedKb();
    await releaseMemory();
    assert.ok(fileBackedKb() < before);
  });
});

function fileBackedKb(): number {
  return Number(/RssFile:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}
