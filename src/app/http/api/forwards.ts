/** Owns the endpoints of the copies of streams to other servers. */
import { ErrorCode, SrsError } from '../../../core/errors';
import type { ForwardStats } from '../../stats/stat-types';

import type { ApiForwards, ApiStatistics, ForwardWish } from './api-parts';
import { idOf, refusal } from './endpoint';
import type { ApiCall, ApiReply, Endpoint } from './endpoint';
import { pageOf, readPage } from './paging';
import { readJsonObject, textField } from './request-body';
import type { JsonFields } from './request-body';

const DEFAULT_VHOST = '__defaultVhost__';
const ALL = '*';
/** Longest name and URL, characters. */
const MAX_TEXT = 2048;

/** `/api/v1/forwards` and each of them. */
export function forwardEndpoints(
  forwards: ApiForwards,
  statistics: ApiStatistics,
): readonly Endpoint[] {
  return [
    {
      path: '/api/v1/forwards',
      about: 'copies of streams to other servers; POST adds a destination',
      lasts: 'briefly',
      parameters: ['start', 'count', 'vhost', 'app', 'stream'],
      read: (call) => listForwards(forwards, statistics, call),
      changes: { POST: (call) => add(forwards, call) },
    },
    {
      path: '/api/v1/forwards/{id}',
      about: 'DELETE removes a destination that was added',
      lasts: 'briefly',
      changes: { DELETE: (call) => remove(forwards, call) },
    },
  ];
}

function listForwards(
  forwards: ApiForwards,
  statistics: ApiStatistics,
  { exchange: { query } }: ApiCall,
): ApiReply {
  const page = readPage(query);
  const [vhost, app, stream] = [query.get('vhost'), query.get('app'), query.get('stream')];
  const vhostName = vhost === null ? null : (statistics.vhost(idOf(vhost))?.name ?? vhost);
  const streamName = stream === null ? null : (statistics.stream(idOf(stream))?.name ?? stream);
  const found = forwards
    .list()
    .filter(
      (one) =>
        (vhostName === null || vhostName === one.vhost) &&
        (app === null || app === one.app) &&
        (streamName === null || streamName === one.stream),
    );
  return { fields: { forwards: pageOf(found, page).map(forwardJson), total: found.length } };
}

async function add(forwards: ApiForwards, { exchange }: ApiCall): Promise<ApiReply> {
  try {
    const id = forwards.add(wishOf(await readJsonObject(exchange)));
    return { fields: { id } };
  } catch (error) {
    if (!(error instanceof SrsError) || error.code !== ErrorCode.REQUEST_DATA) throw error;
    return refusal(400, exchange.path, error.message, error.code);
  }
}

function remove(forwards: ApiForwards, { id, exchange: { path } }: ApiCall): ApiReply {
  const outcome = forwards.remove(idOf(id));
  if (outcome === 'removed') return {};
  if (outcome === 'unknown') return refusal(404, path, `no forward has the id ${id}`);
  const message = 'it is there by the configuration or its backend, and can be removed there only';
  return refusal(409, path, message);
}

function wishOf(fields: JsonFields): ForwardWish {
  const text = (name: string): string | undefined => textField(fields, name, MAX_TEXT);
  // A variable of a script that was never set would else mean all there is.
  const nameOr = (name: string, fallback: string): string => {
    const value = text(name) ?? fallback;
    if (value !== '') return value;
    throw new SrsError(ErrorCode.REQUEST_DATA, `expect ${name} to be a name, or *, or left out`);
  };
  const url = text('url');
  if (url === undefined || url === '') {
    throw new SrsError(
      ErrorCode.REQUEST_DATA,
      'expect url to say where to, as rtmp://host/app/key',
    );
  }
  return {
    vhost: nameOr('vhost', DEFAULT_VHOST),
    app: nameOr('app', ALL),
    stream: nameOr('stream', ALL),
    url,
  };
}

function forwardJson(stats: ForwardStats): object {
  return {
    id: stats.id,
    destination: stats.destinationId ?? null,
    vhost: stats.vhost,
    app: stats.app,
    stream: stats.stream,
    url: stats.url,
    origin: stats.origin,
    state: stats.state,
    since_ms: Math.round(stats.sinceMs),
    send_bytes: stats.sendBytes,
    kbps: { send_30s: Math.round(stats.sendKbps) },
    reconnects: stats.reconnects,
    dropped: stats.dropped,
    last_error: stats.lastError,
  };
}
