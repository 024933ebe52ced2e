/** Owns what a reload does to one vhost: which part of the server is told of which option that has changed. */
import { isDeepStrictEqual } from 'node:util';

import type { Logger } from '../core/logger';
import { isBuilt } from '../core/version';

import type { Cluster } from './cluster';
import type { VhostOptions } from './config/config';
import { vhostRows } from './config/sections/vhost';
import type { HlsService } from './hls/hls-service';
import type { HlsGate } from './http/hls/hls-gate';
import type { LiveRoute } from './http/live/live-route';
import type { IngestManager } from './ingest/ingest-manager';
import type { RtmpService } from './rtmp/service';
import { sourceOptions } from './stream/hub';
import type { Hub } from './stream/hub';
import type { StreamSinks } from './stream-sinks';

/** The parts of the server that hold something of a vhost. */
export interface VhostParts {
  readonly log: Logger;
  readonly hub: Pick<Hub, 'ofVhost' | 'dropIdle'>;
  readonly rtmp: Pick<RtmpService, 'setVhost' | 'closeVhost'>;
  readonly live: Pick<LiveRoute, 'setVhost' | 'closeVhost'>;
  readonly gate: Pick<HlsGate, 'closeVhost'>;
  readonly hls: Pick<HlsService, 'closeVhost'>;
  readonly sinks: Pick<StreamSinks, 'apply' | 'end'>;
  readonly cluster: Pick<Cluster, 'apply' | 'setVhost' | 'closeVhost'>;
  readonly ingest: Pick<IngestManager, 'setVhost'>;
}

/** Does one thing of a reload; what goes wrong is reported under the title, and false returned. */
export type Guard = (title: string, apply: () => Promise<void> | void) => Promise<boolean>;

type VhostField = keyof typeof vhostRows;

/** A vhost before and after. */
interface VhostChange {
  readonly before: VhostOptions;
  readonly after: VhostOptions;
}

/** Options that are applied together. */
interface VhostSection {
  readonly fields: readonly VhostField[];
  /** Called when one of them has changed; absent where whoever needs the option reads it at that moment. */
  readonly apply?: (change: VhostChange, parts: VhostParts) => Promise<void> | void;
}

/**
 * All options of a vhost that a reload applies, in the order in which it does. An option that is in none of these is
 * one of a feature that this build does not have, or `mode`.
 */
const vhostSections: readonly VhostSection[] = [
  {
    fields: [
      'atc',
      'atcAuto',
      'gopCache',
      'gopCacheMaxBytes',
      'queueLengthMs',
      'timeJitter',
      'reduceSequenceHeader',
    ],
    apply: setStreamOptions,
  },
  {
    fields: ['hls'],
    apply: ({ after }, parts) => {
      for (const source of parts.hub.ofVhost(after.name)) parts.sinks.apply(source, after, ['hls']);
      if (!after.hls.enabled) parts.hls.closeVhost(after.name);
    },
  },
  {
    fields: ['dvr'],
    apply: ({ after }, parts) => {
      for (const source of parts.hub.ofVhost(after.name)) parts.sinks.apply(source, after, ['dvr']);
    },
  },
  {
    fields: [
      'forward',
      'forwardBackend',
      'origin',
      'upstreamVhost',
      'upstreamVerify',
      'edgeTimeoutMs',
      'edgeLingerMs',
      'debugSrsUpnode',
    ],
    apply: ({ after }, { cluster }) => {
      cluster.setVhost(after);
    },
  },
  {
    fields: [
      'mr',
      'mwLatencyMs',
      'minLatency',
      'sendMinIntervalMs',
      'tcpNodelay',
      'publishFirstPacketTimeoutMs',
      'publishNormalTimeoutMs',
    ],
    // What is fetched from upstream is read as publishers are.
    apply: ({ after }, { cluster }) => {
      cluster.setVhost(after);
    },
  },
  {
    fields: ['httpRemux'],
    apply: ({ after }, { live }) => {
      if (after.httpRemux.enabled) return;
      live.closeVhost(after.name, `http_remux of vhost ${after.name} was switched off by a reload`);
    },
  },
  {
    fields: ['ingest'],
    apply: async ({ after }, parts) => {
      const changes = await reloadIngest(after, parts);
      if (changes === 0) parts.log.trace(`ingest not changed for vhost=${after.name}`);
    },
  },
  {
    fields: [
      'chunkSize',
      'publishConflict',
      'publishConflictIdleMs',
      'publish',
      'refer',
      'referPlay',
      'referPublish',
      'security',
      'auth',
      'limits',
      'httpHooks',
      'httpStatic',
      'tokenTraverse',
      'bandcheck',
    ],
  },
];

/** The options that are in one of the sections. */
export const reloadedVhostFields: readonly VhostField[] = vhostSections.flatMap(
  ({ fields }) => fields,
);

/** Takes a vhost from what it was to what it is to be; undefined where there is, or was, none. */
export async function reloadVhost(
  before: VhostOptions | undefined,
  after: VhostOptions | undefined,
  parts: VhostParts,
  guard: Guard,
): Promise<void> {
  const was = before?.enabled === true ? before : undefined;
  const is = after?.enabled === true ? after : undefined;
  if (was && is) await modify({ before: was, after: is }, parts, guard);
  else if (is) await add(is, parts, guard);
  else if (was) await remove(was, parts, guard);
}

async function add(vhost: VhostOptions, parts: VhostParts, guard: Guard): Promise<void> {
  const { name } = vhost;
  parts.log.trace(`vhost ${name} added, reload it.`);
  const isDone = await guard(`vhost ${name}`, async () => {
    // What is left of the time before it was switched off.
    setStreamOptions({ after: vhost }, parts);
    for (const source of parts.hub.ofVhost(name)) {
      parts.sinks.apply(source, vhost);
      parts.cluster.apply(source, vhost);
    }
    await reloadIngest(vhost, parts);
  });
  if (isDone) parts.log.trace(`reload new vhost ${name} success.`);
}

async function remove(vhost: VhostOptions, parts: VhostParts, guard: Guard): Promise<void> {
  const { name } = vhost;
  const { log, hub, rtmp, live, gate, hls, sinks, cluster } = parts;
  log.trace(`vhost ${name} removed, reload it.`);
  const reason = `vhost ${name} was removed by a reload`;
  const isDone = await guard(`vhost ${name}`, async () => {
    // First, so that they do not come back.
    const ingesters = reloadIngest({ ...vhost, enabled: false }, parts);
    rtmp.closeVhost(name, reason);
    live.closeVhost(name, reason);
    gate.closeVhost(name, reason);
    cluster.closeVhost(name, reason);
    for (const source of hub.ofVhost(name)) sinks.end(source);
    hls.closeVhost(name);
    hub.dropIdle(name);
    await ingesters;
  });
  if (isDone) log.trace(`reload removed vhost ${name} success.`);
}

async function modify(change: VhostChange, parts: VhostParts, guard: Guard): Promise<void> {
  const { before, after } = change;
  const { name } = after;
  if (isDeepStrictEqual(before, after)) return;
  parts.log.trace(`vhost ${name} maybe modified, reload its detail.`);
  const hasClients = await guard(`vhost ${name}`, () => {
    // They keep the options they read later on.
    parts.rtmp.setVhost(after);
    parts.live.setVhost(after);
  });
  if (!hasClients) return;
  for (const { fields, apply } of vhostSections) {
    const items = fields
      .filter((field) => !isDeepStrictEqual(before[field], after[field]))
      .map((field) => vhostRows[field].name);
    if (items.length === 0) continue;
    const isDone = await guard(`vhost ${name} ${items.join(' ')}`, () => apply?.(change, parts));
    if (!isDone) continue;
    for (const item of items) parts.log.trace(`vhost ${name} reload ${item} success.`);
  }
}

function setStreamOptions({ after }: Pick<VhostChange, 'after'>, { hub }: VhostParts): void {
  const options = sourceOptions(after);
  for (const source of hub.ofVhost(after.name)) source.setOptions(options);
}

/** Starts and stops ingesters; how many were concerned. */
async function reloadIngest(vhost: VhostOptions, { ingest, log }: VhostParts): Promise<number> {
  if (!isBuilt('ingest')) return 0;
  const { name } = vhost;
  const changes = await ingest.setVhost(vhost);
  for (const { id, kind } of changes)
    log.trace(`vhost ${name} reload ingest=${id} ${kind} success.`);
  return changes.length;
}
