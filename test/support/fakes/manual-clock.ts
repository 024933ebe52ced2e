/** A clock that moves by hand. */
import type { Clock } from '../../../src/core/clock';

export class ManualClock implements Clock {
  #nowMs = 1000;

  nowMs(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }
}
