/** Owns which part of a long list a request asks for. */
import { ErrorCode, SrsError } from '../../../core/errors';

/** Most entries of one answer. */
const MAX_COUNT = 1000;

/** A part of a list. */
export interface Page {
  /** Entries that are left out at the beginning. */
  readonly start: number;
  /** Entries at most. */
  readonly count: number;
}

/**
 * Reads `?start=` and `?count=`; a count above {@link MAX_COUNT} is that.
 *
 * @throws SrsError REQUEST_DATA (3065) when one is no whole number
 */
export function readPage(query: URLSearchParams, defaultCount = MAX_COUNT): Page {
  const start = readNumber(query, 'start', 0);
  const count = readNumber(query, 'count', defaultCount);
  return { start, count: Math.min(count, MAX_COUNT) };
}

/** The entries of a page. */
export function pageOf<T>(all: readonly T[], { start, count }: Page): readonly T[] {
  return all.slice(start, start + count);
}

function readNumber(query: URLSearchParams, name: string, fallback: number): number {
  const text = query.get(name);
  if (text === null) return fallback;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const got = JSON.stringify(text.slice(0, 64));
  throw new SrsError(ErrorCode.REQUEST_DATA, `expect ${name} to be a whole number, got ${got}`);
}
