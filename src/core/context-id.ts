/** Owns the numbering of connections and workers, by which log lines are told apart. */

const FIRST_CONTEXT_ID = 100;

/** Hands out process-wide ids: unique, growing by one, first 100. */
export class ContextIds {
  #next = FIRST_CONTEXT_ID;

  /** The next unused id. */
  next(): number {
    return this.#next++;
  }
}
