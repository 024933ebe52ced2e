/** Owns the delivery directives of a playlist request (RFC 8216bis 6.2.5). */

/** What a client waits for. */
export interface BlockingRequest {
  /** Media sequence number of a segment. */
  readonly msn: number;
  /** Index of a part of it; undefined: the whole segment. */
  readonly part: number | undefined;
}

/** Directives of a request; `isBad`: they make no sense. */
export interface Directives {
  readonly isBad: boolean;
  readonly blocking: BlockingRequest | undefined;
  readonly isDelta: boolean;
}

const INTEGER = /^\d{1,15}$/;

/** Reads the directives. Those that are not known are ignored. */
export function readDirectives(query: URLSearchParams): Directives {
  const msn = query.get('_HLS_msn');
  const part = query.get('_HLS_part');
  const skip = query.get('_HLS_skip');
  const isDelta = skip === 'YES' || skip === 'v2';
  const isInteger = [msn, part].every((value) => value === null || INTEGER.test(value));
  const isBad = !isInteger || (msn === null && part !== null);
  if (isBad || msn === null) return { isBad, blocking: undefined, isDelta };
  const blocking = { msn: Number(msn), part: part === null ? undefined : Number(part) };
  return { isBad, blocking, isDelta };
}
