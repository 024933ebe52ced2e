/** Owns the exit statuses of the program; `--help` and `doc/process.md` list them. */

/** Scripts need only test for zero; the exact error is the `ret=` of the last message. */
export const ExitStatus = {
  /** Done, or stopped as asked. */
  OK: 0,
  /** Command line or configuration not acceptable; nothing was started. */
  USAGE: 1,
  /** Could not start: already running, pid file, ports. */
  START: 2,
  /** Ended by an error nobody expected; the log has its trace. */
  INTERNAL: 3,
  /** With `-s`: no server is running, or it cannot be signalled, or does not end. */
  NO_SERVER: 4,
  /** With `-b`: the bandwidth could not be measured. */
  NOT_MEASURED: 5,
} as const;
