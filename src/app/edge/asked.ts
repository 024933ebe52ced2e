/** Owns what is kept of a client's request, to ask for the same upstream. */
import { AmfObject } from '../../rtmp/amf0-value';
import type { RtmpRequest } from '../../rtmp/request';

/** Argument of the connect that names the servers for which a stream is fetched, one after the other. */
const VIA = 'srs_via';

/** Whether the client speaks RTMP to us, or RTMPS. */
export function isRtmp({ schema }: Pick<RtmpRequest, 'schema'>): boolean {
  return schema.startsWith('rtmp');
}

/**
 * A copy, since the request of a client changes with what it asks for next. The tokens of an HTTP client stand behind
 * the stream only: they are told behind the application, too, where origins look for them that judge who connects.
 */
export function askedBy(request: RtmpRequest): RtmpRequest {
  const { param, streamParam } = request;
  return { ...request, param: isRtmp(request) || param !== '' ? param : streamParam };
}

/** The marks of the servers for which a client asks, itself included; none for a client that is no server. */
export function viaOf({ args }: Pick<RtmpRequest, 'args'>): string[] {
  return (args?.string(VIA) ?? '').split(' ').filter((mark) => mark !== '');
}

/** The request, as asked for the servers with these marks. */
export function askedVia(request: RtmpRequest, marks: Iterable<string>): RtmpRequest {
  const args = new AmfObject();
  for (const [key, value] of request.args?.entries ?? []) args.set(key, value);
  args.set(VIA, [...marks].join(' '));
  return { ...request, args };
}
