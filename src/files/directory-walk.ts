/** Owns looking for files below a directory, without following links and within a bound. */
import type { Dirent, Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';

import { ErrorCode } from '../core/errors';

import { fileError, systemCode } from './open-file';

/** A file found; `path` begins with the directory as it was given. */
export interface FoundFile {
  readonly path: string;
  readonly bytes: number;
  /** Last change, epoch milliseconds. */
  readonly modifiedMs: number;
}

/** What a walk found. */
export interface Walk {
  readonly files: FoundFile[];
  /** There was more than may be looked at. */
  readonly isPartial: boolean;
}

const maxDepth = 32;

/**
 * Lists the regular files below a directory whose path is `wanted`, looking at no more than `maxEntries` names. What
 * vanishes meanwhile is passed over; a missing directory is an empty one. Rejects with `SrsError` SYSTEM_FILE_READ for
 * a directory that cannot be read.
 */
export async function walkFiles(
  root: string,
  wanted: (path: string) => boolean,
  maxEntries: number,
): Promise<Walk> {
  const files: FoundFile[] = [];
  const directories = [{ path: root, depth: 0 }];
  let entries = 0;
  for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
    const { path: parent, depth } = next;
    for await (const entry of entriesOf(parent)) {
      if (++entries > maxEntries) return { files, isPartial: true };
      const path = parent.endsWith('/') ? parent + entry.name : `${parent}/${entry.name}`;
      const isFound = entry.isFile() && wanted(path);
      if (isFound) await addFile(files, path);
      else if (entry.isDirectory() && depth < maxDepth)
        directories.push({ path, depth: depth + 1 });
    }
  }
  return { files, isPartial: false };
}

async function addFile(files: FoundFile[], path: string): Promise<void> {
  const stats = await statsOf(path);
  if (stats) files.push({ path, bytes: stats.size, modifiedMs: stats.mtimeMs });
}

/** The facts of a file; undefined when there is none. */
export async function statsOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (cause) {
    if (isGone(cause)) return undefined;
    throw fileError(ErrorCode.SYSTEM_FILE_READ, `cannot look at ${path}`, cause);
  }
}

async function* entriesOf(path: string): AsyncGenerator<Dirent> {
  try {
    yield* await opendir(path, { bufferSize: 256 });
  } catch (cause) {
    if (isGone(cause)) return;
    throw fileError(ErrorCode.SYSTEM_FILE_READ, `cannot list ${path}`, cause);
  }
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(systemCode(error));
}
