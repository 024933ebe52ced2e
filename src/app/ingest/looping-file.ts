/** Owns the reading of the file behind an ingester: opened by name, read ahead in pieces, begun again at its end. */
import { existsSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

import { ErrorCode, SrsError } from '../../core/errors';
import type { FlvTag } from '../../media/flv';
import { FlvReader } from '../../media/flv-reader';

/** What is used of an open file; a FileHandle of node:fs/promises fits. */
export interface ReadableFile {
  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }>;
  close(): Promise<void>;
}

/** Names a file that came with the program instead of a path. */
const bundledPrefix = 'bundled:';
/** Bytes read at once. */
const pieceBytes = 64 * 1024;
/** Tags kept ready; below half of it the next piece is read. */
const readAheadTags = 64;

/**
 * Opens a path, or `bundled:NAME`: a file beside the program's bundle or in `doc/` of the source tree. Bundled files
 * are small and may lie inside the executable, so they are read whole. Throws `SrsError` SYSTEM_FILE_OPENE.
 */
export async function openMediaFile(name: string): Promise<ReadableFile> {
  try {
    if (!name.startsWith(bundledPrefix)) return await open(name, 'r');
    return new MemoryFile(readFileSync(findBundled(name.slice(bundledPrefix.length))));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SrsError(ErrorCode.SYSTEM_FILE_OPENE, `cannot open ${name}: ${reason}`, { cause });
  }
}

/**
 * The tags of an FLV file. `next` never waits: it returns a tag, `end` once per round when the file is over (the next
 * call goes on with its first tag), or undefined while the disk is being read. Damage ends a round: `onDamage` is told,
 * and what comes before it is played. `next` throws `SrsError` SYSTEM_FILE_READ when the disk fails.
 */
export class LoopingFile {
  readonly #file: ReadableFile;
  readonly #onDamage: (error: SrsError) => void;
  readonly #ready: (FlvTag | 'end')[] = [];
  #reader = new FlvReader();
  #position = 0;
  #isReading = false;
  #isClosed = false;
  #failure: SrsError | undefined;

  constructor(file: ReadableFile, onDamage: (error: SrsError) => void) {
    this.#file = file;
    this.#onDamage = onDamage;
    this.#readAhead();
  }

  next(): FlvTag | 'end' | undefined {
    const tag = this.#ready.shift();
    if (tag === undefined && this.#failure !== undefined) throw this.#failure;
    if (this.#ready.length < readAheadTags / 2) this.#readAhead();
    return tag;
  }

  /** Closes the file; a read under way ends by itself. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#file.close();
  }

  #readAhead(): void {
    if (this.#isReading || this.#isClosed || this.#failure !== undefined) return;
    this.#isReading = true;
    this.#readPiece().then(
      () => {
        this.#isReading = false;
        if (this.#ready.length < readAheadTags) this.#readAhead();
      },
      (cause: unknown) => {
        this.#failure = new SrsError(ErrorCode.SYSTEM_FILE_READ, `cannot read: ${String(cause)}`, {
          cause,
        });
      },
    );
  }

  async #readPiece(): Promise<void> {
    const piece = Buffer.allocUnsafeSlow(pieceBytes);
    const { bytesRead } = await this.#file.read(piece, 0, pieceBytes, this.#position);
    this.#position += bytesRead;
    this.#reader.push(piece.subarray(0, bytesRead));
    const isWhole = this.#parse(bytesRead === 0);
    if (isWhole && bytesRead > 0) return;
    this.#ready.push('end');
    this.#reader = new FlvReader();
    this.#position = 0;
  }

  /** Makes tags of what was read; false when the rest of the file is of no use. */
  #parse(isLast: boolean): boolean {
    try {
      for (let tag = this.#reader.read(); tag !== undefined; tag = this.#reader.read()) {
        this.#ready.push(tag);
      }
      if (isLast) this.#reader.finish();
      return true;
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.#onDamage(error);
      return false;
    }
  }
}

/** A file that lies in memory. */
class MemoryFile implements ReadableFile {
  readonly #content: Buffer;

  constructor(content: Buffer) {
    this.#content = content;
  }

  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesRead: number }> {
    const bytesRead = this.#content.copy(buffer, offset, position, position + length);
    return Promise.resolve({ bytesRead });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** The bundle lies in the program beside its files or two folders below them, a source file three folders. */
function findBundled(name: string): string {
  if (!/^[\w-][\w.-]*$/.test(name)) throw new Error('expected a plain file name after "bundled:"');
  const folders = ['.', 'doc', '../doc', '../../doc', '../../../doc'];
  const paths = folders.map((folder) => join(__dirname, folder, name));
  const found = paths.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`no such file came with the program`);
  return found;
}
