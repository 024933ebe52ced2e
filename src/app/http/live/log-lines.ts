/** Owns the wording of the log lines of live clients, which are those of RTMP clients where they say the same. */
import { constants } from 'node:os';

import { ErrorCode } from '../../../core/errors';
import { redact } from '../../../core/redact';
import type { RtmpRequest } from '../../../rtmp/request';
import { sourceLine } from '../../access/log-lines';

/** Which stream it came to, and from which page; `sourceId` = context id of the publisher, -1 without one. */
export function pagedSourceLine(
  request: RtmpRequest,
  ip: string,
  vhost: Parameters<typeof sourceLine>[2],
  sourceId: number,
): string {
  const page = redact(request.pageUrl);
  return `${sourceLine(request, ip, vhost, sourceId)}, pageUrl=${page}`;
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
