import assert from 'node:assert/strict';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { openFile } from '../../../src/files/open-file';

import { useDirectory } from './temporary';

describe('opening a file', () => {
  const directory = useDirectory();
  const start = process.cwd();
  afterEach(() => {
    process.chdir(start);
  });

  async function write(path: string, text: string): Promise<void> {
    const file = await openFile(path, 'w');
    await file.write(text);
    await file.close();
  }

  it('makes the directories that are missing, for many files at a time', async () => {
    const names = ['a/b/c/1', 'a/b/c/2', 'a/d/3', 'a/4'];
    await Promise.all(names.map((name) => write(join(directory(), name), name)));
    const texts = names.map((name) => readFileSync(join(directory(), name), 'utf8'));
    assert.deepEqual(texts, names);
  });

  it('makes them below the working directory, and at the end of a link', async () => {
    process.chdir(directory());
    mkdirSync('real');
    symlinkSync('real', 'link');
    await write('x/y/1', '1');
    await write('link/z/2', '2');
    assert.deepEqual([readdirSync('x/y'), readdirSync('real/z')], [['1'], ['2']]);
  });

  it('fails where a file or a link that leads nowhere is in the place of a directory', async () => {
    writeFileSync(join(directory(), 'file'), '');
    symlinkSync('nowhere', join(directory(), 'link'));
    await assert.rejects(openFile(join(directory(), 'file/1'), 'w'), { code: 1042 });
    await assert.rejects(openFile(join(directory(), 'link/1'), 'w'), { code: 1057 });
    await assert.rejects(openFile(join(directory(), 'link/a/1'), 'w'), { code: 1057 });
  });

  it('fails where nothing can be made although the directory is there', async () => {
    const gone = join(directory(), 'gone');
    mkdirSync(gone);
    process.chdir(gone);
    rmdirSync(gone);
    const message = /^cannot make directory a: ENOENT/;
    for (const path of ['a/1', 'a/b/1', './a/b/c/1']) {
      await assert.rejects(openFile(path, 'w'), { code: 1057 }, path);
    }
    await assert.rejects(openFile('a/1', 'w'), { message });
    await assert.rejects(openFile('/proc/none/a/1', 'w'), { code: 1057 });
  });
});
