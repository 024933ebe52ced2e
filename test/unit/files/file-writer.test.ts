import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import { FileWriter } from '../../../src/files/file-writer';

import { openDescriptors, useDirectory } from './temporary';

/** A device on which each write fails with ENOSPC. */
const fullDevice = '/dev/full';

/** A writer, and a promise of the error it tells. */
function failing(
  path: string,
  maxPendingBytes?: number,
): { writer: FileWriter; told: Promise<SrsError> } {
  let tell: (error: SrsError) => void;
  const told = new Promise<SrsError>((resolve) => (tell = resolve));
  const writer = new FileWriter(path, {
    onError: (error) => {
      tell(error);
    },
    ...(maxPendingBytes === undefined ? {} : { maxPendingBytes }),
  });
  return { writer, told };
}

describe('FileWriter', () => {
  const directory = useDirectory();

  it('makes directories and writes in order', async () => {
    const path = join(directory(), 'a/b/c.bin');
    const writer = new FileWriter(path);
    for (let index = 0; index < 2000; index++) writer.write(Buffer.from(`${index},`));
    assert.equal(writer.size, 8890);
    assert.equal(writer.pendingBytes, 8890);
    await writer.close();
    assert.equal(writer.written, 8890);
    assert.equal(writer.pendingBytes, 0);
    const numbers = Array.from({ length: 2000 }, (_, index) => `${index},`);
    assert.equal(readFileSync(path, 'utf8'), numbers.join(''));
  });

  it('empties an existing file, or appends to it', async () => {
    const path = join(directory(), 'x');
    writeFileSync(path, 'old');
    const appending = new FileWriter(path, { append: true });
    appending.write(Buffer.from('new'));
    await appending.close();
    assert.equal(appending.size, 6);
    assert.equal(readFileSync(path, 'utf8'), 'oldnew');
    const fresh = new FileWriter(path);
    fresh.write(Buffer.from('fresh'));
    await fresh.close();
    assert.equal(readFileSync(path, 'utf8'), 'fresh');
  });

  it('patches and cuts after what was written before', async () => {
    const path = join(directory(), 'x');
    const writer = new FileWriter(path, { append: true });
    writer.write(Buffer.from('0123456789'));
    writer.patch(2, Buffer.from('ab'));
    writer.truncate(6);
    writer.write(Buffer.from('end'));
    assert.equal(writer.size, 9);
    await writer.close();
    assert.equal(readFileSync(path, 'utf8'), '01ab45end');
  });

  it('collects for some time when asked to, and does not wait with the close', async () => {
    const path = join(directory(), 'x');
    const writer = new FileWriter(path, { flushMs: 60_000 });
    writer.write(Buffer.from('a'));
    writer.write(Buffer.from('b'));
    await writer.close();
    assert.equal(readFileSync(path, 'utf8'), 'ab');
  });

  it('writes what was collected when the time is over, or enough of it', async () => {
    for (const [flushMs, bytes] of [
      [1, 1],
      [60_000, 300_000],
    ] as const) {
      const path = join(directory(), `x${flushMs}`);
      const writer = new FileWriter(path, { flushMs });
      writer.write(Buffer.alloc(bytes));
      while (writer.written < bytes) await new Promise(setImmediate);
      assert.equal(statSync(path).size, bytes);
      await writer.close();
    }
  });

  it('does not wait on for what becomes enough piece by piece', async () => {
    const writer = new FileWriter(join(directory(), 'x'), { flushMs: 60_000 });
    await writer.flush();
    for (let piece = 0; piece < 30; piece++) writer.write(Buffer.alloc(10_000));
    while (writer.written < 300_000) await new Promise(setImmediate);
    await writer.close();
  });

  it('renames at the close', async () => {
    const path = join(directory(), 'x.tmp');
    const writer = new FileWriter(path);
    writer.write(Buffer.from('a'));
    const closed = writer.close(join(directory(), 'x'));
    assert.equal(writer.close(), closed);
    await closed;
    assert.equal(existsSync(path), false);
    assert.equal(readFileSync(join(directory(), 'x'), 'utf8'), 'a');
  });

  it('tells a failing rename', async () => {
    const writer = new FileWriter(join(directory(), 'x.tmp'));
    await assert.rejects(
      writer.close(join(directory(), 'none/x')),
      (error) => error instanceof SrsError && error.code === ErrorCode.SYSTEM_FILE_RENAME,
    );
  });

  it('tells when nothing waits any more', async () => {
    const writer = new FileWriter(join(directory(), 'x'), { flushMs: 60_000 });
    writer.write(Buffer.from('a'));
    await writer.flush();
    assert.equal(writer.written, 1);
    await writer.close();
  });

  it('tells once why a directory or a file cannot be made', async () => {
    writeFileSync(join(directory(), 'file'), '');
    const path = join(directory(), 'file/x');
    const { writer, told } = failing(path);
    const error = await told;
    assert.equal(error.code, ErrorCode.SYSTEM_FILE_OPENE);
    assert.equal(error.message, `cannot open ${path}: ENOTDIR: not a directory`);
    assert.equal(writer.error, error);
    writer.write(Buffer.from('dropped'));
    assert.equal(writer.droppedBytes, 7);
    await assert.rejects(writer.close(), error);
  });

  it('tells a full disk, drops and counts what comes later, and closes', async () => {
    const { writer, told } = failing(fullDevice);
    writer.write(Buffer.alloc(10));
    const error = await told;
    assert.equal(error.code, ErrorCode.SYSTEM_FILE_WRITE);
    assert.equal(error.message, 'cannot write /dev/full: ENOSPC: no space left on device');
    writer.write(Buffer.alloc(5));
    assert.equal(writer.droppedBytes, 15);
    assert.equal(writer.pendingBytes, 0);
    await assert.rejects(writer.close('/dev/null/x'), error);
    assert.deepEqual(openDescriptors(fullDevice), []);
  });

  it('fails when more waits than may, and can still be cut and patched', async () => {
    const path = join(directory(), 'x');
    const { writer, told } = failing(path, 100);
    writer.write(Buffer.from('first'));
    while (writer.written === 0) await new Promise(setImmediate);
    writer.write(Buffer.alloc(60));
    writer.write(Buffer.alloc(60));
    assert.match((await told).message, /fast enough: 60 bytes wait, at most 100 may/);
    writer.truncate(5);
    writer.patch(0, Buffer.from('F'));
    await assert.rejects(writer.close(), /fast enough/);
    assert.equal(readFileSync(path, 'utf8'), 'First');
  });

  it('leaks no descriptor when closed while it is being opened', async () => {
    const path = join(directory(), 'a/b/x');
    const writers = Array.from({ length: 50 }, (_, index) => new FileWriter(`${path}${index}`));
    await Promise.all(writers.map((writer) => writer.close()));
    assert.deepEqual(openDescriptors(directory()), []);
    assert.equal(existsSync(`${path}49`), true);
  });

  it('ignores what comes after the close', async () => {
    const path = join(directory(), 'x');
    const writer = new FileWriter(path);
    const closed = writer.close();
    writer.write(Buffer.from('late'));
    writer.patch(0, Buffer.from('late'));
    writer.truncate(100);
    await closed;
    assert.equal(writer.droppedBytes, 4);
    assert.equal(readFileSync(path).length, 0);
  });
});
