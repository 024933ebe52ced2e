import assert from 'node:assert/strict';

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
  SELF_STAT_FIELDS,
  totalTicks,
} from '../../../../src/app/stats/proc-parsers';

/** What follows the state, numbered by its place. */
const numbers = (count: number): string =>
  Array.from({ length: count }, (_, index) => index + 1).join(' ');

describe('parseSelfStat', () => {
  it('reads all fields in the order of the file', () => {
    const stat = parseSelfStat(`4321 (srs) S ${numbers(SELF_STAT_FIELDS.length)} 99\n`);
    assert.deepEqual([stat?.pid, stat?.comm, stat?.state], [4321, '(srs)', 'S']);
    assert.deepEqual(
      SELF_STAT_FIELDS.map((field) => stat?.numbers[field]),
      SELF_STAT_FIELDS.map((_, index) => index + 1),
    );
  });

  it('takes a name with spaces, parentheses and line ends for a name', () => {
    for (const name of ['a b', 'a) S 1 2 (b', ') R', '((', 'a\nb', '']) {
      const stat = parseSelfStat(`7 (${name}) R ${numbers(41)}\n`);
      assert.deepEqual([stat?.comm, stat?.state, stat?.numbers.ppid], [`(${name})`, 'R', 1]);
    }
  });

  it('reads what an old kernel does not tell as 0', () => {
    const stat = parseSelfStat(`7 (srs) R ${numbers(36)}`);
    assert.deepEqual([stat?.numbers.processor, stat?.numbers.rt_priority], [36, 0]);
    assert.equal(stat?.numbers.cguest_time, 0);
  });

  it('keeps a negative number and bears what is none', () => {
    const stat = parseSelfStat('7 (srs) R 1 2 3 4 -1 x');
    assert.deepEqual([stat?.numbers.tpgid, stat?.numbers.flags], [-1, 0]);
  });

  it('makes nothing of another text', () => {
    for (const text of ['', '7', '7 srs R 1', 'x (srs) R 1']) {
      assert.equal(parseSelfStat(text), undefined);
    }
  });
});

describe('parseCpuTicks', () => {
  it('reads the line of all processors, not those of each', () => {
    const one = 'cpu0 1 1 1 1 1 1 1 1 1 1\n';
    const ticks = parseCpuTicks(`cpu  10 20 30 40 50 60 70 80 90 100\n${one.repeat(128)}`);
    assert.deepEqual(ticks, {
      user: 10,
      nice: 20,
      sys: 30,
      idle: 40,
      iowait: 50,
      irq: 60,
      softirq: 70,
      steal: 80,
      guest: 90,
    });
    assert.equal(totalTicks(ticks), 450);
  });

  it('reads the few counters of a router as far as they go', () => {
    const ticks = parseCpuTicks('cpu  10 20 30 40\ncpu0 10 20 30 40\nintr 5\n');
    assert.deepEqual([ticks?.idle, ticks?.iowait, ticks?.guest], [40, 0, 0]);
  });

  it('makes nothing of a file without that line', () => {
    assert.equal(parseCpuTicks('intr 5\n'), undefined);
    assert.equal(parseCpuTicks(''), undefined);
  });
});

describe('numbers of processors', () => {
  it('counts the lines of processors that are online', () => {
    assert.equal(countCpuLines('cpu  1 2\ncpu0 1 2\ncpu1 1 2\ncpu127 1 2\nctxt 1\n'), 3);
    assert.equal(countCpuLines('ctxt 1\n'), 0);
  });

  it('counts a list of ranges', () => {
    assert.equal(countCpuList('0\n'), 1);
    assert.equal(countCpuList('0-3,6\n'), 5);
    assert.equal(countCpuList('0-127\n'), 128);
    for (const text of ['', '\n', 'x', '0-', '-3']) assert.equal(countCpuList(text), 0);
  });
});

describe('parseMeminfo', () => {
  const text = `MemTotal:        1000 kB
MemFree:          400 kB
MemAvailable:     700 kB
Buffers:           50 kB
Cached:           150 kB
SwapCached:         7 kB
SwapTotal:        200 kB
SwapFree:         100 kB
HugePages_Total:    0
`;

  it('reads what is used of it', () => {
    assert.deepEqual(parseMeminfo(text), {
      MemTotal: 1000,
      MemFree: 400,
      Buffers: 50,
      Cached: 150,
      SwapTotal: 200,
      SwapFree: 100,
    });
  });

  it('takes a machine without swap for one with none', () => {
    const { SwapTotal, SwapFree } = parseMeminfo(text.replace(/^Swap(Total|Free).*\n/gm, '')) ?? {};
    assert.deepEqual([SwapTotal, SwapFree], [0, 0]);
  });

  it('makes nothing of a file without memory', () => {
    assert.equal(parseMeminfo(''), undefined);
    assert.equal(parseMeminfo('MemFree: 5 kB\n'), undefined);
  });
});

describe('figures of disks', () => {
  it('reads what went to and from them', () => {
    const text = 'nr_free_pages 1\npgpgin 12345\npgpgout 678\npgpgoutx 9\n';
    assert.deepEqual(parseVmstat(text), { read: 12345, written: 678 });
    assert.equal(parseVmstat('pgpgin 1\n'), undefined);
  });

  const line = (name: string, counters: number): string =>
    `   8       0 ${name} ${numbers(counters)}`;

  it('sums up the busy time of the disks that are asked for', () => {
    const text = ['sda', 'sda1', 'sdb', 'nvme0n1'].map((name) => line(name, 11)).join('\n');
    assert.equal(parseDiskTicks(text, ['sda', 'nvme0n1']), 20);
    assert.equal(parseDiskTicks(text, ['sd']), 0);
    assert.equal(parseDiskTicks(text, []), 0);
  });

  it('reads lines of any kernel, with 11 to 17 counters, and partitions of old ones with four', () => {
    for (const counters of [11, 12, 15, 17]) {
      assert.equal(parseDiskTicks(`${line('sda', counters)}\n`, ['sda']), 10, `${counters}`);
    }
    assert.equal(parseDiskTicks(line('sda1', 4), ['sda1']), 0);
    assert.equal(parseDiskTicks('', ['sda']), 0);
  });
});

describe('figures of the network', () => {
  it('reads the bytes of each device, whatever its name and the spaces behind it', () => {
    const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets
    lo: 100 1 0 0 0 0 0 0 200 2 0 0 0 0 0 0
eth0:300 1 0 0 0 0 0 0 400 2 0 0 0 0 0 0
  a-very-long-device-name: 500 1 0 0 0 0 0 0 600 2 0 0 0 0 0 0
  eth0:1: 700 1 0 0 0 0 0 0 800 2 0 0 0 0 0 0
`;
    assert.deepEqual(parseNetDev(text), [
      { name: 'lo', received: 100, sent: 200 },
      { name: 'eth0', received: 300, sent: 400 },
      { name: 'a-very-long-device-name', received: 500, sent: 600 },
      { name: 'eth0:1', received: 700, sent: 800 },
    ]);
    assert.deepEqual(parseNetDev(''), []);
  });

  it('reads the sockets of the system', () => {
    const text = `sockets: used 294
TCP: inuse 9 orphan 0 tw 5 alloc 12 mem 3
UDP: inuse 4 mem 2
UDPLITE: inuse 7
`;
    assert.deepEqual(parseSockstat(text), { tcpAllocated: 12, tcpTimeWait: 5, udpInUse: 4 });
    assert.equal(parseSockstat('sockets: used 294\n'), undefined);
  });

  it('finds established connections by their name', () => {
    const text = `Ip: Forwarding DefaultTTL
Ip: 1 64
Tcp: RtoAlgorithm RtoMin MaxConn CurrEstab InSegs
Tcp: 1 200 -1 17 5000
`;
    assert.equal(parseEstablished(text), 17);
    assert.equal(parseEstablished(text.replace('CurrEstab', 'Other')), undefined);
    assert.equal(parseEstablished(''), undefined);
  });
});

describe('parseNumbers', () => {
  it('reads as many as are wanted', () => {
    assert.deepEqual(parseNumbers('0.50 0.25 0.10 1/200 4321\n', 3), [0.5, 0.25, 0.1]);
    assert.equal(parseNumbers('12.5\n', 2), undefined);
    assert.equal(parseNumbers('a b\n', 2), undefined);
    assert.equal(parseNumbers('', 2), undefined);
  });
});

describe('parseClockTicks', () => {
  /** An auxiliary vector of words of 4 or 8 bytes. */
  function auxv(size: 4 | 8, isLittleEndian: boolean, pairs: readonly number[]): Uint8Array {
    const bytes = new Uint8Array(pairs.length * size);
    const view = new DataView(bytes.buffer);
    pairs.forEach((word, index) => {
      if (size === 4) view.setUint32(index * 4, word, isLittleEndian);
      else view.setBigUint64(index * 8, BigInt(word), isLittleEndian);
    });
    return bytes;
  }

  it('finds the ticks a second in the words of any machine', () => {
    for (const size of [4, 8] as const) {
      for (const isLittleEndian of [true, false]) {
        const pairs = [33, 0x7fff_1000, 16, 0xbfeb, 6, 4096, 17, 250, 3, 64, 0, 0];
        assert.equal(parseClockTicks(auxv(size, isLittleEndian, pairs), isLittleEndian), 250);
      }
    }
  });

  it('finds nothing in an empty or broken vector', () => {
    assert.equal(parseClockTicks(new Uint8Array(0), true), undefined);
    assert.equal(parseClockTicks(new Uint8Array(7).fill(17), true), undefined);
    assert.equal(parseClockTicks(auxv(8, true, [17, 0, 0, 0]), true), undefined);
  });
});
