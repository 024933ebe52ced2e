/** Owns the worker's side of going into the background: knowing its role, and reporting once. */
import * as fs from 'node:fs';

/** Tells a process that it is a worker with a launcher waiting. */
export const WORKER_VARIABLE = 'SRS_DAEMON_WORKER';

/** Tells a program packed by pkg whether to start as a bare node (its own path) or as itself. */
export const PKG_VARIABLE = 'PKG_EXECPATH';

/** The worker's end of the pipe to its launcher. */
export const REPORT_FD = 3;

/** What a worker tells its launcher, once: it serves, or why it does not. */
export interface WorkerReport {
  /** Exit status for the launcher; 0 when the worker serves. */
  readonly status: number;
  /** One line for people. */
  readonly message: string;
}

/** True in a worker; clears the mark, so that no child of the worker takes itself for one. */
export function takeWorkerRole(env: NodeJS.ProcessEnv = process.env): boolean {
  if (env[WORKER_VARIABLE] === undefined) return false;
  Reflect.deleteProperty(env, WORKER_VARIABLE);
  Reflect.deleteProperty(env, PKG_VARIABLE);
  return true;
}

/** Sends the report and closes the pipe. That the launcher is gone already is no error. */
export function reportToLauncher(report: WorkerReport, fd: number = REPORT_FD): void {
  try {
    fs.writeSync(fd, JSON.stringify(report));
    fs.closeSync(fd);
  } catch {
    // Nobody listens any more; the log has it all.
  }
}
