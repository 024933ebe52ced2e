/** Owns the requests that wait for something which is not there yet: bounded in number and in time. */
import type { HlsRequest } from './exchange';
import { sendStatus } from './exchange';

/** So many requests may wait for one stream. */
const MAX_WAITERS = 10_000;

interface Waiter {
  readonly request: HlsRequest;
  readonly dueMs: number;
  readonly isReady: () => boolean;
  readonly answer: () => void;
}

/** The waiting requests of one stream. */
export class Waiters {
  readonly #waiting = new Set<Waiter>();

  get size(): number {
    return this.#waiting.size;
  }

  /** Holds a request until it is ready; beyond the limit it is refused at once, with a 503. */
  add(waiter: Waiter): void {
    if (this.#waiting.size >= MAX_WAITERS) {
      sendStatus(waiter.request, 503, { 'Retry-After': '1' });
      return;
    }
    this.#waiting.add(waiter);
    waiter.request.response.once('close', () => {
      this.#waiting.delete(waiter);
    });
  }

  /** Answers those that have what they wait for. */
  check(): void {
    for (const waiter of this.#waiting) {
      if (!waiter.isReady()) continue;
      this.#waiting.delete(waiter);
      waiter.answer();
    }
  }

  /** Refuses those that have waited too long (RFC 8216bis 6.2.5.2). */
  sweep(nowMs: number): void {
    for (const waiter of this.#waiting) {
      if (waiter.dueMs > nowMs) continue;
      this.#waiting.delete(waiter);
      sendStatus(waiter.request, 503);
    }
  }

  /** All that wait, who are another's from now on. */
  take(): HlsRequest[] {
    const requests = [...this.#waiting].map(({ request }) => request);
    this.#waiting.clear();
    return requests;
  }

  /** Refuses all that wait. */
  clear(status: number): void {
    for (const { request } of this.#waiting) sendStatus(request, status);
    this.#waiting.clear();
  }
}
