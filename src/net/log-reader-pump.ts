/** Owns when pulled players are given their bytes: one timer for each flush interval, none while nothing waits. */

/** Something that has bytes to hand on. */
export interface Flushable {
  flush(): void;
}

/** What is to be flushed after one interval, or at the end of this turn. */
class ReaderPump {
  readonly #intervalMs: number;
  #due = new Set<Flushable>();
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  get isIdle(): boolean {
    return this.#due.size === 0;
  }

  add(one: Flushable): void {
    this.#due.add(one);
    if (this.#intervalMs > 0) this.#timer ??= setTimeout(this.#run, this.#intervalMs);
    else this.#immediate ??= setImmediate(this.#run);
  }

  remove(one: Flushable): void {
    if (this.#due.delete(one) && this.isIdle) this.#disarm();
  }

  clear(): void {
    this.#due.clear();
    this.#disarm();
  }

  readonly #run = (): void => {
    const due = this.#due;
    // What is not done yet comes back into the next round.
    this.#due = new Set();
    this.#disarm();
    for (const one of due) one.flush();
  };

  #disarm(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
  }
}

/** The pumps of one engine, one for each flush interval in use. */
export class ReaderPumps {
  readonly #pumps = new Map<number, ReaderPump>();
  #closed = false;

  /** Flushes `one` after `intervalMs`, or at the end of this turn when that is 0; once, however often it is asked. */
  add(one: Flushable, intervalMs: number): void {
    if (this.#closed) return;
    let pump = this.#pumps.get(intervalMs);
    if (pump === undefined) this.#pumps.set(intervalMs, (pump = new ReaderPump(intervalMs)));
    pump.add(one);
  }

  /** Takes it back wherever it waits. */
  remove(one: Flushable): void {
    for (const [intervalMs, pump] of this.#pumps) {
      pump.remove(one);
      if (pump.isIdle) this.#pumps.delete(intervalMs);
    }
  }

  /** Stops all timers; later calls do nothing. */
  close(): void {
    this.#closed = true;
    for (const pump of this.#pumps.values()) pump.clear();
    this.#pumps.clear();
  }
}
