/** Owns the options of root level, apart from vhosts. */
import { block, blocks, list, one } from '../directive';
import type { OptionsOf } from '../row';
import {
  addressRange,
  choice,
  int,
  listen,
  milliseconds,
  onOff,
  path,
  port,
  text,
} from '../values';

import { rootClusterRows } from './cluster';
import { rootHttpRows } from './http';

/** `chunk_size` at root: what a vhost without its own uses. */
export const chunkSizeRow = one('chunk_size', int(128, 65536), '60000', {
  doc: 'Size of outgoing RTMP chunks; larger is cheaper.',
});

/** `pithy_print_ms`: the interval of the summary lines whose stage has none of its own. */
const pithyPrintRow = one('pithy_print_ms', milliseconds(100, 86_400_000), '10000', {
  doc: 'Milliseconds between two summary lines of the same kind in the log.',
});

const stage = (name: string): typeof pithyPrintRow =>
  one(name, milliseconds(100, 86_400_000), pithyPrintRow, {
    doc: `Milliseconds between two summary lines of ${name}.`,
  });

/** `pithy_print {}` at root: intervals of the summary lines, in milliseconds. */
const pithyPrintRows = {
  publish: stage('publish'),
  play: stage('play'),
  forwarder: stage('forwarder'),
  encoder: stage('encoder'),
  ingester: stage('ingester'),
  hls: stage('hls'),
  edge: stage('edge'),
};

/** `stats {}` at root. */
const statsRows = {
  network: one('network', int(0, 255), '0', {
    doc: 'Which non-loopback IPv4 address of the machine is reported, from 0.',
  }),
  disk: list('disk', text('device'), { doc: 'Disks whose load is reported, as sda.' }),
};

/** `stream_caster {}` at root. */
const streamCasterRows = {
  enabled: one('enabled', onOff, 'off', { doc: 'Listens for this kind of input.' }),
  caster: one('caster', choice('mpegts_over_udp', 'rtsp', 'flv'), 'mpegts_over_udp', {
    doc: 'Kind of input.',
  }),
  output: one('output', text('url'), '', {
    doc: 'Where it is published; [app] and [stream] are replaced.',
  }),
  listen: one('listen', port, '8935', { doc: 'Port it listens at.' }),
  rtpPortMin: one('rtp_port_min', port, '57200', { doc: 'First RTP port of rtsp.' }),
  rtpPortMax: one('rtp_port_max', port, '57300', { doc: 'RTP ports of rtsp end before this.' }),
};

/** How the process runs. */
const processRows = {
  pid: one('pid', path, './objs/srs.pid', {
    doc: 'File that holds the process id and keeps a second server from starting.',
  }),
  daemon: one('daemon', onOff, 'on', { doc: 'Runs in the background.', restart: true }),
  workDir: one('work_dir', path, './', {
    doc: 'Directory the server changes to before it opens any file.',
    restart: true,
  }),
  asprocess: one('asprocess', onOff, 'off', {
    doc: 'Ends when the parent process ends; not with daemon on.',
    restart: true,
  }),
  utcTime: one('utc_time', onOff, 'off', { doc: 'UTC in the log and in file names.' }),
  queryLatestVersion: one('query_latest_version', onOff, 'on', {
    doc: 'Accepted, no effect: the server asks nobody about versions.',
  }),
};

/** Where the log goes. */
const logRows = {
  ffLogDir: one('ff_log_dir', path, './objs', {
    doc: 'Directory of the ffmpeg logs; /dev/null for none.',
  }),
  logTank: one('srs_log_tank', choice('file', 'console'), 'file', { doc: 'Where the log goes.' }),
  logLevel: one(
    'srs_log_level',
    choice('verbose', 'info', 'trace', 'warn', 'error', 'none'),
    'trace',
    { doc: 'Least severe lines that are logged; none logs nothing.' },
  ),
  logFile: one('srs_log_file', path, './objs/srs.log', {
    doc: 'The log file, when the log goes to a file.',
  }),
};

/** Everything at root level but vhosts and older blocks that repeat. */
export const globalRows = {
  listen: list('listen', listen, {
    doc: 'Addresses of the RTMP server; at least one is required.',
    noun: 'port',
  }),
  rtmpsListen: list('rtmps_listen', listen, {
    doc: 'Addresses of the RTMP server over TLS.',
    feature: 'rtmps',
  }),
  rtmpsKey: one('rtmps_key', path, './conf/server.key', {
    doc: 'Private key for rtmps_listen, PEM; read again when it changes.',
  }),
  rtmpsCert: one('rtmps_cert', path, './conf/server.crt', {
    doc: 'Certificate for rtmps_listen, followed by those that signed it, PEM; read again when it changes.',
  }),
  maxConnections: one('max_connections', int(1, 1_000_000), '1000', {
    doc: 'Most clients at a time, RTMP and HTTP together.',
  }),
  trustedProxies: list('trusted_proxies', addressRange, {
    doc: 'Addresses of proxies that say for whom they connect: by a PROXY header, in HTTP also by X-Forwarded-For.',
    noun: 'address',
  }),
  chunkSize: chunkSizeRow,
  ...processRows,
  ...logRows,
  pithyPrintDefaultMs: pithyPrintRow,
  pithyPrintMs: block('pithy_print', pithyPrintRows, {
    doc: 'Intervals of the summary lines, by stage.',
  }),
  stats: block('stats', statsRows, {
    doc: 'What is reported about the machine.',
    feature: 'stats',
  }),
  ...rootHttpRows,
  streamCasters: blocks('stream_caster', undefined, streamCasterRows, {
    doc: 'Takes other kinds of input and publishes them here.',
    feature: 'stream_caster',
  }),
  ...rootClusterRows,
};

/** Options of root level. */
export type GlobalOptions = OptionsOf<typeof globalRows>;
