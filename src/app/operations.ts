/** Owns what operators see and do: statistics, figures of the machine, the HTTP API, the heartbeat, limits that are watched. */
import type { Clock } from '../core/clock';
import type { ContextIds } from '../core/context-id';
import type { Logger } from '../core/logger';
import { isBuilt } from '../core/version';

import { PublisherLimit } from './access/publisher-limit';
import type { CurrentConfig } from './current-config';
import { Heartbeat } from './heartbeat/heartbeat';
import { jsonRefusals } from './http/api/api-answer';
import type { ApiForwards, ApiUpstreams, ReloadResult } from './http/api/api-parts';
import { ApiRoute } from './http/api/api-route';
import { MonitoringPages } from './http/api/monitoring-pages';
import type { HttpRoute } from './http/exchange';
import { HttpServer } from './http/http-server';
import { Machine } from './stats/machine';
import type { Statistics } from './stats/statistics';

/** What operations are given by the composition root. */
export interface OperationsParts {
  readonly config: CurrentConfig;
  readonly log: Logger;
  readonly clock: Clock;
  readonly ids: ContextIds;
  readonly statistics: Statistics;
  /** What is below `/console/` of the API. */
  readonly files: HttpRoute;
  readonly forwards: ApiForwards;
  readonly upstreams: ApiUpstreams;
  /** Connections that are open now, and all that there ever were. */
  connections(): number;
  accepted(): number;
  /** Reads the configuration file again. */
  reload(): Promise<ReloadResult>;
}

/** All of it; nothing is measured before somebody can ask. */
export class Operations {
  /** Serves the API to the sockets that it is given. */
  readonly api: HttpServer;
  readonly #parts: OperationsParts;
  readonly #machine: Machine;
  readonly #heartbeat: Heartbeat;
  readonly #publisherLimit: PublisherLimit;

  constructor(parts: OperationsParts) {
    const { config, log, clock, statistics } = parts;
    const machine = new Machine({ clock, options: () => config.global.stats });
    this.#parts = parts;
    this.#machine = machine;
    this.#heartbeat = new Heartbeat({
      log,
      clock,
      address: () => machine.localAddress(),
      summaries: () => machine.summaries(this.#traffic()),
    });
    this.#publisherLimit = new PublisherLimit({
      vhosts: () => config.vhosts,
      publishers: () => statistics.publishers(),
    });
    this.api = this.#createApi();
  }

  /** Begins to measure and to report, as far as the configuration asks for it; to be called again when that changes. */
  apply(): void {
    const { httpApi, heartbeat } = this.#parts.config.global;
    const hasApi = httpApi.enabled && isBuilt('http-api');
    const hasHeartbeat = heartbeat.enabled && isBuilt('http-callback');
    this.#parts.statistics.setVhosts(this.#parts.config.vhosts);
    if (isBuilt('stat') && (hasApi || (hasHeartbeat && heartbeat.summaries))) this.#machine.start();
    else this.#machine.stop();
    this.#heartbeat.apply({ ...heartbeat, enabled: hasHeartbeat });
  }

  /** Brings rates up to date and closes whoever sends too much; to be called every few seconds, `nowMs` monotonic. */
  sweep(nowMs: number): void {
    this.#parts.statistics.sample(nowMs);
    this.#publisherLimit.sweep(nowMs);
    this.api.sweep(nowMs);
  }

  /** Reports no more, and ends the connections of the API, which have `timeoutMs` for answers in flight. */
  async stop(timeoutMs: number): Promise<void> {
    this.#heartbeat.stop();
    this.#machine.stop();
    await this.api.stop(timeoutMs);
  }

  #createApi(): HttpServer {
    const { config, statistics, log, clock, ids } = this.#parts;
    const options = (): CurrentConfig['global']['httpApi'] => config.global.httpApi;
    const api = new ApiRoute({
      ...this.#parts,
      machine: this.#machine,
      options,
      more: [new MonitoringPages(this.#parts)],
    });
    return new HttpServer({
      log,
      clock,
      ids,
      routes: [api],
      title: 'HTTP API',
      refuse: jsonRefusals(statistics.serverId),
      findVhost: config.findVhostByHost,
      crossdomain: () => options().crossdomain,
      trustedProxies: () => config.trustedProxies,
    });
  }

  #traffic(): { sentBytes: number; receivedBytes: number; connections: number } {
    const { sendBytes, recvBytes } = this.#parts.statistics.server();
    return {
      sentBytes: sendBytes,
      receivedBytes: recvBytes,
      connections: this.#parts.connections(),
    };
  }
}
