/** An outlet that keeps what it is given, and takes as much as the test lets it. */
import type { Outlet, OutletHandler } from '../../../../../src/app/http/live/outlet';

export class FakeOutlet implements Outlet {
  handler: OutletHandler | undefined;
  readonly isTaken = false;
  isReady = true;
  bytesReceived = 0;
  readonly written: Buffer[] = [];
  isEnded = false;
  farewell: string | undefined;
  isDestroyed = false;

  get bytesSent(): number {
    return this.bytes.length;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.written);
  }

  write(bytes: Buffer): boolean {
    this.written.push(bytes);
    return this.isReady;
  }

  end(): void {
    this.isEnded = true;
  }

  /** With the reason that is told. */
  endWithin(_timeoutMs: number, reason: string): void {
    this.farewell = reason;
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  /** Takes more from now on. */
  drain(): void {
    this.isReady = true;
    this.handler?.onDrain();
  }
}
