/** Owns the pace at which one side fills the line. */
import type { Clock } from '../../core/clock';
import { chunkedSize } from '../../rtmp/chunk-writer';
import type { OutgoingMessage } from '../../rtmp/message';

import type { FillerName } from './filler';
import { Filler } from './filler';

/** Shortest wait between two looks at the clock, ms: what is due within it goes out together. */
const TICK_MS = 10;
/** What may wait for a peer that takes less than the limit, bytes. */
const MAX_WAITING = 128 * 1024;
/** Most bytes between two turns of the loop, however fast the peer is: others want to be served, too. */
const MAX_BURST = 1024 * 1024;

/** What a pump works with. */
export interface PumpParts {
  readonly clock: Clock;
  readonly name: FillerName;
  /** The average since the start stays below. */
  readonly limitKbps: number;
  /** For so long. */
  readonly durationMs: number;
  /** Payload bytes per chunk. */
  readonly chunkSize: number;
  readonly send: (message: OutgoingMessage) => void;
  /** Own bytes that wait to be sent. */
  readonly pendingBytes: () => number;
  /** The time is over; once, and not after a stop. */
  readonly onEnd: () => void;
}

/** Sends fillers for a while, no more than the limit allows and the peer takes. One timer, no other work. */
export class Pump {
  readonly #parts: PumpParts;
  readonly #filler: Filler;
  #startedMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #sentBytes = 0;
  #isOver = false;

  constructor(parts: PumpParts) {
    this.#parts = parts;
    this.#filler = new Filler(parts.name);
  }

  /** Sends the first one; once. */
  start(): void {
    this.#startedMs = this.#parts.clock.nowMs();
    this.#run();
  }

  /** What it sent so far, chunk headers included. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  get elapsedMs(): number {
    return this.#parts.clock.nowMs() - this.#startedMs;
  }

  /** The peer has taken what waited: it need not wait for the next look. */
  onDrain(): void {
    if (this.#isOver) return;
    clearTimeout(this.#timer);
    this.#run();
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #run(): void {
    const { durationMs, onEnd } = this.#parts;
    const elapsedMs = this.elapsedMs;
    if (elapsedMs >= durationMs) {
      this.stop();
      onEnd();
      return;
    }
    const dueMs = this.#fill(elapsedMs);
    const waitMs = Math.min(Math.max(dueMs - elapsedMs, TICK_MS), durationMs - elapsedMs);
    this.#timer = setTimeout(() => {
      this.#run();
    }, Math.ceil(waitMs));
  }

  /** Sends what may be sent by now; when the next is due, ms since the start. */
  #fill(elapsedMs: number): number {
    const { limitKbps, chunkSize, send, pendingBytes } = this.#parts;
    const burstEnd = this.#sentBytes + MAX_BURST;
    for (;;) {
      // One kbps is one bit per ms.
      const dueMs = (this.#sentBytes * 8) / limitKbps;
      const isFull = this.#sentBytes >= burstEnd || pendingBytes() >= MAX_WAITING;
      if (dueMs > elapsedMs || isFull) return dueMs;
      const message = this.#filler.next();
      send(message);
      this.#sentBytes += chunkedSize(message, message.payload.length, chunkSize);
    }
  }
}
