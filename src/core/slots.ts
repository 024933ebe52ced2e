/** Owns the limit on how many tasks run at the same time; the others wait in the order in which they came. */

/** A place among those that run, or in the queue for one. */
export class Slot {
  readonly #onTurn: () => void;
  readonly #onRelease: (slot: Slot) => void;
  #isReleased = false;

  constructor(onTurn: () => void, onRelease: (slot: Slot) => void) {
    this.#onTurn = onTurn;
    this.#onRelease = onRelease;
  }

  /** It is this one's turn. */
  begin(): void {
    this.#onTurn();
  }

  /** Gives the place to the next one; idempotent, and possible at any time. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#onRelease(this);
  }
}

/** So many places, and a queue without limit: what may wait is limited by who asks. */
export class Slots {
  readonly #max: number;
  #used = 0;
  readonly #waiting = new Set<Slot>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Nobody has a place, nobody waits for one. */
  get isIdle(): boolean {
    return this.#used === 0 && this.#waiting.size === 0;
  }

  /** Calls `onTurn` when there is a place, which may be at once. */
  take(onTurn: () => void): Slot {
    const slot = new Slot(onTurn, (released) => {
      if (this.#waiting.delete(released)) return;
      this.#used -= 1;
      this.#next();
    });
    this.#waiting.add(slot);
    this.#next();
    return slot;
  }

  #next(): void {
    if (this.#used >= this.#max) return;
    const [slot] = this.#waiting;
    if (!slot) return;
    this.#waiting.delete(slot);
    this.#used += 1;
    slot.begin();
  }
}
