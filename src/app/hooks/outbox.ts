/** Owns what is told to hook servers in the background: in order, again when it failed, and never more than a limit. */
import type { Clock } from '../../core/clock';
import type { Logger } from '../../core/logger';

/** Everything that waits or is under way. */
const MAX_PENDING = 10_000;
/** The same of one lane. */
const MAX_LANE = 100;
/** Wait before the second attempt; it doubles with each. */
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;
/** What was given up is logged at most so often. */
const REPORT_MS = 10_000;

/** Why an attempt was in vain. */
export interface FailedAttempt {
  /** Another one may do better. */
  readonly isTransient: boolean;
  /** Logs it; undefined = there is no other attempt. */
  log(retryMs: number | undefined): void;
}

/** One attempt to tell something. */
export interface Attempt {
  /** Undefined when it succeeded; never rejects. */
  readonly failure: Promise<FailedAttempt | undefined>;
  /** It is being sent; before it waits for others. */
  readonly isUnderWay: boolean;
  cancel(): void;
}

/** Something to tell. */
export interface Delivery {
  /** Those of one lane are told one after the other, in order. */
  readonly lane: string;
  /** Attempts after the first. */
  readonly retries: number;
  attempt(): Attempt;
}

/** What an outbox keeps to. */
export interface OutboxLimits {
  /** Everything that waits or is under way. */
  readonly maxPending: number;
  /** Wait before the second attempt; it doubles with each, up to half a minute. */
  readonly firstRetryMs: number;
}

interface Job {
  readonly delivery: Delivery;
  attempts: number;
  current: Attempt | undefined;
  timer: NodeJS.Timeout | undefined;
}

interface Lane {
  readonly jobs: Job[];
  /** Called when it is empty. */
  readonly waiting: (() => void)[];
}

/** All that is to be told. A lane whose server hangs delays no other lane. */
export class Outbox {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #maxPending: number;
  readonly #firstRetryMs: number;
  readonly #lanes = new Map<string, Lane>();
  /** The oldest first. */
  readonly #jobs = new Set<Job>();
  #givenUp = 0;
  #reportedMs = -Infinity;
  #isStopping = false;
  #isClosed = false;
  #onEmpty: (() => void) | undefined;

  constructor(log: Logger, clock: Clock, limits: Partial<OutboxLimits> = {}) {
    this.#log = log;
    this.#clock = clock;
    this.#maxPending = limits.maxPending ?? MAX_PENDING;
    this.#firstRetryMs = limits.firstRetryMs ?? FIRST_RETRY_MS;
  }

  /** What waits or is under way. */
  get size(): number {
    return this.#jobs.size;
  }

  /** Takes something to tell. Where too much waits, the oldest that is not under way is given up. */
  post(delivery: Delivery): void {
    if (this.#isClosed) {
      this.#countGivenUp();
      return;
    }
    const lane = this.#laneOf(delivery.lane);
    if (lane.jobs.length >= MAX_LANE) this.#giveUp(oldest(lane.jobs));
    if (this.#jobs.size >= this.#maxPending) this.#giveUp(oldest(this.#jobs));
    // The lane may just have become empty, and have been forgotten.
    const { jobs } = this.#laneOf(delivery.lane);
    const job: Job = { delivery, attempts: 0, current: undefined, timer: undefined };
    jobs.push(job);
    this.#jobs.add(job);
    if (jobs.length === 1) this.#attempt(job);
  }

  /** Resolves when everything of a lane has been told or given up, or after `timeoutMs`; undefined when that is so. */
  whenEmpty(key: string, timeoutMs: number): Promise<void> | undefined {
    const lane = this.#lanes.get(key);
    if (!lane) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      lane.waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Tells what can be told in time, each thing once more; then takes nothing any more. */
  async stop(timeoutMs: number): Promise<void> {
    this.#isStopping = true;
    for (const job of this.#jobs) {
      if (job.timer === undefined) continue;
      clearTimeout(job.timer);
      this.#attempt(job);
    }
    if (this.#jobs.size > 0) await this.#untilEmpty(timeoutMs);
    this.#isClosed = true;
    for (const job of this.#jobs) this.#giveUp(job);
    this.#report();
  }

  async #untilEmpty(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      timer = setTimeout(resolve, timeoutMs);
    });
    clearTimeout(timer);
  }

  #attempt(job: Job): void {
    job.timer = undefined;
    job.attempts += 1;
    const attempt = job.delivery.attempt();
    job.current = attempt;
    attempt.failure
      .then((failure) => {
        if (job.current !== attempt || !this.#jobs.has(job)) return;
        job.current = undefined;
        if (!failure || !this.#retry(job, failure)) this.#remove(job);
      })
      .catch((error: unknown) => {
        this.#log.error(`http hooks: an attempt failed: ${String(error)}`, error);
        this.#remove(job);
      });
  }

  #retry(job: Job, failure: FailedAttempt): boolean {
    const isOver = this.#isStopping || job.attempts > job.delivery.retries;
    if (isOver || !failure.isTransient) {
      failure.log(undefined);
      return false;
    }
    const retryMs = Math.min(this.#firstRetryMs * 2 ** (job.attempts - 1), MAX_RETRY_MS);
    failure.log(retryMs);
    job.timer = setTimeout(() => {
      this.#attempt(job);
    }, retryMs).unref();
    return true;
  }

  #remove(job: Job): void {
    if (!this.#jobs.delete(job)) return;
    const { lane: key } = job.delivery;
    const lane = this.#laneOf(key);
    const index = lane.jobs.indexOf(job);
    lane.jobs.splice(index, 1);
    const [next] = lane.jobs;
    if (!next) {
      this.#lanes.delete(key);
      for (const resolve of lane.waiting) resolve();
    } else if (index === 0 && !this.#isClosed) {
      this.#attempt(next);
    }
    if (this.#jobs.size === 0) this.#onEmpty?.();
  }

  #giveUp(job: Job | undefined): void {
    if (!job) return;
    clearTimeout(job.timer);
    job.current?.cancel();
    this.#remove(job);
    this.#countGivenUp();
  }

  #countGivenUp(): void {
    this.#givenUp += 1;
    const nowMs = this.#clock.nowMs();
    if (this.#isStopping || nowMs - this.#reportedMs < REPORT_MS) return;
    this.#reportedMs = nowMs;
    this.#report();
  }

  #report(): void {
    if (this.#givenUp === 0) return;
    const rest = `pending=${this.#jobs.size}`;
    this.#log.warn(`http hooks: ${this.#givenUp} notifications given up, ${rest}`);
    this.#givenUp = 0;
  }

  #laneOf(key: string): Lane {
    let lane = this.#lanes.get(key);
    if (!lane) {
      lane = { jobs: [], waiting: [] };
      this.#lanes.set(key, lane);
    }
    return lane;
  }
}

/** What is being sent may arrive: that stays. */
function oldest(jobs: Iterable<Job>): Job | undefined {
  let first: Job | undefined;
  for (const job of jobs) {
    if (job.current?.isUnderWay !== true) return job;
    first ??= job;
  }
  return first;
}
