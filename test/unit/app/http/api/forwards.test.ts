import assert from 'node:assert/strict';

import { ErrorCode, SrsError } from '../../../../../src/core/errors';

import { ApiHarness, sampleForward } from './harness';
import type { JsonAnswer } from './harness';

const PATH = '/api/v1/forwards';

describe('the forwards of the API', () => {
  let api: ApiHarness;

  beforeEach(() => {
    api = new ApiHarness();
  });
  afterEach(() => {
    api.close();
  });

  const post = (body: string): Promise<JsonAnswer> => api.json(`POST ${PATH}`, {}, body);

  async function refusedFor(body: string, reason: RegExp): Promise<void> {
    const { status, json } = await post(body);
    assert.deepEqual([status, json['code']], [400, 3065], body.slice(0, 100));
    assert.match(String(json['message']), reason);
    assert.deepEqual(api.forwards.wishes, []);
  }

  it('are listed with where they go, for whom, and how they do', async () => {
    const { status, json } = await api.json(`GET ${PATH}`);
    assert.equal(status, 200);
    assert.equal(json['total'], 1);
    assert.deepEqual(json['forwards'], [
      {
        id: 201,
        destination: 117,
        vhost: 'a.com',
        app: 'live',
        stream: 'livestream',
        url: 'rtmps://b.test:443/live2/***',
        origin: 'api',
        state: 'connected',
        since_ms: 1_700_000_000_000,
        send_bytes: 5000,
        kbps: { send_30s: 40 },
        reconnects: 2,
        dropped: 7,
        last_error: 'b.test:443: connection lost',
      },
    ]);
  });

  it('are chosen by vhost and stream, by name or id, and by app', async () => {
    api.forwards.stats = [
      { ...sampleForward, id: 1 },
      { ...sampleForward, id: 2, app: 'other' },
      { ...sampleForward, id: 3, vhost: 'b.com' },
      { ...sampleForward, id: 4, stream: '*', origin: 'config', destinationId: undefined },
    ];
    const idsOf = async (query: string): Promise<unknown[]> => {
      const { json } = await api.json(`GET ${PATH}?${query}`);
      return (json['forwards'] as { id: number }[]).map(({ id }) => id);
    };
    assert.deepEqual(await idsOf('vhost=a.com'), [1, 2, 4]);
    assert.deepEqual(await idsOf('vhost=1'), [1, 2, 4]);
    assert.deepEqual(await idsOf('app=live&vhost=a.com'), [1, 4]);
    assert.deepEqual(await idsOf('stream=livestream'), [1, 2, 3]);
    assert.deepEqual(await idsOf('stream=11'), [1, 2, 3]);
    assert.deepEqual(await idsOf('start=1&count=2'), [2, 3]);
  });

  it('are added by a JSON object, for all streams unless it names some', async () => {
    const { status, json } = await post('{"url":"rtmp://b.test/live/[stream]"}');
    assert.deepEqual([status, json['code'], json['id']], [200, 0, 117]);
    await post('{"vhost":"a.com","app":"live","stream":"cam","url":"b.test:1936","x":1}');
    assert.deepEqual(api.forwards.wishes, [
      { vhost: '__defaultVhost__', app: '*', stream: '*', url: 'rtmp://b.test/live/[stream]' },
      { vhost: 'a.com', app: 'live', stream: 'cam', url: 'b.test:1936' },
    ]);
  });

  it('take a body in parts, and one without length', async () => {
    const client = api.http.client();
    client.send(`POST ${PATH} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n`);
    client.send('Transfer-Encoding: chunked\r\n\r\n8\r\n{"url":"\r\n');
    client.send('8\r\nb.test"}\r\n0\r\n\r\n');
    assert.match((await client.end).toString(), /"id":117/);
  });

  it('refuse what is no JSON object with a url', async () => {
    await refusedFor('', /expect a body of JSON/);
    await refusedFor('url=b.test', /expect a body of JSON/);
    await refusedFor('["b.test"]', /expect a JSON object, got an array/);
    await refusedFor('null', /expect a JSON object/);
    await refusedFor('{"app":"live"}', /expect url/);
    await refusedFor('{"url":""}', /expect url/);
    await refusedFor('{"url":7}', /expect url to be a text, got number/);
    await refusedFor('{"url":"b.test","app":["live"]}', /expect app to be a text, got object/);
    await refusedFor('{"url":"b.test","stream":""}', /expect stream to be a name/);
    await refusedFor(`{"url":"${'b'.repeat(3000)}"}`, /at most 2048 characters, got 3000/);
    await refusedFor(`{"url":"b.test"${' '.repeat(20_000)}}`, /at most 16384 bytes/);
  });

  it('say what is wrong with a wish, and take the next one', async () => {
    api.forwards.failure = new SrsError(ErrorCode.REQUEST_DATA, 'expect a vhost that is served');
    await refusedFor('{"url":"b.test"}', /expect a vhost that is served/);
    api.forwards.failure = new Error('broken');
    assert.equal((await post('{"url":"b.test"}')).status, 500);
    api.forwards.failure = undefined;
    assert.equal((await post('{"url":"b.test"}')).status, 200);
  });

  it('survive a client that leaves amid its body', async () => {
    const client = api.http.client();
    client.send(`POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"url":`);
    await api.http.log.until(() => api.http.log.matching(PATH).length > 0);
    client.socket.destroy();
    assert.equal((await api.json(`GET ${PATH}`)).status, 200);
    assert.deepEqual(api.forwards.wishes, []);
  });

  it('show the new list at once after a change', async () => {
    await api.json(`GET ${PATH}`);
    api.forwards.stats = [];
    await post('{"url":"b.test"}');
    assert.equal((await api.json(`GET ${PATH}`)).json['total'], 0);
  });

  it('are removed by id, unless they are there by the configuration', async () => {
    const { status, json } = await api.json(`DELETE ${PATH}/201`);
    assert.deepEqual([status, json['code']], [200, 0]);
    assert.deepEqual(api.forwards.removed, [201]);
    api.forwards.stats = [{ ...sampleForward, id: 5, origin: 'config' }];
    const fixed = await api.json(`DELETE ${PATH}/5`);
    assert.equal(fixed.status, 409);
    assert.match(String(fixed.json['message']), /configuration/);
    for (const id of ['6', 'x', '-1']) {
      assert.equal((await api.json(`DELETE ${PATH}/${id}`)).status, 404);
    }
  });

  it('have no place in a server that copies nothing', async () => {
    api.close();
    api = new ApiHarness({ forwards: undefined });
    assert.equal((await api.json(`GET ${PATH}`)).status, 404);
    const { urls } = (await api.json('GET /api/v1')).json as { urls: object };
    assert.ok(!('forwards' in urls));
  });
});
