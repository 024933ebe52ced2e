/** Owns the options of segmented delivery: HLS and HDS. */
import { block, one } from '../directive';
import { choice, int, number, onOff, optionalPath, path, seconds, text } from '../values';

/** Encryption of segments. */
const keyRows = {
  keys: one('hls_keys', onOff, 'off', {
    doc: 'Encrypts segments with AES-128; not with hls_low_latency.',
  }),
  fragmentsPerKey: one('hls_fragments_per_key', int(1, 100_000), '5', {
    doc: 'Segments that share a key.',
  }),
  keyFile: one('hls_key_file', path, '[app]/[stream]-[seq].key', {
    doc: 'Key, under hls_key_file_path; variables as for hls_ts_file.',
  }),
  keyFilePath: one('hls_key_file_path', optionalPath, '', {
    doc: 'Base directory of the keys; empty for hls_path.',
  }),
  keyUrl: one('hls_key_url', text('url'), '', {
    doc: 'Put before each key in the playlist, as https://host/; empty for a relative URL.',
  }),
};

/** `hls {}` of a vhost. */
const hlsRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Cuts streams into HLS segments.' }),
  fragmentMs: one('hls_fragment', seconds(0.1, 3600), '10', {
    doc: 'Wanted length of a segment, in seconds.',
  }),
  windowMs: one('hls_window', seconds(0.1, 86400), '60', {
    doc: 'Length of the playlist, in seconds.',
  }),
  path: one('hls_path', path, './objs/nginx/html', { doc: 'Base directory.' }),
  m3u8File: one('hls_m3u8_file', path, '[app]/[stream].m3u8', {
    doc: 'Playlist, under hls_path; [vhost] [app] [stream] are replaced.',
  }),
  tsFile: one('hls_ts_file', path, '[app]/[stream]-[seq].ts', {
    doc: 'Segment, under hls_path; also [seq] [timestamp] and the date parts are replaced.',
  }),
  tsFloor: one('hls_ts_floor', onOff, 'off', {
    doc: 'Derives [timestamp] from the time divided by the segment length.',
  }),
  tdRatio: one('hls_td_ratio', number(1, 100), '1.5', {
    doc: 'Target duration, as a multiple of hls_fragment.',
  }),
  aofRatio: one('hls_aof_ratio', number(1, 100), '2.0', {
    doc: 'A segment this many times too long is cut without waiting for a key frame.',
  }),
  onError: one('hls_on_error', choice('ignore', 'disconnect', 'continue'), 'continue', {
    doc: 'What an error does: stop HLS, drop the publisher, or go on.',
  }),
  storage: one('hls_storage', choice('disk', 'ram', 'both'), 'disk', {
    doc: 'Where segments are kept.',
  }),
  mount: one('hls_mount', path, '[vhost]/[app]/[stream].m3u8', {
    doc: 'HTTP path of the playlist when segments are kept in RAM.',
  }),
  format: one('hls_format', choice('ts', 'fmp4'), 'ts', { doc: 'Container of the segments.' }),
  lowLatency: one('hls_low_latency', onOff, 'off', {
    doc: 'Low-latency HLS: parts, preload hints, blocking reload; needs http_server.',
  }),
  partMs: one('hls_part', seconds(0.05, 5), '0.2', {
    doc: 'Length of a part of low-latency HLS, in seconds.',
  }),
  ...keyRows,
  masterFile: one('hls_master_file', optionalPath, '', {
    doc: 'Master playlist with codecs and bandwidth, under hls_path, as [app]/[stream].master.m3u8; empty for none.',
  }),
  entryPrefix: one('hls_entry_prefix', text('prefix'), '', {
    doc: 'Put before each segment in the playlist, as http://host/.',
  }),
  acodec: one('hls_acodec', choice('aac', 'mp3', 'an'), 'aac', {
    doc: 'Audio codec assumed until the stream tells; an is no audio.',
  }),
  vcodec: one('hls_vcodec', choice('h264', 'vn'), 'h264', {
    doc: 'Video codec assumed until the stream tells; vn is no video.',
  }),
  cleanup: one('hls_cleanup', onOff, 'on', { doc: 'Deletes segments that leave the window.' }),
  disposeMs: one('hls_dispose', seconds(0, 31536000), '0', {
    doc: 'Seconds without packets after which all files of a stream are deleted; 0 is never.',
  }),
  notifyBytes: one('hls_nb_notify', int(0, 1048576), '64', {
    doc: 'Bytes read of each on_hls_notify answer.',
  }),
  waitKeyframe: one('hls_wait_keyframe', onOff, 'on', {
    doc: 'Cuts only at key frames.',
  }),
};

/** `hds {}` of a vhost. */
const hdsRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Cuts streams into HDS fragments.' }),
  fragmentMs: one('hds_fragment', seconds(0.1, 3600), '10', {
    doc: 'Length of a fragment, in seconds.',
  }),
  windowMs: one('hds_window', seconds(0.1, 86400), '60', {
    doc: 'Length of the window, in seconds.',
  }),
  path: one('hds_path', path, './objs/nginx/html', { doc: 'Base directory.' }),
};

/** Rows of a vhost for segmented delivery. */
export const vhostHlsRows = {
  hls: block('hls', hlsRows, { doc: 'HTTP Live Streaming.', feature: 'hls' }),
  hds: block('hds', hdsRows, { doc: 'Adobe HTTP Dynamic Streaming.', feature: 'hds' }),
};
