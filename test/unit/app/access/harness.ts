/** Vhosts and clients for the tests of the rules. */
import type { AccessContext, ClientIdentity } from '../../../../src/app/access/access';
import { Config } from '../../../../src/app/config/config';
import type { VhostOptions } from '../../../../src/app/config/config';
import type { RtmpRequest } from '../../../../src/rtmp/request';

/** The vhost `a.com` with these directives in it. */
export function vhostOf(directives: string): VhostOptions {
  const { vhosts } = Config.parse(`listen 1935; vhost a.com { ${directives} }`, 'test.conf');
  const [vhost] = vhosts;
  if (!vhost) throw new Error('no vhost');
  return vhost;
}

/** A client of `a.com/live/livestream`, unless said otherwise. */
export function clientOf(request: Partial<RtmpRequest> = {}, ip = '203.0.113.7'): ClientIdentity {
  const names = { vhost: 'a.com', app: 'live', param: '', stream: 'livestream', streamParam: '' };
  return { id: 100, ip, request: { ...names, pageUrl: '', ...request } as RtmpRequest };
}

/** A vhost in which so much is going on. */
export function contextOf(
  usage: Partial<ReturnType<AccessContext['usage']>> = {},
  rest: Partial<AccessContext> = {},
): AccessContext {
  const all = { clients: 0, publishers: 0, sendKbps: 0, ...usage };
  return { usage: () => all, nowMs: () => 0, ...rest };
}
