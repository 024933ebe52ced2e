/**
 * Owns the pid file: one server per file, by a lock that dies with its process, so that a file left
 * behind by a crash hinders nobody.
 *
 * The lock is a POSIX record lock: it is lost as soon as this process closes any descriptor of the
 * file. Nothing else may open it. Descriptors are close-on-exec by themselves (codes 1039 and 1040
 * of the reference cannot occur).
 */
import * as fs from 'node:fs';

import { ErrorCode, errnoOf, SrsError } from '../../core/errors';

const FILE_MODE = 0o644;
const EACCES = 13;
const EAGAIN = 11;

/** A file replaced between opening and locking is opened again, this often at most. */
const MAX_ATTEMPTS = 5;

/** Takes an exclusive lock on a whole file without waiting: 0, or the errno. */
export type LockFile = (fd: number) => number;

/** A pid file held by this process. */
export class PidFile {
  readonly path: string;
  readonly #fd: number;
  #isHeld = true;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /**
   * Locks the file and writes this process's id into it.
   *
   * @throws SrsError 1034 cannot open, 1035 another server holds it, 1036 cannot lock,
   *   1037 cannot truncate, 1038 cannot write.
   */
  static acquire(path: string, lockFile: LockFile): PidFile {
    const fd = openLocked(path, lockFile);
    try {
      step(ErrorCode.SYSTEM_PID_TRUNCATE_FILE, `truncate pid file ${path}`, () => {
        fs.ftruncateSync(fd);
      });
      step(ErrorCode.SYSTEM_PID_WRITE_FILE, `write pid file ${path}`, () => {
        fs.writeSync(fd, String(process.pid), 0);
      });
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
    return new PidFile(path, fd);
  }

  /**
   * Goes over to another file; the one that is held now is kept when that fails.
   *
   * @returns what is held now: this one, when `path` names the same file
   * @throws SrsError as `acquire`
   */
  moveTo(path: string, lockFile: LockFile): PidFile {
    if (this.isAt(path)) return this;
    const moved = PidFile.acquire(path, lockFile);
    this.release();
    return moved;
  }

  /** Whether `path` names the very file that is held, however it is spelled. */
  isAt(path: string): boolean {
    try {
      return this.#isHeld && isSameFile(path, this.#fd);
    } catch {
      return false;
    }
  }

  /** Removes the file, if it is still the one that was locked, and gives the lock up. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    try {
      if (isSameFile(this.path, this.#fd)) fs.unlinkSync(this.path);
    } catch {
      // A directory that turned read-only: the unlocked file left behind does no harm.
    }
    fs.closeSync(this.#fd);
  }
}

/**
 * The id of the process that holds a pid file: of the server that runs with it. Undefined when there is no such server,
 * whatever the file says.
 *
 * @throws SrsError 1034 cannot open or read, 1036 cannot tell whether it is locked
 */
export function findHolder(path: string, lockFile: LockFile): number | undefined {
  if (!fs.existsSync(path)) return undefined;
  const what = `open pid file ${path}`;
  const fd = step(ErrorCode.SYSTEM_PID_ACQUIRE, what, () => fs.openSync(path, 'r+'));
  try {
    const errno = lockFile(fd);
    // The lock was free, and is given back by the closing of the file.
    if (errno === 0) return undefined;
    if (!isTaken(errno)) throw lockError(path, fd, errno);
    const pid = Number(fs.readFileSync(fd, 'utf8').trim());
    if (Number.isSafeInteger(pid) && pid > 0) return pid;
  } finally {
    fs.closeSync(fd);
  }
  const text = `pid file ${path} is held, but expected a process id in it`;
  throw new SrsError(ErrorCode.SYSTEM_PID_ACQUIRE, text);
}

function isTaken(errno: number): boolean {
  return errno === EAGAIN || errno === EACCES;
}

function openLocked(path: string, lockFile: LockFile): number {
  for (let attempt = 1; ; attempt++) {
    const fd = step(ErrorCode.SYSTEM_PID_ACQUIRE, `open pid file ${path}`, () =>
      fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, FILE_MODE),
    );
    const errno = lockFile(fd);
    if (errno !== 0) {
      const error = lockError(path, fd, errno);
      fs.closeSync(fd);
      throw error;
    }
    // The previous holder may have removed the file after it was opened here.
    if (isSameFile(path, fd) || attempt === MAX_ATTEMPTS) return fd;
    fs.closeSync(fd);
  }
}

function lockError(path: string, fd: number, errno: number): SrsError {
  if (!isTaken(errno)) {
    const code = ErrorCode.SYSTEM_PID_LOCK;
    return new SrsError(code, `cannot lock pid file ${path}`, { cause: { errno } });
  }
  const pid = fs.readFileSync(fd, 'utf8').trim() || 'unknown';
  return new SrsError(
    ErrorCode.SYSTEM_PID_ALREADY_RUNNING,
    `srs is already running! pid=${pid}, pid file ${path}`,
  );
}

function isSameFile(path: string, fd: number): boolean {
  const named = fs.statSync(path, { throwIfNoEntry: false });
  const held = fs.fstatSync(fd);
  return named?.ino === held.ino && named.dev === held.dev;
}

function step<T>(code: ErrorCode, what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const reason = errnoOf(error) === 0 ? '' : `: ${(error as Error).message}`;
    throw new SrsError(code, `cannot ${what}${reason}`, { cause: error });
  }
}
