import assert from 'node:assert/strict';

import { apiEndpoints } from '../../../../../src/app/http/api/endpoints';
import { MonitoringPages, monitoringPaths } from '../../../../../src/app/http/api/monitoring-pages';
import { openApiDocument } from '../../../../../src/app/http/api/openapi';
import type { Schema } from '../../../../../src/app/http/api/openapi-schema';
import { Machine } from '../../../../../src/app/stats/machine';
import { ManualClock } from '../../../../support/fakes/manual-clock';
import { RecordingLogger } from '../../../../support/fakes/recording-logger';
import { faultsOf } from '../../../../support/json-schema';
import type { Schemas } from '../../../../support/json-schema';
import type { Answer } from '../harness';

import {
  apiOptions,
  ApiHarness,
  FakeForwards,
  FakeStatistics,
  sampleClient,
  sampleForward,
  sampleUpstreams,
  sampleStream,
  sampleVhost,
  SERVER_ID,
} from './harness';

interface Response {
  readonly $ref?: string;
  readonly description: string;
  readonly headers?: Readonly<Record<string, object>>;
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Described {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly { readonly $ref: string }[];
  readonly requestBody?: object;
  readonly responses: Readonly<Record<string, Response>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly tags: readonly { readonly name: string }[];
  readonly components: {
    readonly schemas: Schemas;
    readonly parameters: Readonly<Record<string, { readonly name: string; readonly in: string }>>;
    readonly responses: Readonly<Record<string, Response>>;
    readonly securitySchemes: Readonly<Record<string, object>>;
  };
}

const document = openApiDocument() as Document;
const { schemas, parameters, responses } = document.components;

/** Every `METHOD path` that is described. */
const described = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => {
    return { method: method.toUpperCase(), path, operation };
  }),
);

const ids = {
  vhosts: sampleVhost.id,
  streams: sampleStream.id,
  clients: 102,
  forwards: sampleForward.id,
};

/** What is sent where something has to be. */
function bodyOf({ requestBody }: Described): string {
  return requestBody ? JSON.stringify({ app: 'live', url: 'b.test' }) : '';
}

/** A path that leads to something, or to nothing. */
function realPath(path: string, isThere = true): string {
  const [, list = ''] = /v1\/(\w+)\/\{id\}/.exec(path) ?? [];
  return path.replace('{id}', `${isThere ? ids[list as keyof typeof ids] : 999}`);
}

function responseOf({ responses: own }: Described, status: number): Response {
  const response = own[status];
  assert.ok(response, `status ${status} is not documented`);
  const { $ref } = response;
  return $ref === undefined ? response : responses[$ref.split('/').at(-1) ?? '']!;
}

/** What is wrong with an answer, by the description. */
function faultsOfAnswer(
  operation: Described,
  { status, headers, body }: Answer,
  choose = (schema: Schema): Schema => schema,
): string[] {
  const { content = {}, headers: named = {} } = responseOf(operation, status);
  const given = headers['content-type'] ?? '';
  const [type = '', media] = Object.entries(content)[0] ?? [];
  const isJson = type === 'application/json';
  const missing = Object.keys(named).filter((name) => headers[name.toLowerCase()] === undefined);
  const faults = missing.map((name) => `no header ${name}`);
  if ((isJson ? given.split(';')[0] : given) !== type)
    faults.push(`expected ${type}, got ${given}`);
  const value: unknown = isJson ? JSON.parse(body.toString()) : body.toString();
  return [...faults, ...faultsOf(value, choose(media?.schema ?? {}), schemas)];
}

/** All `$ref` in a part of the document. */
function refsIn(part: unknown): string[] {
  if (typeof part !== 'object' || part === null) return [];
  return Object.entries(part).flatMap(([name, inner]) =>
    name === '$ref' ? [inner as string] : refsIn(inner),
  );
}

describe('the description of the API', () => {
  let statistics: FakeStatistics;
  let api: ApiHarness;

  const start = (config = ''): void => {
    const clock = new ManualClock();
    statistics = new FakeStatistics();
    const machine = new Machine({ clock, options: () => ({ disk: [], network: 0 }) });
    const parts = { statistics, clock, connections: () => 9, accepted: () => 17 };
    api = new ApiHarness({ config, statistics, machine, more: [new MonitoringPages(parts)] });
  };
  beforeEach(() => {
    start();
  });
  afterEach(() => {
    api.close();
  });

  it('is served, and the list of endpoints names it', async () => {
    const { json, answer } = await api.json('GET /api/v1/openapi.json');
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.deepEqual(json, JSON.parse(JSON.stringify(document)));
    const { json: list } = await api.json('GET /api/v1');
    assert.ok('openapi.json' in (list['urls'] as object));
  });

  it('is made of things that are all there, and all in use', () => {
    const refs = new Set(refsIn(document));
    const there = Object.entries(document.components).flatMap(([kind, entries]) =>
      kind === 'securitySchemes'
        ? []
        : Object.keys(entries).map((n) => `#/components/${kind}/${n}`),
    );
    assert.deepEqual([...refs].sort(), there.sort());
    const operationIds = described.map(({ operation }) => operation.operationId);
    assert.equal(new Set(operationIds).size, operationIds.length);
    const tags = new Set(described.flatMap(({ operation }) => operation.tags));
    assert.deepEqual([...tags], document.tags.map(({ name }) => name)); // prettier-ignore
  });

  it('has every path and method that there is, and no other', () => {
    const endpoints = apiEndpoints({
      statistics,
      machine: new Machine({ clock: api.clock, options: () => ({ disk: [], network: 0 }) }),
      log: new RecordingLogger(),
      clock: api.clock,
      options: () => apiOptions(),
      connections: () => 0,
      reload: () => Promise.resolve(api.reloadResult),
      forwards: new FakeForwards(),
      upstreams: sampleUpstreams,
    });
    const known = endpoints.flatMap(({ path, read, changes = {} }) =>
      [...(read ? ['GET'] : []), ...Object.keys(changes)].map((method) => `${method} ${path}`),
    );
    const all = [...known, ...monitoringPaths.map((path) => `GET ${path}`)];
    assert.deepEqual(described.map(({ method, path }) => `${method} ${path}`).sort(), all.sort());
    for (const { path, read, parameters: names = [] } of endpoints) {
      if (!read) continue;
      const refs = document.paths[path]?.['get']?.parameters ?? [];
      const query = refs.map(({ $ref }) => parameters[$ref.split('/').at(-1) ?? '']);
      const shown = query.filter((one) => one?.in === 'query').map((one) => one?.name);
      assert.deepEqual(shown, [...names, 'callback', 'method'], path);
    }
  });

  for (const { method, path, operation } of described) {
    it(`is what ${method} ${path} answers`, async () => {
      const answer = await api.http.ask(`${method} ${realPath(path)}`, {}, bodyOf(operation));
      assert.ok(answer.status < 400, `${answer.status}`);
      const whenFound = (schema: Schema): Schema => schema.anyOf?.[0] ?? schema;
      assert.deepEqual(faultsOfAnswer(operation, answer, whenFound), []);
    });

    it(`is what ${method} ${path} answers to who has no credentials`, async () => {
      api.close();
      start('auth { enabled on; username u; password p; }');
      const answer = await api.http.ask(`${method} ${realPath(path)}`);
      assert.equal(answer.status, 401);
      assert.deepEqual(faultsOfAnswer(operation, answer), []);
    });

    if (path.endsWith('{id}')) {
      it(`is what ${method} ${path} answers where there is nothing`, async () => {
        const answer = await api.http.ask(`${method} ${realPath(path, false)}`);
        assert.deepEqual(faultsOfAnswer(operation, answer), []);
        assert.notEqual((JSON.parse(answer.body.toString()) as { code: number }).code, 0);
      });
    }

    it(`is why other methods than ${method} are refused at ${path}, or documented`, async () => {
      const others = ['GET', 'POST', 'DELETE'].filter(
        (other) => document.paths[path]?.[other.toLowerCase()] === undefined,
      );
      for (const other of others) {
        assert.equal((await api.http.ask(`${other} ${realPath(path)}`)).status, 405, other);
      }
    });
  }

  it('tells the answer to parameters that make no sense', async () => {
    for (const path of ['vhosts', 'streams', 'clients', 'forwards', 'upstreams']) {
      const operation = document.paths[`/api/v1/${path}`]?.['get'];
      assert.ok(operation);
      for (const query of ['start=x', 'count=-1', 'callback=1x']) {
        const answer = await api.http.ask(`GET /api/v1/${path}?${query}`);
        assert.equal(answer.status, 400, query);
        assert.deepEqual(faultsOfAnswer(operation, answer), []);
      }
    }
  });

  it('tells the answer to pages of other hosts', async () => {
    api.close();
    start('crossdomain off;');
    const operation = document.paths['/api/v1/reload']?.['post'];
    assert.ok(operation);
    const answer = await api.http.ask('POST /api/v1/reload', { Origin: 'http://evil.test' });
    assert.equal(answer.status, 403);
    assert.deepEqual(faultsOfAnswer(operation, answer), []);
  });

  it('tells the answer when the configuration is refused', async () => {
    api.reloadResult = { ok: false, code: 1023, error: 'x.conf:3: no', changes: [] };
    const operation = document.paths['/api/v1/reload']?.['post'];
    assert.ok(operation);
    const answer = await api.http.ask('POST /api/v1/reload');
    assert.equal(answer.status, 422);
    assert.deepEqual(faultsOfAnswer(operation, answer), []);
  });

  it('fits streams without media, vhosts without HLS and clients that publish', async () => {
    statistics.streamList = [{ ...sampleStream, isActive: false, media: {} }];
    statistics.vhostList = [{ ...sampleVhost, hls: { enabled: false, fragmentMs: 0 } }];
    statistics.clientList = [{ ...sampleClient(), player: undefined }];
    for (const list of ['vhosts', 'streams', 'clients']) {
      const operation = document.paths[`/api/v1/${list}`]?.['get'];
      assert.ok(operation);
      assert.deepEqual(faultsOfAnswer(operation, await api.http.ask(`GET /api/v1/${list}`)), []);
    }
  });

  it('tells why a body makes no sense, and that a forward of the configuration stays', async () => {
    const add = document.paths['/api/v1/forwards']?.['post'];
    const remove = document.paths['/api/v1/forwards/{id}']?.['delete'];
    assert.ok(add && remove);
    const bad = await api.http.ask('POST /api/v1/forwards', {}, '[]');
    assert.equal(bad.status, 400);
    assert.deepEqual(faultsOfAnswer(add, bad), []);
    api.forwards.stats = [{ ...sampleForward, origin: 'config', destinationId: undefined }];
    const list = document.paths['/api/v1/forwards']?.['get'];
    assert.ok(list);
    assert.deepEqual(faultsOfAnswer(list, await api.http.ask('GET /api/v1/forwards')), []);
    const fixed = await api.http.ask(`DELETE /api/v1/forwards/${sampleForward.id}`);
    assert.equal(fixed.status, 409);
    assert.deepEqual(faultsOfAnswer(remove, fixed), []);
  });

  it('is checked by something that finds faults', () => {
    const fault = (value: unknown, name: string): string[] =>
      faultsOf(value, schemas[name] ?? {}, schemas);
    const good = { major: 2, minor: 1, revision: 0, version: '2.1.0' };
    assert.deepEqual(fault(good, 'Version'), []);
    assert.deepEqual(fault({ ...good, minor: '1' }, 'Version'), [
      '$.minor: expected integer, got "1"',
    ]);
    assert.deepEqual(fault({ ...good, more: 1 }, 'Version'), ['$.more: not documented']);
    assert.deepEqual(fault({ ...good, minor: undefined }, 'Version').length, 1);
    assert.deepEqual(fault({ code: 0, server: SERVER_ID }, 'Failure'), ['$.code: 0 is below 1']);
    assert.deepEqual(fault(null, 'Version'), ['$: null']);
  });
});
