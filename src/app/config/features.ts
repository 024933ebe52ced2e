/**
 * Owns the list of features the configuration can ask for, and which of them this build has.
 * A feature that is missing is parsed and checked like any other, then answered with one warning.
 */

/** Every feature a directive can ask for. */
export type Feature =
  | 'bandcheck'
  | 'dvr'
  | 'edge'
  | 'forward'
  | 'forward_backend'
  | 'hds'
  | 'heartbeat'
  | 'hls'
  | 'http_api'
  | 'http_hooks'
  | 'http_remux'
  | 'http_server'
  | 'http_static'
  | 'ingest_ffmpeg'
  | 'mix_correct'
  | 'origin_registry'
  | 'refer'
  | 'rtmps'
  | 'security'
  | 'send_min_interval'
  | 'snapshot'
  | 'stats'
  | 'stream_caster'
  | 'transcode';

/** What this build can do; building a feature adds its entry here, and its warning is gone. */
export const availableFeatures: ReadonlySet<Feature> = new Set<Feature>([
  'bandcheck',
  'dvr',
  'edge',
  'forward',
  'forward_backend',
  'heartbeat',
  'hls',
  'http_api',
  'http_hooks',
  'http_remux',
  'http_server',
  'http_static',
  'origin_registry',
  'refer',
  'rtmps',
  'security',
  'send_min_interval',
  'stats',
]);
