/** Owns one running program: what it prints, waiting for a line of it, its end. */
import type { ChildProcess } from 'node:child_process';

/** A wait that takes longer fails the test and shows what the program has printed. */
const WAIT_LIMIT_MS = 30_000;
/** How much of the output a failure shows. */
const SHOWN_CHARACTERS = 3000;

/** How a program ended. */
export interface Ended {
  /** Exit status; null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Waiter {
  readonly holds: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A child process. Its name is for messages. */
export class Program {
  readonly name: string;
  /** Resolves when it has ended and all output is there, whatever the status. */
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;
  #hasEnded = false;
  #waiters: Waiter[] = [];

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#wake();
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#wake();
    });
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status, signal) => {
        this.#hasEnded = true;
        this.#wake();
        for (const { reject: fail } of this.#waiters.splice(0)) fail(this.#failure('it ended'));
        resolve({ status, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** How often the pattern occurs in what it has printed. */
  count(pattern: RegExp | string): number {
    const all = new RegExp(typeof pattern === 'string' ? escape(pattern) : pattern, 'g');
    return (this.stdout + this.stderr).match(all)?.length ?? 0;
  }

  /** Resolves once the pattern has occurred `times` times in what it prints; rejects when it ends before. */
  prints(pattern: RegExp | string, times = 1): Promise<void> {
    return this.until(`${String(pattern)} ${times} times`, () => this.count(pattern) >= times);
  }

  /** Resolves once the condition holds after some output; rejects when the program ends before. */
  async until(what: string, holds: () => boolean): Promise<void> {
    if (holds()) return;
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (why: string): void => {
          reject(this.#failure(`${why} while ${what} was waited for`));
        };
        if (this.#hasEnded) fail('it had ended');
        this.#waiters.push({
          holds,
          resolve,
          reject: () => {
            fail('it ended');
          },
        });
        timer = setTimeout(fail, WAIT_LIMIT_MS, `${WAIT_LIMIT_MS} ms passed`);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a signal to its process group; nothing happens when it has ended. */
  kill(signal: NodeJS.Signals): void {
    if (!this.#hasEnded) process.kill(-this.pid, signal);
  }

  /** Its end when that is in order; rejects with the output when it was not. */
  async succeeds(): Promise<Ended> {
    const ended = await this.ended;
    if (ended.status !== 0) throw this.#failure(`status ${ended.signal ?? ended.status ?? ''}`);
    return ended;
  }

  #wake(): void {
    const met = this.#waiters.filter(({ holds }) => holds());
    this.#waiters = this.#waiters.filter((waiter) => !met.includes(waiter));
    for (const { resolve } of met) resolve();
  }

  #failure(why: string): Error {
    const tail = (this.stdout + this.stderr).slice(-SHOWN_CHARACTERS);
    return new Error(`${this.name}: ${why}; it has printed:\n${tail}`);
  }
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
