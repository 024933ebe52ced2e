/** Owns the opening of a file below a directory that no path and no symbolic link leads out of. */
import type { Stats } from 'node:fs';
import { constants } from 'node:fs';
import { open, readlink, realpath, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { sep } from 'node:path';

import { versionOf } from './hot-files';
import type { FileVersion } from './hot-files';

/** A regular file that is open for reading; whoever has it closes it. */
export interface RootedFile {
  readonly path: string;
  /** The same, free of links. */
  readonly real: string;
  readonly handle: FileHandle;
  readonly stats: Stats;
}

/** A fifo must not keep the thread that opens it. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
/** What says that there is no such file, or none for us; the rest is trouble of the machine. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'EACCES', 'EPERM', 'ELOOP', 'ENXIO']);

/** What is known of a path, following links; undefined where there is nothing that can be read. */
export function lookUp(path: string): Promise<Stats | undefined> {
  return unlessAbsent(stat(path));
}

/**
 * Opens a regular file. Undefined where there is none, and where links lead out of `root`: judged by the file that
 * was really opened, so nothing can be swapped in between. One that is replaced meanwhile is served as it was.
 */
export async function openBelow(root: string, path: string): Promise<RootedFile | undefined> {
  const handle = await unlessAbsent(open(path, OPEN_FLAGS));
  if (handle === undefined) return undefined;
  try {
    const [stats, realRoot, real] = await Promise.all([
      handle.stat(),
      unlessAbsent(realpath(root)),
      // Free of links, and for a file that has no name any more the one it had.
      readlink(`/proc/self/fd/${handle.fd}`),
    ]);
    if (stats.isFile() && isBelow(realRoot, real)) return { path, real, handle, stats };
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  return undefined;
}

/** A path free of links; undefined where there is nothing. */
export function realPathOf(path: string): Promise<string | undefined> {
  return unlessAbsent(realpath(path));
}

/** Whether a file that was opened is the one of a path free of links, which may have been replaced meanwhile. */
export function isSameFile({ real }: RootedFile, path: string): boolean {
  return real === path || real === `${path} (deleted)`;
}

/** The whole content of a file below `root`; undefined when it is not of that version, before and after reading. */
export async function readVersion(
  root: string,
  path: string,
  version: FileVersion,
): Promise<Buffer | undefined> {
  const file = await openBelow(root, path);
  if (file === undefined) return undefined;
  const expected = versionOf(version);
  try {
    if (versionOf(file.stats) !== expected) return undefined;
    const content = await file.handle.readFile();
    const stats = await file.handle.stat();
    return versionOf(stats) === expected && content.length === stats.size ? content : undefined;
  } finally {
    await file.handle.close();
  }
}

/** Whether a path, after all links, is `root` or below it; false also where one of them does not exist. */
export async function isWithin(root: string, path: string): Promise<boolean> {
  const [realRoot, real] = await Promise.all([
    unlessAbsent(realpath(root)),
    unlessAbsent(realpath(path)),
  ]);
  return isBelow(realRoot, real);
}

/** The same for paths without links; undefined for one that does not exist. */
function isBelow(realRoot: string | undefined, real: string | undefined): boolean {
  if (realRoot === undefined || real === undefined) return false;
  return real === realRoot || real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep);
}

async function unlessAbsent<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
