import assert from 'node:assert/strict';

import { ApiHarness, sampleClient, sampleStream, sampleVhost, SERVER_ID } from './harness';

/** Names of all fields in their order, those of inner objects after their own. */
function fieldsOf(value: unknown, prefix = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    prefix + name,
    ...(Array.isArray(inner) ? [] : fieldsOf(inner, `${prefix}${name}.`)),
  ]);
}

const TRAFFIC = ['send_bytes', 'recv_bytes', 'kbps', 'kbps.recv_30s', 'kbps.send_30s'];

describe('the vhosts, streams and clients of the API', () => {
  let api: ApiHarness;

  beforeEach(() => {
    api = new ApiHarness();
  });
  afterEach(() => {
    api.close();
  });

  const first = async (list: string): Promise<Record<string, unknown>> => {
    const { status, json } = await api.json(`GET /api/v1/${list}`);
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(json), ['code', 'server', list, 'total']);
    assert.deepEqual([json['code'], json['server'], json['total']], [0, SERVER_ID, 1]);
    const [one] = json[list] as Record<string, unknown>[];
    assert.ok(one);
    return one;
  };

  it('show a vhost with the fields of the reference in its order, then ours', async () => {
    const vhost = await first('vhosts');
    const known = ['id', 'name', 'enabled', 'clients', 'streams', ...TRAFFIC];
    const hls = ['hls', 'hls.enabled', 'hls.fragment'];
    assert.deepEqual(fieldsOf(vhost), [...known, ...hls, 'publishers']);
    assert.deepEqual(vhost, {
      id: 1,
      name: 'a.com',
      enabled: true,
      clients: 3,
      streams: 1,
      send_bytes: 3000,
      recv_bytes: 2000,
      kbps: { recv_30s: 20, send_30s: 31 },
      hls: { enabled: true, fragment: 7.5 },
      publishers: 1,
    });
  });

  it('tell no fragment where a vhost has no HLS', async () => {
    api.statistics.vhostList = [{ ...sampleVhost, hls: { enabled: false, fragmentMs: 1000 } }];
    assert.deepEqual((await first('vhosts'))['hls'], { enabled: false });
  });

  it('show a stream with the fields of the reference in its order, then ours', async () => {
    const stream = await first('streams');
    assert.deepEqual(fieldsOf(stream), [
      ...['id', 'name', 'vhost', 'app', 'live_ms', 'clients', 'frames', ...TRAFFIC],
      ...['publish', 'publish.active', 'publish.cid'],
      ...['video', 'video.codec', 'video.profile', 'video.level'],
      ...['video.width', 'video.height', 'video.fps', 'video.gop_ms', 'video.gop_frames'],
      ...['video.frames', 'video.bytes'],
      ...['audio', 'audio.codec', 'audio.sample_rate', 'audio.channel', 'audio.profile'],
      ...['audio.frames', 'audio.bytes'],
      ...['age_ms', 'players', 'vhost_name'],
    ]);
    assert.deepEqual(stream, {
      id: 11,
      name: 'livestream',
      vhost: 1,
      app: 'live',
      live_ms: 1_700_000_000_000,
      clients: 3,
      frames: 125,
      send_bytes: 3000,
      recv_bytes: 2000,
      kbps: { recv_30s: 20, send_30s: 31 },
      publish: { active: true, cid: 101 },
      video: {
        codec: 'H264',
        profile: 'High',
        level: '3.1',
        width: 1280,
        height: 720,
        fps: 24.99,
        gop_ms: 2000,
        gop_frames: 50,
        frames: 125,
        bytes: 999,
      },
      audio: {
        codec: 'AAC',
        sample_rate: 44100,
        channel: 2,
        profile: 'LC',
        frames: 200,
        bytes: 111,
      },
      age_ms: 5001,
      players: 2,
      vhost_name: 'a.com',
    });
  });

  it('show null for what a stream does not have', async () => {
    api.statistics.streamList = [
      { ...sampleStream, isActive: false, publisherId: -1, ageMs: 0, media: {} },
    ];
    const stream = await first('streams');
    assert.deepEqual([stream['video'], stream['audio']], [null, null]);
    assert.deepEqual(stream['publish'], { active: false, cid: -1 });
  });

  it('show a client with the fields of the reference in its order, then ours', async () => {
    const client = await first('clients');
    assert.deepEqual(fieldsOf(client), [
      ...['id', 'vhost', 'stream', 'ip', 'pageUrl', 'swfUrl', 'tcUrl', 'url'],
      ...['type', 'publish', 'alive', ...TRAFFIC],
      ...['protocol', 'vhost_name', 'app', 'name', 'messages', 'dropped', 'lag_ms', 'jumps'],
    ]);
    assert.deepEqual(client, {
      id: 102,
      vhost: 1,
      stream: 11,
      ip: '192.168.1.7',
      pageUrl: 'http://page.test/?key=***',
      swfUrl: 'http://page.test/p.swf',
      tcUrl: 'rtmp://a.com/live?token=***',
      url: 'a.com/live/livestream',
      type: 'Play',
      publish: false,
      alive: 1235,
      send_bytes: 3000,
      recv_bytes: 2000,
      kbps: { recv_30s: 20, send_30s: 31 },
      protocol: 'http-flv',
      vhost_name: 'a.com',
      app: 'live',
      name: 'livestream',
      messages: 77,
      dropped: 5,
      lag_ms: 340,
      jumps: 1,
    });
  });

  it('show a publisher without what only players have', async () => {
    const { player, client, ...stats } = sampleClient();
    assert.ok(player);
    const names = { ...client.names, vhost: '__defaultVhost__' };
    const publisher = { ...client, type: 'fmle-publish', isPublisher: true, names };
    api.statistics.clientList = [{ ...stats, client: publisher }];
    const shown = await first('clients');
    assert.deepEqual([shown['publish'], shown['type']], [true, 'fmle-publish']);
    assert.deepEqual([shown['dropped'], shown['lag_ms'], shown['messages']], [0, 0, 0]);
    assert.equal(shown['url'], '/live/livestream');
  });

  const single: [string, string, string, number][] = [
    ['vhosts', 'vhost', '1', 2048],
    ['streams', 'stream', '11', 2048],
    ['clients', 'client', '102', 2049],
  ];
  for (const [list, name, id, unknown] of single) {
    it(`show one of the ${list} by its id, with and without a slash at the end`, async () => {
      const all = await first(list);
      for (const end of ['', '/']) {
        const { status, json } = await api.json(`GET /api/v1/${list}/${id}${end}`);
        assert.equal(status, 200);
        assert.deepEqual(json, { code: 0, server: SERVER_ID, [name]: all });
      }
    });

    it(`answer ${unknown} for an id that none of the ${list} has`, async () => {
      for (const other of ['999', 'abc', '-1', '1e3', '99999999999999999999']) {
        const { status, json } = await api.json(`GET /api/v1/${list}/${other}`);
        assert.equal(status, 200);
        assert.deepEqual(json, { code: unknown, server: SERVER_ID });
      }
    });
  }

  it('list ten clients unless more are asked for, and any part of them', async () => {
    api.statistics.clientList = Array.from({ length: 25 }, (_, index) => sampleClient(100 + index));
    const ids = async (query: string): Promise<number[]> => {
      const { json } = await api.json(`GET /api/v1/clients${query}`);
      assert.equal(json['total'], 25);
      return (json['clients'] as { id: number }[]).map(({ id }) => id);
    };
    assert.deepEqual(await ids(''), [100, 101, 102, 103, 104, 105, 106, 107, 108, 109]);
    assert.deepEqual(await ids('/?start=23'), [123, 124]);
    assert.deepEqual(await ids('?start=2&count=2'), [102, 103]);
    assert.deepEqual(await ids('?xstart=2&count=1'), [100]);
    assert.deepEqual(await ids('?start=25&count=5'), []);
    assert.deepEqual(await ids('?count=0'), []);
    assert.equal((await ids('?count=25')).length, 25);
  });

  it('list all streams and vhosts, though no more than a thousand at once', async () => {
    api.statistics.streamList = Array.from({ length: 1200 }, () => sampleStream);
    api.statistics.vhostList = Array.from({ length: 1200 }, () => sampleVhost);
    for (const list of ['streams', 'vhosts']) {
      for (const query of ['', '?count=5000']) {
        const { json } = await api.json(`GET /api/v1/${list}${query}`);
        assert.equal((json[list] as unknown[]).length, 1000);
        assert.equal(json['total'], 1200);
      }
      const { json } = await api.json(`GET /api/v1/${list}?start=1100`);
      assert.equal((json[list] as unknown[]).length, 100);
    }
  });

  it('find streams by vhost, app and name', async () => {
    api.statistics.streamList = [
      sampleStream,
      { ...sampleStream, id: 12, app: 'other' },
      { ...sampleStream, id: 13, name: 'second' },
      { ...sampleStream, id: 14, vhost: 'b.com', vhostId: 2 },
    ];
    const ids = async (query: string): Promise<number[]> => {
      const { json } = await api.json(`GET /api/v1/streams?${query}`);
      const found = (json['streams'] as { id: number }[]).map(({ id }) => id);
      assert.equal(json['total'], query.includes('start') ? found.length + 1 : found.length);
      return found;
    };
    assert.deepEqual(await ids('vhost=a.com'), [11, 12, 13]);
    assert.deepEqual(await ids('vhost=2'), [14]);
    assert.deepEqual(await ids('app=live&stream=livestream'), [11, 14]);
    assert.deepEqual(await ids('stream=13'), [13]);
    assert.deepEqual(await ids('vhost=a.com&app=other&stream=livestream'), [12]);
    assert.deepEqual(await ids('vhost=a.com&start=1'), [12, 13]);
    assert.deepEqual(await ids('vhost=none'), []);
  });

  it('answer a start or count that is no number with a 400 that says so', async () => {
    for (const query of ['start=x', 'count=-1', 'count=1.5', 'start=', 'count=10000000000']) {
      for (const list of ['vhosts', 'streams', 'clients']) {
        const { status, json } = await api.json(`GET /api/v1/${list}?${query}`);
        assert.equal(status, 400);
        assert.deepEqual(Object.keys(json), ['code', 'server', 'data', 'message']);
        assert.equal(json['code'], 3065);
        assert.match(json['message'] as string, /^expect (start|count) to be a whole number, got/);
        const data = { status_code: 400, reason_phrase: 'Bad Request' };
        assert.deepEqual(json['data'], { ...data, url: `/api/v1/${list}?${query}` });
      }
    }
  });

  it('kick a client by DELETE, and say who did it', async () => {
    const { status, json } = await api.json('DELETE /api/v1/clients/102');
    assert.deepEqual([status, json], [200, { code: 0, server: SERVER_ID }]);
    assert.deepEqual(api.statistics.done, ['kick 102: ']);
    const [line] = api.http.log.matching('done');
    assert.match(
      line ?? '',
      /^trace \d+ HTTP API DELETE \/api\/v1\/clients\/102 done, ip=127.0.0.1, code=0$/,
    );
  });

  it('answer 2049 when there is no client to kick', async () => {
    const { status, json } = await api.json('DELETE /api/v1/clients/7/');
    assert.deepEqual([status, json], [200, { code: 2049, server: SERVER_ID }]);
    assert.deepEqual(api.statistics.done, []);
  });

  it('stop a stream by DELETE, and tell how many clients that were', async () => {
    const { json } = await api.json('DELETE /api/v1/streams/11');
    assert.deepEqual(json, { code: 0, server: SERVER_ID, clients: 3 });
    assert.deepEqual(api.statistics.done, ['stop 11: the stream is stopped']);
    const { json: unknown } = await api.json('DELETE /api/v1/streams/12');
    assert.deepEqual(unknown, { code: 2048, server: SERVER_ID });
  });

  const refused: [string, string][] = [
    ['DELETE /api/v1/clients', 'GET, HEAD, OPTIONS'],
    ['POST /api/v1/clients/102', 'GET, HEAD, DELETE, OPTIONS'],
    ['PUT /api/v1/streams/11', 'GET, HEAD, DELETE, OPTIONS'],
    ['DELETE /api/v1/vhosts/1', 'GET, HEAD, OPTIONS'],
    ['POST /api/v1/versions', 'GET, HEAD, OPTIONS'],
    ['GET /api/v1/reload', 'POST, OPTIONS'],
  ];
  for (const [line, allow] of refused) {
    it(`refuse ${line} with the methods that there are`, async () => {
      const { status, json, answer } = await api.json(line, { 'Content-Length': '0' });
      assert.equal(status, 405);
      assert.equal(answer.headers['allow'], allow);
      const url = line.split(' ')[1];
      const data = { status_code: 405, reason_phrase: 'Method Not Allowed', url };
      assert.deepEqual(json, { code: 3011, server: SERVER_ID, data });
      assert.deepEqual(api.statistics.done, []);
    });
  }
});
