/** Owns the endpoints of the streams. */
import { ErrorCode } from '../../../core/errors';
import type { StreamAudio, StreamStats, StreamVideo } from '../../stats/stat-types';

import type { ApiStatistics } from './api-parts';
import { idOf, oneById } from './endpoint';
import type { ApiCall, ApiReply, Endpoint } from './endpoint';
import { pageOf, readPage } from './paging';
import { trafficJson } from './traffic-json';

/** `/api/v1/streams` and each of them. */
export function streamEndpoints(statistics: ApiStatistics): readonly Endpoint[] {
  return [
    {
      path: '/api/v1/streams',
      about: 'manage all streams or specified stream',
      lasts: 'briefly',
      parameters: ['start', 'count', 'vhost', 'app', 'stream'],
      read: (call) => listStreams(statistics, call),
    },
    {
      path: '/api/v1/streams/{id}',
      about: 'one stream; DELETE ends its publisher and players',
      lasts: 'briefly',
      read: ({ id }) =>
        oneById(
          id,
          ErrorCode.RTMP_STREAM_NOT_FOUND,
          (number) => statistics.stream(number),
          (stream) => ({ stream: streamJson(stream) }),
        ),
      changes: {
        DELETE: ({ id }) => {
          const clients = statistics.stopStream(idOf(id), 'the stream is stopped');
          if (clients === undefined) return { code: ErrorCode.RTMP_STREAM_NOT_FOUND };
          return { fields: { clients } };
        },
      },
    },
  ];
}

function listStreams(statistics: ApiStatistics, { exchange: { query } }: ApiCall): ApiReply {
  const page = readPage(query);
  const all = statistics.streams();
  const [vhost, app, stream] = [query.get('vhost'), query.get('app'), query.get('stream')];
  const isAll = vhost === null && app === null && stream === null;
  const found = isAll
    ? all
    : all.filter(
        (one) =>
          (vhost === null || vhost === one.vhost || vhost === `${one.vhostId}`) &&
          (app === null || app === one.app) &&
          (stream === null || stream === one.name || stream === `${one.id}`),
      );
  return { fields: { streams: pageOf(found, page).map(streamJson), total: found.length } };
}

function streamJson(stream: StreamStats): object {
  const { video, audio } = stream.media;
  return {
    id: stream.id,
    name: stream.name,
    vhost: stream.vhostId,
    app: stream.app,
    live_ms: stream.liveMs,
    clients: stream.clients,
    frames: stream.frames,
    ...trafficJson(stream),
    publish: { active: stream.isActive, cid: stream.publisherId },
    video: video === undefined ? null : videoJson(video),
    audio: audio === undefined ? null : audioJson(audio),
    age_ms: Math.round(stream.ageMs),
    players: stream.players,
    vhost_name: stream.vhost,
  };
}

function videoJson(video: StreamVideo): object {
  const { codec, profile, level, width, height, fps, gopMs, gopFrames, frames, bytes } = video;
  return {
    codec,
    profile,
    level,
    width,
    height,
    fps: Math.round(fps * 100) / 100,
    gop_ms: Math.round(gopMs),
    gop_frames: gopFrames,
    frames,
    bytes,
  };
}

function audioJson({ codec, sampleRate, channels, profile, frames, bytes }: StreamAudio): object {
  return { codec, sample_rate: sampleRate, channel: channels, profile, frames, bytes };
}
