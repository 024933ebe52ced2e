// Measures one row on one server: load, steady window, cpu and memory of the server.
import type { ChildProcess } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
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
const SEGMENTS_MS = 15_000;
/** The ports of the server beside the measured one come so much later. */
const PARTNER_PORTS = 20;
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

/** Where the load of a row goes. */
function loadUrl(row: Row, kind: ServerKind): string {
  if (row.http !== true) return streamUrl(kind);
  return `http://127.0.0.1:${kind.httpPort ?? 0}/live/bench.${row.command === 'hls' ? 'm3u8' : 'flv'}`;
}

function streamUrl(kind: ServerKind): string {
  return `rtmp://127.0.0.1:${kind.port}/live/bench`;
}

async function publishMeanwhile(
  row: Row,
  url: string,
  plan: Plan,
  seconds: number,
): Promise<string[]> {
  if (row.command === 'publish') return [];
  const args = ['publish', '--url', url, '--seconds', String(seconds), ...plan.publisher];
  if (row.command === 'hls') args.push('--kbps', '1000');
  const report = await runLoad(plan.loadCpu, args);
  return report.started === 1 && report.lost === 0 ? [] : ['the publisher was lost'];
}

/** Asks the API while a row is measured; says what it had to wait for. */
async function askMeanwhile(
  row: Row,
  kind: ServerKind,
  plan: Plan,
  seconds: number,
): Promise<string[]> {
  if (row.apiRate === undefined || kind.apiPort === undefined) return [];
  const files = 'summaries,streams,clients?count=100,vhosts,versions';
  const url = `http://127.0.0.1:${kind.apiPort}/api/v1/${files}`;
  const rate = ['--count', '20', '--rate', String(row.apiRate)];
  const args = ['get', '--url', url, ...rate, '--seconds', String(seconds), '--measure', '5'];
  const { failed = 0, unfinished = 0, tookMs } = await runLoad(plan.loadCpu, args);
  if (failed > 0 || unfinished > 0) return [`API: ${failed} failed, ${unfinished} not answered`];
  console.error(`  API answers took p50 ${tookMs?.p50 ?? 0} ms, p99 ${tookMs?.p99 ?? 0} ms`);
  return [];
}

/** Starts the server, loads it, measures, stops it. */
export async function measureRow(row: Row, measured: ServerKind, plan: Plan): Promise<Result> {
  const partner = await startPartner(row, measured, plan);
  const kind = withPartner(row, measured, partner);
  const server = await startServer(kind, row, plan.serverCpu, plan.directory);
  const group = server.pid ?? 0;
  try {
    await sleep(IDLE_MS);
    const idle = usageOf(group);
    const { args, before } = loadArguments(row, loadUrl(row, kind), plan);
    const window = row.windowSeconds ?? plan.windowSeconds;
    const isSegmented = row.command === 'hls';
    const publishing = publishMeanwhile(
      row,
      streamUrl(partner?.kind ?? kind),
      plan,
      before + window + 2 * PUBLISHER_SECONDS + 1 + (isSegmented ? SEGMENTS_MS / 1000 : 0),
    );
    await sleep(PUBLISHER_SECONDS * 1000);
    if (isSegmented) await waitForSegments(plan);
    const loading = runLoad(plan.loadCpu, args);
    const asking = askMeanwhile(row, kind, plan, before + window);
    await sleep((before + WINDOW_MARGIN_SECONDS) * 1000);
    const from = usageOf(group);
    const busyFrom = busySecondsOf(plan.serverCpu);
    await sleep((window - 2 * WINDOW_MARGIN_SECONDS) * 1000);
    const to = usageOf(group);
    const busy = busySecondsOf(plan.serverCpu) - busyFrom;
    const alive = isRunning(server);
    const [report, ...notes] = await Promise.all([loading, publishing, asking]);
    if (!alive) notes.push(['the server ended']);
    const cpu = cpuPercent(from, to);
    const othersCpu = Math.max(0, (busy * 100_000) / (to.atMs - from.atMs) - cpu);
    const memory = { idleMb: idle.rssMb, rssMb: to.rssMb };
    return { row, server: kind.name, cpu, othersCpu, ...memory, report, notes: notes.flat() };
  } finally {
    await stop(server);
    if (partner) await stop(partner.child);
  }
}

/** A server of ours beside the one that is measured. */
interface Partner {
  readonly kind: ServerKind;
  readonly child: ChildProcess;
}

/**
 * Starts the server that a row needs beside the measured one: for viewers of HLS one that fills the folder which is
 * served, for an edge its origin, for copies their destination.
 */
async function startPartner(
  row: Row,
  measured: ServerKind,
  plan: Plan,
): Promise<Partner | undefined> {
  if (row.command !== 'hls' && row.role === undefined) return undefined;
  rmSync(`${plan.directory}/www`, { recursive: true, force: true });
  const port = measured.port + PARTNER_PORTS;
  const command = 'objs/srs -c {config}';
  const kind = { name: 'partner', port, httpPort: port + 1, command };
  const needs = { ...row.needs, files: row.command === 'hls' };
  return { kind, child: await startServer(kind, { ...row, needs }, plan.loadCpu, plan.directory) };
}

/** The measured server, told of the one beside it. */
function withPartner({ role }: Row, kind: ServerKind, partner: Partner | undefined): ServerKind {
  if (partner === undefined || role === undefined) return kind;
  const { port } = partner.kind;
  const told = { ...kind, partnerPort: port };
  if (role.kind === 'edge') return { ...told, vhost: `mode remote;\norigin 127.0.0.1:${port};` };
  const copies = Array.from({ length: role.times }, (_, index) => {
    return `rtmp://127.0.0.1:${port}/live/[stream]_${index}`;
  });
  return { ...told, vhost: `forward ${copies.join(' ')};` };
}

/** Until the playlist has its first segments. */
async function waitForSegments(plan: Plan): Promise<void> {
  const deadline = performance.now() + SEGMENTS_MS;
  while (!existsSync(`${plan.directory}/www/live/bench.m3u8`)) {
    if (performance.now() > deadline) throw new Error('the segmenter wrote no playlist');
    await sleep(100);
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
