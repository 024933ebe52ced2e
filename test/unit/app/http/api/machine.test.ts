import assert from 'node:assert/strict';

import { Machine } from '../../../../../src/app/stats/machine';
import { ManualClock } from '../../../../support/fakes/manual-clock';

import { ApiHarness, SERVER_ID } from './harness';

const SAMPLED = ['ok', 'sample_time'];

describe('process and machine in the API', () => {
  let api: ApiHarness;

  beforeEach(() => {
    const options = (): { disk: string[]; network: number } => ({ disk: [], network: 0 });
    api = new ApiHarness({ machine: new Machine({ clock: new ManualClock(), options }) });
  });
  afterEach(() => {
    api.close();
  });

  const data = async (name: string): Promise<Record<string, unknown>> => {
    const { json } = await api.json(`GET /api/v1/${name}`);
    assert.deepEqual(Object.keys(json), ['code', 'server', 'data']);
    assert.deepEqual([json['code'], json['server']], [0, SERVER_ID]);
    return json['data'] as Record<string, unknown>;
  };

  it('have the fields of the summaries in their order', async () => {
    const { self, system, ...others } = await data('summaries');
    assert.deepEqual(Object.keys(others), ['ok', 'now_ms']);
    assert.deepEqual(Object.keys(self as object), [
      ...['version', 'pid', 'ppid', 'argv', 'cwd'],
      ...['mem_kbyte', 'mem_percent', 'cpu_percent', 'srs_uptime'],
    ]);
    assert.deepEqual(Object.keys(system as object), [
      ...['cpu_percent', 'disk_read_KBps', 'disk_write_KBps', 'disk_busy_percent'],
      ...['mem_ram_kbyte', 'mem_ram_percent', 'mem_swap_kbyte', 'mem_swap_percent'],
      ...['cpus', 'cpus_online', 'uptime', 'ilde_time', 'load_1m', 'load_5m', 'load_15m'],
      ...['net_sample_time', 'net_recv_bytes', 'net_send_bytes'],
      ...['net_recvi_bytes', 'net_sendi_bytes'],
      ...['srs_sample_time', 'srs_recv_bytes', 'srs_recv_kbps', 'srs_send_bytes', 'srs_send_kbps'],
      ...['conn_sys', 'conn_sys_et', 'conn_sys_tw', 'conn_sys_udp', 'conn_srs'],
    ]);
  });

  it('count the bytes of the statistics and all connections in the summaries', async () => {
    const system = (await data('summaries'))['system'] as Record<string, unknown>;
    const figures = ['srs_recv_bytes', 'srs_send_bytes', 'conn_srs'].map((name) => system[name]);
    assert.deepEqual(figures, [2000, 3000, 9]);
  });

  const readings: [string, string[]][] = [
    [
      'rusages',
      [
        ...['ru_utime', 'ru_stime', 'ru_maxrss', 'ru_ixrss', 'ru_idrss', 'ru_isrss'],
        ...['ru_minflt', 'ru_majflt', 'ru_nswap', 'ru_inblock', 'ru_oublock'],
        ...['ru_msgsnd', 'ru_msgrcv', 'ru_nsignals', 'ru_nvcsw', 'ru_nivcsw'],
      ],
    ],
    [
      'self_proc_stats',
      [
        ...['percent', 'pid', 'comm', 'state', 'ppid', 'pgrp', 'session', 'tty_nr', 'tpgid'],
        ...['flags', 'minflt', 'cminflt', 'majflt', 'cmajflt', 'utime', 'stime', 'cutime'],
        ...['cstime', 'priority', 'nice', 'num_threads', 'itrealvalue', 'starttime', 'vsize'],
        ...['rss', 'rsslim', 'startcode', 'endcode', 'startstack', 'kstkesp', 'kstkeip'],
        ...['signal', 'blocked', 'sigignore', 'sigcatch', 'wchan', 'nswap', 'cnswap'],
        ...['exit_signal', 'processor', 'rt_priority', 'policy', 'delayacct_blkio_ticks'],
        ...['guest_time', 'cguest_time'],
      ],
    ],
    [
      'system_proc_stats',
      ['percent', 'user', 'nice', 'sys', 'idle', 'iowait', 'irq', 'softirq', 'steal', 'guest'],
    ],
    [
      'meminfos',
      [
        ...['percent_ram', 'percent_swap', 'MemActive', 'RealInUse', 'NotInUse'],
        ...['MemTotal', 'MemFree', 'Buffers', 'Cached', 'SwapTotal', 'SwapFree'],
      ],
    ],
  ];
  for (const [name, fields] of readings) {
    it(`have the fields of ${name} in their order`, async () => {
      assert.deepEqual(Object.keys(await data(name)), [...SAMPLED, ...fields]);
    });
  }
});
