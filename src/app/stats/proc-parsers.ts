/** Owns the reading of the texts under /proc and /sys: a file's text in, numbers out, undefined for what makes no sense. */

/** What /proc/self/stat says after the state, in the order of the file. */
export const SELF_STAT_FIELDS = [
  ...['ppid', 'pgrp', 'session', 'tty_nr', 'tpgid', 'flags', 'minflt', 'cminflt', 'majflt'],
  ...['cmajflt', 'utime', 'stime', 'cutime', 'cstime', 'priority', 'nice', 'num_threads'],
  ...['itrealvalue', 'starttime', 'vsize', 'rss', 'rsslim', 'startcode', 'endcode', 'startstack'],
  ...['kstkesp', 'kstkeip', 'signal', 'blocked', 'sigignore', 'sigcatch', 'wchan', 'nswap'],
  ...['cnswap', 'exit_signal', 'processor', 'rt_priority', 'policy', 'delayacct_blkio_ticks'],
  ...['guest_time', 'cguest_time'],
] as const;

/** Name, state and numbers of the own process; `comm` with its parentheses. */
export interface SelfStat {
  readonly pid: number;
  readonly comm: string;
  readonly state: string;
  readonly numbers: Readonly<Record<SelfStatField, number>>;
}

/** One of the numbers in /proc/self/stat. */
export type SelfStatField = (typeof SELF_STAT_FIELDS)[number];

/** /proc/self/stat. The name may hold spaces and parentheses: it ends at the last one of the line. */
export function parseSelfStat(text: string): SelfStat | undefined {
  const match = /^(\d+) (\(.*\)) (\S)(?: |$)/s.exec(text);
  if (!match) return undefined;
  const [head, pid, comm = '', state = ''] = match;
  const words = text.slice(head.length).trim().split(/\s+/);
  const numbers = SELF_STAT_FIELDS.map((field, index) => [field, toNumber(words[index])]);
  return {
    pid: toNumber(pid),
    comm,
    state,
    numbers: Object.fromEntries(numbers) as SelfStat['numbers'],
  };
}

/** The counters of the `cpu ` line of /proc/stat that are counted, in its order; old kernels have the first four only. */
export const CPU_FIELDS = [
  ...['user', 'nice', 'sys', 'idle', 'iowait', 'irq', 'softirq', 'steal', 'guest'],
] as const;

/** Ticks of all processors together. */
export type CpuTicks = Readonly<Record<(typeof CPU_FIELDS)[number], number>>;

/** The first `cpu ` line of /proc/stat. */
export function parseCpuTicks(text: string): CpuTicks | undefined {
  const line = /^cpu +(\d.*)$/m.exec(text)?.[1];
  if (line === undefined) return undefined;
  const words = line.trim().split(/\s+/);
  return Object.fromEntries(
    CPU_FIELDS.map((field, index) => [field, toNumber(words[index])]),
  ) as CpuTicks;
}

/** Ticks in all. */
export function totalTicks(ticks: CpuTicks): number {
  return CPU_FIELDS.reduce((sum, field) => sum + ticks[field], 0);
}

/** Number of the `cpuN` lines of /proc/stat: processors that are online. */
export function countCpuLines(text: string): number {
  return text.match(/^cpu\d+ /gm)?.length ?? 0;
}

/** Number of processors in a list as `0-3,6`, of /sys/devices/system/cpu; 0 for none. */
export function countCpuList(text: string): number {
  let count = 0;
  for (const part of text.trim().split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (!match) return 0;
    const [, first, last = first] = match;
    count += Math.max(0, toNumber(last) - toNumber(first) + 1);
  }
  return count;
}

/** What is used of /proc/meminfo, KB. */
export interface Meminfo {
  readonly MemTotal: number;
  readonly MemFree: number;
  readonly Buffers: number;
  readonly Cached: number;
  readonly SwapTotal: number;
  readonly SwapFree: number;
}

/** /proc/meminfo; lines that are missing (no swap, say) read as 0. */
export function parseMeminfo(text: string): Meminfo | undefined {
  const kilobytes = namedNumbers(text);
  const of = (name: string): number => kilobytes.get(name) ?? 0;
  if (of('MemTotal') === 0) return undefined;
  return {
    MemTotal: of('MemTotal'),
    MemFree: of('MemFree'),
    Buffers: of('Buffers'),
    Cached: of('Cached'),
    SwapTotal: of('SwapTotal'),
    SwapFree: of('SwapFree'),
  };
}

/** KB that went to and from disks since the boot, of /proc/vmstat. */
export interface PagedKilobytes {
  readonly read: number;
  readonly written: number;
}

/** `pgpgin` and `pgpgout` of /proc/vmstat. */
export function parseVmstat(text: string): PagedKilobytes | undefined {
  const counters = namedNumbers(text);
  const [read, written] = [counters.get('pgpgin'), counters.get('pgpgout')];
  return read === undefined || written === undefined ? undefined : { read, written };
}

/** Where the time spent with input and output stands in a line of /proc/diskstats. */
const DISK_TICKS_COLUMN = 12;

/** Milliseconds during which the disks of these names had something to do, summed up, of /proc/diskstats. */
export function parseDiskTicks(text: string, disks: readonly string[]): number {
  let ticks = 0;
  for (const line of text.split('\n')) {
    const columns = line.trim().split(/\s+/);
    // Partitions of an old kernel have four counters, and that is not among them.
    if (disks.includes(columns[2] ?? '')) ticks += toNumber(columns[DISK_TICKS_COLUMN]);
  }
  return ticks;
}

/** The first `count` numbers of a line such as /proc/uptime and /proc/loadavg. */
export function parseNumbers(text: string, count: number): readonly number[] | undefined {
  const numbers = text.trim().split(/\s+/).slice(0, count).map(Number);
  return numbers.length === count && numbers.every(Number.isFinite) ? numbers : undefined;
}

/** Bytes of a network device since it came up. */
export interface DeviceBytes {
  readonly name: string;
  readonly received: number;
  readonly sent: number;
}

/** Where the bytes sent stand among the numbers of a line of /proc/net/dev. */
const SENT_COLUMN = 8;

/** /proc/net/dev: a line per device, `name:` with or without a space behind. */
export function parseNetDev(text: string): readonly DeviceBytes[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\S+):\s*(\d.*)$/.exec(line);
    if (!match) return [];
    const [, name = '', rest = ''] = match;
    const numbers = rest.trim().split(/\s+/);
    return [{ name, received: toNumber(numbers[0]), sent: toNumber(numbers[SENT_COLUMN]) }];
  });
}

/** Sockets of the whole system, of /proc/net/sockstat. */
export interface SocketCounts {
  readonly tcpAllocated: number;
  readonly tcpTimeWait: number;
  readonly udpInUse: number;
}

/** /proc/net/sockstat. */
export function parseSockstat(text: string): SocketCounts | undefined {
  const pairs = (protocol: string): ReadonlyMap<string, number> => {
    const line = new RegExp(`^${protocol}: (.*)$`, 'm').exec(text)?.[1] ?? '';
    const found = [...line.matchAll(/(\w+) (\d+)/g)];
    return new Map(found.map(([, name = '', value]) => [name, toNumber(value)]));
  };
  const tcp = pairs('TCP');
  if (tcp.size === 0) return undefined;
  return {
    tcpAllocated: tcp.get('alloc') ?? 0,
    tcpTimeWait: tcp.get('tw') ?? 0,
    udpInUse: pairs('UDP').get('inuse') ?? 0,
  };
}

/** Established TCP connections of the system: `CurrEstab` of /proc/net/snmp, whose first `Tcp:` line names the second's numbers. */
export function parseEstablished(text: string): number | undefined {
  const [names, values] = text
    .split('\n')
    .filter((line) => line.startsWith('Tcp: '))
    .map((line) => line.split(/\s+/));
  const index = names?.indexOf('CurrEstab') ?? -1;
  return index < 0 ? undefined : toNumber(values?.[index]);
}

/** Type of the entry of the auxiliary vector that holds the ticks a second. */
const AT_CLKTCK = 17;
const MAX_TICKS = 100_000;

/**
 * Ticks a second in which the system counts time, from the auxiliary vector that it gave this process: pairs of
 * machine words, type and value. Undefined when it is not there.
 */
export function parseClockTicks(auxv: Uint8Array, isLittleEndian: boolean): number | undefined {
  const view = new DataView(auxv.buffer, auxv.byteOffset, auxv.byteLength);
  const wordAt: Readonly<Record<4 | 8, (at: number) => number>> = {
    4: (at) => view.getUint32(at, isLittleEndian),
    8: (at) => Number(view.getBigUint64(at, isLittleEndian)),
  };
  for (const size of [8, 4] as const) {
    for (let at = 0; at + 2 * size <= auxv.byteLength; at += 2 * size) {
      const ticks = wordAt[size](at) === AT_CLKTCK ? wordAt[size](at + size) : 0;
      if (ticks > 0 && ticks <= MAX_TICKS) return ticks;
    }
  }
  return undefined;
}

/** Lines of a name, perhaps a colon, and a number. */
function namedNumbers(text: string): ReadonlyMap<string, number> {
  const found = [...text.matchAll(/^(\w+):?[ \t]+(\d+)/gm)];
  return new Map(found.map(([, name = '', value]) => [name, toNumber(value)]));
}

function toNumber(word: string | undefined): number {
  const value = Number(word ?? 0);
  return Number.isFinite(value) ? value : 0;
}
