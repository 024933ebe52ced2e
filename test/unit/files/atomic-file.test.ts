import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import { writeFileAtomic } from '../../../src/files/atomic-file';

import { openDescriptors, useDirectory } from './temporary';

describe('writeFileAtomic', () => {
  const directory = useDirectory();

  it('makes directories and leaves nothing but the file', async () => {
    const path = join(directory(), 'a/b/x.m3u8');
    await writeFileAtomic(path, 'one');
    await writeFileAtomic(path, Buffer.from('two'));
    assert.equal(readFileSync(path, 'utf8'), 'two');
    assert.deepEqual(readdirSync(join(directory(), 'a/b')), ['x.m3u8']);
  });

  it('keeps the order of calls, the newest content winning', async () => {
    const path = join(directory(), 'x');
    const calls = Array.from({ length: 20 }, (_, index) => writeFileAtomic(path, `${index}`));
    await calls[0];
    await Promise.all(calls);
    assert.equal(readFileSync(path, 'utf8'), '19');
    await writeFileAtomic(path, 'later');
    assert.equal(readFileSync(path, 'utf8'), 'later');
  });

  it('tells what cannot be written, and goes on with the next call', async () => {
    writeFileSync(join(directory(), 'file'), '');
    const path = join(directory(), 'file/x');
    const first = writeFileAtomic(path, '1');
    const second = writeFileAtomic(path, '2');
    for (const call of [first, second]) {
      await assert.rejects(
        call,
        (error) =>
          error instanceof SrsError &&
          error.code === ErrorCode.SYSTEM_FILE_OPENE &&
          error.message.includes(path),
      );
    }
  });

  it('keeps the old file when the new one cannot take its place', async () => {
    const path = join(directory(), 'x');
    await writeFileAtomic(join(path, 'inside'), 'kept');
    await assert.rejects(
      writeFileAtomic(path, 'new'),
      (error) => error instanceof SrsError && error.code === ErrorCode.SYSTEM_FILE_WRITE,
    );
    assert.deepEqual(readdirSync(directory()), ['x']);
    assert.deepEqual(openDescriptors(directory()), []);
  });
});
