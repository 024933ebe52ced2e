/** Owns what we tell a server upstream about ourselves, so that a stream can be followed through the logs of both. */
import { AmfObject } from '../../rtmp/amf0-value';
import { identityRecord } from '../../rtmp/packets/connect';

/**
 * The arguments of a connect: a copy of the client's (tokens), and beside them which server and which of its
 * connections is calling.
 */
export function identityArgs(options: {
  readonly args: AmfObject | undefined;
  /** Our address. */
  readonly serverIp: string;
  /** Context id of the worker, as it stands in our log. */
  readonly contextId: number;
}): AmfObject {
  const { args, serverIp, contextId } = options;
  const all = new AmfObject();
  for (const [key, value] of args?.entries ?? []) all.set(key, value);
  const identity = identityRecord({ serverIp, pid: process.pid, contextId });
  for (const [key, value] of Object.entries(identity)) all.set(key, value);
  return all;
}
