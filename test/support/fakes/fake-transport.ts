/** Owns a transport that keeps what is written, and delivers it to a peer when asked. */
import type { Transport } from '../../../src/rtmp/transport';

/** Keeps a copy of all writes. */
export class FakeTransport implements Transport {
  bytesReceived = 0;
  bytesSent = 0;
  isEnded = false;
  isDestroyed = false;
  private written: Buffer[] = [];

  write(data: Uint8Array): void {
    if (this.isEnded || this.isDestroyed) return;
    this.written.push(Buffer.from(data));
    this.bytesSent += data.length;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  /** Everything written since the last call. */
  take(): Buffer {
    const all = Buffer.concat(this.written);
    this.written = [];
    return all;
  }
}
