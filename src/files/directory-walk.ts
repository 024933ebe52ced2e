/** Owns looking for files below a directory, without following links and within a bound. */
import type { Dirent, Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';

import { ErrorCode, SrsError } from '../core/errors';

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
  /** Why a directory below the first one could not be looked at; the first such error. */
  readonly error: SrsError | undefined;
}

interface Directory {
  readonly path: string;
  readonly depth: number;
}

const maxDepth = 32;

/**
 * Lists the regular files below a directory whose path is `wanted`, looking at no more than `maxEntries` names. What
 * vanishes meanwhile is passed over, and so is a directory inside that cannot be read, as `lost+found`; a missing
 * directory is an empty one. Rejects with `SrsError` SYSTEM_FILE_READ when `root` itself cannot be read.
 */
export async function walkFiles(
  root: string,
  wanted: (path: string) => boolean,
  maxEntries: number,
): Promise<Walk> {
  const walk = new DirectoryWalk(wanted, maxEntries);
  await walk.list({ path: root, depth: 0 });
  await walk.descend();
  const { files, isPartial, error } = walk;
  return { files, isPartial, error };
}

class DirectoryWalk implements Walk {
  readonly files: FoundFile[] = [];
  error: SrsError | undefined;
  readonly #wanted: (path: string) => boolean;
  readonly #directories: Directory[] = [];
  /** Names that may still be looked at. */
  #left: number;

  constructor(wanted: (path: string) => boolean, maxEntries: number) {
    this.#wanted = wanted;
    this.#left = maxEntries;
  }

  get isPartial(): boolean {
    return this.#left < 0;
  }

  /** Looks at the directories found, and at those found in them. */
  async descend(): Promise<void> {
    let next = this.#directories.pop();
    while (next !== undefined && !this.isPartial) {
      try {
        await this.list(next);
      } catch (error) {
        if (!(error instanceof SrsError)) throw error;
        this.error ??= error;
      }
      next = this.#directories.pop();
    }
  }

  /** Looks at the names in one directory. */
  async list({ path: parent, depth }: Directory): Promise<void> {
    for await (const entry of entriesOf(parent)) {
      if (--this.#left < 0) return;
      const path = parent.endsWith('/') ? parent + entry.name : `${parent}/${entry.name}`;
      if (entry.isFile() && this.#wanted(path)) await addFile(this.files, path);
      else if (entry.isDirectory() && depth < maxDepth)
        this.#directories.push({ path, depth: depth + 1 });
    }
  }
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
