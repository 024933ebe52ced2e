/** Owns how often a player is written to, by the options of its vhost. */
import type { VhostOptions } from '../config/config';

/** What of a vhost decides on it. */
export type DeliveryOptions = Pick<
  VhostOptions,
  'minLatency' | 'mwLatencyMs' | 'sendMinIntervalMs'
>;

/** Milliseconds of media that are sent together; 0 sends each message as it comes. */
export function flushIntervalMs(options: DeliveryOptions): number {
  const { minLatency, mwLatencyMs, sendMinIntervalMs } = options;
  return Math.max(minLatency ? 0 : mwLatencyMs, Math.ceil(sendMinIntervalMs));
}
