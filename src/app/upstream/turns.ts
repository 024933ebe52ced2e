/** Owns the limits on how many connections to one server are begun at a time, and how many a second. */
import type { Clock } from '../../core/clock';
import { RateLimit } from '../../core/rate-limit';

import type { UpstreamServer } from './target';
import type { UpstreamError } from './upstream-error';

/** So many connections to a server may be under way that it has not said a word on yet; others wait for their turn. */
const MAX_REACHING = 64;
/** So many may begin at once, and then one each interval, ms. */
const BURST = 200;
const INTERVAL_MS = 5;
/** Servers whose pace is remembered; there are more only where clients or hooks invent them. */
const MAX_SERVERS = 1000;

/** Who waits for a turn. */
export interface TurnHandler {
  /** It has come, perhaps at once. */
  onTurn(): void;
  /** It does not come: the server was just found not to be reached. */
  onFailed(error: UpstreamError): void;
}

/** The attempt of one connection to reach a server, from the wait for it on. */
export class Turn {
  readonly handler: TurnHandler;
  readonly #queue: TurnQueue;

  constructor(queue: TurnQueue, handler: TurnHandler) {
    this.handler = handler;
    this.#queue = queue;
  }

  /** The server was reached, or nobody wants to know any more: it is the next one's turn. Idempotent. */
  end(): void {
    this.#queue.leave(this);
  }

  /** The server could not be reached: those who wait are spared the attempt. No effect after an end. */
  fail(error: UpstreamError): void {
    this.#queue.fail(this, error);
  }
}

/** The turns of one server. */
class TurnQueue {
  readonly #clock: Clock;
  readonly #pace = new RateLimit(BURST, INTERVAL_MS);
  readonly #reaching = new Set<Turn>();
  readonly #waiting = new Set<Turn>();
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isIdle(): boolean {
    return this.#reaching.size === 0 && this.#waiting.size === 0;
  }

  take(handler: TurnHandler): Turn {
    const turn = new Turn(this, handler);
    this.#waiting.add(turn);
    this.#next();
    return turn;
  }

  leave(turn: Turn): void {
    if (this.#reaching.delete(turn)) this.#next();
    else this.#waiting.delete(turn);
    this.#quitTimer();
  }

  fail(turn: Turn, error: UpstreamError): void {
    if (!this.#reaching.delete(turn)) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    this.#quitTimer();
    for (const { handler } of waiting) handler.onFailed(error);
    this.#next();
  }

  #next(): void {
    while (this.#reaching.size < MAX_REACHING && this.#timer === undefined) {
      const [turn] = this.#waiting;
      if (turn === undefined) return;
      if (!this.#pace.take(this.#clock.nowMs())) {
        this.#timer = setTimeout(() => {
          this.#timer = undefined;
          this.#next();
        }, INTERVAL_MS);
        return;
      }
      this.#waiting.delete(turn);
      this.#reaching.add(turn);
      turn.handler.onTurn();
    }
  }

  #quitTimer(): void {
    if (this.#waiting.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** The turns of all servers. */
export class Turns {
  readonly #clock: Clock;
  readonly #queues = new Map<string, TurnQueue>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Takes one's place among those who want to connect to a server.
   *
   * @param isVerified whether the certificate of an rtmps server is checked: others may reach it where it is
   */
  take({ schema, label }: UpstreamServer, isVerified: boolean, handler: TurnHandler): Turn {
    const key = `${schema}://${label} ${String(isVerified)}`;
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      this.#forgetOne();
      queue = new TurnQueue(this.#clock);
      this.#queues.set(key, queue);
    }
    return queue.take(handler);
  }

  #forgetOne(): void {
    if (this.#queues.size < MAX_SERVERS) return;
    const idle = [...this.#queues].find(([, { isIdle }]) => isIdle);
    if (idle) this.#queues.delete(idle[0]);
  }
}
