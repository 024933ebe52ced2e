import assert from 'node:assert/strict';

import * as sinon from 'sinon';

import { Machine } from '../../../../src/app/stats/machine';
import type { MachineParts } from '../../../../src/app/stats/machine';
import type { Interfaces } from '../../../../src/core/local-addresses';
import { product } from '../../../../src/core/version';
import { ManualClock } from '../../../support/fakes/manual-clock';

const TRAFFIC = { sentBytes: 20_000, receivedBytes: 10_000, connections: 7 };

/** What system tests read: a small machine, whose files a test may change or take away. */
const FILES: Readonly<Record<string, string>> = {
  '/proc/self/stat': `4321 (a (b) c) S 1 ${'0 '.repeat(9)}300 200 0 0 20 0 11 0 0 0 0\n`,
  '/proc/self/cmdline': './objs/srs\0-c\0srs.conf\0',
  '/proc/self/auxv': '',
  '/proc/stat': 'cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 1 1 1\ncpu1 1 1 1 1\n',
  '/proc/meminfo':
    'MemTotal: 1000 kB\nMemFree: 400 kB\nBuffers: 50 kB\nCached: 150 kB\nSwapTotal: 200 kB\nSwapFree: 50 kB\n',
  '/proc/vmstat': 'pgpgin 1000\npgpgout 2000\n',
  '/proc/diskstats': ' 8 0 sda 1 2 3 4 5 6 7 8 9 1000 11\n',
  '/proc/uptime': '12.5 34.75\n',
  '/proc/loadavg': '0.50 0.25 0.10 1/200 4321\n',
  '/sys/devices/system/cpu/present': '0-3\n',
  '/sys/devices/system/cpu/online': '0-1\n',
  '/proc/net/dev':
    '    lo: 10 0 0 0 0 0 0 0 20 0\n  eth0: 300 0 0 0 0 0 0 0 400 0\n  eth1: 5000 0 0 0 0 0 0 0 6000 0\n',
  '/proc/net/sockstat': 'TCP: inuse 9 orphan 0 tw 5 alloc 12 mem 3\nUDP: inuse 4 mem 2\n',
  '/proc/net/snmp': 'Tcp: RtoMin CurrEstab\nTcp: 200 17\n',
};

const ipv4 = (address: string, internal = false): NonNullable<Interfaces[string]>[number] => ({
  address,
  netmask: '255.255.255.0',
  family: 'IPv4',
  mac: '00:00:00:00:00:00',
  internal,
  cidr: null,
});

describe('Machine', () => {
  let timers: sinon.SinonFakeTimers;
  let clock: ManualClock;
  let files: Map<string, string>;
  let reads: Map<string, number>;
  let disk: string[];
  let machine: Machine;

  const make = (changes: Partial<MachineParts> = {}): Machine =>
    new Machine({
      clock,
      options: () => ({ disk, network: 0 }),
      readFile: (path) => {
        reads.set(path, (reads.get(path) ?? 0) + 1);
        const text = files.get(path);
        if (text === undefined) throw new Error(`ENOENT ${path}`);
        return text;
      },
      interfaces: () => ({
        lo: [ipv4('127.0.0.1', true)],
        eth0: [ipv4('203.0.113.5')],
        eth1: [ipv4('10.1.2.3')],
      }),
      epochMs: () => 1_700_000_000_000 + clock.nowMs(),
      ...changes,
    });

  /** Time passes, and timers with it. */
  function pass(ms: number): void {
    for (let left = ms; left > 0; left -= 500) {
      clock.advance(Math.min(500, left));
      timers.tick(Math.min(500, left));
    }
  }

  const readsOf = (path: string): number => reads.get(path) ?? 0;

  beforeEach(() => {
    timers = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    clock = new ManualClock();
    files = new Map(Object.entries(FILES));
    reads = new Map();
    disk = ['sda'];
    machine = make();
  });

  afterEach(() => {
    machine.stop();
    timers.restore();
  });

  describe('while it takes samples', () => {
    it('begins a second after its start, and not before', () => {
      machine.start();
      pass(500);
      assert.equal(reads.size, 0);
      pass(500);
      assert.equal(readsOf('/proc/self/stat'), 1);
    });

    it('looks at processors every 3 s, at disks and memory every 6 s, at all else every 9 s', () => {
      machine.start();
      pass(1000);
      reads.clear();
      pass(18_000);
      assert.equal(readsOf('/proc/self/stat'), 6);
      assert.equal(readsOf('/proc/meminfo'), 3);
      assert.equal(readsOf('/proc/vmstat'), 3);
      assert.equal(readsOf('/proc/diskstats'), 3);
      assert.equal(readsOf('/proc/loadavg'), 2);
      assert.equal(readsOf('/proc/net/dev'), 2);
      assert.equal(readsOf('/proc/net/sockstat'), 2);
    });

    it('answers from its samples, without a look at the system', () => {
      machine.start();
      pass(10_000);
      machine.summaries(TRAFFIC);
      reads.clear();
      for (const ask of ['rusage', 'selfProcStat', 'systemProcStat', 'meminfo'] as const) {
        assert.equal(machine[ask]().ok, true, ask);
      }
      assert.equal(machine.summaries(TRAFFIC).ok, true);
      assert.equal(reads.size, 0);
    });

    it('takes none after its stop, and no twice as many after two starts', () => {
      machine.start();
      machine.start();
      pass(4000);
      assert.equal(readsOf('/proc/self/stat'), 2);
      machine.stop();
      machine.stop();
      pass(10_000);
      assert.equal(readsOf('/proc/self/stat'), 2);
    });
  });

  it('takes a sample when it is asked and has none, or an old one that no timer renews', () => {
    assert.equal(machine.meminfo().ok, true);
    machine.rusage();
    assert.equal(readsOf('/proc/self/stat'), 1);
    clock.advance(3000);
    machine.rusage();
    assert.equal(readsOf('/proc/self/stat'), 2);
  });

  it('tells the time of each sample', () => {
    const taken = 1_700_000_000_000 + clock.nowMs();
    const { sample_time } = machine.selfProcStat();
    clock.advance(1000);
    assert.deepEqual([sample_time, machine.rusage().sample_time], [taken, taken]);
    const { now_ms, system } = machine.summaries(TRAFFIC);
    assert.deepEqual([now_ms, system.srs_sample_time], [taken + 1000, taken + 1000]);
    assert.equal(system.net_sample_time, taken);
  });

  it('measures the load of this process and of all processors between two samples', () => {
    machine.selfProcStat();
    clock.advance(4000);
    // 200 + 100 ticks of 10 ms in 4 s; 100 of 400 ticks busy.
    files.set('/proc/self/stat', FILES['/proc/self/stat']?.replace('300 200', '500 300') ?? '');
    files.set('/proc/stat', 'cpu  150 0 150 1100 0 0 0 0 0 0\n');
    assert.equal(machine.selfProcStat().percent, 0.75);
    assert.equal(machine.systemProcStat().percent, 0.25);
  });

  it('counts ticks as the system does', () => {
    const vector = Buffer.alloc(16);
    vector.writeBigUInt64LE(17n);
    vector.writeBigUInt64LE(1000n, 8);
    files.set('/proc/self/auxv', vector.toString('latin1'));
    machine.selfProcStat();
    clock.advance(4000);
    files.set('/proc/self/stat', FILES['/proc/self/stat']?.replace('300 200', '2300 200') ?? '');
    assert.equal(machine.selfProcStat().percent, 0.5);
  });

  it('measures disks between two of their samples, six seconds apart', () => {
    machine.start();
    pass(1000);
    pass(3000);
    files.set('/proc/vmstat', 'pgpgin 7000\npgpgout 8000\n');
    // Two processors: 1200 ticks are 6 s of wall time, of which the disk was busy 3.
    files.set('/proc/stat', 'cpu  700 0 700 800 0 0 0 0 0 0\n');
    files.set('/proc/diskstats', ' 8 0 sda 1 2 3 4 5 6 7 8 9 4000 11\n');
    assert.equal(machine.summaries(TRAFFIC).system.disk_read_KBps, 0);
    pass(3000);
    const { disk_read_KBps, disk_write_KBps, disk_busy_percent } =
      machine.summaries(TRAFFIC).system;
    assert.deepEqual([disk_read_KBps, disk_write_KBps, disk_busy_percent], [1000, 1000, 0.5]);
  });

  it('asks for no disk when none is configured', () => {
    disk = [];
    assert.equal(machine.summaries(TRAFFIC).ok, true);
    assert.equal(readsOf('/proc/diskstats'), 0);
  });

  it('reckons memory from what the system tells, without swap too', () => {
    assert.deepEqual(Object.entries(machine.meminfo()).slice(2), [
      ['percent_ram', 0.4],
      ['percent_swap', 0.75],
      ['MemActive', 600],
      ['RealInUse', 400],
      ['NotInUse', 600],
      ['MemTotal', 1000],
      ['MemFree', 400],
      ['Buffers', 50],
      ['Cached', 150],
      ['SwapTotal', 200],
      ['SwapFree', 50],
    ]);
    files.set('/proc/meminfo', 'MemTotal: 1000 kB\nMemFree: 1000 kB\n');
    assert.equal(make().meminfo().percent_swap, 0);
  });

  it('has the fields of a reply in the order of the API', () => {
    assert.equal(
      Object.keys(machine.rusage()).join(' '),
      'ok sample_time ru_utime ru_stime ru_maxrss ru_ixrss ru_idrss ru_isrss ru_minflt ru_majflt ' +
        'ru_nswap ru_inblock ru_oublock ru_msgsnd ru_msgrcv ru_nsignals ru_nvcsw ru_nivcsw',
    );
    assert.equal(
      Object.keys(machine.selfProcStat()).join(' '),
      'ok sample_time percent pid comm state ppid pgrp session tty_nr tpgid flags minflt cminflt ' +
        'majflt cmajflt utime stime cutime cstime priority nice num_threads itrealvalue starttime ' +
        'vsize rss rsslim startcode endcode startstack kstkesp kstkeip signal blocked sigignore ' +
        'sigcatch wchan nswap cnswap exit_signal processor rt_priority policy ' +
        'delayacct_blkio_ticks guest_time cguest_time',
    );
    assert.equal(
      Object.keys(machine.systemProcStat()).join(' '),
      'ok sample_time percent user nice sys idle iowait irq softirq steal guest',
    );
    const { self, system, ...head } = machine.summaries(TRAFFIC);
    assert.deepEqual(Object.keys(head), ['ok', 'now_ms']);
    assert.equal(
      Object.keys(self).join(' '),
      'version pid ppid argv cwd mem_kbyte mem_percent cpu_percent srs_uptime',
    );
    assert.equal(
      Object.keys(system).join(' '),
      'cpu_percent disk_read_KBps disk_write_KBps disk_busy_percent mem_ram_kbyte mem_ram_percent ' +
        'mem_swap_kbyte mem_swap_percent cpus cpus_online uptime ilde_time load_1m load_5m load_15m ' +
        'net_sample_time net_recv_bytes net_send_bytes net_recvi_bytes net_sendi_bytes ' +
        'srs_sample_time srs_recv_bytes srs_recv_kbps srs_send_bytes srs_send_kbps ' +
        'conn_sys conn_sys_et conn_sys_tw conn_sys_udp conn_srs',
    );
  });

  it('tells of process and machine in short', () => {
    clock.advance(2567);
    const { self, system } = machine.summaries(TRAFFIC);
    assert.deepEqual([self.version, self.pid, self.ppid], [product.version, process.pid, 1]);
    assert.deepEqual([self.argv, self.cwd], ['./objs/srs -c srs.conf', process.cwd()]);
    assert.equal(self.srs_uptime, 2.5);
    assert.ok(self.mem_kbyte > 0);
    assert.deepEqual([system.cpus, system.cpus_online], [4, 2]);
    assert.deepEqual([system.uptime, system.ilde_time], [12.5, 34.75]);
    assert.deepEqual([system.load_1m, system.load_5m, system.load_15m], [0.5, 0.25, 0.1]);
    assert.deepEqual(
      [system.conn_sys, system.conn_sys_et, system.conn_sys_tw, system.conn_sys_udp],
      [17, 17, 5, 4],
    );
    assert.equal(system.conn_srs, 7);
    assert.deepEqual([system.srs_recv_bytes, system.srs_send_bytes], [10_000, 20_000]);
    assert.deepEqual([system.srs_recv_kbps, system.srs_send_kbps], [31, 62]);
  });

  it('tells bytes of devices with a public address from those of private ones and loopback', () => {
    const { system } = machine.summaries(TRAFFIC);
    assert.deepEqual([system.net_recv_bytes, system.net_send_bytes], [300, 400]);
    assert.deepEqual([system.net_recvi_bytes, system.net_sendi_bytes], [5010, 6020]);
  });

  it('tells nothing and breaks nowhere on a system that shows nothing', () => {
    files.clear();
    machine = make({
      interfaces: () => {
        throw new Error('not permitted');
      },
    });
    assert.equal(machine.selfProcStat().ok, false);
    assert.equal(machine.systemProcStat().ok, false);
    assert.equal(machine.meminfo().ok, false);
    assert.equal(machine.rusage().ok, true);
    const { ok, self, system } = machine.summaries(TRAFFIC);
    assert.equal(ok, false);
    assert.equal(self.ppid, process.ppid);
    assert.equal(self.argv, process.argv.join(' '));
    assert.deepEqual([system.cpu_percent, system.net_recv_bytes, system.conn_srs], [0, 0, 7]);
    for (const value of Object.values(system)) assert.ok(Number.isFinite(value));
  });

  it('is whole again when the system tells what it hid', () => {
    files.delete('/proc/vmstat');
    machine.start();
    pass(1000);
    assert.equal(machine.summaries(TRAFFIC).ok, false);
    files.set('/proc/vmstat', FILES['/proc/vmstat'] ?? '');
    pass(6000);
    assert.equal(machine.summaries(TRAFFIC).ok, true);
  });

  it('reads the files of this very system', () => {
    machine = new Machine({ clock, options: () => ({ disk: [], network: 0 }) });
    assert.equal(machine.selfProcStat().pid, process.pid);
    assert.ok(machine.meminfo().MemTotal > 0);
    assert.ok(machine.summaries(TRAFFIC).system.cpus_online >= 1);
  });
});
