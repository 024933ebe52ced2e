/** Owns the check that the system allows as many open files as the configured connections need. */
import { ErrorCode, SrsError } from '../../core/errors';

/** Raises the limit of open files towards `wanted` and says where it stands. */
export type RaiseFileLimit = (wanted: number) => { soft: number; hard: number };

/** What decides how many files are open at once. */
export interface FileNeeds {
  readonly maxConnections: number;
  readonly listenPorts: number;
  readonly logsToFile: boolean;
}

const HTTP_PORTS = 2;
const STANDARD_STREAMS = 3;

/** What the runtime opens for itself: asked for when raising, not insisted on. */
const RUNTIME_FILES = 32;

/**
 * Raises the soft limit as far as needed.
 *
 * @throws SrsError 1023 when the hard limit is too low; the message says what to change.
 */
export function ensureFileLimit(needs: FileNeeds, raiseFileLimit: RaiseFileLimit): void {
  const max = needs.maxConnections;
  const consumed = needs.listenPorts + HTTP_PORTS + (needs.logsToFile ? 1 : 0) + STANDARD_STREAMS;
  const total = max + consumed;
  const limit = raiseFileLimit(total + 1 + RUNTIME_FILES).soft;
  if (total < limit) return;
  throw new SrsError(
    ErrorCode.SYSTEM_CONFIG_INVALID,
    `invalid max_connections=${max}, required=${total + 1}, system limit to ${limit}, ` +
      `total=${total}(max_connections=${max}, nb_consumed_fds=${consumed}). ` +
      `you can change max_connections from ${max} to ${limit - consumed - 1}, ` +
      `or you can login as root and set the limit: ulimit -HSn ${total + 1}`,
  );
}
