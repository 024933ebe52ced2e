// The servers under test: ours, with a configuration written for the row, and a peer started by a command.
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { isRunning, startPinned } from './children';
import type { Row, ServerNeeds } from './rows';

const START_MS = 10_000;
const MOST_CONNECTIONS = 12_000;

/** How to start a server. */
export interface ServerKind {
  readonly name: string;
  readonly port: number;
  /** Port for HTTP; undefined when it has none. */
  readonly httpPort: number | undefined;
  /** Port for the API; undefined when it has none of ours. */
  readonly apiPort?: number;
  /** Further options of its vhost, when it is ours. */
  readonly vhost?: string;
  /** The port of the server beside it, which a peer is told as BENCH_PARTNER. */
  readonly partnerPort?: number;
  /** A shell command; {config} stands for the file written for ours. */
  readonly command: string;
}

/** Where segments of the row `hls` are, below the directory of the run. */
const WEB_ROOT = 'www';

/** The blocks of HTTP, and of files when they are asked for. */
function httpText(needs: ServerNeeds, directory: string): string {
  const files = `
    hls {
        enabled on;
        hls_fragment 2;
        hls_window 10;
        hls_path ${directory}/${WEB_ROOT};
    }`;
  const dvr = `
    dvr {
        enabled on;
        dvr_path ${directory}/dvr/[app]/[stream].[timestamp].flv;
    }`;
  return `
    http_remux {
        enabled on;
    }${needs.files === true ? files + dvr : ''}`;
}

function apiText({ apiPort }: ServerKind): string {
  return apiPort === undefined
    ? ''
    : `http_api {
    enabled on;
    listen ${apiPort};
}
`;
}

/** Configuration of our server for a row. */
function configText(kind: ServerKind, needs: ServerNeeds, directory: string): string {
  const lowest = needs.mergedWriteMs === 0;
  return `listen ${kind.port};
http_server {
    enabled on;
    listen ${kind.httpPort ?? 0};
    dir ${directory}/${WEB_ROOT};
}
${apiText(kind)}max_connections ${MOST_CONNECTIONS};
daemon off;
pid ${directory}/${kind.name}.pid;
srs_log_tank console;
srs_log_level warn;
chunk_size 60000;
vhost __defaultVhost__ {
    min_latency ${lowest ? 'on' : 'off'};
    mw_latency ${needs.mergedWriteMs};
    mr {
        enabled ${needs.mergedRead ? 'on' : 'off'};
        latency 350;
    }${httpText(needs, directory)}
    ${kind.vhost ?? ''}
}
`;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}

/** Starts a server for a row and waits until its port answers; its output goes to DIRECTORY/NAME.log. */
export async function startServer(
  kind: ServerKind,
  row: Row,
  cpu: number,
  directory: string,
): Promise<ChildProcess> {
  if (await accepts(kind.port)) throw new Error(`port ${kind.port} is in use already`);
  const config = `${directory}/${kind.name}.conf`;
  const logFile = `${directory}/${kind.name}.log`;
  writeFileSync(config, configText(kind, row.needs, directory));
  const env = {
    ...process.env,
    BENCH_ROW: row.id,
    BENCH_LATENCY: row.needs.mergedWriteMs === 0 ? 'lowest' : 'merged',
    BENCH_PARTNER: String(kind.partnerPort ?? ''),
    BENCH_MERGED_READ: row.needs.mergedRead ? 'on' : 'off',
  };
  const command = ['sh', '-c', `exec ${kind.command.replaceAll('{config}', config)}`];
  const log = openSync(logFile, 'a');
  const child = startPinned(cpu, command, ['ignore', log, log], env);
  closeSync(log);
  const deadline = performance.now() + START_MS;
  while (!(await accepts(kind.port))) {
    if (!isRunning(child)) throw new Error(`${kind.name} did not start, see ${logFile}`);
    if (performance.now() > deadline) throw new Error(`${kind.name} opened no port ${kind.port}`);
    await sleep(50);
  }
  return child;
}
