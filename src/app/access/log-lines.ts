/** Owns the wording of the log lines by which clients of every protocol are recognised; people and scripts search for it. */
import { redact } from '../../core/redact';
import type { RtmpRequest } from '../../rtmp/request';
import type { VhostOptions } from '../config/config';
import { streamKey } from '../stream/source';

/** What the client turned out to be. */
export function identifiedLine(type: string, { stream, duration }: RtmpRequest): string {
  return `client identified, type=${type}, stream_name=${redact(stream)}, duration=${duration}`;
}

/** Which stream it came to; `sourceId` = context id of the publisher, -1 without one. */
export function sourceLine(
  request: RtmpRequest,
  ip: string,
  { gopCache, mode }: Pick<VhostOptions, 'gopCache' | 'mode'>,
  sourceId: number,
): string {
  const url = redact(streamKey(request));
  const [cache, isEdge] = [gopCache, mode === 'remote'].map(Number);
  return `source url=${url}, ip=${ip}, cache=${cache}, is_edge=${isEdge}, source_id=${sourceId}[${sourceId}]`;
}
