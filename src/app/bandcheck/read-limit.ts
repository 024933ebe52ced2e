/** Owns the limit on what a client sends while its upload is measured. */
import type { Channel } from '../../net/socket';

/** So far the average may be ahead of the limit, ms: clients keep to it by clocks of their own. */
const SLACK_MS = 20;
/** How often it is looked at, at least: not all that a client sends is told. */
const LOOK_MS = 50;

/** What it works with. */
export interface ReadLimitParts {
  readonly socket: Pick<Channel, 'pauseRead' | 'resumeRead'>;
  readonly limitKbps: number;
  /** Since the start. */
  readonly receivedBytes: () => number;
  readonly elapsedMs: () => number;
}

/** Stops to read from a client that sends more than it was told, until the average since the start fits. */
export class ReadLimit {
  readonly #parts: ReadLimitParts;
  #timer: NodeJS.Timeout | undefined;
  #isPaused = false;

  constructor(parts: ReadLimitParts) {
    this.#parts = parts;
    this.#look();
  }

  /** Something has come. */
  check(): void {
    if (this.#isPaused || this.#aheadMs <= SLACK_MS) return;
    clearTimeout(this.#timer);
    this.#look();
  }

  /** Reads on without a limit. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#setPaused(false);
  }

  get #aheadMs(): number {
    const { receivedBytes, limitKbps, elapsedMs } = this.#parts;
    return (receivedBytes() * 8) / limitKbps - elapsedMs();
  }

  #look(): void {
    const aheadMs = this.#aheadMs;
    const isAhead = aheadMs > SLACK_MS;
    this.#setPaused(isAhead);
    this.#timer = setTimeout(
      () => {
        this.#look();
      },
      isAhead ? Math.ceil(aheadMs) : LOOK_MS,
    );
  }

  #setPaused(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    const { socket } = this.#parts;
    if (isPaused) socket.pauseRead();
    else socket.resumeRead();
  }
}
