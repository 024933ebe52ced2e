/** Owns the waiting of tests for what comes over a connection: bounded in time, and ended by its close. */

/** Nothing here takes so long: a wait that does has failed, and says for what it was. */
const PATIENCE_MS = 15_000;
/** How often something is looked at that tells nobody when it changes. */
const LOOK_MS = 5;

interface Waiting {
  readonly look: () => boolean;
  readonly fail: (reason: string) => void;
}

/** The waits of one connection. Whoever owns it calls `look` when something came, and `close` when nothing more will. */
export class Waits {
  #waiting: Waiting[] = [];
  #ending: string | undefined;
  readonly #describe: () => string;

  /** `describe` tells, for the text of a failure, what has come. */
  constructor(describe: () => string) {
    this.#describe = describe;
  }

  /** Resolves when the condition holds. */
  until(what: string, holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const fail = (reason: string): void => {
        clearTimeout(timer);
        reject(new Error(`waited for ${what}, but ${reason}; so far: ${this.#describe()}`));
      };
      const timer = setTimeout(fail, PATIENCE_MS, 'it did not come');
      const look = (): boolean => {
        const isMet = holds();
        if (!isMet) return false;
        clearTimeout(timer);
        resolve();
        return true;
      };
      if (this.#ending !== undefined) fail(this.#ending);
      else this.#waiting.push({ look, fail });
    });
  }

  /** Something has come. */
  look(): void {
    this.#waiting = this.#waiting.filter(({ look }) => !look());
  }

  /** Nothing more comes: what is waited for still is no more to be had. */
  close(reason: string): void {
    this.look();
    this.#ending = reason;
    for (const { fail } of this.#waiting.splice(0)) fail(reason);
  }
}

/** Resolves when a condition holds of whose changes nobody tells: it is looked at every few milliseconds. */
export async function eventually(what: string, holds: () => boolean): Promise<void> {
  const began = performance.now();
  while (!holds()) {
    if (performance.now() - began > PATIENCE_MS) throw new Error(`waited for ${what} in vain`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
