/** Owns the options of recording: DVR and snapshots. */
import { block, one } from '../directive';
import { choice, onOff, path, seconds, size } from '../values';

/** `dvr {}` of a vhost. */
const dvrRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Records published streams.' }),
  path: one('dvr_path', path, './objs/nginx/html/[app]/[stream].[timestamp].flv', {
    doc: 'File, or directory for [stream].[timestamp].flv; variables as for hls_ts_file.',
  }),
  plan: one('dvr_plan', choice('session', 'segment', 'append'), 'session', {
    doc: 'One file a publish, files of dvr_duration, or one file that is appended to.',
  }),
  durationMs: one('dvr_duration', seconds(0, 31536000), '30', {
    doc: 'Seconds of a file of the plan segment; 0 never splits.',
  }),
  waitKeyframe: one('dvr_wait_keyframe', onOff, 'on', { doc: 'Splits only at key frames.' }),
  timeJitter: one('time_jitter', choice('full', 'zero', 'off'), 'full', {
    doc: 'How timestamps are corrected in the file, as time_jitter of the vhost.',
  }),
  format: one('dvr_format', choice('flv', 'mp4'), 'flv', { doc: 'Container of the file.' }),
  retainAgeMs: one('dvr_retain_age', seconds(0, 3_153_600_000), '0', {
    doc: 'Seconds after which a finished file is deleted; 0 keeps all.',
  }),
  retainBytes: one('dvr_retain_size', size(0, 2 ** 50), '0', {
    doc: 'Bytes that the files of the vhost may take together, the oldest are deleted; 0 is no limit.',
  }),
};

/** `snapshot {}` of a vhost. */
const snapshotRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Writes a picture of each stream.' }),
  intervalMs: one('interval', seconds(1, 86400), '10', { doc: 'Seconds between two pictures.' }),
  path: one('path', path, './objs/nginx/html/[app]/[stream].jpg', {
    doc: 'File; [vhost] [app] [stream] are replaced.',
  }),
};

/** Rows of a vhost for recording. */
export const vhostDvrRows = {
  dvr: block('dvr', dvrRows, { doc: 'Recording to files.', feature: 'dvr' }),
  snapshot: block('snapshot', snapshotRows, {
    doc: 'Pictures of key frames.',
    feature: 'snapshot',
  }),
};
