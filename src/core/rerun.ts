/** Owns the order of a task that must not overlap itself: asked for while it runs, it runs once more. */

/** A task of which one run at a time is under way, and at most one more is due. */
export class Rerun<T> {
  readonly #task: () => Promise<T>;
  #running: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(task: () => Promise<T>) {
    this.#task = task;
  }

  /** The run that begins now, or after the one under way; all who ask meanwhile share that one. */
  run(): Promise<T> {
    if (this.#next !== undefined) return this.#next;
    if (this.#running === undefined) return this.#start();
    this.#next = this.#running.then(
      () => this.#start(),
      () => this.#start(),
    );
    return this.#next;
  }

  /** Resolves when no run is under way or due; never rejects. */
  async idle(): Promise<void> {
    for (let last = this.#last; last !== undefined; last = this.#last) {
      await last.catch(() => undefined);
    }
  }

  get #last(): Promise<T> | undefined {
    return this.#next ?? this.#running;
  }

  #start(): Promise<T> {
    this.#next = undefined;
    const running = this.#task().finally(() => {
      this.#running = undefined;
    });
    this.#running = running;
    return running;
  }
}
