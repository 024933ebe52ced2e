/** Owns what an HTTP client asks for in the words of RTMP, which the rules of access and hooks are about. */
import type { RtmpRequest } from '../../../rtmp/request';
import type { HttpExchange } from '../exchange';

import type { LivePath } from './live-mount';

/** What is used of an exchange. */
export type Asker = Pick<HttpExchange, 'request' | 'isSecure' | 'host'>;

/**
 * The request for a stream of `vhost`: the query stands as parameters of the stream, the page is that of the Referer,
 * or the Origin of a browser that sends no Referer.
 */
export function toRequest(
  asker: Asker,
  vhost: string,
  { app, stream }: Pick<LivePath, 'app' | 'stream'>,
): RtmpRequest {
  const { headers, socket, url = '' } = asker.request;
  const schema = asker.isSecure ? 'https' : 'http';
  const host = asker.host === '' ? (socket.localAddress ?? '') : asker.host;
  const port = socket.localPort ?? 0;
  const query = url.indexOf('?');
  return {
    schema,
    host,
    vhost,
    port,
    app,
    param: '',
    tcUrl: `${schema}://${host.includes(':') ? `[${host}]` : host}:${port}/${app}`,
    pageUrl: headers.referer ?? headers.origin ?? '',
    swfUrl: '',
    flashVer: headers['user-agent'] ?? '',
    objectEncoding: 0,
    args: undefined,
    stream,
    streamParam: query < 0 ? '' : url.slice(query),
    duration: -1,
  };
}
