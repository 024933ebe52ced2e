// What /proc tells about a process group and about the machine.
import { readFileSync, readdirSync } from 'node:fs';
import * as os from 'node:os';

const TICKS_PER_SECOND = 100;

/** Processor seconds and resident megabytes of all processes of a group, now. */
export interface Usage {
  readonly atMs: number;
  readonly cpuSeconds: number;
  readonly rssMb: number;
}

/** Reads a file of /proc; a process that ended meanwhile reads as empty. */
function readProc(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** The fields of /proc/PID/stat behind the command name, so index 0 is the state. */
function statFields(pid: string): string[] {
  const stat = readProc(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function membersOf(group: number): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => Number(statFields(pid)[2]) === group);
}

function cpuSecondsOf(pid: string): number {
  const fields = statFields(pid);
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / TICKS_PER_SECOND;
}

function rssMbOf(pid: string): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readProc(`/proc/${pid}/status`));
  return Number(line?.[1] ?? 0) / 1024;
}

/** Sums what the processes of a group use. */
export function usageOf(group: number): Usage {
  const pids = membersOf(group);
  const sum = (of: (pid: string) => number): number =>
    pids.reduce((total, pid) => total + of(pid), 0);
  return { atMs: performance.now(), cpuSeconds: sum(cpuSecondsOf), rssMb: sum(rssMbOf) };
}

/** Busy seconds of a cpu since the start of the machine, whoever used it. */
export function busySecondsOf(cpu: number): number {
  const line = new RegExp(`^cpu${cpu} (.*)$`, 'm').exec(readProc('/proc/stat'))?.[1] ?? '';
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(' ')
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

/** Percent of one cpu used between two readings. */
export function cpuPercent(from: Usage, to: Usage): number {
  return ((to.cpuSeconds - from.cpuSeconds) / (to.atMs - from.atMs)) * 100_000;
}

/** One line about machine, kernel, Node and date, for the head of a report. */
export function describeMachine(): string {
  const cpus = os.cpus();
  const memory = Math.round(os.totalmem() / 2 ** 30);
  const load = (os.loadavg()[0] ?? 0).toFixed(1);
  return [
    `${cpus.length} × ${cpus[0]?.model ?? 'unknown cpu'}, ${memory} GB`,
    `${os.type()} ${os.release()}`,
    `Node ${process.version}`,
    new Date().toISOString().slice(0, 16).replace('T', ' '),
    `load average at the start ${load}`,
  ].join('; ');
}
