/**
 * Owns where finished log lines go: a file or the console. The lines of a loop turn, or of 40 ms of
 * a busy log, leave as one asynchronous write, so that a stalled disk delays nobody; lines it cannot
 * take are kept in order up to a bound, and beyond it dropped and counted.
 */
import * as fs from 'node:fs';

import { errnoOf } from '../../core/errors';

/** Mode of a log file that is made. */
export const LOG_FILE_MODE = 0o664;
const STDOUT = 1;
const STDERR = 2;
const EAGAIN = 11;

/** Characters kept while the target takes none; some 10,000 lines. */
const MAX_QUEUED_CHARS = 1 << 20;

/** Pause before a failed open or write is tried again, milliseconds. */
const RETRY_MS = 100;

/** A busy log is written so often at most, milliseconds: each write wakes a thread. */
const MIN_INTERVAL_MS = 40;

/** How long a synchronous flush waits for the write under way, milliseconds. */
const IN_FLIGHT_WAIT_MS = 200;

/** Where to write: a path, opened for appending, or a descriptor that is already open. */
export type LogTarget = { readonly file: string } | { readonly fd: number };

/** The console as a target. */
export const consoleTarget: LogTarget = { fd: STDOUT };

/** True when the target is a terminal, which may be sent colours. */
export function isTerminal(target: LogTarget): boolean {
  if (!('fd' in target) || target.fd !== STDOUT) return false;
  // The stream is made for a character device only: made for a pipe, it turns it non-blocking.
  return fs.fstatSync(STDOUT).isCharacterDevice() && process.stdout.isTTY;
}

/** An ordered, bounded writer. Nothing it does throws: what fails is said once on stderr. */
export class LogTank {
  readonly #file: string | undefined;
  /** Makes the line that tells of lost ones. */
  readonly #lostLine: (count: number) => string;
  #fd: number | undefined;
  #queue: string[] = [];
  #queuedChars = 0;
  #lost = 0;
  /** Bytes taken from the queue and not yet written; with `#isWriting`, the write under way. */
  #batch: Buffer | undefined;
  #isWriting = false;
  /** Size of the file once the write under way is through, to be able to wait for it. */
  #expectedSize = 0;
  #isScheduled = false;
  #lastWriteMs = -MIN_INTERVAL_MS;
  #retryTimer: NodeJS.Timeout | undefined;
  #isReopenWanted = false;
  #isFailing = false;
  #whenIdle: (() => void) | undefined;

  constructor(target: LogTarget, lostLine: (count: number) => string) {
    this.#file = 'file' in target ? target.file : undefined;
    this.#fd = 'fd' in target ? target.fd : undefined;
    this.#lostLine = lostLine;
  }

  /** Queues one line, newline included; it is written at the end of this loop turn, or a few ms later when busy. */
  write(line: string): void {
    if (this.#queuedChars + line.length > MAX_QUEUED_CHARS) {
      this.#lost++;
      return;
    }
    this.#queue.push(line);
    this.#queuedChars += line.length;
    this.#schedule();
  }

  /** Opens the file again under its name, for a rotation that moved it away. No-op on a console. */
  reopen(): void {
    if (this.#file === undefined) return;
    this.#isReopenWanted = true;
    this.#schedule();
  }

  /** Writes all that is queued before it returns; for exits that cannot wait. */
  flushSync(): void {
    if (this.#isWriting) this.#awaitInFlight();
    if (!this.#hasWork() || !this.#ensureOpen()) return;
    const unsent = this.#isWriting ? undefined : this.#batch;
    const bytes = Buffer.concat([unsent ?? Buffer.alloc(0), this.#takeQueue()]);
    let done = 0;
    try {
      while (done < bytes.length) done += fs.writeSync(this.#fd ?? STDOUT, bytes, done);
    } catch (error) {
      this.#reportFailure('write', error);
    }
    this.#expectedSize += done;
    if (!this.#isWriting) this.#batch = done < bytes.length ? bytes.subarray(done) : undefined;
  }

  /** Writes all that is queued and closes the file. Lines written later open it again. */
  async close(): Promise<void> {
    if (this.#isWriting) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    this.flushSync();
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    if (this.#file === undefined || this.#fd === undefined) return;
    fs.closeSync(this.#fd);
    this.#fd = undefined;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isWriting || this.#retryTimer !== undefined) return;
    this.#isScheduled = true;
    const write = (): void => {
      this.#isScheduled = false;
      this.#writeBatch();
    };
    const restMs = this.#lastWriteMs + MIN_INTERVAL_MS - performance.now();
    if (restMs > 0) setTimeout(write, restMs).unref();
    else setImmediate(write);
  }

  #writeBatch(): void {
    if (this.#isWriting || !this.#hasWork()) return;
    if (!this.#ensureOpen()) {
      this.#retryLater();
      return;
    }
    const batch = this.#batch ?? this.#takeQueue();
    if (batch.length === 0) return;
    this.#batch = batch;
    this.#isWriting = true;
    this.#lastWriteMs = performance.now();
    this.#expectedSize += batch.length;
    fs.write(this.#fd ?? STDOUT, batch, (error, written) => {
      this.#onWritten(batch, error, written);
    });
  }

  #onWritten(batch: Buffer, error: Error | null, written: number): void {
    this.#isWriting = false;
    const done = error === null ? written : 0;
    this.#expectedSize -= batch.length - done;
    this.#batch = done < batch.length ? batch.subarray(done) : undefined;
    if (error !== null) this.#reportFailure('write', error);
    else this.#isFailing = false;
    const whenIdle = this.#whenIdle;
    this.#whenIdle = undefined;
    if (whenIdle !== undefined) whenIdle();
    else if (error !== null) this.#retryLater();
    else if (this.#hasWork()) this.#schedule();
  }

  #hasWork(): boolean {
    return this.#batch !== undefined || this.#queue.length > 0 || this.#isReopenWanted;
  }

  #takeQueue(): Buffer {
    if (this.#lost > 0) this.#queue.push(this.#lostLine(this.#lost));
    const bytes = Buffer.from(this.#queue.join(''));
    this.#lost = 0;
    this.#queue = [];
    this.#queuedChars = 0;
    return bytes;
  }

  #ensureOpen(): boolean {
    if (this.#file === undefined) return true;
    if (this.#fd !== undefined && (!this.#isReopenWanted || this.#isWriting)) return true;
    try {
      const fd = fs.openSync(this.#file, 'a', LOG_FILE_MODE);
      if (this.#fd !== undefined) fs.closeSync(this.#fd);
      this.#fd = fd;
      this.#expectedSize = fs.fstatSync(fd).size;
    } catch (error) {
      this.#reportFailure('open', error);
    }
    this.#isReopenWanted = false;
    return this.#fd !== undefined;
  }

  /** A write given to the thread pool cannot be called back: wait until the file shows it. */
  #awaitInFlight(): void {
    if (this.#fd === undefined || this.#file === undefined) return;
    const cell = new Int32Array(new SharedArrayBuffer(4));
    for (let waitedMs = 0; waitedMs < IN_FLIGHT_WAIT_MS; waitedMs++) {
      const stat = fs.fstatSync(this.#fd);
      if (!stat.isFile() || stat.size >= this.#expectedSize) return;
      Atomics.wait(cell, 0, 0, 1);
    }
  }

  #retryLater(): void {
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = undefined;
      this.#writeBatch();
    }, RETRY_MS).unref();
  }

  #reportFailure(what: string, error: unknown): void {
    if (this.#isFailing || errnoOf(error) === EAGAIN) return;
    this.#isFailing = true;
    const reason = error instanceof Error ? error.message : String(error);
    try {
      fs.writeSync(STDERR, `cannot ${what} log ${this.#file ?? '(console)'}: ${reason}\n`);
    } catch {
      // Neither the log nor stderr can be written: nobody is left to be told.
    }
  }
}
