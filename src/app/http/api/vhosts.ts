/** Owns the endpoints of the vhosts. */
import { ErrorCode } from '../../../core/errors';
import type { VhostStats } from '../../stats/stat-types';

import type { ApiStatistics } from './api-parts';
import { oneById } from './endpoint';
import type { Endpoint } from './endpoint';
import { pageOf, readPage } from './paging';
import { trafficJson } from './traffic-json';

/** `/api/v1/vhosts` and each of them. */
export function vhostEndpoints(statistics: ApiStatistics): readonly Endpoint[] {
  return [
    {
      path: '/api/v1/vhosts',
      about: 'manage all vhosts or specified vhost',
      lasts: 'briefly',
      parameters: ['start', 'count'],
      read: ({ exchange }) => {
        const all = statistics.vhosts();
        const page = pageOf(all, readPage(exchange.query));
        return { fields: { vhosts: page.map(vhostJson), total: all.length } };
      },
    },
    {
      path: '/api/v1/vhosts/{id}',
      about: 'one vhost',
      lasts: 'briefly',
      read: ({ id }) =>
        oneById(
          id,
          ErrorCode.RTMP_STREAM_NOT_FOUND,
          (number) => statistics.vhost(number),
          (vhost) => ({ vhost: vhostJson(vhost) }),
        ),
    },
  ];
}

function vhostJson(vhost: VhostStats): object {
  const { id, name, enabled, clients, streams, publishers, hls } = vhost;
  const isHls = hls.enabled;
  return {
    id,
    name,
    enabled,
    clients,
    streams,
    ...trafficJson(vhost),
    hls: isHls ? { enabled: true, fragment: hls.fragmentMs / 1000 } : { enabled: false },
    publishers,
  };
}
