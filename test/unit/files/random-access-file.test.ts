import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { RandomAccessFile } from '../../../src/files/random-access-file';

import { openDescriptors, useDirectory } from './temporary';

describe('RandomAccessFile', () => {
  const directory = useDirectory();

  it('reads, overwrites, lengthens and cuts a file', async () => {
    const path = join(directory(), 'x');
    writeFileSync(path, '0123456789');
    const file = await RandomAccessFile.open(path);
    assert.equal((await file.read(2, 3)).toString(), '234');
    assert.equal((await file.read(8, 10)).toString(), '89');
    assert.equal((await file.read(10, 1)).length, 0);
    assert.equal((await file.read(20, 1)).length, 0);
    await file.write(1, Buffer.from('ab'));
    await file.truncate(5);
    await file.write(5, Buffer.from('end'));
    assert.equal(file.size, 8);
    await file.close();
    assert.equal(readFileSync(path, 'utf8'), '0ab34end');
    assert.deepEqual(openDescriptors(directory()), []);
  });

  it('makes a missing file, and tells what cannot be opened', async () => {
    const file = await RandomAccessFile.open(join(directory(), 'a/x'));
    assert.equal(file.size, 0);
    await file.close();
    mkdirSync(join(directory(), 'dir'));
    await assert.rejects(RandomAccessFile.open(join(directory(), 'dir')), /EISDIR/);
  });

  it('tells what cannot be written', async () => {
    const file = await RandomAccessFile.open('/dev/full');
    await assert.rejects(file.write(0, Buffer.from('a')), /cannot write \/dev\/full: ENOSPC/);
    await assert.rejects(file.truncate(0), /cannot cut \/dev\/full/);
    await file.close();
  });
});
