/** Owns the way of received bytes to the protocol layer: the handshake first, and what comes while parsing is held. */
import { ErrorCode, SrsError } from '../core/errors';

import { ServerHandshake } from './handshake';
import type { Protocol } from './protocol';
import type { Transport } from './transport';

const FIRST_KEPT_SIZE = 1024;

/** Feeds the protocol layer of an accepted connection; can be held, and then keeps a bounded copy of what comes. */
export class ServerInput {
  private isHeld = false;
  private isParsing = false;
  private isClosed = false;
  private handshake: ServerHandshake | undefined;
  private kept: Buffer | undefined = undefined;
  private keptSize = 0;
  private readonly protocol: Protocol;
  private readonly maxKeptBytes: number;

  /** @param maxKeptBytes how much may be kept while held, bytes */
  constructor(transport: Transport, protocol: Protocol, maxKeptBytes: number) {
    this.protocol = protocol;
    this.maxKeptBytes = maxKeptBytes;
    this.handshake = new ServerHandshake((bytes) => {
      transport.write(bytes);
    });
  }

  /**
   * Takes received bytes, lent for the call.
   *
   * @throws SrsError READER_BUFFER_OVERFLOW when more would be kept than allowed, and what the layers below throw
   */
  push(slab: Uint8Array, start: number, end: number): void {
    let at = start;
    if (this.handshake !== undefined) {
      at += this.handshake.push(slab, start, end);
      if (this.handshake.done) this.handshake = undefined;
    }
    if (this.kept !== undefined) {
      this.keep(slab, at, end);
      this.drain();
    } else if (at < end) this.parse(slab, at, end);
    this.protocol.countReceived(end - start);
  }

  /** Stops parsing after the message at hand. */
  hold(): void {
    this.isHeld = true;
    this.protocol.pause();
  }

  /** Ends the hold; drain parses what was kept. */
  release(): void {
    if (this.isClosed) return;
    this.isHeld = false;
    this.protocol.resume();
  }

  /** Parses what was kept, unless held. Called from inside a parse it does nothing: that parse goes on by itself. */
  drain(): void {
    const { kept, keptSize } = this;
    if (kept === undefined || this.isHeld || this.isParsing) return;
    this.kept = undefined;
    this.keptSize = 0;
    this.parse(kept, 0, keptSize);
  }

  /** Parses and keeps nothing more. */
  close(): void {
    this.isClosed = true;
    this.handshake = undefined;
    this.kept = undefined;
    this.protocol.dispose();
  }

  private parse(slab: Uint8Array, start: number, end: number): void {
    this.isParsing = true;
    const at = this.protocol.push(slab, start, end);
    this.isParsing = false;
    if (at < end) this.keep(slab, at, end);
  }

  /** Copies bytes for later, after those kept before. */
  private keep(slab: Uint8Array, start: number, end: number): void {
    if (this.isClosed) return;
    const size = this.keptSize + end - start;
    if (size > this.maxKeptBytes) {
      throw new SrsError(
        ErrorCode.READER_BUFFER_OVERFLOW,
        `expect at most ${this.maxKeptBytes} bytes while a decision is pending, got ${size}`,
      );
    }
    // Doubled, so that many small pieces cost no more than a few large ones.
    if (this.kept === undefined || this.kept.length < size) {
      const grown = Buffer.allocUnsafe(Math.max(2 * size, FIRST_KEPT_SIZE));
      this.kept?.copy(grown, 0, 0, this.keptSize);
      this.kept = grown;
    }
    this.kept.set(slab.subarray(start, end), this.keptSize);
    this.keptSize = size;
  }
}
