/** Owns the redirect of players: who asked to be sent to the origin that has the stream is sent there. */
import { ErrorCode } from '../../core/errors';
import { followsReconnect } from '../../rtmp/redirect';
import { findParameter } from '../../rtmp/request';
import type { RtmpRequest } from '../../rtmp/request';
import { RefusalStatus } from '../access/access';
import type { AccessAction, Authorizer, ClientIdentity, Refusal } from '../access/access';
import type { VhostOptions } from '../config/config';
import type { StreamName } from '../stream/sink';

import type { Located } from './origin-answers';

/** Values of the `redirect` parameter that ask for it. */
const ASKING: readonly string[] = ['1', '302'];
/** Parameter of the tcUrl that a client was sent here with: nobody is sent on twice. */
const MARK = 'redirected';
const DEFAULT_VHOST = '__defaultVhost__';

/** What the redirector works with. */
export interface RedirectorParts {
  /** Who has a stream; answers within a bounded time. */
  readonly registry: { locate(name: StreamName): Promise<Located> };
  findVhost(name: string): Pick<VhostOptions, 'mode'> | undefined;
  /** Whether the stream can be had here. */
  isPublished(name: StreamName): boolean;
}

/** Refuses to let them play what others have, and says where. All other players stay: the stream is fetched for them. */
export class Redirector implements Authorizer {
  readonly #parts: RedirectorParts;

  constructor(parts: RedirectorParts) {
    this.#parts = parts;
  }

  authorize(
    action: AccessAction,
    { request }: ClientIdentity,
  ): Refusal | undefined | Promise<Refusal | undefined> {
    if (action !== 'play' || !mayBeRedirected(request)) return undefined;
    const parts = this.#parts;
    if (parts.findVhost(request.vhost)?.mode !== 'local') return undefined;
    if (parts.isPublished(request)) return undefined;
    return parts.registry.locate(request).then(({ addresses: [address], isFresh }) => {
      // What was true once may send a client round in circles.
      if (address === undefined || !isFresh || parts.isPublished(request)) return undefined;
      return {
        code: ErrorCode.RTMP_STREAM_NOT_FOUND,
        status: RefusalStatus.connect,
        description: 'RTMP 302 Redirect',
        redirectUrl: redirectUrl(request, address),
      };
    });
  }

  ended(): void {
    // Nothing is kept of a client.
  }
}

/** Whether the client has asked for it, and can go on: others would not have their TLS there, or their HTTP. */
function mayBeRedirected(request: RtmpRequest): boolean {
  const { schema, param, streamParam, args } = request;
  if (schema !== 'rtmp' || findParameter(param, MARK) !== '') return false;
  if (followsReconnect(request) || args?.get('redirect') === true) return true;
  return [param, streamParam].some((query) => ASKING.includes(findParameter(query, 'redirect')));
}

/** The same stream at another server; its tcUrl names the vhost, which the host did before. */
function redirectUrl(request: RtmpRequest, address: string): string {
  const { vhost, app, param, stream, streamParam } = request;
  const isNamed = [param, streamParam].some((query) => findParameter(query, 'vhost') !== '');
  const needsName = vhost !== DEFAULT_VHOST && !isNamed;
  const query = `${param}${param === '' ? '?' : '&'}${needsName ? `vhost=${vhost}&` : ''}${MARK}=1`;
  return `rtmp://${address}/${app}${query}/${stream}${streamParam}`;
}
