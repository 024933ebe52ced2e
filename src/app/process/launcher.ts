/**
 * Owns the way into the background. The launcher starts this very program again, in a session of
 * its own and without a terminal, and waits for the worker's word: so the launcher's exit status
 * tells whether the server really serves.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import * as fs from 'node:fs';

import { ExitStatus } from './exit-status';
import { PKG_VARIABLE, REPORT_FD, WORKER_VARIABLE } from './worker-role';
import type { WorkerReport } from './worker-role';

/** A worker silent for so long is taken for hung, milliseconds. */
const REPORT_TIMEOUT_MS = 30_000;

/** How this program was started; the parts of `process` that matter here. */
export interface SelfProcess {
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly argv: readonly string[];
  /** Set by pkg in a packed program. */
  readonly pkg?: unknown;
}

/** A program and its arguments. */
export interface SelfCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** How to start this program again: packed, the binary alone; else node, its options, the script. */
export function selfCommand(self: SelfProcess): SelfCommand {
  const [, script = '', ...args] = self.argv;
  const isPacked = self.pkg !== undefined || !isScript(script, self.execPath);
  return {
    program: self.execPath,
    args: isPacked ? args : [...self.execArgv, script, ...args],
  };
}

/** Node's own single-file programs repeat their name, as typed, where the script would stand. */
function isScript(script: string, execPath: string): boolean {
  const named = fs.statSync(script, { throwIfNoEntry: false });
  const program = fs.statSync(execPath, { throwIfNoEntry: false });
  return named !== undefined && (named.ino !== program?.ino || named.dev !== program.dev);
}

/**
 * Starts a worker and waits for its report.
 *
 * @param cwd directory the worker starts in: the one this program was started in.
 * @returns the report, or one made up here when the worker ends or hangs without a word; and the
 *   worker's pid.
 */
export async function launchWorker(
  command: SelfCommand,
  cwd: string,
  timeoutMs: number = REPORT_TIMEOUT_MS,
): Promise<WorkerReport & { readonly pid: number }> {
  const worker = spawn(command.program, command.args, {
    cwd,
    detached: true,
    env: { ...process.env, [WORKER_VARIABLE]: '1', [PKG_VARIABLE]: '' },
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const report = await reportOf(worker, timeoutMs);
  return { ...report, pid: worker.pid ?? 0 };
}

function reportOf(worker: ChildProcess, timeoutMs: number): Promise<WorkerReport> {
  return new Promise((resolve) => {
    const pipe = worker.stdio[REPORT_FD];
    let text = '';
    const settle = (report: WorkerReport): void => {
      clearTimeout(timer);
      worker.removeAllListeners();
      pipe?.destroy();
      worker.unref();
      resolve(report);
    };
    const fail = (message: string): void => {
      settle({ status: ExitStatus.START, message });
    };
    const timer = setTimeout(() => {
      worker.kill('SIGKILL');
      fail(`the worker gave no sign for ${timeoutMs} ms and was killed`);
    }, timeoutMs);
    pipe?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    pipe?.on('end', () => {
      if (text !== '') settle(JSON.parse(text) as WorkerReport);
    });
    worker.on('error', (error) => {
      fail(`cannot start the worker: ${error.message}`);
    });
    // Comes after the pipe has ended: nothing was reported.
    worker.on('close', (code, signal) => {
      fail(`the worker ended without a word, ${signal ?? `status ${code ?? 0}`}`);
    });
  });
}
