// One chaos run: a cluster under load, a fault every few seconds, and what is left of it all in the end.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { ChaosCluster } from './cluster';
import type { ClusterPlan } from './cluster';
import { cause, chooseKind, monotonicMs } from './faults';
import type { Fault } from './faults';
import { Audience, Encoders } from './load';
import type { LoadPlan } from './load';
import type { ChaosMember } from './member';
import { seededRandom } from './random';
import { judge, RESUME_MS } from './verdict';
import type { Verdict } from './verdict';

/** How a run goes. */
export interface ChaosPlan extends ClusterPlan, LoadPlan {
  /** Time in which faults happen. */
  readonly seconds: number;
  /** From the beginning of a fault to that of the next one. */
  readonly everyMs: number;
  readonly seed: number;
  /** Streams are published at all origins, or at the first edge, which pushes them. */
  readonly publishAt: 'origins' | 'edges';
  /** Told what happens. */
  readonly log: (line: string) => void;
}

/** One server over the run. */
export interface MemberReport {
  readonly name: string;
  readonly restarts: number;
  /** Resident MB, loaded: at the beginning, in the middle, at the end of the faults. */
  readonly rssMb: readonly number[];
  /** Sockets before anybody came, and when all had left. */
  readonly sockets: readonly [number, number];
}

/** What a run came to. */
export interface ChaosReport extends Verdict {
  readonly faults: readonly Fault[];
  readonly members: readonly MemberReport[];
}

/** Media flows by then. */
const SETTLE_MS = 4000;
/** Sockets of who has left are closed by then, those that linger for the next player too. */
const LEFT_MS = 20_000;
const LOOK_MS = 250;
/** A server that was not started again may grow by so much in the second half. */
const GROWTH_RATIO = 1.25;
const GROWTH_MB = 15;
/** Mistakes of the server itself in its log. */
const BUG = /ret=1021|a connection failed|\b\w*Error: |AddressSanitizer/;

interface Measures {
  readonly rssMb: number[];
  readonly restarts: number[];
}

/** Runs it; whatever happens, nothing of it is left running. */
export async function runChaos(plan: ChaosPlan): Promise<ChaosReport> {
  const cluster = await ChaosCluster.start(plan);
  let stopped: Promise<string[]> | undefined;
  const stop = (): Promise<string[]> => (stopped ??= cluster.stop());
  try {
    const idle = cluster.members.map((member) => member.sockets);
    const measures = cluster.members.map((): Measures => ({ rssMb: [], restarts: [] }));
    const { faults, verdict } = await underLoad(plan, cluster, () => {
      cluster.members.forEach((member, index) => {
        measures[index]?.rssMb.push(member.rssMb);
        measures[index]?.restarts.push(member.restarts);
      });
    });
    const left = await whenAllHaveLeft(cluster, idle);
    const members = cluster.members.map(({ name, restarts }, index): MemberReport => {
      const sockets = [idle[index] ?? 0, left[index] ?? 0] as const;
      return { name, restarts, rssMb: measures[index]?.rssMb ?? [], sockets };
    });
    const problems = [
      ...verdict.problems,
      ...members.flatMap((member, index) => memberProblems(member, measures[index])),
      ...(await stop()),
      ...cluster.members.flatMap(logProblems),
    ];
    return { faults, members, resumedMs: verdict.resumedMs, problems };
  } finally {
    await stop();
  }
}

async function underLoad(
  plan: ChaosPlan,
  cluster: ChaosCluster,
  measure: () => void,
): Promise<{ faults: Fault[]; verdict: Verdict }> {
  const edge = plan.publishAt === 'origins' ? undefined : 0;
  const at = edge === undefined ? cluster.origins : cluster.edges.slice(edge, edge + 1);
  const encoders = new Encoders(
    plan,
    at.map(({ port }) => port),
  );
  const audiences = cluster.edges.map(({ port }) => new Audience(plan, port));
  const comingMs = audiences[0]?.comingMs ?? 0;
  try {
    await sleep(comingMs + SETTLE_MS);
    measure();
    const startMs = monotonicMs();
    const faults = await causeFaults(plan, cluster, audiences, measure);
    await sleep(RESUME_MS + comingMs + LOOK_MS);
    measure();
    const reports = await Promise.all(audiences.map((audience) => audience.leave()));
    return { faults, verdict: judge(reports, faults, { startMs, comingMs, edge }) };
  } finally {
    await Promise.all(audiences.map((audience) => audience.leave()));
    await encoders.end();
  }
}

async function causeFaults(
  plan: ChaosPlan,
  cluster: ChaosCluster,
  audiences: readonly Audience[],
  measure: () => void,
): Promise<Fault[]> {
  const random = seededRandom(plan.seed);
  const faults: Fault[] = [];
  const count = Math.max(1, Math.floor((plan.seconds * 1000) / plan.everyMs));
  const beganMs = monotonicMs();
  for (let index = 0; index < count; index++) {
    const fault = await cause(chooseKind(random), cluster, random);
    faults.push(fault);
    if (fault.kind === 'kill-edge') audiences[fault.edge ?? -1]?.come();
    const lasted = Math.round(fault.toMs - fault.fromMs);
    const since = ((fault.fromMs - beganMs) / 1000).toFixed(1);
    plan.log(`${index + 1}/${count} at ${since} s: ${fault.kind} ${fault.where}, ${lasted} ms`);
    await sleep(Math.max(0, beganMs + (index + 1) * plan.everyMs - monotonicMs()));
    if (index === Math.floor(count / 2)) measure();
  }
  return faults;
}

/** Open sockets of each server when they are no more than before, or after a while. */
async function whenAllHaveLeft(
  cluster: ChaosCluster,
  idle: readonly number[],
): Promise<readonly number[]> {
  const deadline = performance.now() + LEFT_MS;
  for (;;) {
    const open = cluster.members.map((member) => member.sockets);
    const isEmpty = open.every((count, index) => count <= (idle[index] ?? 0));
    if (isEmpty || performance.now() > deadline) return open;
    await sleep(LOOK_MS);
  }
}

function memberProblems(member: MemberReport, measures: Measures | undefined): string[] {
  const problems: string[] = [];
  const [before, after] = member.sockets;
  if (after > before)
    problems.push(`${member.name}: ${after} sockets left open, ${before} at first`);
  const [, middle = 0, end = 0] = member.rssMb;
  const [, restartsThen, restarts] = measures?.restarts ?? [];
  if (restartsThen === restarts && end > middle * GROWTH_RATIO + GROWTH_MB) {
    problems.push(`${member.name}: grew from ${middle.toFixed(0)} to ${end.toFixed(0)} MB`);
  }
  return problems;
}

function logProblems(member: ChaosMember): string[] {
  const lines = readFileSync(member.logFile, 'utf8').split('\n');
  const bugs = lines.filter((line) => BUG.test(line)).slice(0, 3);
  const ended = member.ended === undefined ? [] : [`${member.name} ended: ${member.ended}`];
  return [...ended, ...bugs.map((line) => `${member.name}: ${line}`)];
}
