/**
 * Owns the loading of the native addon; nothing else in the program loads it.
 *
 * The boundary: numbers and byte arrays only, no option objects. The classes of this folder check
 * what they pass, the addon asserts the types, the engine below it trusts. Errors are negative
 * errnos. Events come in one batch per turn of the loop; the bytes of a data event lie in the slab
 * and die with the callback.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Event types of the engine, as written into the event array: [type, slot, a, b]. */
export const EngineEvent = {
  accepted: 1,
  connected: 2,
  data: 3,
  closed: 4,
  drained: 5,
  playEnded: 6,
  acceptFailed: 7,
  ended: 8,
} as const;

/** Encodings of a log, as the engine numbers them. */
export const NativeFormat = { rtmp: 0, flv: 1 } as const;

/** The engine object of the addon; see the comment of each method in `native/wrap_*.cc`. */
export interface NativeEngine {
  close(): void;
  stats(numbers: Float64Array): void;
  listen(address: string, port: number, backlog: number): number;
  listenerPort(listener: number): number;
  closeListener(listener: number): void;
  connect(address: string, port: number, timeoutMs: number): number;
  write(slot: number, bytes: Uint8Array, begin: number, end: number): number;
  end(slot: number): void;
  destroy(slot: number): void;
  pauseRead(slot: number, paused: boolean): void;
  setTimeouts(slot: number, receiveMs: number, sendMs: number): void;
  setMergedRead(slot: number, intervalMs: number, maxIntervalMs: number): void;
  setHalfOpen(slot: number, on: boolean): void;
  setNoDelay(slot: number, on: boolean): void;
  addressOf(slot: number, peer: boolean): string;
  counters(slot: number, numbers: Float64Array): boolean;
  createLog(
    chunkSize: number,
    queueMs: number,
    gopCache: boolean,
    gopCacheMaxBytes: number,
    absolute: boolean,
  ): number;
  setLogOptions(
    log: number,
    chunkSize: number,
    queueMs: number,
    gopCache: boolean,
    gopCacheMaxBytes: number,
    absolute: boolean,
  ): void;
  append(
    log: number,
    type: number,
    timestamp: number,
    flags: number,
    headerSlot: number,
    bytes: Uint8Array,
    begin: number,
    end: number,
  ): void;
  resetLog(log: number): void;
  closeLog(log: number): void;
  attach(slot: number, log: number, streamId: number, flushMs: number, format: number): void;
  detach(slot: number): void;
  setPaused(slot: number, paused: boolean): void;
  setFlushMs(slot: number, flushMs: number): void;
  setDurationLimit(slot: number, limitMs: number): void;
  hasEnded(slot: number): boolean;
  playerStats(slot: number, numbers: Float64Array): boolean;
  logStats(log: number, numbers: Float64Array): boolean;
  openReader(log: number, streamId: number, format: number): number;
  closeReader(reader: number): void;
  read(reader: number, state: Float64Array): Buffer | undefined;
  setReaderPaused(reader: number, paused: boolean): void;
  setReaderLimit(reader: number, limitMs: number): void;
  readerStats(reader: number, numbers: Float64Array): boolean;
}

/** What the addon exports. */
export interface NativeBinding {
  readonly Engine: new (
    slab: Uint8Array,
    events: Int32Array,
    onEvents: (count: number) => void,
  ) => NativeEngine;
  lockFile(fd: number): number;
  raiseFileLimit(wanted: number, numbers: Float64Array): void;
  releaseMemory(done: () => void): void;
}

let loaded: NativeBinding | undefined;

/**
 * The addon: linked into a static program, packed into a single binary, or built in the source tree.
 *
 * @throws Error when it cannot be loaded, naming what was tried
 */
export function loadBinding(): NativeBinding {
  loaded ??= linkedBinding() ?? addonFile();
  return loaded;
}

function linkedBinding(): NativeBinding | undefined {
  const { _linkedBinding } = process as unknown as { _linkedBinding?: (name: string) => unknown };
  try {
    return _linkedBinding?.('srs') as NativeBinding | undefined;
  } catch {
    // Not a program that carries the addon: this is how Node says so.
    return undefined;
  }
}

function addonFile(): NativeBinding {
  const besideBundle = join(__dirname, 'srs.node');
  if (!existsSync(besideBundle)) {
    return openAddon(join(__dirname, '../../native/build/Release/srs.node'));
  }
  return 'pkg' in process ? openPacked(besideBundle) : openAddon(besideBundle);
}

function openAddon(file: string): NativeBinding {
  const addon = { exports: {} };
  process.dlopen(addon, file);
  return addon.exports as NativeBinding;
}

/**
 * A program that carries files cannot map one of them: the addon is copied to a private folder of
 * the first writable place and removed as soon as it is mapped. Nothing stays behind, and no file
 * of somebody else is ever trusted.
 */
function openPacked(file: string): NativeBinding {
  const bytes = readFileSync(file);
  const failures: string[] = [];
  for (const place of writablePlaces()) {
    let folder: string | undefined;
    try {
      folder = mkdtempSync(join(place, 'srs-'));
      const copy = join(folder, 'srs.node');
      writeFileSync(copy, bytes, { mode: 0o700, flag: 'wx' });
      return openAddon(copy);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    } finally {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    }
  }
  throw new Error(`the native addon cannot be loaded from any place: ${failures.join('; ')}`);
}

function writablePlaces(): string[] {
  const { PKG_NATIVE_CACHE_PATH: chosen = '', XDG_CACHE_HOME: cache = '' } = process.env;
  const places = [chosen, tmpdir(), '/dev/shm', '/run', '/var/tmp', cache, process.cwd()];
  return places.filter((place) => place !== '');
}
