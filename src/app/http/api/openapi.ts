/** Owns the description of the HTTP API in the words of OpenAPI 3.0. */
import { product } from '../../../core/version';

import { operations } from './openapi-operations';
import type { Operation } from './openapi-operations';
import { integer, string } from './openapi-schema';
import { schemas } from './openapi-schemas';

const FAILURE = { 'application/json': { schema: { $ref: '#/components/schemas/Failure' } } };

const query = (name: string, description: string, schema: object): object => ({
  name,
  in: 'query',
  description,
  schema,
});

/** Those of the query, and `{id}`. */
const parameters: Readonly<Record<string, object>> = {
  id: { name: 'id', in: 'path', required: true, schema: integer() },
  start: query('start', 'Entries left out at the beginning.', { ...integer(), minimum: 0 }),
  count: query('count', 'Most entries, 1000 at most.', { ...integer(), minimum: 0 }),
  vhost: query('vhost', 'Only those of this vhost, by name or id.', string()),
  app: query('app', 'Only those of this app.', string()),
  stream: query('stream', 'Only this stream, by name or id.', string()),
  callback: query(
    'callback',
    'Name of a function: the answer is a script that calls it.',
    string(),
  ),
  method: query('method', 'With callback: what the request is to be instead of a GET.', string()),
};

/** What any operation may answer besides. */
const responses: Readonly<Record<string, object>> = {
  BadRequest: { description: 'A parameter makes no sense.', content: FAILURE },
  Unauthorized: {
    description: 'No or wrong credentials.',
    headers: { 'WWW-Authenticate': { schema: string() } },
    content: FAILURE,
  },
  Forbidden: { description: 'Asked for by a page of another host.', content: FAILURE },
  Busy: {
    description: 'Too much is asked.',
    headers: { 'Retry-After': { schema: string() } },
    content: FAILURE,
  },
};

const SHARED = { 400: 'BadRequest', 401: 'Unauthorized', 403: 'Forbidden', 503: 'Busy' };

/** The document, as it is served. */
export function openApiDocument(): object {
  return {
    openapi: '3.0.3',
    info: {
      title: product.name,
      version: product.version,
      description:
        'HEAD is answered where GET is; OPTIONS everywhere. A slash at the end of a path makes no difference. ' +
        'More fields may come with later versions.',
      license: { name: product.license },
    },
    servers: [{ url: '/' }],
    tags: ['product', 'machine', 'media', 'operation', 'monitoring'].map((name) => ({ name })),
    security: [{}, { basic: [] }, { token: [] }],
    paths: pathsOf(operations),
    components: {
      schemas,
      parameters,
      responses,
      securitySchemes: {
        basic: { type: 'http', scheme: 'basic' },
        token: { type: 'http', scheme: 'bearer' },
      },
    },
  };
}

function pathsOf(all: readonly Operation[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of all) {
    const { path, method } = operation;
    paths[path] = { ...paths[path], [method.toLowerCase()]: describe(operation) };
  }
  return paths;
}

function describe(operation: Operation): object {
  const { id, tag, summary, path, parameters: names = [], body, answers } = operation;
  const own = path.endsWith('{id}') ? ['id', ...names] : names;
  const shared = Object.entries(SHARED).map(([status, name]) => [
    status,
    { $ref: `#/components/responses/${name}` },
  ]);
  const particular = answers.map(({ status, about, type, schema, headers }) => [
    String(status),
    {
      description: about,
      ...(headers && { headers }),
      content: { [type]: { schema } },
    },
  ]);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(own.length > 0 && {
      parameters: own.map((name) => ({ $ref: `#/components/parameters/${name}` })),
    }),
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: body } } },
    }),
    responses: Object.fromEntries([...particular, ...shared]) as object,
  };
}
