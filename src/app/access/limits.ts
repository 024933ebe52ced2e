/** Owns the `limits {}` rules: how much a vhost may be used. */
import { ErrorCode } from '../../core/errors';
import type { VhostOptions } from '../config/config';
import type { StreamName } from '../stream/sink';

import { deniedStatus } from './access';
import type { AccessAction, AccessContext, Refusal } from './access';

/**
 * Whether the vhost has room for one more. Whoever was let in by an answer that took time is to be asked about again
 * just before it begins: others may have begun meanwhile. Undefined when there is room.
 */
export function checkLimits(
  action: AccessAction,
  stream: StreamName,
  { name, limits }: Pick<VhostOptions, 'name' | 'limits'>,
  context: AccessContext,
): Refusal | undefined {
  const { clients, publishers, kbps } = limits;
  if (action === 'connect' || (clients === 0 && publishers === 0 && kbps === 0)) return undefined;
  const usage = context.usage(name);
  // Who takes a stream over comes in the place of its publisher.
  const leaving = action === 'publish' && context.isPublished?.(stream) === true ? 1 : 0;
  const counts: readonly (readonly [boolean, number, string])[] = [
    [isReached(usage.clients - leaving, clients), clients, 'clients'],
    [
      action === 'publish' && isReached(usage.publishers - leaving, publishers),
      publishers,
      'publishers',
    ],
    [action === 'play' && isReached(usage.sendKbps, kbps), kbps, 'kbps'],
  ];
  const full = counts.find(([isFull]) => isFull);
  if (!full) return undefined;
  const [, limit, unit] = full;
  return {
    code: ErrorCode.ST_EXCEED_THREADS,
    status: deniedStatus[action],
    description: `a limit denies ${action}, vhost ${name} has ${limit} ${unit} at most`,
  };
}

function isReached(count: number, limit: number): boolean {
  return limit > 0 && count >= limit;
}
