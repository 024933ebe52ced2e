/** Owns the ways to cut a byte stream, so that a parser is tried with every cut. */

/** The whole, each cut in two, and single bytes: each item is the stream in pieces. */
export function* splits(data: Buffer): Generator<Buffer[]> {
  yield [data];
  for (let at = 1; at < data.length; at++) yield [data.subarray(0, at), data.subarray(at)];
  yield Array.from({ length: data.length }, (_, at) => data.subarray(at, at + 1));
}

/** Pushes a copy of each piece from the middle of a larger buffer, and spoils it after the call, as lent memory is. */
export function pushLent(
  pieces: readonly Buffer[],
  push: (slab: Buffer, start: number, end: number) => void,
): void {
  for (const piece of pieces) {
    const slab = Buffer.alloc(piece.length + 6, 0xee);
    piece.copy(slab, 3);
    push(slab, 3, 3 + piece.length);
    slab.fill(0xdd);
  }
}
