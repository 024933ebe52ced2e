/** Owns the wording of the log lines of live clients, which are those of RTMP clients where they say the same. */
import { constants } from 'node:os';

import { ErrorCode } from '../../../core/errors';
import { redact } from '../../../core/redact';
import type { RtmpRequest } from '../../../rtmp/request';
import { streamKey } from '../../stream/source';

/** What the client turned out to be. */
export function identifiedLine(type: string, { stream, duration }: RtmpRequest): string {
  return `client identified, type=${type}, stream_name=${redact(stream)}, duration=${duration}`;
}

/** Which stream it came to, and from which page; `sourceId` = context id of the publisher, -1 without one. */
export function sourceLine(
  request: RtmpRequest,
  ip: string,
  hasCache: boolean,
  sourceId: number,
): string {
  const url = redact(streamKey(request));
  const page = redact(request.pageUrl);
  return (
    `source url=${url}, ip=${ip}, cache=${hasCache ? 1 : 0}, is_edge=0, ` +
    `source_id=${sourceId}[${sourceId}], pageUrl=${page}`
  );
}

/** How a client ended. */
export interface Closing {
  readonly ageMs: number;
  readonly received: number;
  readonly sent: number;
  /** The server's reason to close, 0 for none in particular; undefined when the client closed. */
  readonly code: number | undefined;
  /** Of the connection. */
  readonly errno: number;
}

/** The last line of a client. */
export function closingLine({ ageMs, received, sent, code, errno }: Closing): string {
  const totals = `time=${Math.round(ageMs)}, received=${received}, sent=${sent}`;
  if (code === 0) return `client finished. ${totals}`;
  if (code !== undefined) return `client finished. ret=${code}, ${totals}`;
  if (errno === constants.errno.ETIMEDOUT) {
    return `client timeout. ret=${ErrorCode.SOCKET_TIMEOUT}, ${totals}`;
  }
  return `client disconnect peer. ret=${ErrorCode.SOCKET_CLOSED}, ${totals}`;
}
