// Starts the load generator and reads its JSON line.
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { startPinned } from './children';

/** Durations in ms. */
export interface Percentiles {
  readonly samples: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What the generator reports; each command fills its own part. */
export interface LoadReport {
  readonly started?: number;
  readonly completed?: number;
  readonly failed?: number;
  readonly unfinished?: number;
  readonly lost?: number;
  readonly silent?: number;
  readonly stalls?: number;
  /** Average of a player or publisher. */
  readonly kbps?: number;
  readonly loadCpu?: number;
  /** Floor: percent of a cpu the sender used. */
  readonly cpu?: number;
  readonly listenOverflows?: number;
  readonly listenDrops?: number;
  readonly verified?: { readonly gaps: number; readonly errors: number };
  readonly slow?: { readonly lost: number; readonly bytesPerSecond: number };
  readonly latencyMs?: Percentiles;
  readonly tookMs?: Percentiles;
}

/** Runs the generator on a cpu to its end. */
export async function runLoad(cpu: number, args: readonly string[]): Promise<LoadReport> {
  const child = startPinned(cpu, ['objs/bench/load', ...args], ['ignore', 'pipe', 'inherit']);
  if (!child.stdout) throw new Error('the load generator has no output');
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (!output.startsWith('{')) throw new Error(`load ${args.join(' ')} gave no report`);
  return JSON.parse(output) as LoadReport;
}
