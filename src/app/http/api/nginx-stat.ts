/** Owns `/stat`: who publishes and plays what, in the XML of the nginx-rtmp-module (`rtmp_stat all`). */
import { redact } from '../../../core/redact';
import { buildInfo, product } from '../../../core/version';
import type {
  ClientStats,
  StreamAudio,
  StreamMedia,
  StreamStats,
  StreamVideo,
  Traffic,
} from '../../stats/stat-types';
import type { Statistics } from '../../stats/statistics';

import { element, optionalElement, xmlText } from './xml-text';

/** What the XML is sent as. */
export const STAT_TYPE = 'text/xml; charset=utf-8';
/** The version of the module whose elements these are. */
const LAYOUT_VERSION = '1.1.4';
const DEFAULT_VHOST = '__defaultVhost__';
/** Clients that are listed of one stream; `nclients` tells how many there are. */
const MAX_STREAM_CLIENTS = 1000;
/** Clients that are listed of all streams together. */
const MAX_CLIENTS = 5000;
/** Streams that are listed. */
const MAX_STREAMS = 2000;
/** Constraint flag of H.264's Constrained Baseline, as the `compat` byte has it. */
const CONSTRAINED = 0x40;

/** What the XML is made of. */
export interface StatParts {
  readonly statistics: Pick<Statistics, 'server' | 'vhosts' | 'streams' | 'clients'>;
  /** Connections accepted since the server started. */
  accepted(): number;
}

/** The process as the head of the XML tells it. */
export interface StatProcess {
  readonly pid: number;
  readonly uptimeSeconds: number;
}

/**
 * The whole document. Each vhost is a `server`, the apps that have clients are its applications. It takes time that
 * grows with the number of streams and clients, so it is to be kept for a while.
 */
export function renderStat(
  parts: StatParts,
  { pid, uptimeSeconds }: StatProcess = { pid: process.pid, uptimeSeconds: process.uptime() },
): string {
  const { statistics } = parts;
  const clients = clientsByStream(statistics.clients(0, MAX_CLIENTS));
  const streams = statistics
    .streams()
    .filter((stream) => stream.isActive || stream.clients > 0)
    .slice(0, MAX_STREAMS);
  const servers = statistics.vhosts().map(({ id, name }) =>
    server(
      name,
      streams.filter(({ vhostId }) => vhostId === id),
      clients,
    ),
  );
  return [
    '<?xml version="1.0" encoding="utf-8" ?>',
    '<rtmp>',
    element('nginx_version', product.serverName),
    element('nginx_rtmp_version', LAYOUT_VERSION),
    element('compiler', `node ${process.version}`),
    element('built', buildInfo.date),
    element('pid', pid),
    element('uptime', Math.trunc(uptimeSeconds)),
    element('naccepted', parts.accepted()),
    traffic(statistics.server()),
    ...servers.filter((text) => text !== ''),
    '</rtmp>',
    '',
  ].join('\n');
}

function clientsByStream(clients: readonly ClientStats[]): ReadonlyMap<number, ClientStats[]> {
  const byStream = new Map<number, ClientStats[]>();
  for (const client of clients) {
    const some = byStream.get(client.streamId);
    if (some === undefined) byStream.set(client.streamId, [client]);
    else if (some.length < MAX_STREAM_CLIENTS) some.push(client);
  }
  return byStream;
}

/** nginx-rtmp has no vhosts: only one that has a name carries it, as an attribute, where no reader of nginx's looks. */
function server(
  vhost: string,
  streams: readonly StreamStats[],
  clients: ReadonlyMap<number, ClientStats[]>,
): string {
  const isDefault = vhost === DEFAULT_VHOST;
  if (streams.length === 0 && !isDefault) return '';
  const byApp = new Map<string, StreamStats[]>();
  for (const stats of streams) {
    const some = byApp.get(stats.app);
    if (some === undefined) byApp.set(stats.app, [stats]);
    else some.push(stats);
  }
  const applications = Array.from(byApp, ([app, some]) => application(app, some, clients));
  const attribute = isDefault ? '' : ` vhost="${xmlText(vhost)}"`;
  return [`<server${attribute}>`, ...applications, '</server>'].join('\n');
}

function application(
  app: string,
  streams: readonly StreamStats[],
  clients: ReadonlyMap<number, ClientStats[]>,
): string {
  const total = streams.reduce((sum, stats) => sum + stats.clients, 0);
  return [
    '<application>',
    element('name', app),
    '<live>',
    ...streams.map((stats) => stream(stats, clients.get(stats.id) ?? [])),
    element('nclients', total),
    '</live>',
    '</application>',
  ].join('\n');
}

function stream(stats: StreamStats, clients: readonly ClientStats[]): string {
  const { name, media, isActive, kbps } = stats;
  const waitedMs = clients.reduce((most, { aliveMs }) => Math.max(most, aliveMs), 0);
  const [bwAudio, bwVideo] = rateByKind(bits(kbps.recv30s), media);
  return [
    '<stream>',
    element('name', name),
    element('time', Math.trunc(isActive ? stats.ageMs : waitedMs)),
    traffic(stats),
    element('bw_audio', bwAudio),
    element('bw_video', bwVideo),
    ...clients.map((one) => client(one, stats)),
    ...(isActive ? [meta(media)] : []),
    element('nclients', stats.clients),
    ...(isActive ? ['<publishing/>', '<active/>'] : []),
    '</stream>',
  ].join('\n');
}

/** Statistics count the bytes of both kinds but rate only their sum, which is shared out; audio comes first. */
function rateByKind(bitsPerSecond: number, { video, audio }: StreamMedia): [number, number] {
  const videoBytes = video?.bytes ?? 0;
  const bytes = videoBytes + (audio?.bytes ?? 0);
  if (bytes === 0) return [0, 0];
  const ofVideo = Math.round((bitsPerSecond * videoBytes) / bytes);
  return [bitsPerSecond - ofVideo, ofVideo];
}

function client(
  { client, aliveMs, player }: ClientStats,
  { isActive, ageMs }: StreamStats,
): string {
  const { id, ip, isPublisher, names } = client;
  const mediaMs = isActive ? Math.max(0, ageMs - (player?.lagMs ?? 0)) : 0;
  return [
    '<client>',
    element('id', id),
    element('address', ip),
    element('time', Math.trunc(aliveMs)),
    optionalElement('pageurl', redact(names.pageUrl)),
    optionalElement('swfurl', redact(names.swfUrl)),
    element('dropped', player?.dropped ?? 0),
    element('avsync', 0),
    element('timestamp', Math.trunc(mediaMs)),
    isPublisher ? '<publishing/>' : '',
    isActive ? '<active/>' : '',
    '</client>',
  ].join('');
}

function meta({ video, audio }: StreamMedia): string {
  return `<meta><video>${videoMeta(video)}</video><audio>${audioMeta(audio)}</audio></meta>`;
}

function videoMeta(video: StreamVideo | undefined): string {
  const { width = 0, height = 0, fps = 0, codec = '', profile = '', level = '' } = video ?? {};
  const compat = profile.includes('Constrained') ? CONSTRAINED : 0;
  return [
    element('width', width),
    element('height', height),
    element('frame_rate', Math.round(fps * 1000) / 1000),
    optionalElement('codec', codec),
    optionalElement('profile', profile),
    profile === '' ? '' : element('compat', compat),
    // Always with a fraction: `4.0`.
    optionalElement('level', level.replace(/^\d+$/, '$&.0')),
  ].join('');
}

function audioMeta(audio: StreamAudio | undefined): string {
  if (audio === undefined) return '';
  const { codec, profile, channels, sampleRate } = audio;
  return [
    optionalElement('codec', codec),
    optionalElement('profile', profile),
    channels === 0 ? '' : element('channels', channels),
    sampleRate === 0 ? '' : element('sample_rate', sampleRate),
  ].join('');
}

function traffic({ kbps, recvBytes, sendBytes }: Traffic): string {
  return [
    element('bw_in', bits(kbps.recv30s)),
    element('bytes_in', recvBytes),
    element('bw_out', bits(kbps.send30s)),
    element('bytes_out', sendBytes),
  ].join('\n');
}

/** Bits per second. */
function bits(kbps: number): number {
  return kbps * 1000;
}
