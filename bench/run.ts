// Runs the benchmark by hand: rows × servers, one Markdown table on stdout and in objs/bench.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { stopAllOnExit } from './children';
import { measureFloor, measureRow } from './measure';
import type { Plan, Result } from './measure';
import { describeMachine } from './proc';
import { benchRows, holdRows } from './rows';
import type { Row } from './rows';
import type { ServerKind } from './server';
import { comparison, losses, tableHead, tableLine } from './table';

const USAGE = `usage: bench/run.sh [options]
  --rows A,B           only these rows (--list names them)
  --quick              windows of 5 s instead of 15 s
  --hold               the rows that must hold: a minute each, any loss is a failure
  --server COMMAND     our server (objs/srs -c {config}); {config} is the file written for the row
  --port N             port of our server (19550), with HTTP and the API at the next two
  --peer COMMAND       another server for the same rows; it is told BENCH_ROW,
                       BENCH_LATENCY=merged|lowest and BENCH_MERGED_READ=on|off by environment,
                       and BENCH_PARTNER, the port of the origin of an edge or of where copies go
  --peer-port N        port of the peer (19560)
  --peer-http-port N   its port for HTTP, for the rows of HTTP; it serves objs/bench/www
  --peer-name NAME     its name in the table (peer)
  --only-peer          leave our server out
  --audio              publishers send AAC too (43 more messages a second)
  --server-cpu N --load-cpu N   (0 and 1)
  --list               names of the rows`;

const DIRECTORY = 'objs/bench';

function readOptions() {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string' },
      quick: { type: 'boolean', default: false },
      hold: { type: 'boolean', default: false },
      server: { type: 'string', default: 'objs/srs -c {config}' },
      port: { type: 'string', default: '19550' },
      peer: { type: 'string' },
      'peer-port': { type: 'string', default: '19560' },
      'peer-http-port': { type: 'string' },
      'peer-name': { type: 'string', default: 'peer' },
      'only-peer': { type: 'boolean', default: false },
      audio: { type: 'boolean', default: false },
      'server-cpu': { type: 'string', default: '0' },
      'load-cpu': { type: 'string', default: '1' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return values;
}

type Options = ReturnType<typeof readOptions>;

function chooseRows(options: Options): readonly Row[] {
  const all = options.hold ? holdRows : benchRows;
  if (options.rows === undefined) return all;
  return options.rows.split(',').map((id) => {
    const row = all.find((candidate) => candidate.id === id);
    if (!row) throw new Error(`no row ${id}; there are ${all.map((r) => r.id).join(' ')}`);
    return row;
  });
}

function chooseServers(options: Options): ServerKind[] {
  const servers: ServerKind[] = [];
  if (!options['only-peer']) {
    const port = Number(options.port);
    const ports = { port, httpPort: port + 1, apiPort: port + 2 };
    servers.push({ name: 'srs', ...ports, command: options.server });
  }
  if (options.peer !== undefined) {
    const port = Number(options['peer-port']);
    const http = options['peer-http-port'];
    const httpPort = http === undefined ? undefined : Number(http);
    servers.push({ name: options['peer-name'], port, httpPort, command: options.peer });
  }
  return servers;
}

/** What rows cost more than those they are compared with, where both were measured. */
function comparisons(results: readonly Result[]): string[] {
  return results.flatMap((result) => {
    const base = results.find(
      ({ row, server }) => row.id === result.row.against && server === result.server,
    );
    return base ? [`\n${comparison(result, base)}`] : [];
  });
}

async function run(options: Options): Promise<boolean> {
  const plan: Plan = {
    serverCpu: Number(options['server-cpu']),
    loadCpu: Number(options['load-cpu']),
    windowSeconds: options.quick ? 5 : 15,
    directory: DIRECTORY,
    publisher: options.audio ? ['--audio'] : [],
  };
  mkdirSync(DIRECTORY, { recursive: true });
  const lines: string[] = [];
  const print = (text: string): void => {
    lines.push(text);
    console.log(text);
    writeFileSync('objs/bench.md', `${lines.join('\n')}\n`);
  };
  print(`${describeMachine()}\n\n${tableHead()}`);
  let good = true;
  const results: Result[] = [];
  for (const row of chooseRows(options)) {
    const floor = await measureFloor(row, plan);
    for (const server of chooseServers(options)) {
      if (row.http === true && server.httpPort === undefined) continue;
      if (row.apiRate !== undefined && server.apiPort === undefined) continue;
      const result = await measureRow(row, server, plan);
      print(tableLine(result, floor));
      results.push(result);
      good &&= losses(result).length === 0;
    }
  }
  for (const text of comparisons(results)) print(text);
  return good || !options.hold;
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options.help || options.list) {
    const rows = options.hold ? holdRows : benchRows;
    console.log(options.help ? USAGE : rows.map((row) => `${row.id}\t${row.title}`).join('\n'));
    return 0;
  }
  stopAllOnExit();
  return (await run(options)) ? 0 : 1;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(2);
  },
);
