import assert from 'node:assert/strict';

import { monitoringPaths, MonitoringPages } from '../../../../../src/app/http/api/monitoring-pages';
import { ManualClock } from '../../../../support/fakes/manual-clock';
import { parsePrometheus } from '../../../../support/prometheus-text';
import { parseXml } from '../../../../support/xml';

import { ApiHarness, FakeStatistics, SERVER_ID } from './harness';

describe('the pages for monitoring', () => {
  let statistics: FakeStatistics;
  let clock: ManualClock;
  let api: ApiHarness;
  let costMs: number;

  const start = (config = ''): void => {
    const connections = (): number => {
      clock.advance(costMs);
      return 9;
    };
    const pages = new MonitoringPages({ statistics, clock, connections, accepted: () => 17 });
    api = new ApiHarness({ config, more: [pages] });
  };

  beforeEach(() => {
    statistics = new FakeStatistics();
    clock = new ManualClock();
    costMs = 0;
    start();
  });
  afterEach(() => {
    api.close();
  });

  const players = async (): Promise<number | undefined> => {
    const { body } = await api.http.ask('GET /metrics');
    return parsePrometheus(body.toString()).get('srs_stream_players')?.samples[0]?.value;
  };
  const play = (count: number): void => {
    statistics.streamList = statistics.streamList.map((one) => ({ ...one, players: count }));
  };

  it('give Prometheus its text', async () => {
    const { status, headers, body } = await api.http.ask('GET /metrics');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.ok(parsePrometheus(body.toString()).has('srs_stream_players'));
  });

  it('give readers of nginx-rtmp their XML', async () => {
    const { status, headers, body } = await api.http.ask('GET /stat');
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'text/xml; charset=utf-8');
    assert.equal(parseXml(body.toString()).name, 'rtmp');
  });

  it('answer with a slash at the end and with a query, as other paths do', async () => {
    for (const path of ['/metrics/', '/stat/?x=1', '/api/v1/openapi.json/']) {
      assert.equal((await api.http.ask(`GET ${path}`)).status, 200, path);
    }
  });

  it('answer HEAD with the headers alone', async () => {
    for (const path of monitoringPaths) {
      const get = await api.http.ask(`GET ${path}`);
      const head = await api.http.ask(`HEAD ${path}`);
      assert.deepEqual([head.status, head.body.length], [200, 0]);
      assert.equal(head.headers['content-length'], get.headers['content-length']);
    }
  });

  it('refuse other methods, as JSON', async () => {
    for (const path of monitoringPaths) {
      for (const method of ['POST', 'DELETE', 'PUT']) {
        const { status, json, answer } = await api.json(`${method} ${path}`);
        assert.equal(status, 405);
        assert.equal(answer.headers['allow'], 'GET, HEAD, OPTIONS');
        assert.equal(json['server'], SERVER_ID);
      }
    }
  });

  it('ask for the credentials of the API', async () => {
    api.close();
    start('auth { enabled on; token t0ken; }');
    for (const path of monitoringPaths) {
      assert.equal((await api.http.ask(`GET ${path}`)).status, 401);
      const headers = { Authorization: 'Bearer t0ken' };
      assert.equal((await api.http.ask(`GET ${path}`, headers)).status, 200);
    }
  });

  it('are made once a second at most, however many ask', async () => {
    play(1);
    assert.equal(await players(), 1);
    play(2);
    clock.advance(999);
    assert.equal(await players(), 1);
    clock.advance(1);
    assert.equal(await players(), 2);
  });

  it('are made less often when they take long', async () => {
    costMs = 200;
    play(1);
    assert.equal(await players(), 1);
    play(2);
    clock.advance(3999);
    assert.equal(await players(), 1);
    clock.advance(1);
    assert.equal(await players(), 2);
  });

  it('are two, each for itself', async () => {
    await api.http.ask('GET /metrics');
    play(5);
    const { body } = await api.http.ask('GET /stat');
    assert.equal(parseXml(body.toString()).name, 'rtmp');
  });
});
