/** Owns deleting old recordings: by age and by the size of all of a vhost's files together. */
import { rmdir, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { describeError, ErrorCode } from '../../core/errors';
import type { Logger } from '../../core/logger';
import { walkFiles } from '../../files/directory-walk';
import type { FoundFile } from '../../files/directory-walk';
import { fileError, systemCode } from '../../files/open-file';

import type { ActiveFiles } from './active-files';
import type { RecordingPaths } from './recording-paths';

/** What is kept; 0 is no limit. */
export interface RetentionLimits {
  readonly retainAgeMs: number;
  readonly retainBytes: number;
}

export interface RetentionParts {
  readonly paths: RecordingPaths;
  readonly limits: RetentionLimits;
  readonly active: ActiveFiles;
  readonly log: Logger;
  /** Epoch milliseconds. */
  readonly timeOfDayMs: () => number;
}

/** Names looked at in one walk; more recordings than that are not what a directory is made for. */
const maxEntries = 200_000;

/** Deletes what a vhost's files have too much, oldest first, and the directories that become empty. */
export class Retention {
  readonly #parts: RetentionParts;
  readonly #complaints = new Set<string>();

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** Looks at all files once. Never rejects: what goes wrong is logged. */
  async run(): Promise<void> {
    const { log, paths } = this.#parts;
    try {
      const isOurs = (path: string): boolean =>
        paths.match(path) !== undefined || paths.matchTemporary(path) !== undefined;
      const { files, isPartial, error } = await walkFiles(paths.root, isOurs, maxEntries);
      if (isPartial) {
        this.#complain(`${paths.root} holds more than ${maxEntries} names: not all are looked at`);
      }
      if (error) this.#complain(`does not look for old files everywhere: ${describeError(error)}`);
      await this.#deleteFrom(files);
    } catch (error) {
      log.error(`dvr cannot look for old files: ${describeError(error)}`, error);
    }
  }

  /** Looking is repeated, what is to be said about it is not. */
  #complain(text: string): void {
    if (this.#complaints.has(text)) return;
    this.#complaints.add(text);
    this.#parts.log.warn(`dvr ${text}`);
  }

  async #deleteFrom(files: FoundFile[]): Promise<void> {
    const { paths, active, limits, timeOfDayMs } = this.#parts;
    let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const finished = files
      .filter(({ path }) => paths.match(path) !== undefined)
      .sort((a, b) => a.modifiedMs - b.modifiedMs);
    for (const file of finished) {
      if (active.has(file.path)) continue;
      const ageMs = timeOfDayMs() - file.modifiedMs;
      const isOld = limits.retainAgeMs > 0 && ageMs > limits.retainAgeMs;
      const isTooMuch = limits.retainBytes > 0 && total > limits.retainBytes;
      if (!isOld && !isTooMuch) return;
      if (await this.#delete(file, isOld ? ageMs : undefined)) total -= file.bytes;
    }
  }

  async #delete({ path, bytes }: FoundFile, ageMs: number | undefined): Promise<boolean> {
    const { active, log, limits, paths } = this.#parts;
    // A stream that is to be appended to this file waits, and then begins a new one.
    const release = await active.claim(path, { key: 'retention', isClosing: true });
    try {
      await unlink(path);
    } catch (cause) {
      if (systemCode(cause) === 'ENOENT') return true;
      const error = fileError(ErrorCode.SYSTEM_FILE_WRITE, `cannot delete ${path}`, cause);
      log.error(`dvr ${describeError(error)}`, cause);
      return false;
    } finally {
      release();
    }
    const why =
      ageMs === undefined
        ? `the files take more than ${limits.retainBytes} bytes`
        : `it is ${Math.round(ageMs / 1000)} s old`;
    log.trace(`dvr deleted ${path}, bytes=${bytes}: ${why}`);
    await removeEmpty(dirname(path), paths.root);
    return true;
  }
}

/** Removes a directory and those around it up to `root`, as long as they are empty. */
async function removeEmpty(directory: string, root: string): Promise<void> {
  const end = resolve(root);
  for (let at = resolve(directory); at !== end && at.startsWith(end); at = dirname(at)) {
    try {
      await rmdir(at);
    } catch {
      // Something is in it, most likely; it is no loss if it stays.
      return;
    }
  }
}
