/** Owns `/metrics`: the figures of server, vhosts and streams, as Prometheus reads them. */
import { performance } from 'node:perf_hooks';

import { product } from '../../../core/version';
import type { ForwardStats, PlayersSum, StreamStats, UpstreamStats } from '../../stats/stat-types';
import type { Statistics } from '../../stats/statistics';

import type { ApiUpstreams } from './api-parts';
import { exposeAll, labelText } from './exposition';
import type { Labelled } from './exposition';
import {
  forwardFamilies,
  registryFamilies,
  serverFamilies,
  streamFamilies,
  upstreamFamilies,
  vhostFamilies,
} from './metrics-families';
import type { ProcessFigures, StreamFigures } from './metrics-families';

/** Streams beyond these are left out, those that nobody publishes first. */
export const MAX_METRIC_STREAMS = 2000;

/** Copies to other servers beyond these are left out, and so are streams that are fetched or handed on. */
const MAX_METRIC_FORWARDS = 2000;

/** What the figures are taken from. */
export interface MetricsParts {
  readonly statistics: Pick<Statistics, 'server' | 'vhosts' | 'streams' | 'playersByStream'>;
  /** Open connections of all protocols. */
  connections(): number;
  /** Copies of streams to other servers, where there can be any. */
  readonly forwards?: { list(): readonly ForwardStats[] };
  readonly upstreams?: ApiUpstreams;
}

/** What the process uses now. */
export function readProcess(): ProcessFigures {
  const cpu = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return {
    nodeVersion: process.version,
    uptimeSeconds: process.uptime(),
    userCpuSeconds: cpu.user / 1e6,
    systemCpuSeconds: cpu.system / 1e6,
    busySeconds: performance.eventLoopUtilization().active / 1000,
    residentBytes: rss,
    heapBytes: heapUsed,
  };
}

/**
 * The whole text, a few kilobytes per stream at most. It takes time that grows with the number of streams and clients,
 * so it is to be kept for a while.
 */
export function renderMetrics(parts: MetricsParts, readFigures = readProcess): string {
  const { statistics } = parts;
  const all = statistics.streams();
  const streams = labelled(choose(all), statistics.playersByStream());
  const figures = {
    version: product.version,
    startSeconds: Math.round(performance.timeOrigin) / 1000,
    connections: parts.connections(),
    totals: statistics.server(),
    process: readFigures(),
    omittedStreams: all.length - streams.length,
  };
  const vhosts = statistics.vhosts().map((thing) => {
    return { labels: labelText({ vhost: thing.name }), thing };
  });
  const registry = parts.upstreams?.registryStats();
  return (
    exposeAll(serverFamilies, [{ labels: '', thing: figures }]) +
    exposeAll(vhostFamilies, vhosts) +
    exposeAll(streamFamilies, streams) +
    exposeAll(forwardFamilies, labelledForwards(parts.forwards?.list() ?? [])) +
    exposeAll(upstreamFamilies, labelledUpstreams(parts.upstreams?.upstreams() ?? [])) +
    exposeAll(registryFamilies, registry ? [{ labels: '', thing: registry }] : [])
  );
}

function choose(streams: readonly StreamStats[]): readonly StreamStats[] {
  if (streams.length <= MAX_METRIC_STREAMS) return streams;
  const byActive = [
    ...streams.filter(({ isActive }) => isActive),
    ...streams.filter(({ isActive }) => !isActive),
  ];
  return byActive.slice(0, MAX_METRIC_STREAMS);
}

/** One line twice makes all of the text void, so of names that are written alike only the first counts. */
function labelled(
  streams: readonly StreamStats[],
  playersOf: ReadonlyMap<number, PlayersSum>,
): Labelled<StreamFigures>[] {
  const byLabels = new Map<string, StreamFigures>();
  for (const stats of streams) {
    const { vhost, app, name } = stats;
    const labels = labelText({ vhost, app, stream: name });
    if (!byLabels.has(labels)) byLabels.set(labels, { stats, players: playersOf.get(stats.id) });
  }
  return Array.from(byLabels, ([labels, thing]) => ({ labels, thing }));
}

/** Without what waits for a stream to copy. Keys are not shown, so a number tells apart what looks alike then. */
function labelledForwards(forwards: readonly ForwardStats[]): Labelled<ForwardStats>[] {
  const alike = new Map<string, number>();
  const copies = forwards.filter(({ state }) => state !== 'idle').slice(0, MAX_METRIC_FORWARDS);
  return copies.map((thing) => {
    const { vhost, app, stream, url } = thing;
    const labels = labelText({ vhost, app, stream, url });
    const copy = (alike.get(labels) ?? 0) + 1;
    alike.set(labels, copy);
    return { labels: `${labels},${labelText({ copy: String(copy) })}`, thing };
  });
}

/** Of one stream at a time: an edge may fetch it, and hand it on right after. */
function labelledUpstreams(upstreams: readonly UpstreamStats[]): Labelled<UpstreamStats>[] {
  const byLabels = new Map<string, UpstreamStats>();
  for (const thing of upstreams.slice(0, MAX_METRIC_FORWARDS)) {
    const { direction, vhost, app, stream } = thing;
    byLabels.set(labelText({ direction, vhost, app, stream }), thing);
  }
  return Array.from(byLabels, ([labels, thing]) => ({ labels, thing }));
}
