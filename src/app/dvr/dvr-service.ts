/** Owns recording as a whole: the sinks of streams, the files being closed, recovery at the start, retention. */
import type { Clock } from '../../core/clock';
import { describeError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import type { FoundFile } from '../../files/directory-walk';
import type { StreamName, StreamSink } from '../stream/sink';
import { streamKey } from '../stream/source';

import { ActiveFiles } from './active-files';
import { DvrSink } from './dvr-sink';
import type { DvrOptions } from './options';
import { Recorder } from './recorder';
import type { RecorderParts } from './recorder';
import type { ClosedRecording } from './recording';
import { RecordingHealth } from './recording-health';
import { RecordingPaths } from './recording-paths';
import { recoverRecordings } from './recovery';
import { Retention } from './retention';

/** What is told of a finished file. */
export interface ClosedFile {
  readonly name: StreamName;
  /** As made by `dvr_path`, relative to `cwd` when that is relative. */
  readonly file: string;
  readonly cwd: string;
  readonly durationMs: number;
  readonly bytes: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

export interface DvrServiceParts {
  readonly log: Logger;
  readonly clock: Clock;
  /** Whether date parts of paths are UTC; asked for each path. */
  readonly isUtc: () => boolean;
  readonly onFileClosed?: (file: ClosedFile) => void;
  /** Epoch milliseconds; the system's by default. */
  readonly timeOfDayMs?: () => number;
  /** How long an unfinished file is watched for another process writing it, 5 s by default. */
  readonly settleMs?: number;
}

/** What is read of a vhost. */
export interface DvrVhost {
  readonly name: string;
  readonly dvr: DvrOptions;
}

const defaultSettleMs = 5000;
const retentionIntervalMs = 60_000;
/** After a file was closed, so long is waited for others before old ones are looked for. */
const retentionDelayMs = 5000;
/** Longest wait for the disk at a stop. */
const stopTimeoutMs = 3000;

export class DvrService {
  readonly #parts: DvrServiceParts;
  readonly #active = new ActiveFiles();
  readonly #recorders = new Set<Recorder>();
  readonly #closing = new Set<Promise<unknown>>();
  readonly #abort = new AbortController();
  readonly #timeOfDayMs: () => number;
  readonly #startedAtMs: number;
  #vhosts: readonly DvrVhost[] = [];
  #retentions: Retention[] = [];
  #recovery: Promise<void> = Promise.resolve();
  #isRetaining = false;
  #interval: NodeJS.Timeout | undefined;
  #delay: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;

  constructor(parts: DvrServiceParts) {
    this.#parts = parts;
    this.#timeOfDayMs = parts.timeOfDayMs ?? Date.now;
    this.#startedAtMs = this.#timeOfDayMs();
  }

  /** A recorder of a stream that is being or will be published. */
  sinkFor(name: StreamName, options: DvrOptions): StreamSink {
    const paths = new RecordingPaths(options, this.#parts.isUtc);
    const key = streamKey(name);
    const parts = {
      options,
      paths,
      active: this.#active,
      health: new RecordingHealth(key),
      nowMs: () => this.#parts.clock.nowMs(),
      timeOfDayMs: this.#timeOfDayMs,
    };
    return new DvrSink({
      create: (start) => {
        const onClosing: RecorderParts['onClosing'] = (closing, startedAt) => {
          this.#track(closing, name, startedAt, start.log);
        };
        const recorder = new Recorder(start, key, { ...parts, onClosing });
        this.#recorders.add(recorder);
        return recorder;
      },
      release: (recorder) => {
        this.#recorders.delete(recorder);
      },
    });
  }

  /** Recovers in the background what a crash left, and begins to delete what is too old or too much. */
  start(vhosts: readonly DvrVhost[]): void {
    this.setVhosts(vhosts);
  }

  /**
   * Takes other options of the vhosts for what is not about one publish: recovers what a crash left where a new one
   * records, and deletes by the new limits.
   */
  setVhosts(vhosts: readonly DvrVhost[]): void {
    if (this.#stopped) return;
    const before = this.#vhosts;
    this.#vhosts = vhosts.filter(({ dvr }) => dvr.enabled);
    const isKnown = ({ name, dvr }: DvrVhost): boolean =>
      before.some((one) => one.name === name && isSamePlace(one.dvr, dvr));
    const added = this.#vhosts.filter((vhost) => !isKnown(vhost));
    this.#recovery = this.#recovery.then(() => this.#recover(added));
    this.#retentions = this.#vhosts
      .filter(({ dvr }) => dvr.retainAgeMs > 0 || dvr.retainBytes > 0)
      .map((vhost) => this.#retentionOf(vhost));
    if (this.#retentions.length === 0) {
      clearInterval(this.#interval);
      this.#interval = undefined;
      return;
    }
    this.#retain();
    this.#interval ??= setInterval(() => {
      this.#retain();
    }, retentionIntervalMs).unref();
  }

  /** Closes all files and waits for it, but no longer than 3 s; idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#abort.abort();
    for (const recorder of this.#recorders) recorder.close();
    clearInterval(this.#interval);
    clearTimeout(this.#delay);
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, stopTimeoutMs);
    });
    await Promise.race([Promise.all([this.#recovery, ...this.#closing]), timeout]);
    clearTimeout(timer);
    if (this.#closing.size === 0) return;
    const count = this.#closing.size;
    this.#parts.log.error(`dvr: ${count} files are not closed after ${stopTimeoutMs} ms`);
  }

  /** Waits for a file to be closed, and tells of it. */
  #track(
    closing: Promise<ClosedRecording | undefined>,
    name: StreamName,
    startedAt: number,
    log: Logger,
  ): void {
    const done = closing
      .then((closed) => {
        if (closed) this.#closed(closed, name, startedAt, log);
      })
      .catch((error: unknown) => {
        log.error(`dvr cannot finish a file: ${describeError(error)}`, error);
      })
      .finally(() => this.#closing.delete(done));
    this.#closing.add(done);
  }

  #closed(closed: ClosedRecording, name: StreamName, startedAt: number, log: Logger): void {
    const { file, bytes, durationMs } = closed;
    log.trace(`dvr file ${file} closed, duration=${durationMs}ms, bytes=${bytes}`);
    this.#parts.onFileClosed?.({ ...closed, name, startedAt, cwd: process.cwd() });
    if (this.#retentions.length === 0 || this.#stopped) return;
    this.#delay ??= setTimeout(() => {
      this.#delay = undefined;
      this.#retain();
    }, retentionDelayMs).unref();
  }

  async #recover(vhosts: readonly DvrVhost[]): Promise<void> {
    for (const { name: vhost, dvr } of vhosts) {
      const paths = new RecordingPaths(dvr, this.#parts.isUtc, vhost);
      await recoverRecordings(paths, {
        log: this.#parts.log,
        active: this.#active,
        startedAtMs: this.#startedAtMs,
        settleMs: this.#parts.settleMs ?? defaultSettleMs,
        signal: this.#abort.signal,
        onRecovered: (found, closed) => {
          this.#recovered(vhost, paths, found, closed);
        },
      });
    }
  }

  #recovered(
    vhost: string,
    paths: RecordingPaths,
    found: FoundFile,
    closed: ClosedRecording,
  ): void {
    const { app, stream } = paths.matchTemporary(found.path) ?? {};
    // Whose it was is told by its path, or nobody knows.
    if (app === undefined || stream === undefined) return;
    const startedAt = Math.round(found.modifiedMs - closed.durationMs);
    const name = { vhost, app, stream };
    this.#parts.onFileClosed?.({ ...closed, name, startedAt, cwd: process.cwd() });
  }

  #retentionOf({ name, dvr }: DvrVhost): Retention {
    return new Retention({
      paths: new RecordingPaths(dvr, this.#parts.isUtc, name),
      limits: dvr,
      active: this.#active,
      log: this.#parts.log,
      timeOfDayMs: this.#timeOfDayMs,
    });
  }

  /** Runs all retentions one after the other, unless they are running. */
  #retain(): void {
    if (this.#isRetaining) return;
    this.#isRetaining = true;
    void this.#retainAll().finally(() => {
      this.#isRetaining = false;
    });
  }

  async #retainAll(): Promise<void> {
    for (const retention of this.#retentions) {
      if (this.#abort.signal.aborted) return;
      await retention.run();
    }
  }
}

/** Whether files of the one are files of the other. */
function isSamePlace(one: DvrOptions, other: DvrOptions): boolean {
  return one.path === other.path && one.format === other.format;
}
