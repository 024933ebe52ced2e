/** Owns the sharing of what many clients look up at the same moment. */

/** What was looked up is that old at most, ms: less than a client can tell. */
const FRESH_MS = 20;

/** Looks up each name once per moment, for all who ask in it. */
export class Lookups<T> {
  readonly #found = new Map<string, Promise<T>>();
  #sinceMs = -FRESH_MS;

  /** What `lookUp` finds for a name, or found for somebody else just now; `nowMs` monotonic. */
  find(name: string, nowMs: number, lookUp: () => Promise<T>): Promise<T> {
    if (nowMs - this.#sinceMs >= FRESH_MS) {
      this.#sinceMs = nowMs;
      this.#found.clear();
    }
    let found = this.#found.get(name);
    if (found === undefined) {
      found = lookUp();
      this.#found.set(name, found);
    }
    return found;
  }
}
