/** Owns the error every configuration problem is reported with, and the spelling of its place. */
import { ErrorCode, SrsError } from '../../core/errors';

/** Where something stands in a configuration file; line 0 speaks of the whole file. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** `conf/srs.conf:12`, or the file alone for line 0. */
export function placeText(place: Place): string {
  return place.line > 0 ? `${place.file}:${place.line}` : place.file;
}

/** Something the user should know although the configuration can be used. */
export interface Warning extends Place {
  readonly message: string;
}

/** Warnings as lines, `file:line: message`, in the order of their places, file by file. */
export function warningLines(warnings: readonly Warning[]): string[] {
  const files = [...new Set(warnings.map(({ file }) => file))];
  const order = (a: Warning, b: Warning): number =>
    files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line;
  return [...warnings].sort(order).map((warning) => `${placeText(warning)}: ${warning.message}`);
}

/** A configuration that cannot be used; the message begins with `file:line: `. */
export class ConfigError extends SrsError {
  readonly file: string;
  readonly line: number;

  constructor(
    place: Place,
    message: string,
    code: ErrorCode = ErrorCode.SYSTEM_CONFIG_INVALID,
    options?: { cause?: unknown },
  ) {
    super(code, `${placeText(place)}: ${message}`, options);
    this.name = 'ConfigError';
    this.file = place.file;
    this.line = place.line;
  }
}
