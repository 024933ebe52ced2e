import assert from 'node:assert/strict';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { enterDirectory, makeFolders } from '../../../../src/app/process/folders';

describe('folders of the process', () => {
  const before = process.cwd();
  let directory: string;

  beforeEach(() => {
    directory = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'srs-folders-')));
  });

  afterEach(() => {
    process.chdir(before);
    fs.rmSync(directory, { recursive: true });
  });

  it('enters the working directory, or says why it cannot', () => {
    enterDirectory(directory);
    assert.equal(process.cwd(), directory);
    assert.throws(
      () => {
        enterDirectory('none');
      },
      { code: 1023, message: /^cannot change to work_dir none: ENOENT/ },
    );
  });

  it('makes the folders of files, as far as it can', () => {
    fs.writeFileSync(join(directory, 'file'), '');
    makeFolders([join(directory, 'file', 'srs.pid'), join(directory, 'a', 'b', 'srs.log')]);
    assert.deepEqual(fs.readdirSync(join(directory, 'a')), ['b']);
    assert.deepEqual(fs.readdirSync(join(directory, 'a', 'b')), []);
  });

  it('ends where nothing can be made, as in a working directory that was deleted', () => {
    const gone = join(directory, 'gone');
    fs.mkdirSync(gone);
    process.chdir(gone);
    fs.rmdirSync(gone);
    makeFolders(['a/b/srs.log', '/proc/none/a/srs.log']);
    process.chdir(before);
    assert.deepEqual(fs.readdirSync(directory), []);
  });
});
