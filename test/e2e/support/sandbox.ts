/** Owns what one test starts and writes: programs and a directory; closing it leaves nothing of either behind. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { Program } from './program';
import type { Ended } from './program';

/** A wait that takes longer fails the test with a message of its own. */
const WAIT_LIMIT_MS = 30_000;
/** How often the end of a daemon is looked for. */
const LOOK_MS = 5;

/** How a program is started; its working directory is always inside that of the sandbox. */
export interface StartOptions {
  /** Relative to the directory of the sandbox. */
  readonly cwd?: string;
  /** The whole environment; that of the tests unless given. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Programs that are still there when the sandbox closes are recognized by their working directory, as daemons are. */
export class Sandbox {
  readonly directory = fs.mkdtempSync(join(tmpdir(), 'srs-e2e-'));

  path(...names: string[]): string {
    return join(this.directory, ...names);
  }

  write(name: string, text: string): void {
    fs.writeFileSync(this.path(name), text);
  }

  read(name: string): string {
    return fs.readFileSync(this.path(name), 'utf8');
  }

  has(name: string): boolean {
    return fs.existsSync(this.path(name));
  }

  /** Starts a program in a process group of its own. */
  start(command: string, args: readonly string[], { cwd = '.', env }: StartOptions = {}): Program {
    const child = spawn(command, args, {
      cwd: this.path(cwd),
      env: env ?? process.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Program(command, child);
  }

  /** Runs a program to its end. */
  run(command: string, args: readonly string[], options?: StartOptions): Promise<Ended> {
    return this.start(command, args, options).ended;
  }

  /** Resolves once the condition holds; looked at whenever something changes in the directory. */
  async until(what: string, holds: () => boolean, directory = '.'): Promise<void> {
    let watcher: fs.FSWatcher | undefined;
    const limit = AbortSignal.timeout(WAIT_LIMIT_MS);
    try {
      await new Promise<void>((resolve, reject) => {
        const look = (): void => {
          if (holds()) resolve();
        };
        watcher = fs.watch(this.path(directory), look);
        limit.onabort = (): void => {
          reject(new Error(`${what}: not within ${WAIT_LIMIT_MS} ms`));
        };
        look();
      });
    } finally {
      watcher?.close();
    }
  }

  /** Pids of what runs in the directory or below it. */
  processes(): number[] {
    return fs
      .readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && this.#isInside(workingDirectory(name)))
      .map(Number);
  }

  /** Resolves when nothing runs in the directory any more. */
  async isLeft(): Promise<void> {
    const endMs = Date.now() + WAIT_LIMIT_MS;
    // Their end is not told to us: daemons are nobody's children.
    for (let left = this.processes(); left.length > 0; left = this.processes()) {
      if (Date.now() > endMs)
        throw new Error(`${left.join()} did not end within ${WAIT_LIMIT_MS} ms`);
      await setTimeout(LOOK_MS);
    }
  }

  /** Kills what still runs and removes the directory. */
  async close(): Promise<void> {
    for (let left = this.processes(); left.length > 0; left = this.processes()) {
      for (const pid of left) killAnyway(pid);
      await setTimeout(LOOK_MS);
    }
    fs.rmSync(this.directory, { recursive: true });
  }

  #isInside(directory: string): boolean {
    return directory === this.directory || directory.startsWith(`${this.directory}/`);
  }
}

/** Where a process works; empty when it is gone, a zombie, or somebody else's. */
function workingDirectory(pid: string): string {
  try {
    return fs.readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

function killAnyway(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}
