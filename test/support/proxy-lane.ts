/** Owns one direction of a link that can fail: what was read there and waits to be written here. */
import type { Socket } from 'node:net';

/** How a direction is, for all links at once. */
export interface LaneState {
  isFrozen: boolean;
  bytesPerSecond: number;
  latencyMs: number;
  /** Bytes passed on. */
  passed: number;
}

/** What waits; an end of the stream waits like the bytes before it. */
interface Waiting {
  readonly data: Buffer | 'end';
  readonly dueMs: number;
}

/** More than this waits in the kernel, at the side it comes from. */
const HELD_BYTES = 256 * 1024;
/** A slow link is written to this often. */
const STEP_MS = 20;

/** Reads one socket and writes the other. */
export class ProxyLane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #state: LaneState;
  #queue: Waiting[] = [];
  #held = 0;
  #isFull = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;
  /** When the last bytes were written to a slow link, and what of its rate is left since. */
  #writtenMs = performance.now();
  #allowance = 0;

  constructor(from: Socket, to: Socket, state: LaneState) {
    this.#from = from;
    this.#to = to;
    this.#state = state;
    from.on('data', (data: Buffer) => {
      this.#held += data.length;
      this.#push(data);
    });
    from.on('end', () => {
      this.#push('end');
    });
    from.on('error', () => {
      // A refused or reset connection is reset at the other side too.
      to.resetAndDestroy();
    });
    from.on('close', () => {
      if (!from.readableEnded) to.destroy();
    });
    to.on('drain', () => {
      this.#isFull = false;
      this.pump();
    });
    to.on('close', () => {
      this.stop();
      // What has ended may still be written to by the other direction.
      if (!from.readableEnded) from.destroy();
    });
    this.pump();
  }

  /** Writes what may be written now. To be called when the state has changed. */
  pump(): void {
    clearTimeout(this.#timer);
    while (this.#canWrite()) {
      const [first] = this.#queue;
      if (first === undefined) break;
      const waitMs = first.dueMs - performance.now();
      if (waitMs > 0) {
        this.#again(waitMs);
        break;
      }
      if (!this.#write(first)) break;
    }
    this.#steer();
  }

  /** Drops what waits; nothing is passed on any more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#queue = [];
    this.#held = 0;
  }

  #canWrite(): boolean {
    return !this.#isStopped && !this.#isFull && !this.#state.isFrozen;
  }

  #push(data: Buffer | 'end'): void {
    if (this.#isStopped) return;
    this.#queue.push({ data, dueMs: performance.now() + this.#state.latencyMs });
    this.pump();
  }

  /** Writes the first that waits, as much of it as the rate allows; false when the rest has to wait. */
  #write({ data, dueMs }: Waiting): boolean {
    this.#queue.shift();
    if (data === 'end') {
      this.#to.end();
      return true;
    }
    const allowed = Math.min(this.#allowed(), data.length);
    if (allowed > 0) {
      this.#held -= allowed;
      this.#allowance -= allowed;
      this.#state.passed += allowed;
      this.#isFull = !this.#to.write(data.subarray(0, allowed));
    }
    if (allowed === data.length) return true;
    this.#queue.unshift({ data: data.subarray(allowed), dueMs });
    this.#again(STEP_MS);
    return false;
  }

  /** How many bytes the rate allows now: at most what two steps bring. */
  #allowed(): number {
    const { bytesPerSecond } = this.#state;
    const nowMs = performance.now();
    const brought = ((nowMs - this.#writtenMs) / 1000) * bytesPerSecond;
    this.#writtenMs = nowMs;
    if (!Number.isFinite(bytesPerSecond)) {
      this.#allowance = 0;
      return Infinity;
    }
    const most = Math.max(1, (bytesPerSecond * 2 * STEP_MS) / 1000);
    this.#allowance = Math.min(most, Math.max(0, this.#allowance) + brought);
    return Math.floor(this.#allowance);
  }

  #again(inMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.pump();
    }, inMs);
  }

  /** What cannot go on is left to the kernel, which tells the sender so. */
  #steer(): void {
    if (this.#state.isFrozen || this.#held > HELD_BYTES) this.#from.pause();
    else this.#from.resume();
  }
}
