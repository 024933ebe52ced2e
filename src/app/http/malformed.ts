/** Owns the answer to bytes that are not HTTP, for which there is no request and so no response object. */
import { STATUS_CODES } from 'node:http';

import { product } from '../../core/version';

import { sharedHeaders } from './cross-origin';

/** Errors of the parser that deserve another status than 400. */
const STATUS_BY_CODE: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/**
 * The whole answer as bytes of the connection, which closes after it. Undefined when the error is of the connection
 * and not of what came over it: nobody is there to be answered.
 */
export function malformedAnswer(
  { code = '' }: NodeJS.ErrnoException,
  crossdomain: boolean,
): string | undefined {
  const status = STATUS_BY_CODE[code] ?? (code.startsWith('HPE_') ? 400 : undefined);
  if (status === undefined || code === 'HPE_INVALID_EOF_STATE') return undefined;
  const body = STATUS_CODES[status] ?? '';
  const lines = [
    `HTTP/1.1 ${status} ${body}`,
    `Server: ${product.serverName}`,
    ...(crossdomain ? sharedHeaders.map(([name, value]) => `${name}: ${value}`) : []),
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
