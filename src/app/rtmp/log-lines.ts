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

/** Which server and which of its connections the client is, when it is one of ours; else undefined. */
export function peerServerLine({ args }: RtmpRequest): string | undefined {
  const pid = args?.number('srs_pid') ?? 0;
  if (!args || pid <= 0) return undefined;
  const version = args.string('srs_version') ?? '';
  const ip = args.string('srs_server_ip') ?? '';
  const id = args.number('srs_id') ?? 0;
  return redact(`edge-srs ip=${ip}, version=${version}, pid=${pid}, id=${id}`);
}

/** A message of the client was passed over. */
export function ignoredLine(error: Error): string {
  return `ignore a message that cannot be decoded (and others to come), ${redact(describeError(error))}`;
}
