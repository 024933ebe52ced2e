import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';

import { LoopingFile, openMediaFile } from '../../../../src/app/ingest/looping-file';
import type { SrsError } from '../../../../src/core/errors';
import { ErrorCode } from '../../../../src/core/errors';
import { flvFile, sampleTags } from '../../../support/media';

/** What `next` returns until there were `count` tags and ends: payloads as text, `end`. */
async function take(file: LoopingFile, count: number): Promise<string[]> {
  const taken: string[] = [];
  while (taken.length < count) {
    const tag = file.next();
    if (tag === undefined) await setImmediate();
    else taken.push(tag === 'end' ? 'end' : `${tag.type}@${tag.timestamp}`);
  }
  return taken;
}

const damages: SrsError[] = [];
const note = (error: SrsError): void => {
  damages.push(error);
};

describe('app/ingest/looping-file', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'looping-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    damages.length = 0;
  });

  function write(name: string, bytes: Buffer): string {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  }

  it('reads a file that is longer than a piece, round after round', async () => {
    const tags = sampleTags(1500);
    const path = write('long.flv', flvFile(tags));
    const file = new LoopingFile(await openMediaFile(path), note);
    const round = [...tags.map((tag) => `${tag.type}@${tag.timestamp}`), 'end'];
    assert.deepEqual(await take(file, round.length * 2), [...round, ...round]);
    await file.close();
    await file.close();
    assert.deepEqual(damages, []);
  });

  it('reads the sample that comes with the program', async () => {
    const file = new LoopingFile(await openMediaFile('bundled:sample.flv'), note);
    const taken = await take(file, 703);
    assert.equal(taken.filter((tag) => tag === 'end').length, 1);
    await file.close();
  });

  it('plays what comes before damage, tells of it, and begins again', async () => {
    const tags = sampleTags(2);
    const path = write('cut.flv', flvFile(tags).subarray(0, -10));
    const file = new LoopingFile(await openMediaFile(path), note);
    const round = [...tags.slice(0, -1).map((tag) => `${tag.type}@${tag.timestamp}`), 'end'];
    assert.deepEqual(await take(file, round.length * 2), [...round, ...round]);
    assert.equal(damages[0]?.code, ErrorCode.SYSTEM_FILE_EOF);
    await file.close();
  });

  it('ends each round at once when nothing can be read', async () => {
    const file = new LoopingFile(
      await openMediaFile(write('text.flv', Buffer.from('no video'))),
      note,
    );
    assert.deepEqual(await take(file, 2), ['end', 'end']);
    await file.close();
  });

  it('throws what the disk reports, after what was read', async () => {
    let reads = 0;
    const bytes = flvFile(sampleTags(1));
    const file = new LoopingFile(
      {
        read(buffer) {
          if (reads++ > 0) return Promise.reject(new Error('EIO'));
          return Promise.resolve({ bytesRead: bytes.copy(buffer) });
        },
        close: () => Promise.resolve(),
      },
      note,
    );
    await take(file, 5);
    await setImmediate();
    assert.throws(() => file.next(), { code: ErrorCode.SYSTEM_FILE_READ, message: /EIO/ });
  });

  it('says why a file cannot be opened', async () => {
    const open = { code: ErrorCode.SYSTEM_FILE_OPENE };
    await assert.rejects(openMediaFile(join(folder, 'none.flv')), {
      ...open,
      message: /none\.flv: ENOENT/,
    });
    await assert.rejects(openMediaFile('bundled:none.flv'), {
      ...open,
      message: /no such file came/,
    });
    await assert.rejects(openMediaFile('bundled:../package.json'), {
      ...open,
      message: /plain file name/,
    });
  });
});
