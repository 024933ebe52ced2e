// Child processes: pinned to a cpu, each in a group of its own, ended with SIGTERM, never left behind.
import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const STOP_MS = 15_000;
const running = new Set<ChildProcess>();

/** Starts a program as the leader of a new process group. */
export function startGroup(
  [program = '', ...args]: readonly string[],
  stdio: StdioOptions,
  env: NodeJS.ProcessEnv = process.env,
  cwd?: string,
): ChildProcess {
  const child = spawn(program, args, { detached: true, stdio, env, cwd });
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', (error) => {
    running.delete(child);
    console.error(`error: ${error.message}`);
  });
  return child;
}

/** Starts a program on one cpu, as the leader of a new process group. */
export function startPinned(
  cpu: number,
  command: readonly string[],
  stdio: StdioOptions,
  env?: NodeJS.ProcessEnv,
): ChildProcess {
  return startGroup(['taskset', '-c', String(cpu), ...command], stdio, env);
}

/** True until the process has ended. */
export function isRunning(child: ChildProcess): boolean {
  return running.has(child);
}

/** Sends a signal to all of the group; nothing happens when it is gone. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}

/** Asks the group to end; what has not ended after 15 s is killed, and that is said. */
export async function stop(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  const ended = once(child, 'exit');
  signalGroup(child, 'SIGTERM');
  const quick = new AbortController();
  const late = sleep(STOP_MS, 'late', { signal: quick.signal }).catch(() => 'stopped');
  if ((await Promise.race([ended, late])) === 'late') {
    console.error(`  process ${child.pid ?? 0} did not end on SIGTERM, killed`);
    signalGroup(child, 'SIGKILL');
    await ended;
  }
  quick.abort();
}

function endAll(): void {
  for (const child of running) signalGroup(child, 'SIGTERM');
}

/** Ends all children when this process ends, by signal too. */
export function stopAllOnExit(): void {
  process.once('exit', endAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      process.exit(1);
    });
  }
}
