/** Owns the file below a recording: its name while it grows and after, and saving what is whole when the disk fails. */
import { rename, unlink } from 'node:fs/promises';

import { ErrorCode, SrsError } from '../../core/errors';
import { FileWriter } from '../../files/file-writer';
import { fileError } from '../../files/open-file';
import { reservePath } from '../../files/reserve-path';

import type { ActiveFiles, FileOwner, ReleaseFile } from './active-files';
import type { ClosedRecording } from './recording';
import { finishedPath, TEMPORARY_SUFFIX } from './recording-paths';

/** More waiting for the disk than this is given up: half a minute of a stream of 4 Mbps. */
export const MAX_PENDING_BYTES = 16 * 1024 * 1024;
/** Data waits no longer than this before it is handed to the system, so a crash of the process loses no more. */
const FLUSH_MS = 400;

/** A file that is ours to write. */
export interface Target {
  readonly path: string;
  /** The name it gets when it is finished. */
  readonly finalPath: string;
  /** It holds nothing that came from elsewhere. */
  readonly isNew: boolean;
  readonly release: ReleaseFile;
}

/** A point up to which the file is whole. */
export interface Mark {
  readonly end: number;
  /** How long the recording lasts up to there. */
  readonly durationMs: number;
}

/** Bytes to write over those of a file. */
export interface FilePatch {
  readonly position: number;
  readonly bytes: Buffer;
}

/** Makes a new file that has a name of its own: `wanted`, or a numbered one beside it. Rejects with `SrsError`. */
export async function openNewTarget(
  wanted: string,
  owner: FileOwner,
  active: ActiveFiles,
): Promise<Target> {
  const path = await reservePath(wanted, TEMPORARY_SUFFIX);
  const release = await active.claim(path, owner);
  return { path, finalPath: finishedPath(path), isNew: true, release };
}

/** What went wrong when a file was to be opened, as an `SrsError`. */
export function openError(path: string, error: unknown): SrsError {
  if (error instanceof SrsError) return error;
  return fileError(ErrorCode.SYSTEM_FILE_OPENE, `cannot open ${path}`, error);
}

/** Writes a target from `size` on, cutting off what comes after. */
export class RecordingFile {
  readonly #target: Target;
  readonly #writer: FileWriter;
  /** Those that may not have reached the disk, and the newest that has. */
  #marks: Mark[] = [];
  readonly #firstSize: number;
  #size: number;

  constructor(target: Target, size: number, onError: (error: SrsError) => void) {
    this.#target = target;
    this.#firstSize = size;
    this.#size = size;
    this.#writer = new FileWriter(target.path, {
      append: true,
      flushMs: FLUSH_MS,
      maxPendingBytes: MAX_PENDING_BYTES,
      onError,
    });
    this.#writer.truncate(size);
  }

  /** Where the next byte goes. */
  get size(): number {
    return this.#size;
  }

  /** Something whole has been added on the disk. */
  get isOnDisk(): boolean {
    this.#forgetMarks();
    const { end = 0 } = this.#marks[0] ?? {};
    return end > this.#firstSize && end <= this.#writer.written && !this.#writer.error;
  }

  write(bytes: Buffer): void {
    this.#writer.write(bytes);
    this.#size += bytes.length;
  }

  patch({ position, bytes }: FilePatch): void {
    this.#writer.patch(position, bytes);
  }

  /** All that was written is whole. */
  mark(durationMs: number): void {
    this.#forgetMarks();
    this.#marks.push({ end: this.#size, durationMs });
  }

  /**
   * Closes the file and gives it its name. After an error it is cut to what is whole. `finish` tells what is to be
   * changed in a file that ends at a mark. A new file without any mark is removed. Rejects with `SrsError`.
   */
  async close(finish: (mark: Mark) => readonly FilePatch[]): Promise<ClosedRecording | undefined> {
    const { release, finalPath: file } = this.#target;
    try {
      await this.#writer.flush();
      const mark = this.#lastMark();
      if (mark === undefined) {
        await this.#remove();
        return undefined;
      }
      for (const patch of finish(mark)) this.#writer.patch(patch.position, patch.bytes);
      await this.#closeWriter();
      await this.#rename();
      const bytes = this.#writer.error === undefined ? this.#size : mark.end;
      return { file, durationMs: Math.round(mark.durationMs), bytes };
    } finally {
      release();
    }
  }

  /** The newest mark that is on the disk; the file is cut there when it failed. */
  #lastMark(): Mark | undefined {
    if (this.#writer.error === undefined) return this.#marks.at(-1);
    this.#forgetMarks();
    const [mark] = this.#marks;
    if (mark === undefined || mark.end > this.#writer.written) return undefined;
    this.#writer.truncate(mark.end);
    return mark;
  }

  #forgetMarks(): void {
    const { written } = this.#writer;
    let done = 0;
    while ((this.#marks[done + 1]?.end ?? Infinity) <= written) done++;
    if (done > 0) this.#marks.splice(0, done);
  }

  async #closeWriter(): Promise<void> {
    const known = this.#writer.error;
    try {
      await this.#writer.close();
    } catch (error) {
      // The one who writes was told when it happened, and what is whole is saved.
      if (known === undefined) throw error;
    }
  }

  async #remove(): Promise<void> {
    await this.#closeWriter();
    if (!this.#target.isNew) return;
    await unlink(this.#target.path).catch((cause: unknown) => {
      // Most likely it could not be made at all, which was told.
      if (this.#writer.error !== undefined) return;
      const what = `cannot remove ${this.#target.path}`;
      throw fileError(ErrorCode.SYSTEM_FILE_WRITE, what, cause);
    });
  }

  async #rename(): Promise<void> {
    const { path, finalPath } = this.#target;
    if (path === finalPath) return;
    try {
      await rename(path, finalPath);
    } catch (cause) {
      const what = `cannot rename ${path} to ${finalPath}`;
      throw fileError(ErrorCode.SYSTEM_FILE_RENAME, what, cause);
    }
  }
}
