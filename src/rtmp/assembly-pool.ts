/** Owns the spare buffers in which messages that span chunks or reads are put together, shared by all connections. */

const MIN_SHIFT = 10;
const MAX_SHIFT = 20;

/**
 * Buffers of power-of-two sizes, kept for reuse up to a total. A buffer belongs to its taker until it is released,
 * so idle connections hold none and busy ones do not feed the garbage collector.
 */
export class AssemblyPool {
  /** Bytes of the spare buffers now held. */
  spareBytes = 0;
  private readonly maxSpareBytes: number;
  private readonly spares: Uint8Array[][] = [];

  /** @param maxSpareBytes spare memory to hold at most, bytes */
  constructor(maxSpareBytes: number) {
    this.maxSpareBytes = maxSpareBytes;
    for (let shift = MIN_SHIFT; shift <= MAX_SHIFT; shift++) this.spares.push([]);
  }

  /** A buffer of at least `size` bytes (1 KiB at least), contents undefined. */
  take(size: number): Uint8Array {
    const shift = size <= 1 << MIN_SHIFT ? MIN_SHIFT : 32 - Math.clz32(size - 1);
    const spare = this.spares[shift - MIN_SHIFT]?.pop();
    if (spare === undefined) return Buffer.allocUnsafeSlow(2 ** shift);
    this.spareBytes -= spare.length;
    return spare;
  }

  /** Gives a buffer back that `take` returned; the caller must not touch it any more. */
  release(buffer: Uint8Array): void {
    if (this.spareBytes + buffer.length > this.maxSpareBytes) return;
    const spares = this.spares[31 - Math.clz32(buffer.length) - MIN_SHIFT];
    if (spares === undefined) return;
    spares.push(buffer);
    this.spareBytes += buffer.length;
  }
}

/** The pool of this process: 4 MiB of spares serve hundreds of publishers, since a message is rarely in the making. */
export const assemblyPool = new AssemblyPool(4 * 1024 * 1024);
