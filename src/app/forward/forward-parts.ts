/** Owns what forwarding is made with, and the port for the server that says where streams go. */
import type { ContextIds } from '../../core/context-id';
import type { Logger } from '../../core/logger';
import type { ListenAddress, VhostOptions } from '../config/config';
import type { PithyPrint } from '../stats/pithy-print';
import type { StreamNames } from '../stats/stat-types';
import type { Statistics } from '../stats/statistics';
import type { Backoff } from '../upstream/backoff';
import type { UpstreamParts } from '../upstream/connection';

/** A stream that is published, and by whom as far as that is known: id 0 and empty texts when it is not. */
export interface ForwardPublish extends StreamNames {
  /** Context id of the publisher. */
  readonly clientId: number;
  readonly ip: string;
  readonly tcUrl: string;
  /** The query of the stream with its `?`, or ''. */
  readonly param: string;
}

/** Asks a server of the owner where else a stream is to go. */
export interface ForwardBackend {
  /** Undefined when that is not known now: it may be asked again. Never rejects. */
  askForwards(url: string, publish: ForwardPublish): Promise<readonly string[] | undefined>;
}

/** What the service is given by the composition root. */
export interface ForwardParts {
  readonly upstream: UpstreamParts;
  readonly log: Logger;
  readonly ids: ContextIds;
  readonly pithyPrint: PithyPrint;
  /** Who publishes. */
  readonly statistics: Pick<Statistics, 'client'>;
  /** The enabled vhost that serves a name, as the configuration is now. */
  findVhost(name: string): VhostOptions | undefined;
  /** Where this server takes RTMP and RTMPS now: no stream is copied from there to there. */
  listening(): readonly ListenAddress[];
  /** Undefined where it was left out of the build. */
  readonly backend?: ForwardBackend | undefined;
  /** The waits between attempts; from one second to thirty unless a test has less time. */
  readonly createBackoff?: () => Backoff;
  /** Time of day, epoch milliseconds; the system's by default. */
  readonly wallMs?: () => number;
}
