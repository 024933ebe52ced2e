/** Owns the endpoint of what comes from origins and goes to them. */
import type { RegistryStats, UpstreamStats } from '../../stats/stat-types';

import type { ApiUpstreams } from './api-parts';
import type { ApiCall, ApiReply, Endpoint } from './endpoint';
import { pageOf, readPage } from './paging';

/** `/api/v1/upstreams`. */
export function upstreamEndpoint(upstreams: ApiUpstreams): Endpoint {
  return {
    path: '/api/v1/upstreams',
    about: 'streams that are fetched from origins, and handed on to them',
    lasts: 'briefly',
    parameters: ['start', 'count'],
    read: (call) => listUpstreams(upstreams, call),
  };
}

function listUpstreams(source: ApiUpstreams, { exchange: { query } }: ApiCall): ApiReply {
  const page = readPage(query);
  const all = source.upstreams();
  const registry = source.registryStats();
  return {
    fields: {
      upstreams: pageOf(all, page).map(upstreamJson),
      total: all.length,
      registry: registry ? registryJson(registry) : null,
    },
  };
}

function upstreamJson(stats: UpstreamStats): object {
  return {
    id: stats.id,
    direction: stats.direction,
    vhost: stats.vhost,
    app: stats.app,
    stream: stats.stream,
    url: stats.url,
    state: stats.state,
    bytes: stats.bytes,
    reconnects: stats.reconnects,
    last_error: stats.lastError,
  };
}

function registryJson(stats: RegistryStats): object {
  return {
    url: stats.url,
    connected: stats.isConnected,
    published: stats.published,
    announced: stats.announced,
    failures: stats.failures,
  };
}
