/** Owns the log of the server: level filter, line format and tank put together. */
import { errnoOf } from '../../core/errors';
import type { Logger, LogLevel } from '../../core/logger';

import { LineFormat } from './line-format';
import { consoleTarget, isTerminal, LogTank } from './log-tank';

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

function linePrinter(options: LogOptions, format: LineFormat, tank: LogTank): PutLine {
  const least = RANKS[options.level];
  const colored = options.tank === 'console' && isTerminal(consoleTarget);
  return (level, contextId, message, cause) => {
    if (RANKS[level] < least) return;
    const line = format.format({ level, contextId, message, errno: errnoOf(cause) }, Date.now());
    const color = colored ? COLORS[level] : undefined;
    tank.write(color === undefined ? line : `${color}${line}${COLOR_RESET}`);
  };
}

/** The process's own log (context id 0), and the handle on the tank behind all its children. */
export class ServerLog extends ContextLog {
  readonly #tank: LogTank;

  constructor(options: LogOptions) {
    const format = new LineFormat(options.utcTime, process.pid);
    const tank = new LogTank(
      options.tank === 'file' ? { file: options.file } : consoleTarget,
      (count) => {
        const message = `log was blocked, ${count} lines lost`;
        return format.format({ level: 'warn', contextId: 0, message, errno: 0 }, Date.now());
      },
    );
    super(linePrinter(options, format, tank), 0);
    this.#tank = tank;
  }

  /** Opens the log file again under its name, after a rotation. */
  reopen(): void {
    this.#tank.reopen();
  }

  /** Writes everything before it returns; for exits that cannot wait. */
  flushSync(): void {
    this.#tank.flushSync();
  }

  /** Writes everything and closes the file. */
  async close(): Promise<void> {
    await this.#tank.close();
  }
}
