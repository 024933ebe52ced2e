import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { findServerPlace } from '../../../../src/app/config/server-place';

describe('findServerPlace', () => {
  let directory: string;
  let file: string;

  beforeEach(() => {
    directory = fs.mkdtempSync(join(tmpdir(), 'srs-place-'));
    file = join(directory, 'srs.conf');
  });

  afterEach(() => {
    fs.rmSync(directory, { recursive: true });
  });

  it('tells pid file and directory, by default those of every server', () => {
    fs.writeFileSync(file, 'listen 1935; work_dir /var; pid a.pid;');
    assert.deepEqual(findServerPlace(file), { workDir: '/var', pid: 'a.pid' });
    fs.writeFileSync(file, 'listen 1935;');
    assert.deepEqual(findServerPlace(file), { workDir: './', pid: './objs/srs.pid' });
  });

  it('tells them by their words when the file has become wrong elsewhere', () => {
    fs.writeFileSync(file, 'listen here; no_such_thing; pid a.pid;');
    assert.deepEqual(findServerPlace(file), { workDir: './', pid: 'a.pid' });
  });

  it('gives up on a file that is none', () => {
    assert.throws(() => findServerPlace(file), { code: 1042 });
    fs.writeFileSync(file, 'pid a.pid');
    assert.throws(() => findServerPlace(file), { message: /srs\.conf:1: / });
  });
});
