/** Owns the questions put to the system: each is one look at /proc, /sys or the runtime, and undefined when it does not tell. */
import { readFileSync } from 'node:fs';
import { cpus, endianness, networkInterfaces } from 'node:os';

import type { Interfaces } from '../../core/local-addresses';
import { NetworkSet } from '../../core/network-set';

import {
  countCpuLines,
  countCpuList,
  parseClockTicks,
  parseCpuTicks,
  parseDiskTicks,
  parseEstablished,
  parseMeminfo,
  parseNetDev,
  parseNumbers,
  parseSelfStat,
  parseSockstat,
  parseVmstat,
} from './proc-parsers';
import type { CpuTicks, Meminfo, PagedKilobytes, SelfStat, SocketCounts } from './proc-parsers';

/** What is asked of the system beside files; a test replaces it. */
export interface SystemAccess {
  /** The bytes of a file, one per character (latin1); throws when it cannot be read. */
  readonly readFile: (path: string) => string;
  readonly interfaces: () => Interfaces;
  readonly processors: () => number;
}

/** The system itself. */
export const systemAccess: SystemAccess = {
  readFile: (path) => readFileSync(path, 'latin1'),
  interfaces: networkInterfaces,
  processors: () => cpus().length,
};

/** Bytes of all network devices, apart by whether a device has a public address. */
export interface NetworkBytes {
  readonly received: number;
  readonly sent: number;
  readonly receivedPrivate: number;
  readonly sentPrivate: number;
}

/** Processors and load. */
export interface Platform {
  readonly processors: number;
  readonly processorsOnline: number;
  readonly uptime: number;
  readonly idleTime: number;
  /** Over one, five and fifteen minutes. */
  readonly loads: readonly number[];
}

const DEFAULT_CLOCK_TICKS = 100;

/** Addresses that nobody outside can reach. */
const privateNetworks = new NetworkSet([
  { address: '10.0.0.0', prefix: 8 },
  { address: '172.16.0.0', prefix: 12 },
  { address: '192.168.0.0', prefix: 16 },
  { address: '127.0.0.0', prefix: 8 },
  { address: '169.254.0.0', prefix: 16 },
  { address: '::1', prefix: 128 },
  { address: 'fc00::', prefix: 7 },
  { address: 'fe80::', prefix: 10 },
]);

/** Reads figures of this machine; nothing it does throws. */
export class MachineReader {
  readonly #access: SystemAccess;
  #clockTicks: number | undefined;

  constructor(access: SystemAccess) {
    this.#access = access;
  }

  /** Ticks a second in which the system counts processor time. */
  get clockTicks(): number {
    this.#clockTicks ??= this.#readClockTicks();
    return this.#clockTicks;
  }

  selfStat(): SelfStat | undefined {
    return this.#parsed('/proc/self/stat', parseSelfStat);
  }

  /** Command line, its words joined by spaces. */
  commandLine(): string | undefined {
    return this.#parsed(
      '/proc/self/cmdline',
      (text) => text.split('\0').join(' ').trim() || undefined,
    );
  }

  cpuTicks(): CpuTicks | undefined {
    return this.#parsed('/proc/stat', parseCpuTicks);
  }

  meminfo(): Meminfo | undefined {
    return this.#parsed('/proc/meminfo', parseMeminfo);
  }

  pagedKilobytes(): PagedKilobytes | undefined {
    return this.#parsed('/proc/vmstat', parseVmstat);
  }

  /** Milliseconds during which the disks were busy, summed up. */
  diskTicks(disks: readonly string[]): number | undefined {
    if (disks.length === 0) return 0;
    return this.#parsed('/proc/diskstats', (text) => parseDiskTicks(text, disks));
  }

  platform(): Platform | undefined {
    const uptimes = this.#parsed('/proc/uptime', (text) => parseNumbers(text, 2));
    const loads = this.#parsed('/proc/loadavg', (text) => parseNumbers(text, 3));
    const processorsOnline = this.processorsOnline();
    const processors = this.#processorList('present') ?? processorsOnline;
    if (!uptimes || !loads) return undefined;
    const [uptime = 0, idleTime = 0] = uptimes;
    return { processors, processorsOnline, uptime, idleTime, loads };
  }

  /** At least 1. */
  processorsOnline(): number {
    const online = this.#processorList('online') ?? this.#parsed('/proc/stat', countCpuLines) ?? 0;
    return Math.max(1, online === 0 ? this.#access.processors() : online);
  }

  networkBytes(): NetworkBytes | undefined {
    const devices = this.#parsed('/proc/net/dev', parseNetDev);
    if (!devices) return undefined;
    const isPublic = publicDevices(this.#interfaces());
    const sum = { received: 0, sent: 0, receivedPrivate: 0, sentPrivate: 0 };
    for (const { name, received, sent } of devices) {
      sum[isPublic.has(name) ? 'received' : 'receivedPrivate'] += received;
      sum[isPublic.has(name) ? 'sent' : 'sentPrivate'] += sent;
    }
    return sum;
  }

  sockets(): SocketCounts | undefined {
    return this.#parsed('/proc/net/sockstat', parseSockstat);
  }

  /** TCP connections of the machine that are established. */
  established(): number | undefined {
    return this.#parsed('/proc/net/snmp', parseEstablished);
  }

  #processorList(kind: 'present' | 'online'): number | undefined {
    const path = `/sys/devices/system/cpu/${kind}`;
    return this.#parsed(path, (text) => countCpuList(text) || undefined);
  }

  #readClockTicks(): number {
    const isLittleEndian = endianness() === 'LE';
    const ticks = this.#parsed('/proc/self/auxv', (text) =>
      parseClockTicks(Buffer.from(text, 'latin1'), isLittleEndian),
    );
    return ticks ?? DEFAULT_CLOCK_TICKS;
  }

  #interfaces(): Interfaces {
    try {
      return this.#access.interfaces();
    } catch {
      return {};
    }
  }

  #parsed<T>(path: string, parse: (text: string) => T | undefined): T | undefined {
    try {
      return parse(this.#access.readFile(path));
    } catch {
      // A container or a hardened system hides some of these files.
      return undefined;
    }
  }
}

/** Devices that can be reached from outside: by their IPv4 addresses, or by IPv6 where that is all they have. */
function publicDevices(interfaces: Interfaces): ReadonlySet<string> {
  const names = Object.entries(interfaces).filter(([, addresses = []]) => {
    const ipv4 = addresses.filter(({ family }) => family === 'IPv4');
    const counted = ipv4.length > 0 ? ipv4 : addresses;
    return counted.some(({ address }) => !privateNetworks.has(address));
  });
  // An alias, as eth0:1, is the device itself.
  return new Set(names.map(([name]) => name.split(':')[0] ?? name));
}
