/** Owns what the parts of an edge are made with. */
import type { ContextIds } from '../../core/context-id';
import type { Logger } from '../../core/logger';
import type { VhostOptions } from '../config/config';
import type { PithyPrint } from '../stats/pithy-print';
import type { Statistics } from '../stats/statistics';
import type { StatusLines } from '../stats/status-lines';
import type { FailureMemory } from '../upstream/candidates';
import type { UpstreamParts } from '../upstream/connection';

import type { OriginFinder, Origins } from './origins';

/** What the service is given by the composition root. */
export interface EdgeServiceParts extends UpstreamParts {
  readonly log: Logger;
  readonly ids: ContextIds;
  readonly pithyPrint: PithyPrint;
  readonly statistics: Pick<Statistics, 'join'>;
  /** The enabled vhost that serves a name. */
  readonly findVhost: (name: string) => VhostOptions | undefined;
  /** Without it streams are only fetched from the `origin` of their vhost. */
  readonly finder?: OriginFinder | undefined;
}

/** What pulls and pushes share. */
export interface EdgeParts extends EdgeServiceParts {
  readonly origins: Origins;
  readonly failures: FailureMemory;
  readonly lines: Pick<StatusLines, 'add' | 'remove'>;
  /** By which this server knows itself when a stream is asked for in circles. */
  readonly mark: string;
  /** There is something whose `check` is to be called from now on. */
  lookAfter(): void;
}
