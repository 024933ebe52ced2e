/** Owns the answer with a playlist that was made for one viewer alone. */
import { createHash } from 'node:crypto';

import type { HttpExchange } from '../exchange';
import { mediaTypeOf } from '../mime-types';
import { isNotModified } from '../validators';

import { withQuery } from './carried-query';

/** Characters of the digest by which versions are told apart. */
const TAG_LENGTH = 27;

/** Sends a playlist with a query added to each URI; returns how many bytes of it. */
export function sendPlaylist(
  { request, response, method }: HttpExchange,
  playlist: string,
  query: string,
): number {
  const body = Buffer.from(withQuery(playlist, query));
  const digest = createHash('sha1').update(body).digest('base64url').slice(0, TAG_LENGTH);
  const headers = { ETag: `"${digest}"`, 'Cache-Control': 'private, no-cache' };
  // It has no time of its own: only the tag says whether the client has it.
  if (isNotModified(request.headers, { etag: headers.ETag, modifiedMs: Infinity })) {
    response.writeHead(304, headers);
    response.end();
    return 0;
  }
  response.writeHead(200, {
    ...headers,
    'Content-Type': mediaTypeOf('index.m3u8'),
    'Content-Length': body.length,
  });
  if (method === 'HEAD') {
    response.end();
    return 0;
  }
  response.end(body);
  return body.length;
}
