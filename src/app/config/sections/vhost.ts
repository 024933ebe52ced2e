/** Owns the options of a vhost, and puts the other sections of a vhost together. */
import { block, one } from '../directive';
import type { OptionsOf } from '../row';
import { choice, int, milliseconds, number, onOff, seconds, size } from '../values';

import { vhostAccessRows } from './access';
import { vhostClusterRows } from './cluster';
import { vhostDvrRows } from './dvr';
import { chunkSizeRow } from './global';
import { vhostHlsRows } from './hls';
import { vhostHttpRows } from './http';
import { vhostTranscodeRows } from './transcode';

/** Longest wait or timeout that can be asked for: one day. */
const DAY_MS = 86_400_000;

/** `mr {}` of a vhost: merged read of a publisher's socket. */
const mergedReadRows = {
  enabled: one('enabled', onOff, 'off', {
    doc: 'Reads a publisher at intervals, several packets at once.',
  }),
  latencyMs: one('latency', milliseconds(0, 60000), '350', {
    doc: 'Milliseconds between two reads; added to the delay.',
  }),
};

const publishRows = {
  parseSps: one('parse_sps', onOff, 'on', {
    doc: 'Accepted, no effect: size and profile are always read, for the log.',
  }),
};

/** How a source treats packets and players. */
const streamRows = {
  gopCache: one('gop_cache', onOff, 'on', {
    doc: 'Keeps the last group of pictures, so that players start at once.',
  }),
  gopCacheMaxBytes: one('gop_cache_max_bytes', size(65536, 2 ** 31), '32m', {
    doc: 'Largest group of pictures kept; a longer one is dropped until the next key frame.',
  }),
  queueLengthMs: one('queue_length', seconds(1, 86400), '30', {
    doc: 'Seconds a player may lag before it jumps to the newest key frame.',
  }),
  timeJitter: one('time_jitter', choice('full', 'zero', 'off'), 'full', {
    doc: 'Timestamps: monotonic from zero, only shifted to zero, or as they come.',
  }),
  mixCorrect: one('mix_correct', onOff, 'off', {
    doc: 'Sorts audio and video that come out of order.',
    feature: 'mix_correct',
    what: '"mix_correct on"',
  }),
  atc: one('atc', onOff, 'off', {
    doc: 'Passes absolute timestamps through to players, and aligns segments of HLS to them.',
  }),
  atcAuto: one('atc_auto', onOff, 'on', {
    doc: 'Turns atc on for a publish whose metadata has bravo_atc "true".',
  }),
  reduceSequenceHeader: one('reduce_sequence_header', onOff, 'on', {
    doc: 'Does not send a sequence header again that has not changed.',
  }),
};

/** How sockets are written and read. */
const deliveryRows = {
  mwLatencyMs: one('mw_latency', milliseconds(0, 60000), '350', {
    doc: 'Milliseconds of media collected for one write to a player; 0 writes at once.',
  }),
  minLatency: one('min_latency', onOff, 'off', {
    doc: 'Writes to players at once, whatever mw_latency says, and ignores mr.',
  }),
  mr: block('mr', mergedReadRows, { doc: 'Merged read.' }),
  tcpNodelay: one('tcp_nodelay', onOff, 'on', {
    doc: 'Sends small packets without waiting for more.',
  }),
  sendMinIntervalMs: one('send_min_interval', number(0, DAY_MS), '0', {
    doc: 'Smallest gap between two writes to a player, in milliseconds.',
    feature: 'send_min_interval',
    switchesOn: (interval) => interval > 0,
  }),
};

/** Who may publish, and how long the server waits for packets. */
const publisherRows = {
  publishConflict: one('publish_conflict', choice('auto', 'reject', 'takeover'), 'auto', {
    doc: 'A second publisher of a stream is refused, takes over, or (auto) takes over when the first sent nothing for publish_conflict_idle.',
  }),
  publishConflictIdleMs: one('publish_conflict_idle', seconds(0, 86400), '3', {
    doc: 'Seconds of silence after which publish_conflict auto gives up the first publisher.',
  }),
  publishFirstPacketTimeoutMs: one('publish_1stpkt_timeout', milliseconds(100, DAY_MS), '20000', {
    doc: 'Milliseconds a publisher may take until its first packet.',
  }),
  publishNormalTimeoutMs: one('publish_normal_timeout', milliseconds(100, DAY_MS), '30000', {
    doc: 'Milliseconds of silence after which a publisher is closed.',
  }),
  publish: block('publish', publishRows, { doc: 'Reading of published streams.' }),
};

/** `vhost NAME {}` at root. */
export const vhostRows = {
  enabled: one('enabled', onOff, 'on', { doc: 'Off: as if the vhost did not exist.' }),
  chunkSize: one('chunk_size', int(128, 65536), chunkSizeRow, {
    doc: 'Size of outgoing RTMP chunks; larger is cheaper.',
  }),
  ...streamRows,
  ...deliveryRows,
  ...publisherRows,
  ...vhostAccessRows,
  ...vhostClusterRows,
  ...vhostHttpRows,
  ...vhostHlsRows,
  ...vhostDvrRows,
  ...vhostTranscodeRows,
};

/** Options of one vhost; `name` is empty when none was given. */
export type VhostOptions = OptionsOf<typeof vhostRows> & { readonly name: string };
