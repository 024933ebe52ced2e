/** Owns the reading of byte ranges (RFC 9110, section 14). */

/** Positions of the first byte and of the one after the last. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** No two runs of spaces touch each other, whatever is left out: linear in time. */
const SINGLE = /^\s*bytes\s*=\s*(?:(\d+)\s*)?-\s*(?:(\d+)\s*)?$/i;

/**
 * Reads a Range header for a body of `size` bytes. Undefined where the whole body is to be sent: no range in bytes,
 * several of them, or one that is no range. `unsatisfiable` where the body has none of the bytes asked for.
 */
export function readRange(header: string, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = SINGLE.exec(header) ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length > 0 ? { start: size - length, end: size } : 'unsatisfiable';
  }
  const start = Number(first);
  const end = last === '' ? size : Math.min(Number(last) + 1, size);
  if (last !== '' && Number(last) < start) return undefined;
  return start < size ? { start, end } : 'unsatisfiable';
}
