/** Owns what the HTTP API is given: what it shows, and what it can do. */
import type { Clock } from '../../../core/clock';
import type { Logger } from '../../../core/logger';
import type { GlobalOptions } from '../../config/config';
import type { ReloadResult } from '../../config/reloader';
import type {
  ForwardStats,
  RegistryStats,
  StreamNames,
  UpstreamStats,
} from '../../stats/stat-types';
import type { Statistics } from '../../stats/statistics';
import type { HttpRoute } from '../exchange';

/** The `http_api` block. */
export type ApiOptions = GlobalOptions['httpApi'];

/** What the server sent and received so far, and how many connections it has. */
export interface ServerTraffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly connections: number;
}

/** Figures of process and machine: plain objects whose keys are the fields of the replies, in their order. */
export interface MachineFigures {
  rusage(): object;
  selfProcStat(): object;
  systemProcStat(): object;
  meminfo(): object;
  summaries(traffic: ServerTraffic): object;
}

/** Statistics as far as the API needs them. */
export type ApiStatistics = Pick<
  Statistics,
  | 'version'
  | 'serverId'
  | 'server'
  | 'vhosts'
  | 'vhost'
  | 'streams'
  | 'stream'
  | 'clients'
  | 'client'
  | 'clientCount'
  | 'kick'
  | 'stopStream'
>;

/** What an operator wants to have copied, and where to; `*` for every app of the vhost, every stream of the app. */
export interface ForwardWish extends StreamNames {
  /** `host[:port]`, or a URL with the key to publish there. */
  readonly url: string;
}

/** Copies of streams to other servers. */
export interface ApiForwards {
  list(): readonly ForwardStats[];
  /**
   * Copies from now on what fits; the same wish again changes nothing. Returns the id by which it is removed.
   *
   * @throws SrsError REQUEST_DATA (3065) when it makes no sense, or there are too many
   */
  add(wish: ForwardWish): number;
  /** Ends what was added, by its id or that of one of its copies; `fixed` is what an operator did not add. */
  remove(id: number): 'removed' | 'unknown' | 'fixed';
}

/** What comes from origins and goes to them. */
export interface ApiUpstreams {
  upstreams(): readonly UpstreamStats[];
  /** Undefined where the configuration has none. */
  registryStats(): RegistryStats | undefined;
}

/** What the API shows and can do. */
export interface ApiParts {
  readonly statistics: ApiStatistics;
  readonly machine: MachineFigures;
  readonly log: Logger;
  readonly clock: Clock;
  /** The `http_api` block as of now: a reload may change it. */
  options(): ApiOptions;
  /** Connections that the server has now, of all protocols. */
  connections(): number;
  /** Reads the configuration file again and applies it. */
  reload(): Promise<ReloadResult>;
  /** Absent where nothing is ever copied: there are no endpoints for it then. */
  readonly forwards?: ApiForwards | undefined;
  /** The same of what is fetched. */
  readonly upstreams?: ApiUpstreams | undefined;
  /** Answers below `/console/`. */
  readonly files?: HttpRoute;
  /** Further routes behind the same authentication; asked about GET and HEAD of what is not of the API itself. */
  readonly more?: readonly HttpRoute[];
}

export type { ReloadResult } from '../../config/reloader';
