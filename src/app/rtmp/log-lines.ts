/** Owns the wording of a connection's log lines, which people and scripts search for. */
import { describeError } from '../../core/errors';
import { redact } from '../../core/redact';
import type { RtmpRequest } from '../../rtmp/request';

/** What the client asked for in `connect`. */
export function connectLine(request: RtmpRequest): string {
  const { tcUrl, pageUrl, swfUrl, schema, vhost, port, app, args } = request;
  return redact(
    `connect app, tcUrl=${tcUrl}, pageUrl=${pageUrl}, swfUrl=${swfUrl}, schema=${schema}, ` +
      `vhost=${vhost}, port=${port}, app=${app}, args=${args ? '(obj)' : 'null'}`,
  );
}

/** A message of the client was passed over. */
export function ignoredLine(error: Error): string {
  return `ignore a message that cannot be decoded (and others to come), ${redact(describeError(error))}`;
}
