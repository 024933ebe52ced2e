/** Owns by which names a stream of ours is known to a server upstream. */
import type { RtmpRequest } from '../../rtmp/request';
import type { VhostOptions } from '../config/config';

/** How a stream is asked for, or announced, upstream. */
export interface UpstreamNames {
  readonly vhost: string;
  readonly app: string;
  /** Parameters of the application with their `?`, or empty; none of them is the vhost. */
  readonly param: string;
  readonly stream: string;
  /** Parameters of the stream with their `?`, or empty; none of them is the vhost. */
  readonly streamParam: string;
}

/** In the template of the vhost, the name that it has here. */
const VHOST_VARIABLE = '[vhost]';
/** A `vhost` parameter in either spelling, and the mark in front of it. */
const VHOST_PARAMETER = /(?:^|[?&,]+|\.\.\.)vhost(?:=[^?&,]*|\.\.\.(?:(?!\.\.\.)[^?&,])*)/g;

/** The names of what a client asked for, in the vhost that serves it. */
export function namesFrom(
  request: Pick<RtmpRequest, 'app' | 'param' | 'stream' | 'streamParam'>,
  vhost: Pick<VhostOptions, 'name' | 'upstreamVhost'>,
): UpstreamNames {
  return {
    vhost: vhost.upstreamVhost.replaceAll(VHOST_VARIABLE, vhost.name),
    app: request.app,
    param: withoutVhost(request.param),
    stream: request.stream,
    streamParam: withoutVhost(request.streamParam),
  };
}

/** Parameters without that of the vhost, which is told in another place. */
function withoutVhost(param: string): string {
  const rest = param.replace(VHOST_PARAMETER, '').replace(/^[?&,]+/, '');
  return rest === '' ? '' : `?${rest}`;
}
