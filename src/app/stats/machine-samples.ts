/** Owns the last samples of process and machine, and what follows from two of them: how busy processors and disks are. */
import type { MachineReader, NetworkBytes, Platform } from './machine-reader';
import type {
  MemoryInfo,
  Rusage,
  SelfProcStat,
  SystemProcStat,
  SystemSummary,
} from './machine-types';
import { CPU_FIELDS, SELF_STAT_FIELDS, totalTicks } from './proc-parsers';
import type { CpuTicks, Meminfo, PagedKilobytes, SelfStat, SocketCounts } from './proc-parsers';

/** Of how many samples one reads disks and memory, and one the slow rest. */
const DISK_ROUNDS = 2;
const PLATFORM_ROUNDS = 3;

/** When a sample is taken. */
export interface SampleTime {
  /** Monotonic. */
  readonly nowMs: number;
  readonly epochMs: number;
  /** Disks of which the load is wanted. */
  readonly disks: readonly string[];
}

type DiskFigures = Pick<SystemSummary, 'disk_read_KBps' | 'disk_write_KBps' | 'disk_busy_percent'>;
type PlatformFigures = Pick<
  SystemSummary,
  'cpus' | 'cpus_online' | 'uptime' | 'ilde_time' | 'load_1m' | 'load_5m' | 'load_15m'
>;
type NetworkFigures = Pick<
  SystemSummary,
  'net_sample_time' | 'net_recv_bytes' | 'net_send_bytes' | 'net_recvi_bytes' | 'net_sendi_bytes'
>;
type SocketFigures = Pick<
  SystemSummary,
  'conn_sys' | 'conn_sys_et' | 'conn_sys_tw' | 'conn_sys_udp'
>;

/** What the counters of the disks said, and when. */
interface DiskCounters {
  readonly nowMs: number;
  readonly paged: PagedKilobytes;
  readonly busyMs: number;
  /** All ticks of the processors. */
  readonly cpuTicks: number;
}

/** Samples of one process and its machine. */
export class MachineSamples {
  readonly reader: MachineReader;
  rusage: Rusage = makeRusage(undefined, 0);
  self: SelfProcStat = makeSelf(undefined, 0, 0);
  system: SystemProcStat = makeSystem(undefined, 0, 0);
  memory: MemoryInfo = makeMemory(undefined, 0);
  disk: DiskFigures = { disk_read_KBps: 0, disk_write_KBps: 0, disk_busy_percent: 0 };
  platform: PlatformFigures = makePlatform();
  network: NetworkFigures = makeNetwork(undefined, 0);
  sockets: SocketFigures = makeSockets(undefined, undefined);
  /** When the last ones were taken, monotonic; undefined when none were. */
  takenMs: number | undefined;
  #round = 0;
  #lastSelf: { readonly nowMs: number; readonly ticks: number } | undefined;
  #lastCpu: CpuTicks | undefined;
  #lastDisk: DiskCounters | undefined;
  readonly #missing = new Set<string>();

  constructor(reader: MachineReader) {
    this.reader = reader;
  }

  /** Whether all there is to know was told when it was last asked for. */
  get isComplete(): boolean {
    return this.takenMs !== undefined && this.#missing.size === 0;
  }

  /** Takes those samples whose turn it is. */
  take(time: SampleTime): void {
    this.#sampleProcess(time);
    if (this.#round % DISK_ROUNDS === 0) this.#sampleDisks(time);
    if (this.#round % PLATFORM_ROUNDS === 0) this.#samplePlatform(time);
    this.#round = (this.#round + 1) % (DISK_ROUNDS * PLATFORM_ROUNDS);
    this.takenMs = time.nowMs;
  }

  #sampleProcess({ nowMs, epochMs }: SampleTime): void {
    this.rusage = makeRusage(process.resourceUsage(), epochMs);
    const self = this.#noted('self', this.reader.selfStat());
    this.self = makeSelf(self, self ? this.#selfPercent(self, nowMs) : 0, epochMs);
    const cpu = this.#noted('cpu', this.reader.cpuTicks());
    this.system = makeSystem(cpu, cpu ? busyPercent(cpu, this.#lastCpu) : 0, epochMs);
    this.#lastCpu = cpu;
  }

  /** Since the last sample; since the process began for the first one. */
  #selfPercent({ numbers }: SelfStat, nowMs: number): number {
    const ticks = numbers.utime + numbers.stime;
    const last = this.#lastSelf ?? { nowMs: nowMs - process.uptime() * 1000, ticks: 0 };
    this.#lastSelf = { nowMs, ticks };
    const busyMs = ((ticks - last.ticks) * 1000) / this.reader.clockTicks;
    return toPercent(busyMs, nowMs - last.nowMs, Infinity);
  }

  #sampleDisks({ nowMs, epochMs, disks }: SampleTime): void {
    this.memory = makeMemory(this.#noted('memory', this.reader.meminfo()), epochMs);
    const paged = this.#noted('paged', this.reader.pagedKilobytes());
    const busyMs = this.#noted('disks', this.reader.diskTicks(disks));
    const cpuTicks = this.#lastCpu ? totalTicks(this.#lastCpu) : 0;
    const now = { nowMs, paged: paged ?? { read: 0, written: 0 }, busyMs: busyMs ?? 0, cpuTicks };
    this.disk = this.#diskFigures(now, this.#lastDisk ?? now, disks.length > 0);
    this.#lastDisk = paged && now;
  }

  #diskFigures(now: DiskCounters, last: DiskCounters, isWanted: boolean): DiskFigures {
    const elapsedMs = now.nowMs - last.nowMs;
    const perSecond = (delta: number): number =>
      elapsedMs > 0 ? Math.max(0, Math.trunc((delta * 1000) / elapsedMs)) : 0;
    const cpuMs = ((now.cpuTicks - last.cpuTicks) * 1000) / this.reader.clockTicks;
    const wallMs = isWanted ? cpuMs / this.reader.processorsOnline() : 0;
    return {
      disk_read_KBps: perSecond(now.paged.read - last.paged.read),
      disk_write_KBps: perSecond(now.paged.written - last.paged.written),
      disk_busy_percent: toPercent(now.busyMs - last.busyMs, wallMs),
    };
  }

  #samplePlatform({ epochMs }: SampleTime): void {
    this.platform = makePlatform(this.#noted('platform', this.reader.platform()));
    this.network = makeNetwork(this.#noted('network', this.reader.networkBytes()), epochMs);
    const sockets = this.#noted('sockets', this.reader.sockets());
    this.sockets = makeSockets(sockets, this.#noted('established', this.reader.established()));
  }

  #noted<T>(what: string, sample: T | undefined): T | undefined {
    if (sample === undefined) this.#missing.add(what);
    else this.#missing.delete(what);
    return sample;
  }
}

/** `part` of `whole` from 0 to `most`, to four places; 0 of nothing. */
export function toPercent(part: number, whole: number, most = 1): number {
  if (!(whole > 0)) return 0;
  return Math.round(Math.min(Math.max(part / whole, 0), most) * 10_000) / 10_000;
}

/** Since the last sample; since the boot for the first one. */
function busyPercent(now: CpuTicks, last: CpuTicks | undefined): number {
  const total = totalTicks(now) - (last ? totalTicks(last) : 0);
  return total > 0 ? toPercent(total - (now.idle - (last?.idle ?? 0)), total) : 0;
}

/** The counters of rusage: field of the reply, and name in Node. */
const RUSAGE_COUNTERS = [
  ['ru_maxrss', 'maxRSS'],
  ['ru_ixrss', 'sharedMemorySize'],
  ['ru_idrss', 'unsharedDataSize'],
  ['ru_isrss', 'unsharedStackSize'],
  ['ru_minflt', 'minorPageFault'],
  ['ru_majflt', 'majorPageFault'],
  ['ru_nswap', 'swappedOut'],
  ['ru_inblock', 'fsRead'],
  ['ru_oublock', 'fsWrite'],
  ['ru_msgsnd', 'ipcSent'],
  ['ru_msgrcv', 'ipcReceived'],
  ['ru_nsignals', 'signalsCount'],
  ['ru_nvcsw', 'voluntaryContextSwitches'],
  ['ru_nivcsw', 'involuntaryContextSwitches'],
] as const;

type RusageCounter = (typeof RUSAGE_COUNTERS)[number][0];

function makeRusage(usage: NodeJS.ResourceUsage | undefined, sample_time: number): Rusage {
  const counters = RUSAGE_COUNTERS.map(([field, name]) => [field, usage?.[name] ?? 0]);
  return {
    ok: usage !== undefined,
    sample_time,
    ru_utime: Math.trunc((usage?.userCPUTime ?? 0) / 1_000_000),
    ru_stime: Math.trunc((usage?.systemCPUTime ?? 0) / 1_000_000),
    ...(Object.fromEntries(counters) as Record<RusageCounter, number>),
  };
}

function makeSelf(stat: SelfStat | undefined, percent: number, sample_time: number): SelfProcStat {
  const numbers = SELF_STAT_FIELDS.map((field) => [field, stat?.numbers[field] ?? 0]);
  return {
    ok: stat !== undefined,
    sample_time,
    percent,
    pid: stat?.pid ?? 0,
    comm: stat?.comm ?? '',
    state: stat?.state ?? '',
    ...(Object.fromEntries(numbers) as SelfStat['numbers']),
  };
}

function makeSystem(
  ticks: CpuTicks | undefined,
  percent: number,
  sample_time: number,
): SystemProcStat {
  const numbers = CPU_FIELDS.map((field) => [field, ticks?.[field] ?? 0]);
  const all = Object.fromEntries(numbers) as CpuTicks;
  return { ok: ticks !== undefined, sample_time, percent, ...all };
}

function makeMemory(info: Meminfo | undefined, sample_time: number): MemoryInfo {
  const { MemTotal = 0, MemFree = 0, Buffers = 0, Cached = 0 } = info ?? {};
  const { SwapTotal = 0, SwapFree = 0 } = info ?? {};
  const MemActive = MemTotal - MemFree;
  const RealInUse = MemActive - Buffers - Cached;
  return {
    ok: info !== undefined,
    sample_time,
    percent_ram: toPercent(RealInUse, MemTotal),
    percent_swap: toPercent(SwapTotal - SwapFree, SwapTotal),
    MemActive,
    RealInUse,
    NotInUse: MemTotal - RealInUse,
    MemTotal,
    MemFree,
    Buffers,
    Cached,
    SwapTotal,
    SwapFree,
  };
}

const noPlatform: Platform = {
  processors: 0,
  processorsOnline: 0,
  uptime: 0,
  idleTime: 0,
  loads: [],
};

function makePlatform(platform: Platform = noPlatform): PlatformFigures {
  const [load_1m = 0, load_5m = 0, load_15m = 0] = platform.loads;
  return {
    cpus: platform.processors,
    cpus_online: platform.processorsOnline,
    uptime: platform.uptime,
    ilde_time: platform.idleTime,
    load_1m,
    load_5m,
    load_15m,
  };
}

function makeNetwork(bytes: NetworkBytes | undefined, net_sample_time: number): NetworkFigures {
  return {
    net_sample_time,
    net_recv_bytes: bytes?.received ?? 0,
    net_send_bytes: bytes?.sent ?? 0,
    net_recvi_bytes: bytes?.receivedPrivate ?? 0,
    net_sendi_bytes: bytes?.sentPrivate ?? 0,
  };
}

function makeSockets(
  counts: SocketCounts | undefined,
  established: number | undefined,
): SocketFigures {
  const { tcpAllocated = 0, tcpTimeWait = 0, udpInUse = 0 } = counts ?? {};
  return {
    conn_sys: tcpAllocated + tcpTimeWait,
    conn_sys_et: established ?? 0,
    conn_sys_tw: tcpTimeWait,
    conn_sys_udp: udpInUse,
  };
}
