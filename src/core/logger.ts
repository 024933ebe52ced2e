/** Owns the port through which every layer writes log lines; `app/log` implements it. */

/** Severity of a line, least first. `trace` is the normal level of a running server. */
export type LogLevel = 'verbose' | 'info' | 'trace' | 'warn' | 'error';

/**
 * Writes one line per call, tagged with the context id of the connection or worker it speaks for.
 * Never throws, never blocks on the peer's behalf; text may contain peer-supplied bytes, the
 * implementation escapes control characters.
 */
export interface Logger {
  /** Id printed in the line: 0 for the process, from 100 on for connections and workers. */
  readonly contextId: number;
  verbose(message: string): void;
  info(message: string): void;
  trace(message: string): void;
  /** `cause`: an errno, or an error that carries one (see `errnoOf`); printed in the errno field. */
  warn(message: string, cause?: unknown): void;
  /** `cause`: as for {@link Logger.warn}. */
  error(message: string, cause?: unknown): void;
  /** The same log, under another context id. */
  child(contextId: number): Logger;
}
