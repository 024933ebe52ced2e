/** Owns the figures of process and machine: takes samples at intervals while somebody wants them, and answers from those. */
import type { Clock } from '../../core/clock';
import type { Interfaces } from '../../core/local-addresses';
import { product } from '../../core/version';

import { localAddress } from './local-address';
import { MachineReader, systemAccess } from './machine-reader';
import { MachineSamples, toPercent } from './machine-samples';
import type {
  MemoryInfo,
  Rusage,
  SelfProcStat,
  Summaries,
  SystemProcStat,
  Traffic,
} from './machine-types';

/** The first sample is taken so long after the start, which has better things to do, milliseconds. */
const FIRST_SAMPLE_MS = 1000;
/** Pause between two samples, milliseconds. */
const SAMPLE_MS = 3000;

/** What the figures are made from. */
export interface MachineParts {
  readonly clock: Clock;
  /** The `stats` block as of now. */
  options(): { readonly disk: readonly string[]; readonly network: number };
  /** Bytes of a file, one per character; throws when it cannot be read. The files of the system when not given. */
  readonly readFile?: (path: string) => string;
  readonly interfaces?: () => Interfaces;
  /** Time of day, epoch ms. */
  readonly epochMs?: () => number;
}

/**
 * The machine and this process on it. Its methods never throw and read no file while samples are taken: an answer is
 * at most three seconds old (disks and memory six, network nine). The results are plain objects that never change.
 */
export class Machine {
  readonly #parts: MachineParts;
  readonly #samples: MachineSamples;
  readonly #epochMs: () => number;
  readonly #startedMs: number;
  readonly #cwd = process.cwd();
  #argv: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: MachineParts) {
    const access = {
      ...systemAccess,
      ...(parts.readFile && { readFile: parts.readFile }),
      ...(parts.interfaces && { interfaces: parts.interfaces }),
    };
    this.#parts = parts;
    this.#epochMs = parts.epochMs ?? Date.now;
    this.#samples = new MachineSamples(new MachineReader(access));
    this.#startedMs = parts.clock.nowMs();
  }

  /** Takes samples from now on; the timer does not hold the process. Idempotent. */
  start(): void {
    if (this.#timer !== undefined) return;
    const sample = (): void => {
      this.#sample();
      this.#timer = setTimeout(sample, SAMPLE_MS).unref();
    };
    this.#timer = setTimeout(sample, FIRST_SAMPLE_MS).unref();
  }

  /** Takes no more samples on its own; who asks all the same gets fresh ones. Idempotent. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The address by which this machine is reported: `stats { network }`. */
  localAddress(): string {
    return localAddress(this.#parts.options().network);
  }

  rusage(): Rusage {
    return this.#upToDate().rusage;
  }

  selfProcStat(): SelfProcStat {
    return this.#upToDate().self;
  }

  systemProcStat(): SystemProcStat {
    return this.#upToDate().system;
  }

  meminfo(): MemoryInfo {
    return this.#upToDate().memory;
  }

  /** What the reply of summaries carries as `data`. */
  summaries(traffic: Traffic): Summaries {
    const samples = this.#upToDate();
    const { rusage, self, memory } = samples;
    const uptimeMs = this.#parts.clock.nowMs() - this.#startedMs;
    const now = this.#epochMs();
    this.#argv ??= samples.reader.commandLine() ?? process.argv.join(' ');
    const maxrss = rusage.ru_maxrss;
    return {
      ok: samples.isComplete,
      now_ms: now,
      self: {
        version: product.version,
        pid: process.pid,
        ppid: self.ok ? self.ppid : process.ppid,
        argv: this.#argv,
        cwd: this.#cwd,
        mem_kbyte: maxrss,
        mem_percent: toPercent(maxrss, memory.MemTotal),
        cpu_percent: self.percent,
        srs_uptime: Math.floor(uptimeMs / 100) / 10,
      },
      system: {
        cpu_percent: samples.system.percent,
        ...samples.disk,
        mem_ram_kbyte: memory.MemTotal,
        mem_ram_percent: memory.percent_ram,
        mem_swap_kbyte: memory.SwapTotal,
        mem_swap_percent: memory.percent_swap,
        ...samples.platform,
        ...samples.network,
        srs_sample_time: now,
        srs_recv_bytes: traffic.receivedBytes,
        srs_recv_kbps: kbps(traffic.receivedBytes, uptimeMs),
        srs_send_bytes: traffic.sentBytes,
        srs_send_kbps: kbps(traffic.sentBytes, uptimeMs),
        ...samples.sockets,
        conn_srs: traffic.connections,
      },
    };
  }

  /** The samples; taken now when there are none, or no timer takes them. */
  #upToDate(): MachineSamples {
    const { takenMs } = this.#samples;
    const ageMs = this.#parts.clock.nowMs() - (takenMs ?? -Infinity);
    if (takenMs === undefined || (this.#timer === undefined && ageMs >= SAMPLE_MS)) this.#sample();
    return this.#samples;
  }

  #sample(): void {
    const nowMs = this.#parts.clock.nowMs();
    this.#samples.take({ nowMs, epochMs: this.#epochMs(), disks: this.#parts.options().disk });
  }
}

/** Kilobits per second over a whole time. */
function kbps(bytes: number, elapsedMs: number): number {
  return elapsedMs > 0 ? Math.trunc((bytes * 8) / elapsedMs) : 0;
}
