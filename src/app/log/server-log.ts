/** Owns the log of the server: level filter, line format and tank put together. */
import * as fs from 'node:fs';

import { describeError, ErrorCode, errnoOf, SrsError } from '../../core/errors';
import type { Logger, LogLevel } from '../../core/logger';

import { LineFormat } from './line-format';
import { consoleTarget, isTerminal, LOG_FILE_MODE, LogTank } from './log-tank';
import type { LogTarget } from './log-tank';

/** What the configuration says about logging. */
export interface LogOptions {
  readonly tank: 'file' | 'console';
  /** Path of the log file; used when `tank` is `file`. */
  readonly file: string;
  /** Least level written; `none` writes nothing. */
  readonly level: LogLevel | 'none';
  /** Print times in UTC rather than in the local zone. */
  readonly utcTime: boolean;
}

const RANKS: Readonly<Record<LogLevel | 'none', number>> = {
  verbose: 0,
  info: 1,
  trace: 2,
  warn: 3,
  error: 4,
  none: 5,
};

const COLORS: Readonly<Partial<Record<LogLevel, string>>> = {
  warn: '\u001b[33m',
  error: '\u001b[31m',
};
const COLOR_RESET = '\u001b[0m';

type PutLine = (level: LogLevel, contextId: number, message: string, cause?: unknown) => void;

/** The log as one connection or worker sees it. */
class ContextLog implements Logger {
  readonly contextId: number;
  readonly #put: PutLine;

  constructor(put: PutLine, contextId: number) {
    this.#put = put;
    this.contextId = contextId;
  }

  verbose(message: string): void {
    this.#put('verbose', this.contextId, message);
  }

  info(message: string): void {
    this.#put('info', this.contextId, message);
  }

  trace(message: string): void {
    this.#put('trace', this.contextId, message);
  }

  warn(message: string, cause?: unknown): void {
    this.#put('warn', this.contextId, message, cause);
  }

  error(message: string, cause?: unknown): void {
    this.#put('error', this.contextId, message, cause);
  }

  child(contextId: number): Logger {
    return new ContextLog(this.#put, contextId);
  }
}

/** How lines are made and where they go, by one set of options. */
interface Setting {
  readonly options: LogOptions;
  readonly format: LineFormat;
  readonly tank: LogTank;
  readonly hasColors: boolean;
}

/** The process's own log (context id 0), and the handle on the tank behind all its children. */
export class ServerLog extends ContextLog {
  #setting: Setting;
  /** Tanks of former options, as long as they have something to write. */
  readonly #retired = new Set<LogTank>();

  constructor(options: LogOptions) {
    super((level, contextId, message, cause) => {
      this.#put(level, contextId, message, cause);
    }, 0);
    this.#setting = makeSetting(options, new LogTank(targetOf(options), this.#lostLine));
  }

  /**
   * Goes on by other options, from the next line on; this object and all its children stay. What was written before
   * goes where it went. The log file is opened again, also under the same name.
   *
   * @throws SrsError 1042 when the log file of another name cannot be opened; nothing is changed then
   */
  reconfigure(options: LogOptions): void {
    const { tank, options: former } = this.#setting;
    if (fileOf(options) === fileOf(former)) {
      this.#setting = makeSetting(options, tank);
      tank.reopen();
      return;
    }
    checkWritable(fileOf(options));
    this.#setting = makeSetting(options, new LogTank(targetOf(options), this.#lostLine));
    this.#retire(tank);
  }

  /** Opens the log file again under its name, after a rotation. */
  reopen(): void {
    this.#setting.tank.reopen();
  }

  /** Writes everything before it returns; for exits that cannot wait. */
  flushSync(): void {
    for (const tank of this.#retired) tank.flushSync();
    this.#setting.tank.flushSync();
  }

  /** Writes everything and closes the file. */
  async close(): Promise<void> {
    await Promise.all([...this.#retired, this.#setting.tank].map((tank) => tank.close()));
  }

  #put(level: LogLevel, contextId: number, message: string, cause?: unknown): void {
    const { options, format, tank, hasColors } = this.#setting;
    if (RANKS[level] < RANKS[options.level]) return;
    const line = format.format({ level, contextId, message, errno: errnoOf(cause) }, Date.now());
    const color = hasColors ? COLORS[level] : undefined;
    tank.write(color === undefined ? line : `${color}${line}${COLOR_RESET}`);
  }

  readonly #lostLine = (count: number): string => {
    const message = `log was blocked, ${count} lines lost`;
    const parts = { level: 'warn', contextId: 0, message, errno: 0 } as const;
    return this.#setting.format.format(parts, Date.now());
  };

  #retire(tank: LogTank): void {
    this.#retired.add(tank);
    void tank.close().then(() => this.#retired.delete(tank));
  }
}

/** The path of the log file, undefined for the console. */
function fileOf({ tank, file }: LogOptions): string | undefined {
  return tank === 'file' ? file : undefined;
}

function targetOf(options: LogOptions): LogTarget {
  const file = fileOf(options);
  return file === undefined ? consoleTarget : { file };
}

function makeSetting(options: LogOptions, tank: LogTank): Setting {
  const format = new LineFormat(options.utcTime, process.pid);
  const hasColors = options.tank === 'console' && isTerminal(consoleTarget);
  return { options, format, tank, hasColors };
}

function checkWritable(file: string | undefined): void {
  if (file === undefined) return;
  try {
    fs.closeSync(fs.openSync(file, 'a', LOG_FILE_MODE));
  } catch (error) {
    const message = `cannot open log file ${file}: ${describeError(error)}`;
    throw new SrsError(ErrorCode.SYSTEM_FILE_OPENE, message, { cause: error });
  }
}
