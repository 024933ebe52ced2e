/** Owns the question who may publish a stream that someone publishes already. */
import { ErrorCode } from '../../core/errors';
import type { VhostOptions } from '../config/config';
import type { Source } from '../stream/source';

import { RefusalStatus } from './access';
import type { Refusal } from './access';

/**
 * Whether a stream may be published while someone else does, by the policy of the vhost: `reject`, `takeover`, or
 * `auto` = takeover from one that sent nothing for a while. What the server only fetches from upstream is nobody's.
 * Undefined when allowed.
 */
export function checkConflict(
  source: Source | undefined,
  vhost: VhostOptions,
  nowMs: number,
): Refusal | undefined {
  const holder = source?.publisher;
  if (!source || !holder || vhost.publishConflict === 'takeover') return undefined;
  if (holder.isUpstream === true) return undefined;
  const isSilent = nowMs - holder.lastReceivedMs >= vhost.publishConflictIdleMs;
  if (vhost.publishConflict === 'auto' && isSilent) return undefined;
  return {
    code:
      vhost.mode === 'remote' ? ErrorCode.RTMP_EDGE_PUBLISH_STATE : ErrorCode.SYSTEM_STREAM_BUSY,
    status: RefusalStatus.badName,
    description: `stream ${source.key} is already published by id=${holder.contextId}`,
  };
}
