/** Owns which metrics there are: name, type, meaning and source of each. */
import type {
  ForwardStats,
  PlayersSum,
  RegistryStats,
  ServerTotals,
  StreamAudio,
  StreamStats,
  StreamVideo,
  UpstreamStats,
  VhostStats,
} from '../../stats/stat-types';

import type { Labels, MetricFamily } from './exposition';

/** What the process uses. */
export interface ProcessFigures {
  readonly nodeVersion: string;
  readonly uptimeSeconds: number;
  readonly userCpuSeconds: number;
  readonly systemCpuSeconds: number;
  /** For how long the thread of all traffic was not waiting. */
  readonly busySeconds: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
}

/** What the metrics of the server are taken from. */
export interface ServerFigures {
  readonly version: string;
  /** Seconds of the epoch. */
  readonly startSeconds: number;
  readonly connections: number;
  readonly totals: ServerTotals;
  readonly process: ProcessFigures;
  /** Streams that did not fit into the answer. */
  readonly omittedStreams: number;
}

/** What the metrics of a stream are taken from. */
export interface StreamFigures {
  readonly stats: StreamStats;
  /** Undefined without players. */
  readonly players: PlayersSum | undefined;
}

const seconds = (ms: number): number => ms / 1000;

/** Of the server as a whole. */
export const serverFamilies: readonly MetricFamily<ServerFigures>[] = [
  {
    name: 'srs_build_info',
    type: 'gauge',
    help: 'Always 1; the labels tell versions.',
    labels: ({ version, process }) => ({ version, node: process.nodeVersion }),
    value: () => 1,
  },
  {
    name: 'srs_start_time_seconds',
    type: 'gauge',
    help: 'When the process started, seconds of the epoch.',
    value: ({ startSeconds }) => startSeconds,
  },
  {
    name: 'srs_uptime_seconds',
    type: 'gauge',
    help: 'For how long the process has been running.',
    value: ({ process }) => process.uptimeSeconds,
  },
  {
    name: 'srs_cpu_user_seconds_total',
    type: 'counter',
    help: 'CPU time of the process in its own code, all threads.',
    value: ({ process }) => process.userCpuSeconds,
  },
  {
    name: 'srs_cpu_system_seconds_total',
    type: 'counter',
    help: 'CPU time of the process in the kernel, all threads.',
    value: ({ process }) => process.systemCpuSeconds,
  },
  {
    name: 'srs_event_loop_busy_seconds_total',
    type: 'counter',
    help: 'Time in which the thread of all traffic worked; its rate nears 1 when the server is full.',
    value: ({ process }) => process.busySeconds,
  },
  {
    name: 'srs_resident_memory_bytes',
    type: 'gauge',
    help: 'Memory of the process in RAM.',
    value: ({ process }) => process.residentBytes,
  },
  {
    name: 'srs_heap_bytes',
    type: 'gauge',
    help: 'Objects of JavaScript, a part of the resident memory.',
    value: ({ process }) => process.heapBytes,
  },
  {
    name: 'srs_connections',
    type: 'gauge',
    help: 'Open connections of all protocols.',
    value: ({ connections }) => connections,
  },
  {
    name: 'srs_players',
    type: 'gauge',
    help: 'Clients that play.',
    value: ({ totals }) => totals.players,
  },
  {
    name: 'srs_publishers',
    type: 'gauge',
    help: 'Clients that publish.',
    value: ({ totals }) => totals.publishers,
  },
  {
    name: 'srs_active_streams',
    type: 'gauge',
    help: 'Streams that are published.',
    value: ({ totals }) => totals.activeStreams,
  },
  {
    name: 'srs_received_bytes_total',
    type: 'counter',
    help: 'Bytes from players and publishers, those that left included.',
    value: ({ totals }) => totals.recvBytes,
  },
  {
    name: 'srs_sent_bytes_total',
    type: 'counter',
    help: 'Bytes to players and publishers, those that left included.',
    value: ({ totals }) => totals.sendBytes,
  },
  {
    name: 'srs_metrics_omitted_streams',
    type: 'gauge',
    help: 'Streams that are left out here because there are too many.',
    value: ({ omittedStreams }) => omittedStreams,
  },
];

/** Of each vhost; label `vhost`. */
export const vhostFamilies: readonly MetricFamily<VhostStats>[] = [
  {
    name: 'srs_vhost_enabled',
    type: 'gauge',
    help: '1 for a vhost that is enabled, else 0.',
    value: ({ enabled }) => Number(enabled),
  },
  {
    name: 'srs_vhost_clients',
    type: 'gauge',
    help: 'Players and publishers of the vhost.',
    value: ({ clients }) => clients,
  },
  {
    name: 'srs_vhost_publishers',
    type: 'gauge',
    help: 'Publishers of the vhost.',
    value: ({ publishers }) => publishers,
  },
  {
    name: 'srs_vhost_active_streams',
    type: 'gauge',
    help: 'Streams of the vhost that are published.',
    value: ({ streams }) => streams,
  },
  {
    name: 'srs_vhost_received_bytes_total',
    type: 'counter',
    help: 'Bytes from the clients of the vhost, those that left included.',
    value: ({ recvBytes }) => recvBytes,
  },
  {
    name: 'srs_vhost_sent_bytes_total',
    type: 'counter',
    help: 'Bytes to the clients of the vhost, those that left included.',
    value: ({ sendBytes }) => sendBytes,
  },
];

/** Of each stream; labels `vhost`, `app` and `stream`. */
export const streamFamilies: readonly MetricFamily<StreamFigures>[] = [
  {
    name: 'srs_stream_publishing',
    type: 'gauge',
    help: '1 while the stream is published, else 0.',
    value: ({ stats }) => Number(stats.isActive),
  },
  {
    name: 'srs_stream_players',
    type: 'gauge',
    help: 'Players of the stream.',
    value: ({ stats }) => stats.players,
  },
  {
    name: 'srs_stream_received_bytes_total',
    type: 'counter',
    help: 'Bytes from the clients of the stream, those that left included.',
    value: ({ stats }) => stats.recvBytes,
  },
  {
    name: 'srs_stream_sent_bytes_total',
    type: 'counter',
    help: 'Bytes to the clients of the stream, those that left included.',
    value: ({ stats }) => stats.sendBytes,
  },
  {
    name: 'srs_stream_video_frames_total',
    type: 'counter',
    help: 'Pictures that were published.',
    value: ({ stats }) => stats.frames,
  },
  {
    name: 'srs_stream_video_bytes_total',
    type: 'counter',
    help: 'Bytes of pictures since the publish began.',
    value: ({ stats }) => stats.media.video?.bytes,
  },
  {
    name: 'srs_stream_audio_bytes_total',
    type: 'counter',
    help: 'Bytes of sound since the publish began.',
    value: ({ stats }) => stats.media.audio?.bytes,
  },
  {
    name: 'srs_stream_frames_per_second',
    type: 'gauge',
    help: 'Pictures per second; absent while not known.',
    value: ({ stats }) => known(stats.media.video?.fps),
  },
  {
    name: 'srs_stream_gop_seconds',
    type: 'gauge',
    help: 'From one key frame to the next; absent while not known.',
    value: ({ stats }) => known(seconds(stats.media.video?.gopMs ?? 0)),
  },
  {
    name: 'srs_stream_age_seconds',
    type: 'gauge',
    help: 'For how long the stream has been published, 0 while it is not.',
    value: ({ stats }) => seconds(stats.ageMs),
  },
  {
    name: 'srs_stream_player_dropped_messages',
    type: 'gauge',
    help: 'Messages that the players of now did not get because they were too slow.',
    value: ({ players }) => players?.dropped,
  },
  {
    name: 'srs_stream_player_lag_seconds',
    type: 'gauge',
    help: 'Media that waits for the slowest player of now.',
    value: ({ players }) => players && seconds(players.lagMs),
  },
  {
    name: 'srs_stream_info',
    type: 'gauge',
    help: 'Always 1; the labels tell what the stream consists of. Only while it is published.',
    labels: ({ stats: { media } }) => ({
      ...videoLabels(media.video),
      ...audioLabels(media.audio),
    }),
    value: ({ stats }) => (stats.isActive ? 1 : undefined),
  },
];

/** Of each stream that is fetched or handed on; labels `direction`, `vhost`, `app` and `stream`. */
export const upstreamFamilies: readonly MetricFamily<UpstreamStats>[] = [
  {
    name: 'srs_upstream_connected',
    type: 'gauge',
    help: '1 while an origin is connected, else 0.',
    value: ({ state }) => Number(state === 'connected' || state === 'pulling'),
  },
  {
    name: 'srs_upstream_bytes_total',
    type: 'counter',
    help: 'Bytes from the origins of a pull, to those of a push.',
    value: ({ bytes }) => bytes,
  },
  {
    name: 'srs_upstream_reconnects_total',
    type: 'counter',
    help: 'How often it was connected anew.',
    value: ({ reconnects }) => reconnects,
  },
];

/** Of the registry of origins, where there is one. */
export const registryFamilies: readonly MetricFamily<RegistryStats>[] = [
  {
    name: 'srs_registry_connected',
    type: 'gauge',
    help: '1 while the registry of origins can be reached, else 0.',
    value: ({ isConnected }) => Number(isConnected),
  },
  {
    name: 'srs_registry_announced_streams',
    type: 'gauge',
    help: 'Own streams that the registry of origins has.',
    value: ({ announced }) => announced,
  },
  {
    name: 'srs_registry_failures_total',
    type: 'counter',
    help: 'Connections and commands to the registry of origins that failed.',
    value: ({ failures }) => failures,
  },
];

/**
 * Of each copy to another server; labels `vhost`, `app`, `stream`, `url`, and `copy`, which tells those apart that differ
 * in their key only.
 */
export const forwardFamilies: readonly MetricFamily<ForwardStats>[] = [
  {
    name: 'srs_forward_connected',
    type: 'gauge',
    help: '1 while the other server takes the copy, else 0.',
    value: ({ state }) => Number(state === 'connected'),
  },
  {
    name: 'srs_forward_sent_bytes_total',
    type: 'counter',
    help: 'Bytes to the other server since the publish began.',
    value: ({ sendBytes }) => sendBytes,
  },
  {
    name: 'srs_forward_reconnects_total',
    type: 'counter',
    help: 'How often it was connected anew.',
    value: ({ reconnects }) => reconnects,
  },
  {
    name: 'srs_forward_dropped_messages_total',
    type: 'counter',
    help: 'Messages that the other server did not get because it was too slow.',
    value: ({ dropped }) => dropped,
  },
];

/** Statistics say 0 for what they do not know. */
function known(value: number | undefined): number | undefined {
  return value === 0 ? undefined : value;
}

function videoLabels(video: StreamVideo | undefined): Labels {
  return {
    video_codec: video?.codec ?? '',
    video_profile: video?.profile ?? '',
    video_level: video?.level ?? '',
    width: numberOrEmpty(video?.width),
    height: numberOrEmpty(video?.height),
  };
}

function audioLabels(audio: StreamAudio | undefined): Labels {
  return {
    audio_codec: audio?.codec ?? '',
    audio_profile: audio?.profile ?? '',
    sample_rate: numberOrEmpty(audio?.sampleRate),
    channels: numberOrEmpty(audio?.channels),
  };
}

function numberOrEmpty(value = 0): string {
  return value === 0 ? '' : String(value);
}
