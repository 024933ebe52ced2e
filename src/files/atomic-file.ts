/** Owns replacing small files as a whole, so that a reader sees the old content or the new. */
import { rename, unlink } from 'node:fs/promises';

import { ErrorCode, SrsError } from '../core/errors';

import { fileError, openFile } from './open-file';

/** The content that waits while an earlier one is written. */
interface Waiting {
  content: string | Buffer;
  readonly done: Promise<void>;
}

interface Entry {
  readonly running: Promise<void>;
  waiting: Waiting | undefined;
}

/** What is under way or waits, by path. */
const paths = new Map<string, Entry>();

/**
 * Replaces a file: makes its directories, writes `path`.tmp and renames it. Calls for one path keep their order; of
 * those that wait for a slow disk only the newest is written, and all of them resolve with it. Rejects with `SrsError`.
 */
export function writeFileAtomic(path: string, content: string | Buffer): Promise<void> {
  const entry = paths.get(path);
  if (entry === undefined) return start(path, content);
  if (entry.waiting !== undefined) {
    entry.waiting.content = content;
    return entry.waiting.done;
  }
  const next = (): Promise<void> => start(path, waiting.content);
  const waiting: Waiting = { content, done: entry.running.then(next, next) };
  entry.waiting = waiting;
  return waiting.done;
}

function start(path: string, content: string | Buffer): Promise<void> {
  const entry: Entry = { running: replace(path, content), waiting: undefined };
  paths.set(path, entry);
  const end = (): void => {
    if (paths.get(path) === entry && entry.waiting === undefined) paths.delete(path);
  };
  entry.running.then(end, end);
  return entry.running;
}

async function replace(path: string, content: string | Buffer): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    const handle = await openFile(temporary, 'w');
    try {
      await handle.writeFile(content);
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    // What failed is told; a temporary file that is not there or stays is no news.
    await unlink(temporary).catch(() => undefined);
    if (cause instanceof SrsError) throw cause;
    throw fileError(ErrorCode.SYSTEM_FILE_WRITE, `cannot write ${path}`, cause);
  }
}
