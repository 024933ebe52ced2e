/** Owns the look of a log line; pure but for reading the time of day. */
import { getSystemErrorMap } from 'node:util';

import type { LogLevel } from '../../core/logger';

/** Longest line in bytes, its newline included; what is beyond is cut. */
export const MAX_LINE_BYTES = 4096;

const LEVEL_WORDS: Readonly<Record<LogLevel, string>> = {
  verbose: 'verb',
  info: 'debug',
  trace: 'trace',
  warn: 'warn',
  error: 'error',
};

const UTF8_BYTES_PER_CHAR = 3;

// C0 and C1 controls, and the two Unicode line ends: none may start a line or drive a terminal.
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escapeControl(char: string): string {
  return SHORT_ESCAPES[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** Cuts at a character boundary so that line and newline fit {@link MAX_LINE_BYTES}. */
function cut(line: string): string {
  if (line.length * UTF8_BYTES_PER_CHAR < MAX_LINE_BYTES) return line;
  const bytes = Buffer.from(line);
  if (bytes.length < MAX_LINE_BYTES) return line;
  let end = MAX_LINE_BYTES - 1;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

const pad2 = (n: number): string => String(n).padStart(2, '0');

/** One written line: level, context id, text; `errno` 0 when no system error is behind it. */
export interface LineParts {
  readonly level: LogLevel;
  readonly contextId: number;
  readonly message: string;
  readonly errno: number;
}

/**
 * Formats `[YYYY-MM-DD HH:MM:SS.mmm][level][pid][cid] message` and, for warn and error,
 * `[level][pid][cid][errno] message`; an error with an errno ends with `(its meaning)`.
 */
export class LineFormat {
  readonly #utc: boolean;
  readonly #pid: number;
  #second = -1;
  #prefix = '';

  /** `utc`: print the time in UTC rather than in the local zone. */
  constructor(utc: boolean, pid: number) {
    this.#utc = utc;
    this.#pid = pid;
  }

  /** The whole line, newline included. `epochMs`: time of day in ms since 1970. */
  format({ level, contextId, message, errno }: LineParts, epochMs: number): string {
    const hasErrno = level === 'warn' || level === 'error';
    const tail = level === 'error' && errno !== 0 ? `(${systemErrorText(errno)})` : '';
    const head = `${this.#time(epochMs)}[${LEVEL_WORDS[level]}][${this.#pid}][${contextId}]`;
    const text = message.replace(CONTROLS, escapeControl);
    return `${cut(`${head}${hasErrno ? `[${errno}]` : ''} ${text}${tail}`)}\n`;
  }

  #time(epochMs: number): string {
    const second = Math.floor(epochMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#prefix = this.#utc ? utcSecond(epochMs) : localSecond(epochMs);
    }
    return `[${this.#prefix}.${String(epochMs - second * 1000).padStart(3, '0')}]`;
  }
}

function utcSecond(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 19).replace('T', ' ');
}

function localSecond(epochMs: number): string {
  const d = new Date(epochMs);
  const date = `${d.getFullYear()}-${pad2(d.getMonth() + 1)}-${pad2(d.getDate())}`;
  return `${date} ${pad2(d.getHours())}:${pad2(d.getMinutes())}:${pad2(d.getSeconds())}`;
}

/** What the system says about an errno, for example `address already in use`. */
function systemErrorText(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[1] ?? `errno ${errno}`;
}
