// Publishers and players of a chaos run: processes of the load generator, and what they report.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { signalGroup, startGroup } from '../children';

/** Longest run of the generator; it is told when to end. */
const SECONDS = '86400';
/** Players of a process that come in a second. */
const CONNECT_RATE = 500;
/** An encoder that lost its server comes back so much later. */
const RECONNECT_MS = 500;

/** No media from one time to the other; null: until the end. */
export type Gap = readonly [stream: number, player: number, fromMs: number, toMs: number | null];

/** What players of one edge report; times in ms of CLOCK_MONOTONIC. */
export interface WatchReport {
  readonly count: number;
  readonly started: number;
  readonly unfinished: number;
  readonly failed: number;
  readonly lost: number;
  /** Still there, and without any media since they came. */
  readonly silent: number;
  /** Messages whose time was before that of the one before. */
  readonly backwards: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly gaps: readonly Gap[];
  /** When each lost player was lost. */
  readonly losses: readonly number[];
}

/** The load of a run. */
export interface LoadPlan {
  /** The generator. */
  readonly load: string;
  readonly streams: number;
  /** Players of each stream at each edge. */
  readonly players: number;
  readonly kbps: number;
}

/** A process of the generator. */
class LoadProcess {
  readonly #child: ChildProcess;
  readonly #output: Promise<string>;

  constructor(load: string, args: readonly string[]) {
    const all = [...args, '--seconds', SECONDS];
    this.#child = startGroup([load, ...all], ['ignore', 'pipe', 'ignore']);
    if (this.#child.stdout === null) throw new Error('the load generator has no output');
    this.#output = text(this.#child.stdout);
  }

  /** Ends it; what it has to say. */
  async end(): Promise<string> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      signalGroup(this.#child, 'SIGTERM');
      await ended;
    }
    return this.#output;
  }
}

/** Encoders: each stream is published at each of these ports, and comes back when its server does. */
export class Encoders {
  readonly #processes: readonly LoadProcess[];

  constructor(plan: LoadPlan, ports: readonly number[]) {
    const streams = ['--streams', `${plan.streams}`, '--count', `${plan.streams}`];
    const media = ['--kbps', `${plan.kbps}`, '--gop', '25', '--audio'];
    const rest = ['--reconnect-ms', `${RECONNECT_MS}`];
    this.#processes = ports.map((port) => {
      const url = ['--url', `rtmp://127.0.0.1:${port}/live/s`];
      return new LoadProcess(plan.load, ['publish', ...url, ...streams, ...media, ...rest]);
    });
  }

  async end(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.end()));
  }
}

/** All players of one edge. When the edge is killed they go with it, and others come when it is back. */
export class Audience {
  readonly #plan: LoadPlan;
  readonly #port: number;
  readonly #generations: LoadProcess[] = [];

  constructor(plan: LoadPlan, port: number) {
    this.#plan = plan;
    this.#port = port;
    this.come();
  }

  /** Players come; those of before, if any, have been lost. */
  come(): void {
    const { load, streams, players } = this.#plan;
    const url = ['--url', `rtmp://127.0.0.1:${this.#port}/live/s`];
    const count = ['--streams', `${streams}`, '--count', `${players}`];
    const rate = ['--connect-rate', `${CONNECT_RATE}`];
    this.#generations.push(new LoadProcess(load, ['watch', ...url, ...count, ...rate]));
  }

  /** Time in which all of them come. */
  get comingMs(): number {
    return ((this.#plan.streams * this.#plan.players) / CONNECT_RATE) * 1000;
  }

  /** They leave; what each generation of them reports. */
  async leave(): Promise<WatchReport[]> {
    const reports = await Promise.all(this.#generations.map((process) => process.end()));
    return reports.map((report) => {
      if (!report.startsWith('{')) throw new Error('the players gave no report');
      return JSON.parse(report) as WatchReport;
    });
  }
}
