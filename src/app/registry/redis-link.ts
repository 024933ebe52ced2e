/** Owns the way to a Redis: one connection at a time, opened again when it is lost, given up when it is dead. */
import type { Clock } from '../../core/clock';
import { describeError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import { RateLimit } from '../../core/rate-limit';
import { redact } from '../../core/redact';
import type { RedisTarget } from '../config/redis-url';
import { Backoff } from '../upstream/backoff';

import type { OpenRedis, RedisConnection } from './redis-connection';

/** An answer that takes longer is not waited for by anybody, milliseconds. */
export const SLOW_MS = 500;
/** Without any answer for so long the connection is given up, milliseconds. */
const DEAD_MS = 5000;
/** Waits between attempts to connect, milliseconds. */
const MIN_WAIT_MS = 200;
const MAX_WAIT_MS = 1000;
/** A connection that has lasted so long was a good one, milliseconds. */
const GOOD_MS = 10_000;
/** Commands that wait for their answers; more are refused at once. */
const MAX_PENDING = 1000;
/** Lines about trouble: so many at once, then one each interval. */
const MAX_LINES = 6;
const LINE_INTERVAL_MS = 30_000;

/** What a link is given. */
export interface LinkParts {
  readonly log: Logger;
  readonly clock: Clock;
  readonly open: OpenRedis;
  /** Connected, for the first time or again: Redis may have forgotten everything. */
  onUp(): void;
  /** The connection is lost. */
  onDown(): void;
}

/** `slow`: connected, and nothing was answered for {@link SLOW_MS}. */
export type LinkState = 'connecting' | 'up' | 'slow' | 'waiting' | 'closed';

/** One line is logged when the state changes for better or worse, none for each failure. */
export class RedisLink {
  readonly target: RedisTarget;
  readonly #parts: LinkParts;
  readonly #backoff = new Backoff(MIN_WAIT_MS, MAX_WAIT_MS);
  readonly #lines = new RateLimit(MAX_LINES, LINE_INTERVAL_MS);
  #state: LinkState = 'connecting';
  #connection: RedisConnection | undefined;
  /** Since when it is connected. */
  #upSinceMs = 0;
  #failures = 0;
  /** What was logged last about trouble; '' when all is well. */
  #toldTrouble = '';
  /** What was logged last of what Redis had against a command. */
  #toldRefusal = '';
  #pending = 0;
  /** When the last answer came, or the first command that waits for one was sent. */
  #progressMs = 0;
  /** The first attempt to connect. */
  readonly #beginning = new Turn();
  #retryTimer: NodeJS.Timeout | undefined;
  #watchTimer: NodeJS.Timeout | undefined;

  constructor(target: RedisTarget, parts: LinkParts) {
    this.target = target;
    this.#parts = parts;
    this.#connect();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Connected, slow or not. */
  get isConnected(): boolean {
    return this.#state === 'up' || this.#state === 'slow';
  }

  /** Whether the first attempt to connect is under way. */
  get isBeginning(): boolean {
    return !this.#beginning.isOver;
  }

  /** Resolves when it is over, one way or the other. */
  attempted(): Promise<void> {
    return this.#beginning.end;
  }

  /** How long it has been connected, milliseconds; 0 while it is not. */
  get upMs(): number {
    return this.isConnected ? this.#parts.clock.nowMs() - this.#upSinceMs : 0;
  }

  /** Connections that failed or broke, and commands that Redis refused or never answered. */
  get failures(): number {
    return this.#failures;
  }

  /** Sends a command; rejects at once when there is no connection, or too much waits in it. */
  async call(command: readonly string[]): Promise<unknown> {
    const connection = this.#connection;
    if (!connection || !this.isConnected) throw new Error('not connected');
    if (this.#pending >= MAX_PENDING) throw new Error(`${MAX_PENDING} commands wait already`);
    if (this.#pending === 0) this.#progressMs = this.#parts.clock.nowMs();
    this.#pending++;
    this.#watch();
    try {
      const reply = await connection.send(command);
      this.#answered(connection);
      return reply;
    } catch (error) {
      this.#failures++;
      if (this.#connection === connection) this.#tellRefusal(error);
      this.#answered(connection);
      throw error;
    }
  }

  /** Closes it for good; idempotent. */
  close(): void {
    this.#leave('closed');
    clearTimeout(this.#retryTimer);
  }

  #connect(): void {
    this.#state = 'connecting';
    const connection = this.#parts.open(this.target, {
      onReady: () => {
        if (this.#connection === connection) this.#opened();
      },
      onClosed: (error) => {
        if (this.#connection === connection) this.#lost(error);
      },
    });
    this.#connection = connection;
  }

  #opened(): void {
    const { log, clock } = this.#parts;
    this.#state = 'up';
    this.#upSinceMs = clock.nowMs();
    this.#toldTrouble = '';
    this.#toldRefusal = '';
    log.trace(`origin registry ${this.target.label} connected`);
    this.#beginning.finish();
    this.#parts.onUp();
  }

  #lost(error: Error): void {
    const wasConnected = this.isConnected;
    if (wasConnected && this.upMs >= GOOD_MS) this.#backoff.reset();
    this.#failures++;
    this.#leave('waiting');
    const what = wasConnected ? 'is lost' : 'cannot be reached';
    this.#tellTrouble(`${what}: ${redact(reasonOf(error))}`, error);
    this.#retryTimer = setTimeout(() => {
      this.#connect();
    }, this.#backoff.next()).unref();
    if (wasConnected) this.#parts.onDown();
  }

  #leave(state: 'waiting' | 'closed'): void {
    this.#state = state;
    this.#pending = 0;
    clearTimeout(this.#watchTimer);
    this.#watchTimer = undefined;
    this.#connection?.close();
    this.#connection = undefined;
    this.#beginning.finish();
  }

  #answered(connection: RedisConnection): void {
    if (this.#connection !== connection || !this.isConnected) return;
    this.#pending--;
    this.#progressMs = this.#parts.clock.nowMs();
    if (this.#state !== 'slow') return;
    this.#state = 'up';
    this.#tellWell();
  }

  /** Looks after the commands that wait, for as long as there are any. */
  #watch(): void {
    this.#watchTimer ??= setTimeout(() => {
      this.#watchTimer = undefined;
      if (this.#pending === 0) return;
      const silentMs = this.#parts.clock.nowMs() - this.#progressMs;
      if (silentMs >= DEAD_MS) {
        this.#lost(new Error(`nothing answered for ${DEAD_MS} ms`));
        return;
      }
      if (silentMs >= SLOW_MS && this.#state === 'up') {
        this.#state = 'slow';
        this.#tellTrouble(`does not answer in ${SLOW_MS} ms`);
      }
      this.#watch();
    }, SLOW_MS / 2).unref();
  }

  #tellTrouble(text: string, error?: Error): void {
    const { log, clock } = this.#parts;
    if (text === this.#toldTrouble || !this.#lines.take(clock.nowMs())) return;
    this.#toldTrouble = text;
    log.warn(`origin registry ${this.target.label} ${text}`, error);
  }

  /** Redis is there, and does not do what it is asked: no permission, no memory left. */
  #tellRefusal(error: unknown): void {
    const text = redact(describeError(error));
    if (text === this.#toldRefusal) return;
    const { log, clock } = this.#parts;
    if (!this.#lines.take(clock.nowMs())) return;
    this.#toldRefusal = text;
    log.warn(`origin registry ${this.target.label} refuses a command: ${text}`, error);
  }

  #tellWell(): void {
    if (this.#toldTrouble === '') return;
    this.#toldTrouble = '';
    this.#parts.log.trace(`origin registry ${this.target.label} answers again`);
  }
}

/** Something that ends once. */
class Turn {
  isOver = false;
  readonly end: Promise<void>;
  #resolve: () => void = () => undefined;

  constructor() {
    this.end = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  finish(): void {
    this.isOver = true;
    this.#resolve();
  }
}

/** What happened, in words: an error for several addresses has none of its own. */
function reasonOf(error: Error): string {
  if (error.message !== '') return error.message;
  const { code } = error as NodeJS.ErrnoException;
  return code ?? error.name;
}
