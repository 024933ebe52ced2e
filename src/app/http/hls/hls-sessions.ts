/** Owns all viewers of HLS: found by what they show with each request, ended when they ask for nothing any more. */
import type { HlsSession } from './hls-session';

/** More viewers than that cannot be told apart: the one that has been silent for longest ends. */
const MAX_SESSIONS = 20_000;
/** No session ends earlier for its silence. */
export const MIN_IDLE_MS = 30_000;

/** Sessions by key, in the order of their last requests. */
export class HlsSessions {
  readonly #sessions = new Map<string, HlsSession>();
  readonly #max: number;

  constructor(max = MAX_SESSIONS) {
    this.#max = max;
  }

  /** Those that last, and those whom an operator has ended lately. */
  get size(): number {
    return this.#sessions.size;
  }

  /**
   * The session of a request that has come now, monotonic. One that an operator has ended is found for the time in
   * which it would have ended by silence, and not for longer, however often it asks.
   */
  find(key: string, nowMs: number): HlsSession | undefined {
    const session = this.#sessions.get(key);
    if (session === undefined) return undefined;
    if (nowMs - session.lastMs >= session.idleMs) {
      this.remove(key, nowMs);
      return undefined;
    }
    if (session.isOver) return session;
    session.lastMs = nowMs;
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    return session;
  }

  /** Takes a new session, in the place of any other under that key. */
  add(key: string, session: HlsSession): void {
    this.remove(key, session.startedMs);
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size < this.#max) break;
      this.remove(oldest, session.startedMs);
    }
    this.#sessions.set(key, session);
  }

  /** Ends a session; `only`: if it is that one. */
  remove(key: string, nowMs: number, only?: HlsSession): void {
    const session = this.#sessions.get(key);
    if (session === undefined || (only !== undefined && session !== only)) return;
    this.#sessions.delete(key);
    session.end(nowMs);
  }

  /** Ends those that have been silent for too long. */
  sweep(nowMs: number): void {
    for (const [key, { lastMs, idleMs }] of this.#sessions) {
      // All that follow have asked later.
      if (nowMs - lastMs < MIN_IDLE_MS) return;
      if (nowMs - lastMs >= idleMs) this.remove(key, nowMs);
    }
  }

  /** Ends those of a vhost, and forgets them: what they ask for is decided anew. */
  closeVhost(vhost: string, reason: string, nowMs: number): void {
    for (const [key, session] of this.#sessions) {
      if (session.names.vhost !== vhost) continue;
      session.kick(reason);
      this.remove(key, nowMs);
    }
  }

  /** Ends all of them. */
  clear(nowMs: number): void {
    for (const key of [...this.#sessions.keys()]) this.remove(key, nowMs);
  }
}
