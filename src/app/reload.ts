/** Owns the reload: puts another configuration in force and tells the parts of the server what has changed for them. */
import { isDeepStrictEqual } from 'node:util';

import { describeError, describeFault, ErrorCode, SrsError } from '../core/errors';
import { redact } from '../core/redact';
import { isBuilt } from '../core/version';

import type { Cluster } from './cluster';
import type { Config, GlobalOptions, VhostOptions } from './config/config';
import { diffConfigs } from './config/diff';
import { globalRows } from './config/sections/global';
import type { CurrentConfig } from './current-config';
import type { DvrService } from './dvr/dvr-service';
import type { Entrances } from './entrances';
import type { HlsGate } from './http/hls/hls-gate';
import type { StaticFiles } from './http/static-files';
import type { IngestManager } from './ingest/ingest-manager';
import type { Operations } from './operations';
import type { PithyPrint } from './stats/pithy-print';
import { reloadVhost } from './vhost-reload';
import type { VhostParts } from './vhost-reload';

/** The parts of the server that a reload reaches. */
export interface ReloadParts extends VhostParts {
  readonly config: CurrentConfig;
  readonly entrances: Pick<Entrances, 'reconcile' | 'ports'>;
  readonly pithyPrint: Pick<PithyPrint, 'setIntervals'>;
  readonly operations: Pick<Operations, 'apply'>;
  readonly files: Pick<StaticFiles, 'setMounts'>;
  readonly gate: Pick<HlsGate, 'setVhosts' | 'closeVhost'>;
  readonly dvr: Pick<DvrService, 'setVhosts'>;
  readonly ingest: Pick<IngestManager, 'setVhost' | 'setPort'>;
  readonly cluster: Pick<Cluster, 'apply' | 'setVhost' | 'closeVhost' | 'applyRegistry'>;
  /** The server ends: nothing is to be opened any more. */
  readonly isStopping: () => boolean;
}

/** A section of root level. */
interface RootSection {
  /** As in the log. */
  readonly title: string;
  /** What it is about. */
  readonly fields: readonly (keyof GlobalOptions)[];
  /** Called at each reload: what is so already is left alone. Returns what to log, nothing when all was so already. */
  readonly apply: (change: RootChange, parts: ReloadParts) => string | undefined;
}

/** The whole configuration before and after. */
interface RootChange {
  readonly before: Config;
  readonly after: Config;
}

/** What is applied of root level, in this order. */
const rootSections: readonly RootSection[] = [
  {
    title: 'listen',
    fields: ['listen', 'rtmpsListen', 'rtmpsKey', 'rtmpsCert'],
    apply: ({ after }, { entrances, ingest }) => {
      const isChanged = entrances.reconcile(['RTMP', 'RTMPS'], after.global);
      if (isBuilt('ingest')) ingest.setPort(entrances.ports('RTMP')[0] ?? 0);
      return isChanged ? 'reload listen success.' : undefined;
    },
  },
  {
    title: 'pithy_print',
    fields: ['pithyPrintMs', 'pithyPrintDefaultMs'],
    apply: ({ before, after }, { pithyPrint }) => {
      const intervals = after.global.pithyPrintMs;
      if (isDeepStrictEqual(before.global.pithyPrintMs, intervals)) return undefined;
      pithyPrint.setIntervals(intervals);
      return 'reload pithy_print success.';
    },
  },
  {
    title: 'http_api',
    fields: ['httpApi'],
    apply: ({ before, after }, { entrances }) => {
      const isMoved = entrances.reconcile(['HTTP API', 'HTTPS API'], after.global);
      return transition('http_api', before.global.httpApi, after.global.httpApi, isMoved);
    },
  },
  {
    title: 'http_stream',
    fields: ['httpServer'],
    apply: ({ before, after }, { entrances }) => {
      const isMoved = entrances.reconcile(['HTTP', 'HTTPS'], after.global);
      return transition('http_stream', before.global.httpServer, after.global.httpServer, isMoved);
    },
  },
  {
    title: 'mounts',
    fields: [],
    apply: ({ after }, { files }) => {
      files.setMounts(after.vhosts, after.global.httpServer.dir);
      return undefined;
    },
  },
  {
    title: 'access to hls',
    fields: [],
    apply: ({ after }, { gate }) => {
      gate.setVhosts(after.vhosts);
      return undefined;
    },
  },
  {
    title: 'origin_registry',
    fields: ['originRegistry', 'originRegistryLeaseMs', 'originAnnounce'],
    apply: (_change, { cluster }) => {
      cluster.applyRegistry();
      return undefined;
    },
  },
  {
    title: 'operations',
    fields: [],
    apply: (_change, { operations }) => {
      operations.apply();
      return undefined;
    },
  },
];

/** Options of root level that are read by whoever needs them at that moment. */
const readOnUse: readonly (keyof GlobalOptions)[] = [
  'maxConnections',
  'trustedProxies',
  'chunkSize',
  'utcTime',
  'ffLogDir',
  'queryLatestVersion',
  'stats',
  'heartbeat',
  'resolver',
];

/** The options of root level that a reload of the server applies. */
export const reloadedRootFields: readonly (keyof GlobalOptions)[] = [
  ...rootSections.flatMap(({ fields }) => fields),
  ...readOnUse,
];

/** Applies configurations, one after the other. */
export class Reload {
  readonly #parts: ReloadParts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: ReloadParts) {
    this.#parts = parts;
  }

  /**
   * Puts a checked configuration in force. What cannot be applied is logged and left as it was, and all else applied:
   * it never rejects. Streams and clients that no change concerns do not notice.
   *
   * @returns what has changed, a line each, then what could not be applied
   */
  apply(next: Config): Promise<readonly string[]> {
    const result = this.#last.then(() => this.#apply(next));
    this.#last = result;
    return result;
  }

  async #apply(next: Config): Promise<readonly string[]> {
    const { config, log, isStopping } = this.#parts;
    if (isStopping()) return [];
    const failures: string[] = [];
    const report = (title: string, error: unknown): void => {
      const isOurs = error instanceof SrsError || error instanceof AggregateError;
      const text = redact(isOurs ? describeError(error) : describeFault(error));
      log.error(`reload ${title} failed: ${text}`, error);
      failures.push(`reload ${title} failed: ${text}`);
    };
    const before = config.value;
    const after = withModesOf(before, next, report);
    const changes = diffConfigs(before, after);
    for (const { text, needsRestart } of changes) if (!needsRestart) log.trace(`reload ${text}`);
    config.replace(after);
    for (const { title, apply } of rootSections) {
      try {
        const line = apply({ before, after }, this.#parts);
        if (line !== undefined) log.trace(line);
      } catch (error) {
        report(title, error);
      }
    }
    for (const field of readOnUse) {
      if (isDeepStrictEqual(before.global[field], after.global[field])) continue;
      log.trace(`reload ${globalRows[field].name} success.`);
    }
    await this.#reloadVhosts({ before, after }, report);
    return [...changes.map(({ text }) => text), ...failures];
  }

  async #reloadVhosts(
    { before, after }: RootChange,
    report: (title: string, error: unknown) => void,
  ): Promise<void> {
    const { isStopping, dvr } = this.#parts;
    const guard = async (title: string, apply: () => Promise<void> | void): Promise<boolean> => {
      try {
        await apply();
        return true;
      } catch (error) {
        report(title, error);
        return false;
      }
    };
    const old = byName(before);
    const present = byName(after);
    for (const name of new Set([...present.keys(), ...old.keys()])) {
      if (isStopping()) return;
      await reloadVhost(old.get(name), present.get(name), this.#parts, guard);
    }
    const isRecordedAlike = isDeepStrictEqual(recordingOf(before), recordingOf(after));
    if (!isBuilt('dvr') || isRecordedAlike || isStopping()) return;
    await guard('dvr', () => {
      dvr.setVhosts(recordingOf(after));
    });
  }
}

/** What the log says of something that can be switched on and off. */
function transition(
  name: string,
  before: { readonly enabled: boolean },
  after: { readonly enabled: boolean },
  isMoved: boolean,
): string {
  if (before.enabled !== after.enabled) {
    return `reload ${stateOf(before)}=>${stateOf(after)} ${name} success.`;
  }
  const isModified = after.enabled && (isMoved || !isDeepStrictEqual(before, after));
  return isModified
    ? `reload enabled modified ${name} success.`
    : `reload ${name} not changed success.`;
}

function stateOf({ enabled }: { readonly enabled: boolean }): string {
  return enabled ? 'enabled' : 'disabled';
}

/**
 * A running vhost stays origin or edge, whatever the new configuration says, and an edge keeps its origins and who is let
 * in: those of the new configuration are made for what it does not become.
 */
function withModesOf(
  before: Config,
  next: Config,
  report: (title: string, error: unknown) => void,
): Config {
  const old = byName(before);
  const refused = next.vhosts.filter(({ name, enabled, mode }) => {
    const was = old.get(name);
    return enabled && was?.enabled === true && was.mode !== mode;
  });
  if (refused.length === 0) return next;
  for (const { name } of refused) {
    const message = 'reload never supports mode changed';
    report(`vhost ${name} mode`, new SrsError(ErrorCode.RTMP_EDGE_RELOAD, message));
  }
  return next.withVhosts(
    next.vhosts.map((vhost) => {
      const was = refused.includes(vhost) ? old.get(vhost.name) : undefined;
      if (!was) return vhost;
      const { mode, origin, upstreamVhost, tokenTraverse } = was;
      return { ...vhost, mode, origin, upstreamVhost, tokenTraverse };
    }),
  );
}

function recordingOf({ vhosts }: Config): Pick<VhostOptions, 'name' | 'dvr'>[] {
  return vhosts.filter(({ enabled }) => enabled).map(({ name, dvr }) => ({ name, dvr }));
}

function byName({ vhosts }: Config): ReadonlyMap<string, VhostOptions> {
  return new Map(vhosts.map((vhost) => [vhost.name, vhost]));
}
