/** Owns the choice of a name that no other file has. */
import { stat, unlink } from 'node:fs/promises';
import { parse } from 'node:path';

import { ErrorCode, SrsError } from '../core/errors';

import { openFile, systemCode } from './open-file';

const maxSuffix = 9999;

/**
 * Takes `path`, or `name-2.ext` and so on when there is such a file or its temporary one: makes the empty temporary
 * file and returns its name, which is the chosen one with `suffix`. Renaming it later overwrites nothing of ours.
 */
export async function reservePath(path: string, suffix: string): Promise<string> {
  const { dir, name, ext } = parse(path);
  const front = dir === '' ? name : path.slice(0, path.length - name.length - ext.length) + name;
  for (let number = 1; number <= maxSuffix; number++) {
    const chosen = number === 1 ? path : `${front}-${number}${ext}`;
    if (await take(chosen, chosen + suffix)) return chosen + suffix;
  }
  const message = `expected a free name among ${path} and its ${maxSuffix - 1} alternatives`;
  throw new SrsError(ErrorCode.SYSTEM_FILE_OPENE, message);
}

async function take(path: string, temporary: string): Promise<boolean> {
  try {
    await (await openFile(temporary, 'wx')).close();
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
  // Looked at second: the one who had the name may just have renamed its temporary file.
  if (!(await exists(path))) return true;
  await unlink(temporary);
  return false;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
