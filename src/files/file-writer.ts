/** Owns appending to one file without ever blocking: what waits is batched, capped, and written in order. */
import { constants } from 'node:fs';
import { rename } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

import { ErrorCode, SrsError } from '../core/errors';

import { fileError, openFile } from './open-file';

/** How a {@link FileWriter} works; all optional. */
export interface FileWriterOptions {
  /** Goes on at the end of an existing file instead of emptying it. */
  readonly append?: boolean;
  /** Permissions of a new file, 0o664 by default. */
  readonly mode?: number;
  /** More waiting bytes than this are an error: the disk is too slow. 64 MiB by default. */
  readonly maxPendingBytes?: number;
  /** How long bytes may wait for more before they are written, ms; 0 by default: not at all. */
  readonly flushMs?: number;
  /** Called once, with the first error; never from within a call. */
  onError?(error: SrsError): void;
}

/** What waits to be done to the file. */
type Operation =
  | { readonly kind: 'write'; readonly buffers: Buffer[] }
  | { readonly kind: 'patch'; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly size: number };

const defaultMaxPendingBytes = 64 * 1024 * 1024;
/** Buffers handed to the system at once; it takes 1024. */
const maxBatch = 512;
/** So many waiting bytes are written without waiting for more. */
const batchBytes = 256 * 1024;

/**
 * Appends to one file in order; makes its directories. The first error ends the writing: what comes later is dropped
 * and counted, but `patch` and `truncate` called after it are still tried, so that the part on disk can be made a
 * proper file. `close` must be called in any case.
 */
export class FileWriter {
  /** The file. */
  readonly path: string;
  readonly #options: FileWriterOptions;
  readonly #maxPendingBytes: number;
  #queue: Operation[] = [];
  #handle: FileHandle | undefined;
  #isOpened = false;
  /** The queue being worked off. */
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #error: SrsError | undefined;
  #size = 0;
  #written = 0;
  #pendingBytes = 0;
  #droppedBytes = 0;

  constructor(path: string, options: FileWriterOptions = {}) {
    this.path = path;
    this.#options = options;
    this.#maxPendingBytes = options.maxPendingBytes ?? defaultMaxPendingBytes;
    this.#work();
  }

  /** Bytes accepted, with what an appended file had once it is open. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of the file that the system has taken. */
  get written(): number {
    return this.#written;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Bytes refused after an error or the close. */
  get droppedBytes(): number {
    return this.#droppedBytes;
  }

  /** The first error. */
  get error(): SrsError | undefined {
    return this.#error;
  }

  /** Appends bytes, which belong to the writer from now on. */
  write(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.#error !== undefined || this.#closing !== undefined) {
      this.#droppedBytes += bytes.length;
      return;
    }
    if (this.#pendingBytes + bytes.length > this.#maxPendingBytes) {
      this.#droppedBytes += bytes.length;
      this.#failSlow();
      return;
    }
    const last = this.#queue.at(-1);
    if (last?.kind === 'write' && last.buffers.length < maxBatch) last.buffers.push(bytes);
    else this.#queue.push({ kind: 'write', buffers: [bytes] });
    this.#pendingBytes += bytes.length;
    this.#size += bytes.length;
    this.#schedule();
  }

  /** Overwrites bytes at a position of the file, after all earlier writes. */
  patch(position: number, bytes: Buffer): void {
    if (this.#closing !== undefined) return;
    this.#queue.push({ kind: 'patch', position, bytes });
    this.#schedule();
  }

  /** Cuts the file after all earlier writes; the next write goes on there. */
  truncate(size: number): void {
    if (this.#closing !== undefined) return;
    this.#queue.push({ kind: 'truncate', size });
    this.#size = size;
    this.#schedule();
  }

  /** Resolves when nothing waits any more: all is written, or `error` is set. */
  async flush(): Promise<void> {
    this.#work();
    await this.#running;
  }

  /**
   * Closes the file. Resolves when all is written, the file closed and renamed to `to`; rejects with the first
   * `SrsError` when there was one, after closing and without renaming. The same promise for every call.
   */
  close(to?: string): Promise<void> {
    this.#closing ??= this.#finish(to);
    return this.#closing;
  }

  async #finish(to: string | undefined): Promise<void> {
    await this.flush();
    await this.#closeHandle();
    if (this.#error === undefined && to !== undefined) await this.#rename(to);
    if (this.#error !== undefined) throw this.#error;
  }

  async #closeHandle(): Promise<void> {
    try {
      await this.#handle?.close();
    } catch (cause) {
      this.#fail(fileError(ErrorCode.SYSTEM_FILE_CLOSE, `cannot close ${this.path}`, cause));
    }
  }

  async #rename(to: string): Promise<void> {
    try {
      await rename(this.path, to);
    } catch (cause) {
      const what = `cannot rename ${this.path} to ${to}`;
      this.#fail(fileError(ErrorCode.SYSTEM_FILE_RENAME, what, cause));
    }
  }

  #schedule(): void {
    const { flushMs = 0 } = this.#options;
    if (this.#running !== undefined) return;
    if (flushMs === 0 || this.#pendingBytes >= batchBytes) {
      this.#work();
      return;
    }
    this.#timer ??= setTimeout(() => {
      this.#work();
    }, flushMs);
  }

  /** Begins to work the queue off, unless that is under way. */
  #work(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running ??= this.#drain();
  }

  async #drain(): Promise<void> {
    if (!this.#isOpened) await this.#open();
    // What is written in the same turn goes out together.
    else await Promise.resolve();
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      await this.#perform(next);
    }
    this.#running = undefined;
  }

  async #open(): Promise<void> {
    this.#isOpened = true;
    const { append = false, mode } = this.#options;
    try {
      // Not O_APPEND: with it Linux would append patches too.
      const flags = constants.O_WRONLY | constants.O_CREAT | (append ? 0 : constants.O_TRUNC);
      this.#handle = await openFile(this.path, flags, mode);
      if (!append) return;
      this.#written = (await this.#handle.stat()).size;
      this.#size += this.#written;
    } catch (cause) {
      const what = `cannot open ${this.path}`;
      const isKnown = cause instanceof SrsError;
      this.#fail(isKnown ? cause : fileError(ErrorCode.SYSTEM_FILE_OPENE, what, cause));
    }
  }

  async #perform(operation: Operation): Promise<void> {
    if (this.#handle === undefined) return;
    try {
      switch (operation.kind) {
        case 'write':
          await this.#append(this.#handle, operation.buffers);
          break;
        case 'patch':
          await this.#overwrite(this.#handle, operation.position, operation.bytes);
          break;
        case 'truncate':
          await this.#handle.truncate(operation.size);
          this.#written = operation.size;
          break;
      }
    } catch (cause) {
      this.#fail(fileError(ErrorCode.SYSTEM_FILE_WRITE, `cannot write ${this.path}`, cause));
    }
  }

  /** Writes all the buffers, which the system may take in part. */
  async #append(handle: FileHandle, buffers: Buffer[]): Promise<void> {
    while (buffers.length > 0 && this.#error === undefined) {
      const { bytesWritten } = await handle.writev(buffers, this.#written);
      this.#written += bytesWritten;
      this.#pendingBytes = Math.max(0, this.#pendingBytes - bytesWritten);
      removeFront(buffers, bytesWritten);
    }
  }

  async #overwrite(handle: FileHandle, position: number, bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await handle.write(bytes, done, null, position + done);
      done += bytesWritten;
    }
  }

  #failSlow(): void {
    const message = `cannot write ${this.path} fast enough: ${this.#pendingBytes} bytes wait, at most ${this.#maxPendingBytes} may`;
    this.#fail(new SrsError(ErrorCode.SYSTEM_FILE_WRITE, message));
  }

  #fail(error: SrsError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#droppedBytes += this.#pendingBytes;
    this.#pendingBytes = 0;
    this.#queue = [];
    clearTimeout(this.#timer);
    this.#timer = undefined;
    queueMicrotask(() => this.#options.onError?.(error));
  }
}

/** Drops so many bytes at the front of a list of buffers that are not empty. */
function removeFront(buffers: Buffer[], bytes: number): void {
  let count = 0;
  let left = bytes;
  for (const buffer of buffers) {
    if (buffer.length > left) break;
    left -= buffer.length;
    count++;
  }
  buffers.splice(0, count);
  const first = buffers[0];
  if (first !== undefined && left > 0) buffers[0] = first.subarray(left);
}
