/** Owns the order of all rules of the configuration on one client of any protocol. */
import { ErrorCode } from '../../core/errors';
import type { VhostOptions } from '../config/config';

import { checkReferer, deniedStatus } from './access';
import type { AccessAction, AccessContext, ClientIdentity, Refusal } from './access';
import { checkAuth, isAuthNeeded } from './auth';
import { checkLimits } from './limits';
import { checkSecurity } from './security';

/** A vhost that measures bandwidth serves nothing else. */
function checkService(
  action: AccessAction,
  { name, bandcheck }: VhostOptions,
): Refusal | undefined {
  if (action === 'connect' || !bandcheck.enabled) return undefined;
  return {
    code: ErrorCode.RTMP_ACCESS_DENIED,
    status: deniedStatus[action],
    description: `vhost ${name} is a bandwidth check, and has no streams`,
  };
}

/**
 * The rules of a vhost on what a client asks for: pages, addresses, keys and signatures, limits. The first that refuses
 * says so. Undefined when allowed.
 */
export function checkAccess(
  action: AccessAction,
  client: ClientIdentity,
  vhost: VhostOptions,
  context: AccessContext,
): Refusal | undefined {
  return (
    checkService(action, vhost) ??
    checkReferer(client.request.pageUrl, deniedStatus[action], ...referLists(action, vhost)) ??
    checkSecurity(action, client, vhost.security) ??
    checkAuth(action, client, vhost.auth, context.nowMs()) ??
    checkLimits(action, client.request, vhost, context)
  );
}

/** Whether there is any rule, hooks included, that may refuse a play of this vhost. */
export function isPlayRestricted(vhost: VhostOptions): boolean {
  const { security, auth, limits, httpHooks, bandcheck } = vhost;
  return (
    bandcheck.enabled ||
    referLists('play', vhost).some((list) => list.length > 0) ||
    security.enabled ||
    isAuthNeeded('play', auth) ||
    limits.clients > 0 ||
    limits.kbps > 0 ||
    (httpHooks.enabled && httpHooks.onConnect.length + httpHooks.onPlay.length > 0)
  );
}

/** The list of those who connect counts for everybody. */
function referLists(
  action: AccessAction,
  { refer, referPlay, referPublish }: VhostOptions,
): readonly (readonly string[])[] {
  if (action === 'publish') return [refer, referPublish];
  return action === 'play' ? [refer, referPlay] : [refer];
}
