/** Owns what the HTTP API is given: what it shows, and what it can do. */
import type { Clock } from '../../../core/clock';
import type { Logger } from '../../../core/logger';
import type { GlobalOptions } from '../../config/config';
import type { ReloadResult } from '../../config/reloader';
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
  /** Answers below `/console/`. */
  readonly files?: HttpRoute;
  /** Further routes behind the same authentication; asked about GET and HEAD of what is not of the API itself. */
  readonly more?: readonly HttpRoute[];
}

export type { ReloadResult } from '../../config/reloader';
