/** Owns the words by which pages of other origins may use the server (CORS). */
import type { IncomingMessage, ServerResponse } from 'node:http';

const METHODS = 'GET, POST, HEAD, PUT, DELETE, OPTIONS';
const HEADERS =
  'Cache-Control,X-Proxy-Authorization,X-Requested-With,Authorization,Content-Type,Range';
/** What a page may read of an answer beside the few headers it always may. */
const EXPOSED = 'Content-Length,Content-Range,Date';
/** Seconds for which a browser need not ask again; none keeps it longer than a day. */
const MAX_AGE = '86400';
/** Names of headers; what is not a plain list of these is not repeated to the client. */
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+(?:\s*,\s*[\w!#$%&'*+.^`|~-]+)*$/;
const MAX_HEADER_NAMES = 1024;

/** Methods that change nothing. */
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** What every answer carries. */
export const sharedHeaders: readonly (readonly [name: string, value: string])[] = [
  ['Access-Control-Allow-Origin', '*'],
  ['Access-Control-Expose-Headers', EXPOSED],
];

/**
 * Answers an OPTIONS request: whatever a page wants to send is fine. But pages of the internet may only read from a
 * server in a private network, not publish to it.
 */
export function answerPreflight(request: IncomingMessage, response: ServerResponse): void {
  const wanted = request.headers['access-control-request-headers'] ?? '';
  const isPlain = wanted.length <= MAX_HEADER_NAMES && HEADER_NAMES.test(wanted);
  response.setHeader('Access-Control-Allow-Methods', METHODS);
  response.setHeader('Access-Control-Allow-Headers', isPlain ? wanted : HEADERS);
  response.setHeader('Access-Control-Max-Age', MAX_AGE);
  const asksPrivate = request.headers['access-control-request-private-network'] === 'true';
  const isReading = READING.has(request.headers['access-control-request-method'] ?? '');
  if (asksPrivate && isReading) {
    response.setHeader('Access-Control-Allow-Private-Network', 'true');
  }
  response.setHeader('Vary', 'Access-Control-Request-Headers');
  response.setHeader('Allow', METHODS);
  response.writeHead(200, { 'Content-Length': 0 });
  response.end();
}
