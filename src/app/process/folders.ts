/** Owns the folders the process works in: its own, and those of the files that it writes. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { describeError, errnoOf, ErrorCode, SrsError } from '../../core/errors';

const ENOENT = 2;

/**
 * Changes to `work_dir`, to which all other paths are relative.
 *
 * @throws SrsError 1023 when there is no such folder
 */
export function enterDirectory(directory: string): void {
  try {
    process.chdir(directory);
  } catch (error) {
    const message = `cannot change to work_dir ${directory}: ${describeError(error)}`;
    throw new SrsError(ErrorCode.SYSTEM_CONFIG_INVALID, message, { cause: error });
  }
}

/** A single file copied to a board has no `objs` beside it; opening the files tells what is wrong. */
export function makeFolders(files: readonly string[]): void {
  for (const file of files) {
    try {
      makeFolder(dirname(file));
    } catch {
      // Whoever opens the file reports it, with the right code.
    }
  }
}

/**
 * Makes a folder and what is missing above it. `recursive` of Node.js would try for ever where nothing can be made in a
 * folder that is there and the system says ENOENT: below a working directory that was deleted, an automounter, /proc.
 */
function makeFolder(folder: string): void {
  if (isFolder(folder)) return;
  try {
    mkdirSync(folder);
  } catch (error) {
    const parent = dirname(folder);
    if (errnoOf(error) !== ENOENT || isFolder(parent)) throw error;
    makeFolder(parent);
    mkdirSync(folder);
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
