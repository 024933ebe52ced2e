// The chaos run by hand: options, a table of the servers and of the faults, and a status that says whether all was well.
import { mkdirSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { runChaos } from './chaos/run';
import type { ChaosPlan, ChaosReport } from './chaos/run';
import { stopAllOnExit } from './children';
import { describeMachine } from './proc';

const USAGE = `usage: bench/chaos.sh [options]
  --streams N --edges N --players N   players are of each stream at each edge (20, 3, 50)
  --seconds N          time in which faults happen (180)
  --every MS           from one fault to the next (5000)
  --seed N             of the order of the faults (1)
  --kbps N             of each stream (100)
  --publish-at WHERE   origins: each stream at both, or edges: at the first edge, which pushes it
  --server PATH        the program (objs/srs)`;

const DIRECTORY = 'objs/bench/chaos';
const SHOWN_PROBLEMS = 30;

const options = {
  streams: { type: 'string', default: '20' },
  edges: { type: 'string', default: '3' },
  players: { type: 'string', default: '50' },
  seconds: { type: 'string', default: '180' },
  every: { type: 'string', default: '5000' },
  seed: { type: 'string', default: '1' },
  kbps: { type: 'string', default: '100' },
  'publish-at': { type: 'string', default: 'origins' },
  server: { type: 'string', default: 'objs/srs' },
  help: { type: 'boolean', default: false },
} as const;

function readPlan(): ChaosPlan | undefined {
  const { values } = parseArgs({ options });
  if (values.help) return undefined;
  const number = (
    name: 'streams' | 'edges' | 'players' | 'seconds' | 'every' | 'seed' | 'kbps',
  ) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value > 0) return value;
    throw new Error(`--${name}: a whole number above 0 expected, not ${values[name]}`);
  };
  const publishAt = values['publish-at'];
  if (publishAt !== 'origins' && publishAt !== 'edges') {
    throw new Error(`--publish-at: origins or edges expected, not ${publishAt}`);
  }
  return {
    ...{ streams: number('streams'), edges: number('edges'), players: number('players') },
    ...{ seconds: number('seconds'), everyMs: number('every'), seed: number('seed') },
    ...{ kbps: number('kbps'), publishAt, binary: resolve(values.server) },
    ...{ load: resolve('objs/bench/load'), directory: resolve(DIRECTORY) },
    log: (line) => {
      console.error(`  ${line}`);
    },
  };
}

const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

function print(report: ChaosReport): void {
  const { faults, members, resumedMs, problems } = report;
  console.log(
    line(['server', 'restarts', 'RSS MB, start / middle / end', 'sockets, before → after']),
  );
  console.log(line(['---', '---', '---', '---']));
  for (const { name, restarts, rssMb, sockets } of members) {
    const memory = rssMb.map((mb) => mb.toFixed(0)).join(' / ');
    console.log(line([name, restarts, memory, sockets.join(' → ')]));
  }
  console.log(`\n${faults.length} faults:`);
  const kinds = [...new Set(faults.map(({ kind }) => kind))].sort();
  for (const kind of kinds) {
    console.log(`  ${faults.filter((fault) => fault.kind === kind).length} × ${kind}`);
  }
  const sorted = [...resumedMs].sort((one, other) => one - other);
  const at = (fraction: number): string =>
    `${Math.round(sorted[Math.floor(sorted.length * fraction)] ?? 0)} ms`;
  const spread = `half within ${at(0.5)}, 99 % within ${at(0.99)}, the last after ${Math.round(sorted.at(-1) ?? 0)} ms`;
  console.log(
    `${sorted.length} silences of a player above 1 s; media after the end of the fault: ${spread}`,
  );
  for (const problem of problems.slice(0, SHOWN_PROBLEMS)) console.log(`PROBLEM ${problem}`);
  console.log(problems.length === 0 ? 'all well' : `${problems.length} problems`);
}

async function main(): Promise<number> {
  const plan = readPlan();
  if (plan === undefined) {
    console.log(USAGE);
    return 0;
  }
  stopAllOnExit();
  rmSync(plan.directory, { recursive: true, force: true });
  mkdirSync(plan.directory, { recursive: true });
  console.log(`${describeMachine()}\n`);
  const players = plan.streams * plan.edges * plan.players;
  console.log(
    `${plan.streams} streams, ${plan.edges} edges, ${players} players, seed ${plan.seed}\n`,
  );
  const report = await runChaos(plan);
  print(report);
  return report.problems.length === 0 ? 0 : 1;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(2);
  },
);
