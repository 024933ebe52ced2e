/** Owns the orders to a running server: finding it by its pid file, signalling it, and waiting for its end. */
import { readFileSync } from 'node:fs';

import { describeError, ErrorCode, SrsError } from '../../core/errors';

import type { ServerOrder } from './command-line';

/** How long `quit` waits for the end of the server, milliseconds; an orderly stop takes 10 seconds at most. */
const QUIT_LIMIT_MS = 15_000;
/** How long `stop` lets it end in good order, milliseconds. */
const ORDERLY_MS = 5000;
/** How long a server that was asked again, or killed, may still be there, milliseconds. */
const FORCED_MS = 2000;
/** How often is looked whether it is gone, milliseconds. */
const LOOK_MS = 50;

/** What an order needs of the system and its clock. */
export interface OrderParts {
  /** The process that holds the pid file, if any does. */
  findHolder(): number | undefined;
  /** Sends a signal; throws as `process.kill`. */
  kill(pid: number, signal: NodeJS.Signals): void;
  isAlive(pid: number): boolean;
  /** Monotonic, milliseconds. */
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

/** The system itself; who holds the pid file takes a lock to see. */
export const systemParts: Omit<OrderParts, 'findHolder'> = {
  kill: (pid, signal) => process.kill(pid, signal),
  isAlive,
  nowMs: () => performance.now(),
  sleep: (ms) => new Promise((done) => setTimeout(done, ms)),
};

/**
 * Gives an order to the server of a pid file; `quit` and `stop` return when it is gone.
 *
 * @returns what was done, for people
 * @throws SrsError 1034 no server is running with the file, 1058 it cannot be signalled, or does not end
 */
export async function orderServer(
  order: ServerOrder,
  pidFile: string,
  parts: OrderParts,
): Promise<string> {
  const pid = parts.findHolder();
  if (pid === undefined) {
    const text = `srs is not running, pid file ${pidFile}`;
    throw new SrsError(ErrorCode.SYSTEM_PID_ACQUIRE, text);
  }
  if (order === 'quit' || order === 'stop') return endServer(order, pid, parts);
  if (!send(pid, order === 'reload' ? 'SIGHUP' : 'SIGUSR1', parts)) {
    throw new SrsError(ErrorCode.SYSTEM_PID_ACQUIRE, `srs has just ended, pid=${pid}`);
  }
  return `${order} signalled to srs, pid=${pid}; its log tells more`;
}

/** Whether there is such a process; one that has ended and was not collected by its parent yet is none. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch {
    return true;
  }
}

async function endServer(order: 'quit' | 'stop', pid: number, parts: OrderParts): Promise<string> {
  const steps: readonly (readonly [NodeJS.Signals, number])[] =
    order === 'quit'
      ? [['SIGTERM', QUIT_LIMIT_MS]]
      : [
          ['SIGTERM', ORDERLY_MS],
          ['SIGTERM', FORCED_MS],
          ['SIGKILL', FORCED_MS],
        ];
  for (const [index, [signal, limitMs]] of steps.entries()) {
    const isGone = !send(pid, signal, parts) || (await isGoneWithin(limitMs, pid, parts));
    if (isGone) return `srs has ended${index > 0 ? `, forced by ${signal}` : ''}, pid=${pid}`;
  }
  const hint = order === 'quit' ? ', -s stop ends it by force' : '';
  throw new SrsError(ErrorCode.SYSTEM_KILL, `srs does not end, pid=${pid}${hint}`);
}

async function isGoneWithin(limitMs: number, pid: number, parts: OrderParts): Promise<boolean> {
  const untilMs = parts.nowMs() + limitMs;
  while (parts.isAlive(pid)) {
    if (parts.nowMs() >= untilMs) return false;
    await parts.sleep(LOOK_MS);
  }
  return true;
}

/** False when the process is gone. */
function send(pid: number, signal: NodeJS.Signals, parts: OrderParts): boolean {
  try {
    parts.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    const message = `cannot send ${signal} to srs, pid=${pid}: ${describeError(error)}`;
    throw new SrsError(ErrorCode.SYSTEM_KILL, message, { cause: error });
  }
}
