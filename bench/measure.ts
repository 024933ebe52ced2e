// Measures one row on one server: load, steady window, cpu and memory of the server.
import { setTimeout as sleep } from 'node:timers/promises';

import { isRunning, stop } from './children';
import { runLoad } from './generator';
import type { LoadReport } from './generator';
import { busySecondsOf, cpuPercent, usageOf } from './proc';
import type { Row } from './rows';
import { startServer } from './server';
import type { ServerKind } from './server';

const SETTLE_SECONDS = 3;
const PUBLISHER_SECONDS = 1;
const IDLE_MS = 3500;
// The window of the server's cpu lies inside that of the generator.
const WINDOW_MARGIN_SECONDS = 0.3;

/** How a run measures. */
export interface Plan {
  readonly serverCpu: number;
  readonly loadCpu: number;
  readonly windowSeconds: number;
  readonly directory: string;
  /** Options of every publisher, as --audio. */
  readonly publisher: readonly string[];
}

/** One line of the table. */
export interface Result {
  readonly row: Row;
  readonly server: string;
  readonly cpu: number;
  /** Percent of the server's cpu that others used meanwhile. */
  readonly othersCpu: number;
  readonly idleMb: number;
  readonly rssMb: number;
  readonly report: LoadReport;
  /** What else went wrong, in words. */
  readonly notes: readonly string[];
}

function loadArguments(row: Row, url: string, plan: Plan): { args: string[]; before: number } {
  const window = row.windowSeconds ?? plan.windowSeconds;
  // A connect row ends with a second in which no cycle starts.
  const ramp = row.command === 'connect' ? 0 : row.count / row.rate;
  const before = ramp + SETTLE_SECONDS;
  const tail = row.command === 'connect' ? 1 : 0;
  const args = [row.command, '--url', url, '--count', String(row.count)];
  args.push('--connect-rate', String(row.rate), ...row.extra);
  if (row.command === 'publish') args.push(...plan.publisher);
  args.push('--seconds', String(before + window + tail), '--measure', String(window + tail));
  return { args, before };
}

async function publishMeanwhile(
  row: Row,
  url: string,
  plan: Plan,
  seconds: number,
): Promise<string[]> {
  if (row.command === 'publish') return [];
  const args = ['publish', '--url', url, '--seconds', String(seconds), ...plan.publisher];
  const report = await runLoad(plan.loadCpu, args);
  return report.started === 1 && report.lost === 0 ? [] : ['the publisher was lost'];
}

/** Starts the server, loads it, measures, stops it. */
export async function measureRow(row: Row, kind: ServerKind, plan: Plan): Promise<Result> {
  const url = `rtmp://127.0.0.1:${kind.port}/live/bench`;
  const server = await startServer(kind, row, plan.serverCpu, plan.directory);
  const group = server.pid ?? 0;
  try {
    await sleep(IDLE_MS);
    const idle = usageOf(group);
    const { args, before } = loadArguments(row, url, plan);
    const window = row.windowSeconds ?? plan.windowSeconds;
    const publishing = publishMeanwhile(
      row,
      url,
      plan,
      before + window + 2 * PUBLISHER_SECONDS + 1,
    );
    await sleep(PUBLISHER_SECONDS * 1000);
    const loading = runLoad(plan.loadCpu, args);
    await sleep((before + WINDOW_MARGIN_SECONDS) * 1000);
    const from = usageOf(group);
    const busyFrom = busySecondsOf(plan.serverCpu);
    await sleep((window - 2 * WINDOW_MARGIN_SECONDS) * 1000);
    const to = usageOf(group);
    const busy = busySecondsOf(plan.serverCpu) - busyFrom;
    const alive = isRunning(server);
    const [report, notes] = await Promise.all([loading, publishing]);
    if (!alive) notes.push('the server ended');
    const cpu = cpuPercent(from, to);
    const othersCpu = Math.max(0, (busy * 100_000) / (to.atMs - from.atMs) - cpu);
    const memory = { idleMb: idle.rssMb, rssMb: to.rssMb };
    return { row, server: kind.name, cpu, othersCpu, ...memory, report, notes };
  } finally {
    await stop(server);
  }
}

/** What a bare send() loop uses for the same players, in percent; undefined where there is none. */
export async function measureFloor(row: Row, plan: Plan): Promise<number | undefined> {
  if (row.command !== 'play') return undefined;
  const ramp = row.count / 5000 + 1;
  const window = Math.min(plan.windowSeconds, 7);
  const report = await runLoad(plan.loadCpu, [
    ...['floor', '--count', String(row.count), '--interval-ms', String(row.needs.mergedWriteMs)],
    ...['--sender-cpu', String(plan.serverCpu)],
    ...['--seconds', String(ramp + window), '--measure', String(window)],
  ]);
  return report.cpu;
}
