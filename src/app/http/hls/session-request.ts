/** Owns what a session keeps of the request that began it: it may last long, and there may be many. */
import type { RtmpRequest } from '../../../rtmp/request';
import type { StreamName } from '../../stream/sink';
import type { HttpExchange } from '../exchange';
import { toRequest } from '../live/live-request';

/** Longest text that is kept of what a client says about itself, in characters; more of it is cut off. */
const MAX_TEXT = 1024;

/** The request for a stream, with the query that was carried on. It holds nothing of the head that it came in. */
export function sessionRequest(
  exchange: HttpExchange,
  { vhost, app, stream }: StreamName,
  query: string,
): RtmpRequest {
  const asked = toRequest(exchange, vhost, { app, stream });
  return {
    ...asked,
    host: kept(asked.host),
    tcUrl: kept(asked.tcUrl),
    pageUrl: kept(asked.pageUrl),
    flashVer: kept(asked.flashVer),
    streamParam: query === '' ? '' : copied(`?${query}`),
  };
}

function kept(text: string): string {
  return copied(text.slice(0, MAX_TEXT));
}

/** A part of a text, and one that was put together, keep the whole in memory. */
function copied(text: string): string {
  return Buffer.from(text).toString();
}
