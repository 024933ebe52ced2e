import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  MAX_METRIC_STREAMS,
  readProcess,
  renderMetrics,
} from '../../../../../src/app/http/api/metrics';
import {
  forwardFamilies,
  registryFamilies,
  serverFamilies,
  streamFamilies,
  upstreamFamilies,
  vhostFamilies,
} from '../../../../../src/app/http/api/metrics-families';
import type { ProcessFigures } from '../../../../../src/app/http/api/metrics-families';
import type { StreamStats } from '../../../../../src/app/stats/stat-types';
import { product } from '../../../../../src/core/version';
import { parsePrometheus } from '../../../../support/prometheus-text';
import type { Metric, MetricSample } from '../../../../support/prometheus-text';

import {
  FakeForwards,
  FakeStatistics,
  sampleClient,
  sampleForward,
  sampleStream,
  sampleUpstreams,
  sampleVhost,
} from './harness';

const families = [
  ...serverFamilies,
  ...vhostFamilies,
  ...streamFamilies,
  ...forwardFamilies,
  ...upstreamFamilies,
  ...registryFamilies,
];

const figures: ProcessFigures = {
  nodeVersion: 'v20.0.0',
  uptimeSeconds: 12.5,
  userCpuSeconds: 3.25,
  systemCpuSeconds: 1.5,
  busySeconds: 4.5,
  residentBytes: 50_000_000,
  heapBytes: 10_000_000,
};

describe('the metrics', () => {
  let statistics: FakeStatistics;
  let forwards: FakeForwards;

  beforeEach(() => {
    statistics = new FakeStatistics();
    forwards = new FakeForwards();
  });

  const render = (): string =>
    renderMetrics(
      { statistics, forwards, upstreams: sampleUpstreams, connections: () => 9 },
      () => figures,
    );
  const metrics = (): Map<string, Metric> => parsePrometheus(render());
  const samples = (name: string): readonly MetricSample[] => {
    const metric = metrics().get(name);
    assert.ok(metric, name);
    return metric.samples;
  };
  const value = (name: string): number | undefined => samples(name)[0]?.value;

  it('are exactly those of the tables, all in a text that a strict reader takes', () => {
    assert.deepEqual(
      [...metrics().keys()],
      families.map(({ name }) => name),
    );
  });

  it('tell of the server, in seconds and bytes', () => {
    const expected = {
      srs_uptime_seconds: 12.5,
      srs_cpu_user_seconds_total: 3.25,
      srs_cpu_system_seconds_total: 1.5,
      srs_event_loop_busy_seconds_total: 4.5,
      srs_resident_memory_bytes: 50_000_000,
      srs_heap_bytes: 10_000_000,
      srs_connections: 9,
      srs_players: 2,
      srs_publishers: 1,
      srs_active_streams: 1,
      srs_received_bytes_total: 2000,
      srs_sent_bytes_total: 3000,
      srs_metrics_omitted_streams: 0,
    };
    for (const [name, number] of Object.entries(expected)) {
      assert.deepEqual(samples(name), [{ labels: {}, value: number }], name);
    }
    const [info] = samples('srs_build_info');
    assert.deepEqual(info, { labels: { version: product.version, node: 'v20.0.0' }, value: 1 });
  });

  it('read what the process uses', () => {
    const read = readProcess();
    assert.equal(read.nodeVersion, process.version);
    for (const name of ['uptimeSeconds', 'userCpuSeconds', 'residentBytes', 'heapBytes'] as const) {
      assert.ok(read[name] > 0, name);
    }
    assert.ok(read.heapBytes < read.residentBytes);
    assert.ok(read.busySeconds >= 0 && read.busySeconds <= read.uptimeSeconds + 1);
    const text = renderMetrics({ statistics, connections: () => 9 });
    const started = parsePrometheus(text).get('srs_start_time_seconds')?.samples[0]?.value ?? 0;
    assert.ok(Math.abs(started + read.uptimeSeconds - Date.now() / 1000) < 60);
  });

  it('tell of each vhost', () => {
    statistics.vhostList = [sampleVhost, { ...sampleVhost, name: 'b"c', enabled: false }];
    assert.deepEqual(samples('srs_vhost_enabled'), [
      { labels: { vhost: 'a.com' }, value: 1 },
      { labels: { vhost: 'b"c' }, value: 0 },
    ]);
    assert.equal(value('srs_vhost_clients'), 3);
    assert.equal(value('srs_vhost_publishers'), 1);
    assert.equal(value('srs_vhost_active_streams'), 1);
    assert.equal(value('srs_vhost_received_bytes_total'), 2000);
    assert.equal(value('srs_vhost_sent_bytes_total'), 3000);
  });

  it('tell of each stream, by vhost, app and name', () => {
    const labels = { vhost: 'a.com', app: 'live', stream: 'livestream' };
    const expected = {
      srs_stream_publishing: 1,
      srs_stream_players: 2,
      srs_stream_received_bytes_total: 2000,
      srs_stream_sent_bytes_total: 3000,
      srs_stream_video_frames_total: 125,
      srs_stream_video_bytes_total: 999,
      srs_stream_audio_bytes_total: 111,
      srs_stream_frames_per_second: 24.9876,
      srs_stream_gop_seconds: 2.0004,
      srs_stream_age_seconds: 5.0007,
    };
    for (const [name, number] of Object.entries(expected)) {
      assert.deepEqual(samples(name), [{ labels, value: number }], name);
    }
    assert.deepEqual(samples('srs_stream_info')[0]?.labels, {
      ...labels,
      video_codec: 'H264',
      video_profile: 'High',
      video_level: '3.1',
      width: '1280',
      height: '720',
      audio_codec: 'AAC',
      audio_profile: 'LC',
      sample_rate: '44100',
      channels: '2',
    });
  });

  it('add up what players missed, and tell how far the slowest is behind', () => {
    const player = { messages: 1, dropped: 7, lagMs: 2500, jumps: 1 };
    const publisher = { ...sampleClient(104), player: undefined };
    statistics.clientList = [sampleClient(), { ...sampleClient(103), player }, publisher];
    assert.equal(value('srs_stream_player_dropped_messages'), 12);
    assert.equal(value('srs_stream_player_lag_seconds'), 2.5);
  });

  it('say nothing of what is not known', () => {
    statistics.clientList = [];
    const idle = { ...sampleStream, isActive: false, ageMs: 0, publisherId: -1, media: {} };
    statistics.streamList = [idle];
    const names = [...metrics().keys()].filter((name) => name.startsWith('srs_stream_'));
    assert.deepEqual(names, [
      'srs_stream_publishing',
      'srs_stream_players',
      'srs_stream_received_bytes_total',
      'srs_stream_sent_bytes_total',
      'srs_stream_video_frames_total',
      'srs_stream_age_seconds',
    ]);
    assert.equal(value('srs_stream_publishing'), 0);
  });

  it('stay readable with any name of a stream, and with names that are written alike', () => {
    const names = ['a"}\n# HELP x', '\u0001', '\u0002', ''];
    statistics.streamList = names.map((name, id) => ({ ...sampleStream, id, name }));
    const written = samples('srs_stream_publishing').map(({ labels }) => labels['stream']);
    assert.deepEqual(written, ['a"}\n# HELP x', '\ufffd', '']);
    assert.equal(value('srs_metrics_omitted_streams'), 1);
  });

  it('leave streams out that are too many, first those that nobody publishes', () => {
    const idle: StreamStats = { ...sampleStream, isActive: false };
    statistics.streamList = Array.from({ length: MAX_METRIC_STREAMS + 5 }, (_, id) => {
      return { ...(id % 2 === 0 ? idle : sampleStream), id, name: `s${id}` };
    });
    const shown = samples('srs_stream_publishing');
    assert.equal(shown.length, MAX_METRIC_STREAMS);
    const active = shown.filter((sample) => sample.value === 1);
    assert.equal(active.length, statistics.streamList.filter(({ isActive }) => isActive).length);
    assert.equal(value('srs_metrics_omitted_streams'), 5);
  });

  it('tell of each copy to another server, also of those that differ in their key only', () => {
    forwards.stats = [
      sampleForward,
      { ...sampleForward, id: 202, state: 'waiting', sendBytes: 1 },
      { ...sampleForward, id: 203, stream: 'other' },
      { ...sampleForward, id: 204, stream: '*', state: 'idle' },
    ];
    const connected = samples('srs_forward_connected');
    assert.deepEqual(
      connected.map(({ labels, value: up }) => [labels['stream'], labels['copy'], up]),
      [
        ['livestream', '1', 1],
        ['livestream', '2', 0],
        ['other', '1', 1],
      ],
    );
    assert.equal(connected[0]?.labels['url'], sampleForward.url);
    assert.equal(value('srs_forward_sent_bytes_total'), 5000);
    assert.equal(value('srs_forward_reconnects_total'), 2);
    assert.equal(value('srs_forward_dropped_messages_total'), 7);
    forwards.stats = [];
    assert.ok(!metrics().has('srs_forward_connected'));
  });

  it('tell of each stream that is fetched or handed on, and of the registry', () => {
    const connected = samples('srs_upstream_connected');
    assert.deepEqual(
      connected.map(({ labels, value: up }) => [labels['direction'], labels['stream'], up]),
      [
        ['pull', 'livestream', 1],
        ['push', 'camera', 0],
      ],
    );
    assert.equal(value('srs_upstream_bytes_total'), 7000);
    assert.equal(value('srs_upstream_reconnects_total'), 1);
    assert.equal(value('srs_registry_connected'), 1);
    assert.equal(value('srs_registry_announced_streams'), 2);
    assert.equal(value('srs_registry_failures_total'), 4);
  });

  it('have no line for a single client', () => {
    const withFew = render().length;
    statistics.clientList = Array.from({ length: 500 }, (_, index) => sampleClient(200 + index));
    assert.ok(render().length - withFew < 20);
  });

  it('are all in the documentation, with type and labels, and it knows no others', () => {
    const page = join(__dirname, '../../../../../doc/monitoring.md');
    const rows = [...readFileSync(page, 'utf8').matchAll(/^\| `(srs_\w+)` +\| (\w+) +\|(.*)$/gm)];
    assert.deepEqual(
      rows.map(([, name, type]) => `${name} ${type}`),
      families.map(({ name, type }) => `${name} ${type}`),
    );
  });
});
