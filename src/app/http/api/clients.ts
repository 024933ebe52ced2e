/** Owns the endpoints of the clients: who plays and publishes now. */
import { ErrorCode } from '../../../core/errors';
import { redact } from '../../../core/redact';
import type { ClientNames, ClientStats } from '../../stats/stat-types';

import type { ApiStatistics } from './api-parts';
import { idOf, oneById } from './endpoint';
import type { Endpoint } from './endpoint';
import { readPage } from './paging';
import { trafficJson } from './traffic-json';

/** Entries of a list whose length the client does not choose, as in the reference. */
const DEFAULT_COUNT = 10;
const DEFAULT_VHOST = '__defaultVhost__';

/** `/api/v1/clients` and each of them. */
export function clientEndpoints(statistics: ApiStatistics): readonly Endpoint[] {
  return [
    {
      path: '/api/v1/clients',
      about: 'manage all clients or specified client, default query top 10 clients',
      lasts: 'briefly',
      parameters: ['start', 'count'],
      read: ({ exchange }) => {
        const { start, count } = readPage(exchange.query, DEFAULT_COUNT);
        const clients = statistics.clients(start, count).map(clientJson);
        return { fields: { clients, total: statistics.clientCount } };
      },
    },
    {
      path: '/api/v1/clients/{id}',
      about: 'one client; DELETE ends it',
      lasts: 'briefly',
      read: ({ id }) =>
        oneById(
          id,
          ErrorCode.RTMP_CLIENT_NOT_FOUND,
          (number) => statistics.client(number),
          (client) => ({ client: clientJson(client) }),
        ),
      changes: {
        DELETE: ({ id }) => {
          const isThere = statistics.kick(idOf(id), '');
          return isThere ? {} : { code: ErrorCode.RTMP_CLIENT_NOT_FOUND };
        },
      },
    },
  ];
}

/** Urls are shown without the keys that clients put into them: who may look need not be allowed to publish. */
function clientJson(stats: ClientStats): object {
  const { client, vhostId, streamId, aliveMs, player } = stats;
  const { names } = client;
  return {
    id: client.id,
    vhost: vhostId,
    stream: streamId,
    ip: client.ip,
    pageUrl: redact(names.pageUrl),
    swfUrl: redact(names.swfUrl),
    tcUrl: redact(names.tcUrl),
    url: redact(streamUrl(names)),
    type: client.type,
    publish: client.isPublisher,
    alive: Math.round(aliveMs),
    ...trafficJson(stats),
    protocol: client.protocol,
    vhost_name: names.vhost,
    app: names.app,
    name: names.stream,
    messages: player?.messages ?? 0,
    dropped: player?.dropped ?? 0,
    lag_ms: Math.round(player?.lagMs ?? 0),
    jumps: player?.jumps ?? 0,
  };
}

/** `vhost/app/stream`, without the default vhost. */
function streamUrl({ vhost, app, stream }: ClientNames): string {
  return `${vhost === DEFAULT_VHOST ? '' : vhost}/${app}/${stream}`;
}
