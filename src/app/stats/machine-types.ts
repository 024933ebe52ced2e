/**
 * Owns the figures of process and machine as API and heartbeat write them: the keys are the fields of the replies, and
 * objects are made in the order given here. Times of samples are epoch ms; `ok` is false, and numbers are 0, as long as
 * the system has not told them.
 */
import type { CPU_FIELDS, SelfStatField } from './proc-parsers';

/** What every group of figures begins with. */
export interface Sampled {
  readonly ok: boolean;
  readonly sample_time: number;
}

/** Resources this process has used: times in whole seconds, `ru_maxrss` in KB. */
export interface Rusage extends Sampled {
  readonly ru_utime: number;
  readonly ru_stime: number;
  readonly ru_maxrss: number;
  readonly ru_ixrss: number;
  readonly ru_idrss: number;
  readonly ru_isrss: number;
  readonly ru_minflt: number;
  readonly ru_majflt: number;
  readonly ru_nswap: number;
  readonly ru_inblock: number;
  readonly ru_oublock: number;
  readonly ru_msgsnd: number;
  readonly ru_msgrcv: number;
  readonly ru_nsignals: number;
  readonly ru_nvcsw: number;
  readonly ru_nivcsw: number;
}

/** /proc/self/stat; `percent` 1 is one processor that does nothing else. */
export type SelfProcStat = Sampled &
  Readonly<Record<SelfStatField, number>> & {
    readonly percent: number;
    readonly pid: number;
    /** With its parentheses. */
    readonly comm: string;
    readonly state: string;
  };

/** Processors of the machine, in ticks; `percent` 1 is all of them busy. */
export type SystemProcStat = Sampled &
  Readonly<Record<(typeof CPU_FIELDS)[number], number>> & { readonly percent: number };

/** Memory of the machine, KB; percents from 0 to 1. */
export interface MemoryInfo extends Sampled {
  readonly percent_ram: number;
  readonly percent_swap: number;
  readonly MemActive: number;
  readonly RealInUse: number;
  readonly NotInUse: number;
  readonly MemTotal: number;
  readonly MemFree: number;
  readonly Buffers: number;
  readonly Cached: number;
  readonly SwapTotal: number;
  readonly SwapFree: number;
}

/** The process, in short. */
export interface SelfSummary {
  readonly version: string;
  readonly pid: number;
  readonly ppid: number;
  readonly argv: string;
  readonly cwd: string;
  /** The most it ever had, KB. */
  readonly mem_kbyte: number;
  readonly mem_percent: number;
  readonly cpu_percent: number;
  /** Seconds, to a tenth. */
  readonly srs_uptime: number;
}

/**
 * The machine, in short. `net_recv_bytes` and `net_send_bytes` are those of devices with a public address,
 * `net_recvi_bytes` and `net_sendi_bytes` those of loopback and private ones.
 */
export interface SystemSummary {
  readonly cpu_percent: number;
  readonly disk_read_KBps: number;
  readonly disk_write_KBps: number;
  readonly disk_busy_percent: number;
  readonly mem_ram_kbyte: number;
  readonly mem_ram_percent: number;
  readonly mem_swap_kbyte: number;
  readonly mem_swap_percent: number;
  readonly cpus: number;
  readonly cpus_online: number;
  readonly uptime: number;
  /** Spelled so by the reference. */
  readonly ilde_time: number;
  readonly load_1m: number;
  readonly load_5m: number;
  readonly load_15m: number;
  readonly net_sample_time: number;
  readonly net_recv_bytes: number;
  readonly net_send_bytes: number;
  readonly net_recvi_bytes: number;
  readonly net_sendi_bytes: number;
  readonly srs_sample_time: number;
  readonly srs_recv_bytes: number;
  readonly srs_recv_kbps: number;
  readonly srs_send_bytes: number;
  readonly srs_send_kbps: number;
  readonly conn_sys: number;
  readonly conn_sys_et: number;
  readonly conn_sys_tw: number;
  readonly conn_sys_udp: number;
  readonly conn_srs: number;
}

/** What the reply of summaries carries as `data`. `ok`: every group of figures could be read. */
export interface Summaries {
  readonly ok: boolean;
  readonly now_ms: number;
  readonly self: SelfSummary;
  readonly system: SystemSummary;
}

/** What the server sent and received in all, and how many connections it has now. */
export interface Traffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly connections: number;
}
