/** Owns the `security {}` rules: which addresses may publish and play. */
import { ErrorCode } from '../../core/errors';
import { NetworkSet } from '../../core/network-set';
import type { AddressRange } from '../../core/network-set';
import type { SecurityOptions } from '../config/sections/access';

import { deniedStatus } from './access';
import type { AccessAction, ClientIdentity, Refusal } from './access';

/** Addresses of the rules of one kind about one action; `null` among the rules is everybody. */
interface Addresses {
  readonly isAll: boolean;
  readonly networks: NetworkSet;
}

type Rules = SecurityOptions['allow'];

const cache = new WeakMap<Rules, Partial<Record<AccessAction, Addresses>>>();

/**
 * Everybody is refused (SYSTEM_SECURITY) whom no allow rule lets in; and whom a deny rule is about
 * (SYSTEM_SECURITY_DENY), also when an allow rule let him in. About publish and play only. Undefined when allowed.
 */
export function checkSecurity(
  action: AccessAction,
  { ip }: ClientIdentity,
  { enabled, allow, deny }: SecurityOptions,
): Refusal | undefined {
  if (!enabled || action === 'connect') return undefined;
  const status = deniedStatus[action];
  if (matches(deny, action, ip)) {
    const description = `a security rule denies ${action} from ${ip}`;
    return { code: ErrorCode.SYSTEM_SECURITY_DENY, status, description };
  }
  if (matches(allow, action, ip)) return undefined;
  const description = `no security rule allows ${action} from ${ip}`;
  return { code: ErrorCode.SYSTEM_SECURITY, status, description };
}

function matches(rules: Rules, action: AccessAction, ip: string): boolean {
  const { isAll, networks } = addressesOf(rules, action);
  return isAll || networks.has(ip);
}

/** Rules are those of a configuration: they are read once. */
function addressesOf(rules: Rules, action: AccessAction): Addresses {
  let byAction = cache.get(rules);
  if (!byAction) {
    byAction = {};
    cache.set(rules, byAction);
  }
  return (byAction[action] ??= read(rules, action));
}

function read(rules: Rules, action: AccessAction): Addresses {
  const ranges = rules.filter(([about]) => about === action).map(([, range]) => range);
  const networks = ranges.filter((range): range is AddressRange => range !== null);
  return { isAll: networks.length < ranges.length, networks: new NetworkSet(networks) };
}
