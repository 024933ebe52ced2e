/** Owns the contents of small files that many clients ask for at the same time, as they do for HLS segments. */
import type { Stats } from 'node:fs';

/** Larger files are read piece by piece each time. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_TOTAL_BYTES = 16 * 1024 * 1024;
const MAX_FILES = 1024;
/** A file that was written to so lately may be written to again without a change of its times. */
const SETTLED_MS = 100;

/** What tells versions of a file apart. */
export type FileVersion = Pick<Stats, 'dev' | 'ino' | 'size' | 'mtimeMs' | 'ctimeMs'>;

interface HotFile {
  readonly version: string;
  /** Undefined until it has been asked for a second time. */
  readonly content: Promise<Buffer | undefined> | undefined;
  readonly bytes: number;
}

/** Keeps files that are asked for again; those asked for longest ago go first. Never hands out an old version. */
export class HotFiles {
  /** In the order of the last use. */
  readonly #files = new Map<string, HotFile>();
  #bytes = 0;

  /** Bytes kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The content of a file whose version was looked up just now; equal names mean equal paths and rights. From the second time on it is loaded by `read`, once
   * for all who ask meanwhile. Undefined when the caller should read the file itself.
   *
   * @param nowMs of the epoch
   * @param read the content if it is of that version all through, else undefined; what it throws, all callers get
   */
  content(
    name: string,
    version: FileVersion,
    nowMs: number,
    read: () => Promise<Buffer | undefined>,
  ): Promise<Buffer | undefined> | undefined {
    const { size } = version;
    const isSettled = nowMs - Math.max(version.mtimeMs, version.ctimeMs) >= SETTLED_MS;
    if (size > MAX_FILE_BYTES || !isSettled) return undefined;
    const key = versionOf(version);
    const known = this.#files.get(name);
    this.#forget(name);
    if (known?.version !== key) {
      this.#keep(name, { version: key, content: undefined, bytes: 0 });
      return undefined;
    }
    if (known.content !== undefined) {
      this.#keep(name, known);
      return known.content;
    }
    const loading: HotFile = { version: key, content: this.#load(name, read), bytes: size };
    this.#keep(name, loading);
    return loading.content;
  }

  async #load(name: string, read: () => Promise<Buffer | undefined>): Promise<Buffer | undefined> {
    let content: Buffer | undefined;
    try {
      content = await read();
    } finally {
      if (content === undefined) this.#forget(name);
    }
    return content;
  }

  #keep(name: string, file: HotFile): void {
    this.#files.set(name, file);
    this.#bytes += file.bytes;
    for (const oldest of this.#files.keys()) {
      if (this.#bytes <= MAX_TOTAL_BYTES && this.#files.size <= MAX_FILES) return;
      this.#forget(oldest);
    }
  }

  #forget(name: string): void {
    this.#bytes -= this.#files.get(name)?.bytes ?? 0;
    this.#files.delete(name);
  }
}

/** As a text: equal texts, equal versions. */
export function versionOf({ dev, ino, size, mtimeMs, ctimeMs }: FileVersion): string {
  return `${dev}:${ino}:${size}:${mtimeMs}:${ctimeMs}`;
}
