/** Owns the bodies that were made a moment ago, so that who asks often costs little. */

const MAX_ENTRIES = 64;
const MAX_BYTES = 4_194_304;
/** A body is as good as a new one for so long, unless a client came or went. */
const FRESH_MS = 250;
/** One that took long to make serves for so many times as long even then: asking can take no more than its share. */
const COST_FACTOR = 10;

interface Entry {
  readonly body: Buffer;
  readonly version: number;
  readonly madeMs: number;
  readonly costMs: number;
}

/** A few bodies by name; the oldest go first. */
export class BodyCache {
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  /** Bodies that are kept. */
  get size(): number {
    return this.#entries.size;
  }

  /** The body that may still be sent at `nowMs`, monotonic; `version` is that of what it shows. */
  find(name: string, version: number, nowMs: number): Buffer | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    const ageMs = nowMs - entry.madeMs;
    const isSame = entry.version === version && ageMs < FRESH_MS;
    return isSame || ageMs < entry.costMs * COST_FACTOR ? entry.body : undefined;
  }

  /** Keeps a body that was made from `beganMs` to `nowMs`. */
  add(name: string, version: number, body: Buffer, beganMs: number, nowMs: number): void {
    this.#remove(name);
    if (body.length > MAX_BYTES) return;
    this.#entries.set(name, { body, version, madeMs: nowMs, costMs: nowMs - beganMs });
    this.#bytes += body.length;
    for (const [oldest] of this.#entries) {
      if (this.#entries.size <= MAX_ENTRIES && this.#bytes <= MAX_BYTES) return;
      this.#remove(oldest);
    }
  }

  /** Something was changed on purpose: who changed it wants to see it. */
  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  #remove(name: string): void {
    this.#bytes -= this.#entries.get(name)?.body.length ?? 0;
    this.#entries.delete(name);
  }
}
