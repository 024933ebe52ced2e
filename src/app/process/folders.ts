/** Owns the folders the process works in: its own, and those of the files that it writes. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

import { describeError, ErrorCode, SrsError } from '../../core/errors';

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
      mkdirSync(dirname(file), { recursive: true });
    } catch {
      // Whoever opens the file reports it, with the right code.
    }
  }
}
