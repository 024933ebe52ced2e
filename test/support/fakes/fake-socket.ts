/** A socket of the engine without an engine: keeps what is done to it. */
import type { Socket, SocketHandler } from '../../../src/net/socket';

export class FakeSocket {
  handler: SocketHandler | undefined;
  readonly slot = 0;
  remoteAddress = '192.0.2.9';
  remotePort = 40000;
  readonly localAddress = '192.0.2.1';
  readonly localPort = 1935;
  readonly written: Buffer[] = [];
  /** The limits in force: receive, send. */
  timeouts: [number, number] = [0, 0];
  mergedReadMs = 0;
  isNoDelay = true;
  isHalfOpen = false;
  isEnded = false;
  isDestroyed = false;
  isClosed = false;
  bytesReceived = 0;
  pendingBytes = 0;

  /** As the type the server knows; the native half of a real one is never touched. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  get bytesSent(): number {
    return this.written.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  write(data: Uint8Array): void {
    this.written.push(Buffer.from(data));
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }

  setTimeouts(receiveMs: number, sendMs: number): void {
    this.timeouts = [receiveMs, sendMs];
  }

  setMergedRead(latencyMs: number): void {
    this.mergedReadMs = latencyMs;
  }

  setNoDelay(on: boolean): void {
    this.isNoDelay = on;
  }

  setHalfOpen(on: boolean): void {
    this.isHalfOpen = on;
  }

  setRemote(address: string, port: number): void {
    this.remoteAddress = address;
    this.remotePort = port;
  }

  /** The peer sends bytes; in the middle of a slab, as the engine has them. */
  receive(bytes: Uint8Array): void {
    this.bytesReceived += bytes.length;
    const slab = Buffer.concat([Buffer.alloc(7), bytes, Buffer.alloc(3)]);
    this.handler?.onData(slab, 7, 7 + bytes.length);
    slab.fill(0xee);
  }

  /** The connection is gone. */
  close(errno = 0): void {
    this.isClosed = true;
    this.handler?.onClose(errno);
  }
}
