// The faults: each is caused, lasts a while, and is over when what it took away is there again.
import { setTimeout as sleep } from 'node:timers/promises';

import type { FaultProxy } from '../../test/support/fault-proxy';

import type { ChaosCluster } from './cluster';
import type { ChaosMember } from './member';
import { between, oneOf } from './random';
import type { Random } from './random';

/** A fault that was. Times in ms of CLOCK_MONOTONIC, as the load generator has them. */
export interface Fault {
  readonly kind: FaultKind;
  /** What it hit. */
  readonly where: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Index of the only edge that it concerns; undefined: all. */
  readonly edge: number | undefined;
}

/** What a fault can be, as often as it stands here. */
const KINDS = [
  'kill-origin',
  'kill-origin',
  'freeze-origin',
  'freeze-origin',
  'cut-link',
  'cut-link',
  'dead-link',
  'slow-link',
  'slow-link',
  'kill-edge',
] as const;

export type FaultKind = (typeof KINDS)[number];

const SLOW_BYTES_PER_SECOND = 4000;

/** Now, on the clock of the load generator. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** A kind by chance. */
export function chooseKind(random: Random): FaultKind {
  return oneOf(KINDS, random);
}

/** Causes a fault somewhere, and ends it. */
export async function cause(
  kind: FaultKind,
  cluster: ChaosCluster,
  random: Random,
): Promise<Fault> {
  const link = oneOf(cluster.links, random);
  const [edge, origin] = [cluster.edges[link.edge], cluster.origins[link.origin]];
  if (edge === undefined || origin === undefined) throw new Error('a link without its ends');
  const lastsMs = between(500, 3000, random);
  const fromMs = monotonicMs();
  if (kind.endsWith('-link')) {
    await strikeLink(kind, link.proxy, lastsMs, random);
  } else {
    await strikeMember(kind === 'kill-edge' ? edge : origin, kind !== 'freeze-origin', lastsMs);
  }
  const toMs = monotonicMs();
  if (kind.endsWith('-link')) {
    return { kind, where: `${edge.name} - ${origin.name}`, fromMs, toMs, edge: link.edge };
  }
  if (kind === 'kill-edge') return { kind, where: edge.name, fromMs, toMs, edge: link.edge };
  return { kind, where: origin.name, fromMs, toMs, edge: undefined };
}

async function strikeMember(member: ChaosMember, kills: boolean, lastsMs: number): Promise<void> {
  if (kills) await member.kill();
  else member.freeze();
  await sleep(lastsMs);
  if (kills) await member.start();
  else member.thaw();
}

async function strikeLink(
  kind: FaultKind,
  proxy: FaultProxy,
  lastsMs: number,
  random: Random,
): Promise<void> {
  if (kind === 'cut-link') {
    proxy.cut(random() < 0.5 ? 'rst' : 'fin');
    return;
  }
  if (kind === 'dead-link') proxy.freeze();
  else proxy.limit(SLOW_BYTES_PER_SECOND, 'down');
  await sleep(lastsMs);
  await proxy.pass();
}
