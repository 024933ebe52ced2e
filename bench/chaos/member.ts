// One server of the cluster: started, killed, frozen and started again at the same port; what /proc says of it.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { isListening } from '../../test/support/steady-ports';
import { isRunning, signalGroup, startGroup, stop } from '../children';
import { usageOf } from '../proc';

const START_MS = 15_000;
const LOOK_MS = 20;

/** A server. Its configuration and its log, which is kept over restarts, are in a directory of its name. */
export class ChaosMember {
  readonly name: string;
  readonly port: number;
  /** Times that it was killed and started again. */
  restarts = 0;
  readonly #command: readonly string[];
  readonly #directory: string;
  #child: ChildProcess | undefined;
  /** Whether its end is our doing. */
  #mayEnd = false;
  /** How it ended when nobody had wanted it to. */
  ended: string | undefined;

  constructor(binary: string, directory: string, name: string, port: number, options: string) {
    this.name = name;
    this.port = port;
    this.#command = [binary, '-c', 'srs.conf'];
    this.#directory = `${directory}/${name}`;
    mkdirSync(this.#directory, { recursive: true });
    const head = `listen 127.0.0.1:${port};\npid srs.pid;\ndaemon off;\nsrs_log_tank console;\n`;
    writeFileSync(`${this.#directory}/srs.conf`, `${head}max_connections 10000;\n${options}`);
  }

  /** Where its log is. */
  get logFile(): string {
    return `${this.#directory}/srs.log`;
  }

  /** Starts it and waits until it listens. */
  async start(): Promise<void> {
    const log = openSync(this.logFile, 'a');
    const child = startGroup(this.#command, ['ignore', log, log], process.env, this.#directory);
    closeSync(log);
    this.#child = child;
    this.#mayEnd = false;
    child.once('exit', (status, signal) => {
      if (!this.#mayEnd) this.ended = signal ?? `status ${status ?? ''}`;
    });
    const deadline = performance.now() + START_MS;
    while (!isListening(this.port)) {
      if (!isRunning(child)) throw new Error(`${this.name} did not start, see ${this.logFile}`);
      if (performance.now() > deadline) throw new Error(`${this.name} opened no port`);
      await sleep(LOOK_MS);
    }
  }

  /** Ends it without a word; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#running();
    this.#mayEnd = true;
    const ended = once(child, 'exit');
    signalGroup(child, 'SIGKILL');
    await ended;
    this.restarts++;
  }

  /** It says nothing more, and its connections stay. */
  freeze(): void {
    signalGroup(this.#running(), 'SIGSTOP');
  }

  thaw(): void {
    signalGroup(this.#running(), 'SIGCONT');
  }

  /** An orderly end; says what was wrong with it, if anything was. */
  async stop(): Promise<string | undefined> {
    const child = this.#child;
    if (child === undefined || !isRunning(child)) return this.ended;
    this.#mayEnd = true;
    await stop(child);
    const { exitCode, signalCode } = child;
    return exitCode === 0 ? undefined : `its stop ended with ${signalCode ?? exitCode ?? ''}`;
  }

  /** Resident memory in MB. */
  get rssMb(): number {
    return usageOf(this.#running().pid ?? 0).rssMb;
  }

  /** Open sockets of every kind, listeners too. */
  get sockets(): number {
    const folder = `/proc/${this.#running().pid ?? 0}/fd`;
    return readdirSync(folder).filter((fd) => linkOf(`${folder}/${fd}`).startsWith('socket:'))
      .length;
  }

  #running(): ChildProcess {
    if (this.#child === undefined) throw new Error(`${this.name} was not started`);
    return this.#child;
  }
}

/** Where a link leads; empty when it has just been closed. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
