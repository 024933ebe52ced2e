/** Owns the recordings that a crash left unfinished: found at the start, made whole and given their names. */
import { readdir, readlink, rename, stat, unlink } from 'node:fs/promises';

import { describeError, ErrorCode, SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import { statsOf, walkFiles } from '../../files/directory-walk';
import type { FoundFile } from '../../files/directory-walk';
import { fileError } from '../../files/open-file';
import { RandomAccessFile } from '../../files/random-access-file';
import { reservePath } from '../../files/reserve-path';

import type { ActiveFiles } from './active-files';
import { inspectFlv, MAX_TORN_BYTES } from './flv-repair';
import type { Repair } from './flv-repair';
import { inspectMp4 } from './mp4-repair';
import type { ClosedRecording } from './recording';
import { finishedPath, TEMPORARY_SUFFIX } from './recording-paths';
import type { RecordingPaths } from './recording-paths';

export interface RecoveryParts {
  readonly log: Logger;
  readonly active: ActiveFiles;
  /** Epoch ms at which this process began: a file changed later is not left over. */
  readonly startedAtMs: number;
  /** A file that another process writes changes within this time. */
  readonly settleMs: number;
  readonly onRecovered: (found: FoundFile, closed: ClosedRecording) => void;
  /** Aborted: no more files are begun with. */
  readonly signal: AbortSignal;
}

const maxEntries = 200_000;

/**
 * Recovers what the template of `paths` may have left, one file after the other. Left alone are files that another
 * process has open or goes on writing. Never rejects: what goes wrong is logged.
 */
export async function recoverRecordings(
  paths: RecordingPaths,
  parts: RecoveryParts,
): Promise<void> {
  const { log, signal } = parts;
  try {
    const left = await findLeftovers(paths, parts);
    for (const file of left) {
      if (signal.aborted) return;
      await recover(file, parts);
    }
  } catch (error) {
    log.error(`dvr cannot look for unfinished files: ${describeError(error)}`, error);
  }
}

async function findLeftovers(paths: RecordingPaths, parts: RecoveryParts): Promise<FoundFile[]> {
  const isLeftover = (path: string): boolean => paths.matchTemporary(path) !== undefined;
  const { files, error } = await walkFiles(paths.root, isLeftover, maxEntries);
  if (error) {
    parts.log.warn(`dvr does not look for unfinished files everywhere: ${describeError(error)}`);
  }
  const old = files.filter(
    ({ path, modifiedMs }) => modifiedMs < parts.startedAtMs && !parts.active.has(path),
  );
  if (old.length === 0) return [];
  await settle(parts);
  const opened = await openElsewhere();
  const left: FoundFile[] = [];
  for (const file of old) {
    const stats = await statsOf(file.path);
    const isSame = stats?.size === file.bytes && stats.mtimeMs === file.modifiedMs;
    if (isSame && !opened.has(`${stats.dev}:${stats.ino}`)) left.push(file);
  }
  return left;
}

function settle({ settleMs, signal }: RecoveryParts): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, signal.aborted ? 0 : settleMs);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function recover(found: FoundFile, parts: RecoveryParts): Promise<void> {
  const { log } = parts;
  try {
    const { isRecording, end, durationMs: preciseMs } = await mend(found.path);
    if (!isRecording) {
      log.warn(`dvr leaves ${found.path} alone: it is no recording`);
      return;
    }
    if (end === 0) {
      await unlink(found.path);
      log.trace(`dvr removed unfinished file ${found.path}: it holds no media`);
      return;
    }
    const file = await finish(found.path);
    const bytes = (await statsOf(file))?.size ?? end;
    const durationMs = Math.round(preciseMs);
    log.trace(`dvr recovered ${file}, duration=${durationMs}ms, bytes=${bytes}`);
    parts.onRecovered(found, { file, durationMs, bytes });
  } catch (error) {
    log.error(`dvr cannot recover ${found.path}: ${describeError(error)}`, error);
  }
}

async function mend(path: string): Promise<Repair> {
  const file = await RandomAccessFile.open(path);
  try {
    const inspect = finishedPath(path).endsWith('.mp4') ? inspectMp4 : inspectFlv;
    const repair = await inspect(file);
    const torn = file.size - repair.end;
    if (repair.isRecording && torn > MAX_TORN_BYTES) {
      const text = `it is damaged at byte ${repair.end}, ${torn} bytes before its end, and left as it is`;
      throw new SrsError(ErrorCode.SYSTEM_FILE_READ, text);
    }
    if (!repair.isRecording || repair.end === 0) return repair;
    await file.truncate(repair.end);
    for (const { position, bytes } of repair.patches) await file.write(position, bytes);
    return repair;
  } finally {
    await file.close();
  }
}

/** Renames without overwriting a file that has the name already. */
async function finish(path: string): Promise<string> {
  let to = finishedPath(path);
  try {
    if ((await statsOf(to)) === undefined) {
      await rename(path, to);
      return to;
    }
    const reserved = await reservePath(to, TEMPORARY_SUFFIX);
    to = finishedPath(reserved);
    await rename(path, to);
    await unlink(reserved);
    return to;
  } catch (cause) {
    throw fileError(ErrorCode.SYSTEM_FILE_RENAME, `cannot rename ${path} to ${to}`, cause);
  }
}

/** Device and inode of the unfinished files that processes have open, as far as we may see. */
async function openElsewhere(): Promise<Set<string>> {
  const found = new Set<string>();
  for (const pid of await listed('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of await listed(`/proc/${pid}/fd`)) {
      const id = await temporaryId(`/proc/${pid}/fd/${fd}`);
      if (id !== undefined) found.add(id);
    }
  }
  return found;
}

/** Names in a directory; none when it is gone or not for us to see. */
function listed(path: string): Promise<string[]> {
  return readdir(path).catch(() => []);
}

async function temporaryId(link: string): Promise<string | undefined> {
  try {
    if (!(await readlink(link)).endsWith(TEMPORARY_SUFFIX)) return undefined;
    const { dev, ino } = await stat(link);
    return `${dev}:${ino}`;
  } catch {
    // Closed meanwhile, or not for us to see.
    return undefined;
  }
}
