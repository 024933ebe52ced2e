/** Owns what Redis is told of our streams: announced when they begin, renewed in time, taken back when they end. */
import type { Clock } from '../../core/clock';

import { announceCommand, changesCommand, MAX_KEYS, withdrawCommand } from './lease-scripts';

/** Withdrawals that are kept for a Redis that cannot be reached; of the others the leases run out. */
const MAX_GONE = 10_000;
/** Leases are renewed so often before they end. */
const RENEWALS = 3;

/** What the announcements are given. */
export interface AnnouncementParts {
  readonly clock: Clock;
  readonly prefix: string;
  /** Where others reach this server, `host:port`. */
  readonly address: string;
  isConnected(): boolean;
  /** Sends a command to Redis, and logs what it has against it; rejects at once when it is not there. */
  call(command: readonly string[]): Promise<unknown>;
}

interface Held {
  /** When it was published, milliseconds of the monotonic clock. */
  readonly sinceMs: number;
  /** Redis has taken it, and has not been lost since. */
  isTold: boolean;
}

/** The streams of this server in one Redis. Nothing waits for it, and nothing is thrown. */
export class Announcements {
  readonly #parts: AnnouncementParts;
  readonly #held = new Map<string, Held>();
  /** Streams that are announced with the next flush; what is not taken then waits for the next renewal. */
  readonly #fresh = new Set<string>();
  /** Streams that Redis has to be told are gone. */
  readonly #gone = new Set<string>();
  #leaseMs: number;
  #renewTimer: NodeJS.Timeout | undefined;
  #isDue = false;
  /** The last renewal is not answered yet. */
  #isRenewing = false;
  #isClosed = false;

  constructor(parts: AnnouncementParts, leaseMs: number) {
    this.#parts = parts;
    this.#leaseMs = leaseMs;
    this.#schedule();
  }

  /** Streams whose announcement Redis has taken. */
  get announced(): number {
    let count = 0;
    for (const { isTold } of this.#held.values()) if (isTold) count++;
    return count;
  }

  /** A stream is published since `sinceMs` of the monotonic clock. */
  publish(key: string, sinceMs: number): void {
    this.#held.set(key, { sinceMs, isTold: false });
    this.#fresh.add(key);
    this.#gone.delete(key);
    this.#flushSoon();
  }

  /** It is not any more. */
  unpublish(key: string): void {
    if (!this.#held.delete(key)) return;
    this.#fresh.delete(key);
    if (this.#gone.size < MAX_GONE) this.#gone.add(key);
    this.#flushSoon();
  }

  /** Redis is there, perhaps another one or an empty one: it is told everything. */
  announceAll(): void {
    this.forget();
    for (const key of this.#held.keys()) this.#fresh.add(key);
    this.#flush();
  }

  /** Redis is gone, and may have forgotten us when it comes back. */
  forget(): void {
    for (const held of this.#held.values()) held.isTold = false;
    this.#isRenewing = false;
  }

  /** Renews by another lease from now on. */
  setLease(leaseMs: number): void {
    if (leaseMs === this.#leaseMs) return;
    this.#leaseMs = leaseMs;
    this.#schedule();
    this.#renew();
  }

  /** Takes all back, and tells Redis no more; resolves when that is answered, or has failed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#renewTimer);
    const keys = [...this.#held.keys(), ...this.#gone];
    this.#held.clear();
    this.#fresh.clear();
    this.#gone.clear();
    await Promise.all(chunksOf(keys).map((chunk) => this.#withdraw(chunk)));
  }

  #schedule(): void {
    clearInterval(this.#renewTimer);
    this.#renewTimer = setInterval(() => {
      this.#renew();
    }, this.#leaseMs / RENEWALS).unref();
  }

  /** Renews all leases; without any Redis is asked something all the same, so that it is known to be there. */
  #renew(): void {
    if (this.#isRenewing || !this.#parts.isConnected()) return;
    this.#isRenewing = true;
    this.#withdrawGone();
    this.#fresh.clear();
    const calls: Promise<unknown>[] = chunksOf([...this.#held.keys()]).map((chunk) =>
      this.#announce(chunk),
    );
    if (calls.length === 0) calls.push(this.#ask(changesCommand(this.#parts.prefix)));
    void Promise.all(calls).then(() => {
      this.#isRenewing = false;
    });
  }

  /** What happens in one turn of the loop goes together; a stream taken over in it was never gone. */
  #flushSoon(): void {
    if (this.#isDue || this.#isClosed) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#flush();
    });
  }

  /** Without Redis there is nothing to do: it is told everything when it comes. */
  #flush(): void {
    if (this.#isClosed || !this.#parts.isConnected()) return;
    this.#withdrawGone();
    const fresh = [...this.#fresh];
    this.#fresh.clear();
    for (const chunk of chunksOf(fresh)) void this.#announce(chunk);
  }

  #withdrawGone(): void {
    const gone = [...this.#gone];
    this.#gone.clear();
    for (const chunk of chunksOf(gone)) void this.#withdraw(chunk);
  }

  async #announce(keys: readonly string[]): Promise<void> {
    const { clock, prefix, address } = this.#parts;
    const nowMs = clock.nowMs();
    const sent = keys.map((key) => ({ key, held: this.#held.get(key) }));
    const streams = sent.map(({ key, held }) => ({ key, ageMs: nowMs - (held?.sinceMs ?? nowMs) }));
    const isTaken = await this.#ask(announceCommand(prefix, address, this.#leaseMs, streams));
    for (const { held } of sent) if (held) held.isTold = isTaken;
  }

  async #withdraw(keys: readonly string[]): Promise<void> {
    const { prefix, address } = this.#parts;
    if (await this.#ask(withdrawCommand(prefix, address, keys))) return;
    if (this.#isClosed) return;
    for (const key of keys) {
      if (!this.#held.has(key) && this.#gone.size < MAX_GONE) this.#gone.add(key);
    }
  }

  #ask(command: readonly string[]): Promise<boolean> {
    return this.#parts.call(command).then(
      () => true,
      // It has been logged, and what was not taken is tried again with the next renewal.
      () => false,
    );
  }
}

function chunksOf(keys: readonly string[]): string[][] {
  const chunks: string[][] = [];
  for (let at = 0; at < keys.length; at += MAX_KEYS) chunks.push(keys.slice(at, at + MAX_KEYS));
  return chunks;
}
