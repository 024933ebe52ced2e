/** Owns looking into an existing file and mending it. */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

import { ErrorCode } from '../core/errors';

import { fileError, openFile } from './open-file';

/** An open file of known size. Its methods reject with `SrsError`; `close` must be called. */
export class RandomAccessFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #size: number;

  private constructor(path: string, handle: FileHandle, size: number) {
    this.path = path;
    this.#handle = handle;
    this.#size = size;
  }

  /** Opens a file for reading and writing; one that does not exist is made, with its directories. */
  static async open(path: string): Promise<RandomAccessFile> {
    const opened = await openFile(path, constants.O_RDWR | constants.O_CREAT);
    try {
      const { size } = await opened.stat();
      return new RandomAccessFile(path, opened, size);
    } catch (cause) {
      await opened.close();
      throw fileError(ErrorCode.SYSTEM_FILE_READ, `cannot read ${path}`, cause);
    }
  }

  get size(): number {
    return this.#size;
  }

  /** The bytes from `position` on: `length` of them, or fewer at the end of the file. */
  async read(position: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.#size - position)));
    let done = 0;
    try {
      while (done < bytes.length) {
        const rest = bytes.length - done;
        const { bytesRead } = await this.#handle.read(bytes, done, rest, position + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
    } catch (cause) {
      throw fileError(ErrorCode.SYSTEM_FILE_READ, `cannot read ${this.path}`, cause);
    }
    return bytes.subarray(0, done);
  }

  /** Writes bytes at a position, which may be the end. */
  async write(position: number, bytes: Buffer): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.#handle.write(bytes, done, null, position + done);
        done += bytesWritten;
      }
      this.#size = Math.max(this.#size, position + bytes.length);
    } catch (cause) {
      throw fileError(ErrorCode.SYSTEM_FILE_WRITE, `cannot write ${this.path}`, cause);
    }
  }

  /** Cuts the file. */
  async truncate(size: number): Promise<void> {
    try {
      await this.#handle.truncate(size);
      this.#size = size;
    } catch (cause) {
      throw fileError(ErrorCode.SYSTEM_FILE_WRITE, `cannot cut ${this.path}`, cause);
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
