/** A line between two channels that has a rate, a delay and buffers; its time is that of the (fake) timers. */
import type { SocketHandler } from '../../../src/net/socket';

/** What the line is like. */
export interface LineQuality {
  /** Of each direction. */
  readonly kbps: number;
  /** One way. */
  readonly delayMs: number;
  /** What a sender can give away before it waits, bytes: the buffers of its system. */
  readonly bufferBytes: number;
}

const STEP_MS = 1;

/** One end. */
export class LineEnd {
  handler: SocketHandler | undefined;
  bytesReceived = 0;
  isClosed = false;
  isReading = true;
  readonly #quality: LineQuality;
  #peer: LineEnd | undefined;
  #queue: { readonly bytes: Buffer; readonly atMs: number }[] = [];
  #written = 0;
  #delivered = 0;
  /** Bytes that the line has carried beyond the first of the queue. */
  #budget = 0;
  #isEnding = false;

  constructor(quality: LineQuality) {
    this.#quality = quality;
  }

  join(peer: LineEnd): void {
    this.#peer = peer;
  }

  get pendingBytes(): number {
    return Math.max(0, this.#written - this.#delivered - this.#quality.bufferBytes);
  }

  get bytesSent(): number {
    return this.#written - this.pendingBytes;
  }

  write(data: Uint8Array): void {
    if (this.isClosed || this.#isEnding) return;
    this.#queue.push({ bytes: Buffer.from(data), atMs: Date.now() + this.#quality.delayMs });
    this.#written += data.length;
  }

  pauseRead(): void {
    this.isReading = false;
  }

  resumeRead(): void {
    this.isReading = true;
  }

  end(): void {
    this.#isEnding = true;
  }

  destroy(): void {
    this.#close();
    const peer = this.#peer;
    if (peer !== undefined) peer.#close();
  }

  receive(bytes: Buffer): void {
    this.bytesReceived += bytes.length;
    this.handler?.onData(bytes, 0, bytes.length);
  }

  /** Carries what the line can in a step. */
  carry(): void {
    const perStep = (this.#quality.kbps / 8) * STEP_MS;
    this.#budget += perStep;
    for (let bytes = this.#take(); bytes !== undefined; bytes = this.#take()) this.#deliver(bytes);
    // A line that has nothing to carry does not save it for later.
    if (!this.#hasNext) this.#budget = Math.min(this.#budget, perStep);
    if (this.#isEnding && this.#queue.length === 0) this.destroy();
  }

  /** Whether something has been on its way for long enough, and somebody reads. */
  get #hasNext(): boolean {
    const next = this.#queue[0];
    return next !== undefined && next.atMs <= Date.now() && this.#peer?.isReading === true;
  }

  #take(): Buffer | undefined {
    const next = this.#queue[0];
    if (!this.#hasNext || next === undefined || this.#budget < next.bytes.length) return undefined;
    this.#queue.shift();
    this.#budget -= next.bytes.length;
    return next.bytes;
  }

  #deliver(bytes: Buffer): void {
    const hasWaited = this.pendingBytes > 0;
    this.#delivered += bytes.length;
    this.#peer?.receive(bytes);
    if (hasWaited && this.pendingBytes === 0) this.handler?.onDrain?.();
  }

  #close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#queue = [];
    this.handler?.onClose(0);
  }
}

/** Both ends, joined; `stop` ends the timer that moves the bytes. */
export class FakeLine {
  readonly client: LineEnd;
  readonly server: LineEnd;
  readonly #timer: NodeJS.Timeout;

  constructor(quality: LineQuality) {
    this.client = new LineEnd(quality);
    this.server = new LineEnd(quality);
    this.client.join(this.server);
    this.server.join(this.client);
    this.#timer = setInterval(() => {
      this.client.carry();
      this.server.carry();
    }, STEP_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
