/** Owns the answer with a file: validators, ranges, headers; the body goes out by `file-body`. */
import type { Stats } from 'node:fs';
import type { OutgoingHttpHeaders } from 'node:http';

import { readRange } from './byte-range';
import type { ByteRange } from './byte-range';
import { sendText } from './exchange';
import type { HttpExchange } from './exchange';
import { cacheControlOf, mediaTypeOf, privateCacheControl } from './mime-types';
import { isNotModified, isRangeValid, validatorsOf } from './validators';

/** What an answer needs to know of a file. */
export interface ServedFile {
  readonly path: string;
  readonly stats: Pick<Stats, 'size' | 'mtimeMs'>;
  /** Not for caches that others use. */
  readonly isPrivate?: boolean;
}

/** Where an answer to a file request begins and ends in the file. */
export interface FileAnswer extends ByteRange {
  readonly status: 200 | 206;
  readonly headers: OutgoingHttpHeaders;
}

/** A file that changed in this very second may change again in it, and would keep its Last-Modified. */
const MODIFIED_STEP_MS = 1000;

/**
 * Decides on the answer: undefined when it has been given, as 304 or 416. `nowMs` is of the epoch; `range` replaces
 * the Range header of the request.
 */
export function answerFile(
  exchange: HttpExchange,
  { path, stats: { size, mtimeMs }, isPrivate = false }: ServedFile,
  nowMs: number,
  range?: string,
): FileAnswer | undefined {
  const { request, response, method } = exchange;
  const validators = validatorsOf(size, mtimeMs);
  const headers = fileHeaders(path);
  if (isPrivate) headers['Cache-Control'] = privateCacheControl(cacheControlOf(path));
  headers['ETag'] = validators.etag;
  if (nowMs - validators.modifiedMs >= MODIFIED_STEP_MS) {
    headers['Last-Modified'] = new Date(validators.modifiedMs).toUTCString();
  }
  if (isNotModified(request.headers, validators)) {
    delete headers['Content-Type'];
    response.writeHead(304, headers);
    response.end();
    return undefined;
  }
  // The header means something with GET only.
  const isPartial = method === 'GET' && isRangeValid(request.headers, validators);
  const wanted = readRange(range ?? (isPartial ? (request.headers.range ?? '') : ''), size);
  if (wanted === undefined) return { status: 200, start: 0, end: size, headers };
  if (wanted === 'unsatisfiable') {
    sendText(exchange, 416, undefined, { 'Content-Range': `bytes */${size}` });
    return undefined;
  }
  headers['Content-Range'] = `bytes ${wanted.start}-${wanted.end - 1}/${size}`;
  return { status: 206, ...wanted, headers };
}

/** What the name of a file says in every answer with it. */
export function fileHeaders(path: string): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    'Content-Type': mediaTypeOf(path),
    'Accept-Ranges': 'bytes',
  };
  const cacheControl = cacheControlOf(path);
  if (cacheControl !== undefined) headers['Cache-Control'] = cacheControl;
  return headers;
}
