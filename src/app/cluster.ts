/** Owns the work with other servers: streams copied to them, fetched from them, handed on to them, and where streams are. */
import type { Clock } from '../core/clock';
import type { ContextIds } from '../core/context-id';
import type { Logger } from '../core/logger';
import type { Engine } from '../net/engine';

import type { Authorizer } from './access/access';
import type { ListenAddress, VhostOptions } from './config/config';
import type { CurrentConfig } from './current-config';
import { EdgeService } from './edge/edge-service';
import { ForwardService } from './forward/forward-service';
import type { ForwardBackend } from './forward/forward-service';
import { announceAddress } from './registry/announce-address';
import { OriginRegistry } from './registry/origin-registry';
import { Redirector } from './registry/redirector';
import { localAddress } from './stats/local-address';
import type { PithyPrint } from './stats/pithy-print';
import type { RegistryStats, UpstreamStats } from './stats/stat-types';
import type { Statistics } from './stats/statistics';
import type { Hub } from './stream/hub';
import type { Source } from './stream/source';
import { Resolver } from './upstream/resolver';
import { Turns } from './upstream/turns';

/** What the cluster is given by the composition root. */
export interface ClusterParts {
  readonly config: CurrentConfig;
  readonly engine: Engine;
  readonly hub: Pick<Hub, 'find'>;
  readonly log: Logger;
  readonly clock: Clock;
  readonly ids: ContextIds;
  readonly pithyPrint: PithyPrint;
  readonly statistics: Statistics;
  /** Undefined where hooks were left out of the build. */
  readonly backend: ForwardBackend | undefined;
  /** Where this server takes RTMP and RTMPS now. */
  readonly listening: () => readonly ListenAddress[];
}

/** The services that reach for other servers; idle ones cost nothing. */
export class Cluster {
  readonly forward: ForwardService;
  readonly edge: EdgeService;
  readonly registry: OriginRegistry;
  /** What other servers have to say to who may come in. */
  readonly authorizers: readonly Authorizer[];
  readonly #config: CurrentConfig;
  readonly #listening: ClusterParts['listening'];

  constructor(parts: ClusterParts) {
    const { config, engine, hub, log, clock, ids, pithyPrint, statistics } = parts;
    const { findVhost } = config;
    const resolver = new Resolver(() => config.global.resolver);
    const serverIp = (): string => localAddress(config.global.stats.network);
    const upstream = { engine, resolver, clock, turns: new Turns(clock), serverIp };
    const shared = { log, ids, pithyPrint, statistics, findVhost };
    this.#config = config;
    this.#listening = parts.listening;
    this.registry = new OriginRegistry({ log, clock });
    this.forward = new ForwardService({
      ...shared,
      upstream,
      listening: parts.listening,
      backend: parts.backend,
    });
    this.edge = new EdgeService({ ...shared, ...upstream, finder: this.registry });
    const isPublished = (name: Source['name']): boolean => hub.find(name)?.publisher !== undefined;
    const redirector = new Redirector({ registry: this.registry, findVhost, isPublished });
    this.authorizers = [redirector, this.edge];
  }

  /** Takes what root level says of the registry now; to be called when the listeners are open, and when it may have changed. */
  applyRegistry(): void {
    const { originRegistry, originRegistryLeaseMs, originAnnounce, stats } = this.#config.global;
    const [first] = this.#listening();
    const own = localAddress(stats.network);
    this.registry.setOptions({
      url: originRegistry,
      leaseMs: originRegistryLeaseMs,
      announce: announceAddress(originAnnounce, own, first?.port ?? 0),
    });
  }

  /** What is fetched now, then what is handed on. */
  upstreams(): UpstreamStats[] {
    const pulls = this.edge.pulls().map(({ stream, receivedBytes: bytes, ...pull }) => {
      return { ...pull, ...stream, bytes, direction: 'pull' as const };
    });
    const pushes = this.edge
      .pushes()
      .map(({ stream, contextId: id, sentBytes: bytes, ...push }) => {
        return { ...push, ...stream, id, bytes, direction: 'push' as const };
      });
    return [...pulls, ...pushes];
  }

  /** Undefined where the configuration names none. */
  registryStats(): RegistryStats | undefined {
    return this.#config.global.originRegistry === '' ? undefined : this.registry.status();
  }

  /** A stream was made, or its vhost is served again. */
  apply(source: Source, vhost: VhostOptions): void {
    this.forward.apply(source, vhost);
    this.edge.apply(source, vhost);
    this.registry.apply(source, vhost);
  }

  /** A stream is gone. */
  forget(source: Source): void {
    this.forward.forget(source);
    this.edge.forget(source);
    this.registry.forget(source);
  }

  /** Options of a vhost have changed; what they do not concern goes on. */
  setVhost(vhost: VhostOptions): void {
    this.forward.setVhost(vhost);
    this.edge.setVhost(vhost);
  }

  /** A vhost is not served any more. */
  closeVhost(name: string, reason: string): void {
    this.forward.closeVhost(name);
    this.edge.closeVhost(name, reason);
  }

  /** Ends it all; the registry forgets what it knew of this server, which may take a moment. */
  async stop(): Promise<void> {
    this.forward.stop();
    this.edge.stop();
    await this.registry.stop();
  }
}
