/** Owns the endpoint that shows a client its own request. */
import type { IncomingMessage } from 'node:http';

import { redact } from '../../../core/redact';
import { product } from '../../../core/version';
import type { HttpExchange } from '../exchange';

import type { ApiReply } from './endpoint';

/** Headers that carry what must not be shown, not even to a page that made the browser send them. */
const SECRET_HEADER = /auth|cookie|token|secret|passw|key|session|signature/i;

/** The request as it came, without its secrets. */
export function echoRequest(exchange: HttpExchange): ApiReply {
  const { request, method, path, isSecure } = exchange;
  const host = request.headers.host ?? exchange.host;
  const data = {
    uri: `${isSecure ? 'https' : 'http'}://${redact(host)}${path}`,
    path,
    METHOD: method,
    headers: shownHeaders(request),
    server: {
      // The reference's spelling, and the right one.
      sigature: product.key,
      name: product.name,
      version: product.version,
      link: '',
      time: Date.now(),
      signature: product.key,
    },
  };
  return { fields: { data } };
}

/** By their names as they were spelled, in the order of arrival; several of one name are joined. */
function shownHeaders({ rawHeaders }: IncomingMessage): Record<string, string> {
  const headers = new Map<string, string>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    const value = SECRET_HEADER.test(name) ? '***' : redact(rawHeaders[at + 1] ?? '');
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return Object.fromEntries(headers);
}
