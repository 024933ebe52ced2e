/** Owns the bytes that went through something so far, both ways, and how fast they go. */
import { Kbps } from './kbps';
import type { Rates, Traffic } from './stat-types';

/** Rates of two counters. */
export class RatePair {
  readonly #sent: Kbps;
  readonly #received: Kbps;

  /** `nowMs`: monotonic time from which on bytes are counted; the counters are 0 then. */
  constructor(nowMs: number) {
    this.#sent = new Kbps(nowMs);
    this.#received = new Kbps(nowMs);
  }

  /** Brings the rates up to date with the counters' present totals. */
  sample(nowMs: number, sent: number, received: number): Rates {
    return {
      recv30s: this.#received.sample(nowMs, received).kbps30s,
      send30s: this.#sent.sample(nowMs, sent).kbps30s,
    };
  }
}

/** A sum to which the bytes of clients are added as they are found to have grown. */
export class TrafficSum {
  readonly #rates: RatePair;
  #sent = 0;
  #received = 0;

  constructor(nowMs: number) {
    this.#rates = new RatePair(nowMs);
  }

  get sent(): number {
    return this.#sent;
  }

  add(sent: number, received: number): void {
    this.#sent += sent;
    this.#received += received;
  }

  /** What is shown of it, as of `nowMs`. */
  sample(nowMs: number): Traffic {
    const kbps = this.#rates.sample(nowMs, this.#sent, this.#received);
    return { sendBytes: this.#sent, recvBytes: this.#received, kbps };
  }
}
