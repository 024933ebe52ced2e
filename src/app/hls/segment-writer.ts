/** Owns the bytes of one segment on their way to its file, which is not opened while too many others are. */
import { FileWriter } from '../../files/file-writer';

/** Bytes of one segment that may wait for the disk. */
const MAX_PENDING_BYTES = 32 * 1024 * 1024;
/** Bytes wait so long for more: what a crash may cost. */
const FLUSH_MS = 100;

/** A segment that is written to a file, from `open` on. */
export class SegmentWriter {
  readonly path: string;
  #writer: FileWriter | undefined;
  #held: Buffer[] = [];
  #heldBytes = 0;

  constructor(path: string) {
    this.path = path;
  }

  get isOpen(): boolean {
    return this.#writer !== undefined;
  }

  /** Bytes that are not in the file yet. */
  get pendingBytes(): number {
    return this.#writer?.pendingBytes ?? this.#heldBytes;
  }

  /** Begins to write; harmless when it has begun. */
  open(): FileWriter {
    if (this.#writer !== undefined) return this.#writer;
    const options = { maxPendingBytes: MAX_PENDING_BYTES, flushMs: FLUSH_MS };
    const writer = new FileWriter(this.path, options);
    for (const bytes of this.#held) writer.write(bytes);
    this.#held = [];
    this.#heldBytes = 0;
    this.#writer = writer;
    return writer;
  }

  /** Appends bytes, which will not change. */
  write(bytes: Buffer): void {
    if (this.#writer === undefined && this.#heldBytes + bytes.length <= MAX_PENDING_BYTES) {
      this.#held.push(bytes);
      this.#heldBytes += bytes.length;
      return;
    }
    this.open().write(bytes);
  }

  /** Resolves when all is in the file `to`; rejects with SrsError when that cannot be. */
  close(to: string): Promise<void> {
    return this.open().close(to);
  }

  /** What was written is not wanted; resolves when the file, if there is one, is closed. */
  async abandon(): Promise<void> {
    this.#held = [];
    this.#heldBytes = 0;
    // Why it could not be written does not matter any more.
    await this.#writer?.close().catch(() => undefined);
  }
}
