/** Owns HTTP for viewers and publishers: HLS behind its gate, live streams, files. */
import type { Clock } from '../core/clock';
import type { ContextIds } from '../core/context-id';
import type { Logger } from '../core/logger';

import type { AccessContext, Authorizer } from './access/access';
import type { CurrentConfig } from './current-config';
import { FileOwners } from './hls/file-owners';
import type { HlsService } from './hls/hls-service';
import { VersionsRoute } from './http/api/versions-route';
import { HlsGate } from './http/hls/hls-gate';
import { HttpServer } from './http/http-server';
import { LiveRoute } from './http/live/live-route';
import { StaticFiles } from './http/static-files';
import type { PithyPrint } from './stats/pithy-print';
import type { Statistics } from './stats/statistics';
import type { Hub } from './stream/hub';

/** What it is given by the composition root. */
export interface WebParts {
  readonly config: CurrentConfig;
  readonly log: Logger;
  readonly clock: Clock;
  readonly ids: ContextIds;
  readonly hub: Hub;
  readonly hls: HlsService;
  readonly authorizer: Authorizer;
  readonly accessContext: AccessContext;
  readonly statistics: Statistics;
  readonly pithyPrint: PithyPrint;
}

/** The routes, in the order in which they are asked, and the server that asks them. */
export class Web {
  readonly http: HttpServer;
  readonly gate: HlsGate;
  readonly live: LiveRoute;
  readonly files: StaticFiles;

  constructor(parts: WebParts) {
    const { config, log, clock, ids, authorizer, accessContext, statistics } = parts;
    const crossdomain = (): boolean => config.global.httpServer.crossdomain;
    this.gate = new HlsGate({
      log,
      clock,
      ids,
      authorizer,
      accessContext,
      join: (client) => statistics.join(client),
      memory: parts.hls,
      filesOf: (vhosts) => new FileOwners(vhosts),
    });
    this.files = new StaticFiles({
      dir: config.global.httpServer.dir,
      vhosts: config.vhosts,
      crossdomain,
      guard: this.gate,
    });
    this.live = new LiveRoute({
      hub: parts.hub,
      clock,
      authorizer,
      accessContext,
      statistics,
      pithyPrint: parts.pithyPrint,
      findVhost: config.findVhost,
      hasFile: (exchange) => this.files.hasFile(exchange),
    });
    this.http = new HttpServer({
      log,
      clock,
      ids,
      routes: [new VersionsRoute(statistics.serverId), this.gate, this.live, this.files],
      findVhost: config.findVhostByHost,
      crossdomain,
      trustedProxies: () => config.trustedProxies,
    });
    this.gate.setVhosts(config.vhosts);
  }

  /** Connections, those of live streams that left HTTP included. */
  get size(): number {
    return this.http.size + this.live.taken;
  }

  /** Ends clients that are too slow and viewers that are gone; to be called every few seconds, `nowMs` monotonic. */
  sweep(nowMs: number): void {
    this.http.sweep(nowMs);
    this.gate.sweep(nowMs);
  }
}
