/** Owns how often a player is written to and a publisher is read, by the options of its vhost. */
import type { VhostOptions } from '../config/config';

/** A publisher whose players are flushed every mw_latency ms is read so often meanwhile. */
const READS_PER_FLUSH = 16;
/** But at least this often, ms. */
const MAX_READ_MS = 20;
/** And so often when there are many publishers. */
const MIN_READS_PER_FLUSH = 4;

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

/** What of a vhost decides on how often publishers are read. */
export type ReadOptions = Pick<VhostOptions, 'mr' | 'minLatency' | 'mwLatencyMs'>;

/** Milliseconds between two reads of a publisher by `mr`; 0 without it. */
export function mergedReadMs({ mr, minLatency }: ReadOptions): number {
  return mr.enabled && !minLatency ? mr.latencyMs : 0;
}

/**
 * How often a publisher's socket is read: milliseconds between two reads, and the most it may be with many publishers,
 * as for setMergedRead of a socket. With merged write the players would not notice that it is a little later.
 */
export function readPace(options: ReadOptions): [intervalMs: number, maxIntervalMs: number] {
  const merge = mergedReadMs(options);
  if (merge > 0) return [merge, merge];
  const slackMs = options.minLatency ? 0 : options.mwLatencyMs;
  const often = Math.min(MAX_READ_MS, Math.floor(slackMs / READS_PER_FLUSH));
  return [often, Math.floor(slackMs / MIN_READS_PER_FLUSH)];
}
