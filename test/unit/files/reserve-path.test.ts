import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { reservePath } from '../../../src/files/reserve-path';

import { useDirectory } from './temporary';

describe('reservePath', () => {
  const directory = useDirectory();

  it('takes the name itself when nobody has it, making directories', async () => {
    const path = join(directory(), 'a/x.flv');
    assert.equal(await reservePath(path, '.tmp'), `${path}.tmp`);
    assert.equal(existsSync(`${path}.tmp`), true);
  });

  it('takes a numbered name beside a file and beside one being written', async () => {
    const path = join(directory(), 'cam.1.flv');
    writeFileSync(path, '');
    writeFileSync(join(directory(), 'cam.1-2.flv.tmp'), '');
    assert.equal(await reservePath(path, '.tmp'), join(directory(), 'cam.1-3.flv.tmp'));
    assert.deepEqual(readdirSync(directory()).sort(), [
      'cam.1-2.flv.tmp',
      'cam.1-3.flv.tmp',
      'cam.1.flv',
    ]);
  });

  it('gives each of many at once its own name', async () => {
    const path = join(directory(), 'x.flv');
    const taken = await Promise.all(Array.from({ length: 10 }, () => reservePath(path, '.tmp')));
    assert.equal(new Set(taken).size, 10);
  });

  it('tells a directory that cannot be used', async () => {
    writeFileSync(join(directory(), 'file'), '');
    await assert.rejects(reservePath(join(directory(), 'file/x.flv'), '.tmp'), /ENOTDIR/);
  });
});
