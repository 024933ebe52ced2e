/** Owns opening of files whose directories may be missing, and the errors of file operations. */
import { mkdir, open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import { ErrorCode, SrsError } from '../core/errors';

/** Somebody may remove an empty directory between its making and the opening of a file in it. */
const maxAttempts = 3;

/** An error that says what could not be done to which file, and the system's reason. */
export function fileError(code: ErrorCode, what: string, cause: unknown): SrsError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  // The rest of Node's text is the call and the path, which `what` names.
  const [short = reason] = /^[A-Z0-9]+: [^,]+/.exec(reason) ?? [];
  return new SrsError(code, `${what}: ${short}`, { cause });
}

/** The system's name of an error, e.g. `ENOENT`; empty when it has none. */
export function systemCode(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code === 'string') return code;
  return error instanceof SrsError ? systemCode(error.cause ?? {}) : '';
}

/** Opens a file, making its directories. Rejects with `SrsError` SYSTEM_FILE_OPENE or SYSTEM_CREATE_DIR. */
export async function openFile(
  path: string,
  flags: string | number,
  mode = 0o664,
): Promise<FileHandle> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open(path, flags, mode);
    } catch (cause) {
      if (systemCode(cause) !== 'ENOENT' || attempt === maxAttempts) {
        throw fileError(ErrorCode.SYSTEM_FILE_OPENE, `cannot open ${path}`, cause);
      }
    }
    await makeDirectory(dirname(path));
  }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await makeDirectories(path);
  } catch (cause) {
    throw fileError(ErrorCode.SYSTEM_CREATE_DIR, `cannot make directory ${path}`, cause);
  }
}

/**
 * Makes a directory and what is missing above it. `recursive` of Node.js would try for ever where nothing can be made in a
 * directory that is there and the system says ENOENT: below a working directory that was deleted, an automounter, /proc.
 */
async function makeDirectories(path: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await mkdir(path);
      return;
    } catch (error) {
      if (await isDirectory(path)) return;
      if (systemCode(error) !== 'ENOENT' || attempt === maxAttempts) throw error;
    }
    await makeDirectories(dirname(path));
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
