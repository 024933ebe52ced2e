/** Owns the way to the disk: reading configuration files within limits, and expanding `include`. */
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

import { ErrorCode } from '../../core/errors';

import { ConfigError } from './config-error';
import type { Place } from './config-error';

/** Largest configuration file, in bytes: thousands of vhosts fit. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** How deep files may include each other. */
export const MAX_INCLUDE_DEPTH = 16;
/** How many files one configuration may include in all. */
export const MAX_INCLUDED_FILES = 1024;

/**
 * Text of a file. Throws ConfigError 1042 when it cannot be opened, 1044 when it cannot be read or
 * is too large, 1046 when it is empty; `place` is where the file was asked for.
 */
export function readConfigFile(file: string, place: Place): string {
  let fd;
  try {
    fd = openSync(file, 'r');
  } catch (cause) {
    const message = `open conf file ${file} error: ${reasonOf(cause)}`;
    throw new ConfigError(place, message, ErrorCode.SYSTEM_FILE_OPENE, { cause });
  }
  try {
    return readAll(fd, file, place);
  } finally {
    closeSync(fd);
  }
}

function readAll(fd: number, file: string, place: Place): string {
  const stat = fstatSync(fd);
  if (stat.isDirectory()) {
    const message = `read conf file ${file} error: expected a file, it is a directory`;
    throw new ConfigError(place, message, ErrorCode.SYSTEM_FILE_READ);
  }
  if (stat.size > MAX_FILE_BYTES) {
    const message = `read conf file ${file} error: ${stat.size} bytes, must be at most ${MAX_FILE_BYTES}`;
    throw new ConfigError(place, message, ErrorCode.SYSTEM_FILE_READ);
  }
  return readFileSync(fd, 'utf8');
}

/** The reason of a system error without its path, as `no such file or directory`. */
function reasonOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return /^[A-Z0-9]+: ([^,]*)/.exec(text)?.[1] ?? text;
}

/**
 * Files an `include` of `pattern` in `includingFile` means, in the order of their names. `*` and `?`
 * stand for characters of one path part. A pattern may match nothing; a plain name is returned as is.
 */
export function expandInclude(pattern: string, includingFile: string): readonly string[] {
  const path = isAbsolute(pattern) ? pattern : join(dirname(includingFile), pattern);
  if (!isPattern(pattern)) return [path];
  const parts = path.split('/');
  let found = [isAbsolute(path) ? '/' : '.'];
  for (const part of parts) {
    if (part === '') continue;
    found = found.flatMap((folder) => matchPart(folder, part));
    if (found.length > MAX_INCLUDED_FILES) break;
  }
  return found;
}

/** One name for one file however it is spelled, to notice a file that includes itself. */
export function identityOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function isPattern(text: string): boolean {
  return text.includes('*') || text.includes('?');
}

function matchPart(folder: string, part: string): string[] {
  if (!isPattern(part)) return [join(folder, part)];
  let names;
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .filter((name) => matches(name, part) && (!name.startsWith('.') || part.startsWith('.')))
    .sort()
    .map((name) => join(folder, name));
}

/** Wildcard match in linear space and bounded time: a star only ever backs up to the last star. */
function matches(name: string, pattern: string): boolean {
  let at = 0;
  let starAt = -1;
  let resumeAt = 0;
  let nameAt = 0;
  while (nameAt < name.length) {
    if (pattern[at] === '*') {
      starAt = at++;
      resumeAt = nameAt;
    } else if (pattern[at] === '?' || pattern[at] === name[nameAt]) {
      at++;
      nameAt++;
    } else if (starAt >= 0) {
      at = starAt + 1;
      nameAt = ++resumeAt;
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
