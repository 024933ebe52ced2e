/** Owns the description of what the API tells of process and machine. */
import type {
  MemoryInfo,
  Rusage,
  SelfProcStat,
  SelfSummary,
  SystemProcStat,
  SystemSummary,
} from '../../stats/machine-types';
import { CPU_FIELDS, SELF_STAT_FIELDS } from '../../stats/proc-parsers';

import { decimal, each, flag, integer, object, string } from './openapi-schema';
import type { Schema } from './openapi-schema';

/** Every field of `T`, and no other. */
type Described<T> = Readonly<Record<keyof T, Schema>>;

const sampled = {
  ok: flag('False, with zeros, as long as the system has not told.'),
  sample_time: integer('When it was read, ms of the epoch.'),
};
const count = integer();

const rusage: Described<Rusage> = {
  ...sampled,
  ru_utime: integer('CPU time in its own code, whole seconds.'),
  ru_stime: integer('CPU time in the kernel, whole seconds.'),
  ru_maxrss: integer('The most memory it ever had, KB.'),
  ...each(['ru_ixrss', 'ru_idrss', 'ru_isrss', 'ru_minflt', 'ru_majflt', 'ru_nswap'], count),
  ...each(['ru_inblock', 'ru_oublock', 'ru_msgsnd', 'ru_msgrcv', 'ru_nsignals'], count),
  ...each(['ru_nvcsw', 'ru_nivcsw'], count),
};

const selfProcStat: Described<SelfProcStat> = {
  ...sampled,
  percent: decimal('CPU; 1 is one processor that does nothing else.'),
  pid: count,
  comm: string('Name, with its parentheses.'),
  state: string('One letter, as R or S.'),
  ...each(SELF_STAT_FIELDS, decimal('As in /proc/self/stat.')),
};

const systemProcStat: Described<SystemProcStat> = {
  ...sampled,
  percent: decimal('CPU of the machine; 1 is all processors busy.'),
  ...each(CPU_FIELDS, integer('Ticks, as in /proc/stat.')),
};

const kilobytes = integer('KB');

const meminfo: Described<MemoryInfo> = {
  ...sampled,
  percent_ram: decimal('RealInUse / MemTotal, 0 to 1.'),
  percent_swap: decimal('0 to 1'),
  MemActive: integer('MemTotal - MemFree, KB.'),
  RealInUse: integer('MemActive - Buffers - Cached, KB.'),
  NotInUse: integer('MemTotal - RealInUse, KB.'),
  ...each(['MemTotal', 'MemFree', 'Buffers', 'Cached', 'SwapTotal', 'SwapFree'], kilobytes),
};

const selfSummary: Described<SelfSummary> = {
  version: string(),
  pid: count,
  ppid: count,
  argv: string('Command line.'),
  cwd: string('Directory at the start.'),
  mem_kbyte: integer('The most memory it ever had, KB.'),
  mem_percent: decimal('Of the memory of the machine, 0 to 1.'),
  cpu_percent: decimal('1 is one processor that does nothing else.'),
  srs_uptime: decimal('Seconds since the start.'),
};

const systemSummary: Described<SystemSummary> = {
  cpu_percent: decimal('1 is all processors busy.'),
  ...each(['disk_read_KBps', 'disk_write_KBps'], decimal('KB/s')),
  disk_busy_percent: decimal('Of the disks in `stats { disk }`, 0 to 1.'),
  mem_ram_kbyte: kilobytes,
  mem_ram_percent: decimal('0 to 1'),
  mem_swap_kbyte: kilobytes,
  mem_swap_percent: decimal('0 to 1'),
  cpus: integer('Processors of the machine.'),
  cpus_online: integer('Those that are switched on.'),
  uptime: decimal('Of the machine, seconds.'),
  ilde_time: decimal('Sum over the processors of the time they had nothing to do, seconds.'),
  ...each(['load_1m', 'load_5m', 'load_15m'], decimal()),
  net_sample_time: integer('ms of the epoch'),
  ...each(['net_recv_bytes', 'net_send_bytes'], integer('Devices with a public address.')),
  ...each(['net_recvi_bytes', 'net_sendi_bytes'], integer('Loopback and private devices.')),
  srs_sample_time: integer('ms of the epoch'),
  srs_recv_bytes: integer('Of all clients, those that left included.'),
  srs_recv_kbps: integer('Average since the start, kbit/s.'),
  srs_send_bytes: integer('Of all clients, those that left included.'),
  srs_send_kbps: integer('Average since the start, kbit/s.'),
  conn_sys: integer('TCP connections of the machine.'),
  conn_sys_et: integer('Those that are established.'),
  conn_sys_tw: integer('Those in TIME_WAIT.'),
  conn_sys_udp: integer('UDP sockets of the machine.'),
  conn_srs: integer('Connections of the server, all protocols.'),
};

/** For `components/schemas`. */
export const machineSchemas: Readonly<Record<string, Schema>> = {
  Rusage: object(rusage),
  SelfProcStat: object(selfProcStat),
  SystemProcStat: object(systemProcStat),
  Meminfo: object(meminfo),
  Summaries: object({
    ok: flag('All of it could be read.'),
    now_ms: integer('ms of the epoch'),
    self: object(selfSummary),
    system: object(systemSummary),
  }),
};
