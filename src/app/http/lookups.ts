/** Owns the sharing of what many clients look up at the same moment. */

/** What was looked up is that old at most, ms: less than a client can tell. */
const FRESH_MS = 20;

/** Looks up each name once per moment, for all who ask in it. What is not there may come at any time: it is not kept. */
export class Lookups<T> {
  readonly #found = new Map<string, Promise<T | undefined>>();
  #sinceMs = -FRESH_MS;

  /** What `lookUp` finds for a name, or found for somebody else just now; `nowMs` monotonic. */
  find(name: string, nowMs: number, lookUp: () => Promise<T | undefined>): Promise<T | undefined> {
    if (nowMs - this.#sinceMs >= FRESH_MS) {
      this.#sinceMs = nowMs;
      this.#found.clear();
    }
    let found = this.#found.get(name);
    if (found === undefined) {
      found = this.#keepIfFound(name, lookUp);
      this.#found.set(name, found);
    }
    return found;
  }

  async #keepIfFound(name: string, lookUp: () => Promise<T | undefined>): Promise<T | undefined> {
    let found: T | undefined;
    try {
      found = await lookUp();
    } finally {
      if (found === undefined) this.#found.delete(name);
    }
    return found;
  }
}
