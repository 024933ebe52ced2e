/** Owns what is known of a client that is another server of this kind: an edge, or one that forwards to us. */
import { redact } from '../../core/redact';
import type { RtmpRequest } from '../../rtmp/request';

/** Whether the client has introduced itself as a server, in the arguments of its connect. */
export function isServer({ args }: RtmpRequest): boolean {
  return (args?.number('srs_pid') ?? 0) > 0;
}

/** For the log, which server and which of its connections the client is; undefined for any other client. */
export function peerServerLine(request: RtmpRequest): string | undefined {
  const { args } = request;
  if (!args || !isServer(request)) return undefined;
  const version = args.string('srs_version') ?? '';
  const ip = args.string('srs_server_ip') ?? '';
  const pid = args.number('srs_pid') ?? 0;
  const id = args.number('srs_id') ?? 0;
  return redact(`edge-srs ip=${ip}, version=${version}, pid=${pid}, id=${id}`);
}
