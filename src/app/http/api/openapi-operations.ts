/** Owns the list of what can be asked of the API, and what it answers. */
import { EXPOSITION_TYPE } from './exposition';
import { STAT_TYPE } from './nginx-stat';
import { integer, listOf, mapOf, object, orNull, ref, string } from './openapi-schema';
import type { Schema } from './openapi-schema';
import { dataReply, listReply, orFailure, reply } from './openapi-schemas';

/** One answer of an operation. */
export interface Answer {
  readonly status: number;
  readonly about: string;
  /** As its Content-Type is, but for the charset of JSON. */
  readonly type: string;
  readonly schema: Schema;
  readonly headers?: Readonly<Record<string, object>>;
}

/** One method of one path. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  /** Unique; names the function in clients that are made of the description. */
  readonly id: string;
  readonly tag: 'product' | 'machine' | 'media' | 'operation' | 'monitoring';
  readonly summary: string;
  /** Names of `components/parameters`, without `id`. */
  readonly parameters?: readonly string[];
  /** What is sent, as JSON. */
  readonly body?: Schema;
  readonly answers: readonly Answer[];
}

const JSON_TYPE = 'application/json';
const JSONP = ['callback', 'method'];
const API = '/api/v1/';

type Tag = Operation['tag'];
type Extra = Pick<Partial<Operation>, 'method' | 'parameters' | 'answers' | 'body'>;

const json = (schema: Schema, status = 200, about = 'As asked.'): Answer => {
  return { status, about, type: JSON_TYPE, schema };
};

/** An operation that answers with JSON. */
function operation(
  tag: Tag,
  id: string,
  path: string,
  summary: string,
  { method = 'GET', parameters = [], answers = [], ...extra }: Extra,
): Operation {
  const own = { method, path, id, tag, summary, answers, ...extra };
  return { ...own, parameters: [...parameters, ...JSONP] };
}

function read(tag: Tag, id: string, name: string, summary: string, schema: Schema): Operation {
  return operation(tag, id, API + name, summary, { answers: [json(schema)] });
}

const urls = (shown: Readonly<Record<string, Schema>>): Schema => reply({ urls: object(shown) });

const lists: readonly Operation[] = [
  operation('product', 'getRoot', '/', 'What is here.', {
    answers: [json(urls({ api: string() }))],
  }),
  operation('product', 'getApi', '/api', 'Versions of the API.', {
    answers: [json(urls({ v1: string() }))],
  }),
  operation('product', 'getV1', '/api/v1', 'Endpoints of this version, by name.', {
    answers: [
      json(
        reply({
          urls: { ...mapOf({ anyOf: [string(), mapOf(string())] }), description: 'By name.' },
        }),
      ),
    ],
  }),
];

const product: readonly Operation[] = [
  read('product', 'getVersion', 'versions', 'Version.', dataReply('Version')),
  read('product', 'getAuthors', 'authors', 'Authors and licence.', dataReply('Authors')),
  read('product', 'getFeatures', 'features', 'What this build can do.', dataReply('Features')),
  read('product', 'getRequest', 'requests', 'The request itself.', dataReply('Request')),
  read('product', 'testRequest', 'tests/requests', 'The same.', dataReply('Request')),
  read('product', 'testError', 'tests/errors', 'Always error 100.', ref('Failure')),
  operation('product', 'testRedirect', `${API}tests/redirects`, 'Always a redirect.', {
    answers: [
      {
        ...json(reply(), 301, 'To tests/errors.'),
        headers: { Location: { schema: string() } },
      },
    ],
  }),
];

const machine: readonly Operation[] = [
  read('machine', 'getSummaries', 'summaries', 'Process and machine.', dataReply('Summaries')),
  read('machine', 'getRusages', 'rusages', 'getrusage of the process.', dataReply('Rusage')),
  read('machine', 'getSelf', 'self_proc_stats', '/proc/self/stat.', dataReply('SelfProcStat')),
  read('machine', 'getSystem', 'system_proc_stats', '/proc/stat.', dataReply('SystemProcStat')),
  read('machine', 'getMeminfos', 'meminfos', '/proc/meminfo.', dataReply('Meminfo')),
];

const media: readonly Operation[] = [
  operation('media', 'listVhosts', `${API}vhosts`, 'All vhosts.', {
    parameters: ['start', 'count'],
    answers: [json(listReply('vhosts', 'Vhost'))],
  }),
  operation('media', 'getVhost', `${API}vhosts/{id}`, 'One vhost.', {
    answers: [json(orFailure(reply({ vhost: ref('Vhost') })), 200, 'Code 2048: no such vhost.')],
  }),
  operation('media', 'listStreams', `${API}streams`, 'All streams, those that are over included.', {
    parameters: ['start', 'count', 'vhost', 'app', 'stream'],
    answers: [json(listReply('streams', 'Stream'))],
  }),
  operation('media', 'getStream', `${API}streams/{id}`, 'One stream.', {
    answers: [json(orFailure(reply({ stream: ref('Stream') })), 200, 'Code 2048: no such stream.')],
  }),
  operation('media', 'stopStream', `${API}streams/{id}`, 'Ends its publisher and players.', {
    method: 'DELETE',
    answers: [
      json(
        orFailure(reply({ clients: integer('Those that were ended.') })),
        200,
        'Code 2048: no such stream.',
      ),
    ],
  }),
  operation('media', 'listClients', `${API}clients`, 'Players and publishers, by default ten.', {
    parameters: ['start', 'count'],
    answers: [json(listReply('clients', 'Client'))],
  }),
  operation('media', 'getClient', `${API}clients/{id}`, 'One client.', {
    answers: [json(orFailure(reply({ client: ref('Client') })), 200, 'Code 2049: no such client.')],
  }),
  operation('media', 'kickClient', `${API}clients/{id}`, 'Ends a client.', {
    method: 'DELETE',
    answers: [json(orFailure(reply()), 200, 'Code 2049: no such client.')],
  }),
  operation('media', 'listForwards', `${API}forwards`, 'Copies of streams to other servers.', {
    parameters: ['start', 'count', 'vhost', 'app', 'stream'],
    answers: [json(listReply('forwards', 'Forward'))],
  }),
  operation(
    'media',
    'listUpstreams',
    `${API}upstreams`,
    'What comes from origins, and goes there.',
    {
      parameters: ['start', 'count'],
      answers: [json(listReply('upstreams', 'Upstream', { registry: orNull(ref('Registry')) }))],
    },
  ),
  operation('media', 'addForward', `${API}forwards`, 'Copies streams to another server.', {
    method: 'POST',
    body: ref('ForwardWish'),
    answers: [json(reply({ id: integer('By which it is removed.') }))],
  }),
  operation('media', 'removeForward', `${API}forwards/{id}`, 'Ends what was added.', {
    method: 'DELETE',
    answers: [
      json(reply(), 200, 'Removed, with all copies that it led to.'),
      json(ref('Failure'), 404, 'No such forward.'),
      json(ref('Failure'), 409, 'It was not added by the API, and stays.'),
    ],
  }),
];

const operating: readonly Operation[] = [
  operation('operation', 'reload', `${API}reload`, 'Reads the configuration file again.', {
    method: 'POST',
    answers: [
      json(
        reply({ data: object({ changes: listOf(string('What changed.')) }) }),
        200,
        'Done; the changes are applied.',
      ),
      json(ref('Failure'), 422, 'The file is refused; nothing changed.'),
    ],
  }),
];

function page(id: string, path: string, summary: string, type: string, schema: Schema): Operation {
  const answers = [{ status: 200, about: 'As asked.', type, schema }];
  return { method: 'GET', path, id, tag: 'monitoring', summary, answers };
}

const monitoring: readonly Operation[] = [
  page('getMetrics', '/metrics', 'For Prometheus.', EXPOSITION_TYPE, string()),
  page('getStat', '/stat', 'As rtmp_stat of nginx-rtmp.', STAT_TYPE, string()),
  page('getDescription', `${API}openapi.json`, 'This description.', JSON_TYPE, { type: 'object' }),
];

/** Everything that can be asked. */
export const operations: readonly Operation[] = [
  ...lists,
  ...product,
  ...machine,
  ...media,
  ...operating,
  ...monitoring,
];
