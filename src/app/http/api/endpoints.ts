/** Owns the list of all endpoints, and those that show it. */
import type { ApiParts } from './api-parts';
import { clientEndpoints } from './clients';
import type { Endpoint } from './endpoint';
import { forwardEndpoints } from './forwards';
import { machineEndpoints } from './machine';
import { productEndpoints } from './product-info';
import { reloadEndpoint } from './reload';
import { testEndpoints } from './request-tests';
import { streamEndpoints } from './streams';
import { upstreamEndpoint } from './upstreams';
import { vhostEndpoints } from './vhosts';

const BASE = '/api/v1/';
/** First those of the reference, in its order; a console may show them as they come. */
const LISTED = [
  'versions',
  'summaries',
  'rusages',
  'self_proc_stats',
  'system_proc_stats',
  'meminfos',
  'authors',
  'features',
  'requests',
  'vhosts',
  'streams',
  'clients',
] as const;
const LISTED_TESTS = ['requests', 'errors', 'redirects'] as const;

/** Every endpoint there is. */
export function apiEndpoints(parts: ApiParts): readonly Endpoint[] {
  const endpoints = [
    ...productEndpoints(),
    ...machineEndpoints(parts),
    ...vhostEndpoints(parts.statistics),
    ...streamEndpoints(parts.statistics),
    ...clientEndpoints(parts.statistics),
    ...(parts.forwards ? forwardEndpoints(parts.forwards, parts.statistics) : []),
    ...(parts.upstreams ? [upstreamEndpoint(parts.upstreams)] : []),
    ...testEndpoints(),
    reloadEndpoint(parts),
  ];
  return [...listEndpoints(endpoints), ...endpoints];
}

function listEndpoints(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const aboutOf = (name: string): [string, string] => {
    const about = endpoints.find(({ path }) => path === BASE + name)?.about ?? '';
    return [name.slice(name.lastIndexOf('/') + 1), about];
  };
  const urls = {
    ...Object.fromEntries(LISTED.map(aboutOf)),
    tests: Object.fromEntries(LISTED_TESTS.map((name) => aboutOf(`tests/${name}`))),
    reload: aboutOf('reload')[1],
    ...Object.fromEntries(
      ['forwards', 'upstreams']
        .filter((name) => endpoints.some(({ path }) => path === BASE + name))
        .map(aboutOf),
    ),
    'openapi.json': 'the description of the API, OpenAPI 3.0',
  };
  const list = (path: string, about: string, shown: object): Endpoint => ({
    path,
    about,
    lasts: 'forever',
    read: () => ({ fields: { urls: shown } }),
  });
  return [
    list('/', 'what is here', { api: 'the api root' }),
    list('/api', 'the api root', { v1: 'the api version 1.0' }),
    list('/api/v1', 'the api version 1.0', urls),
  ];
}
