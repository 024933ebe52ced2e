/** Owns who may have its bandwidth checked, and when: one check per interval in the whole process. */
import type { Clock } from '../../core/clock';
import { ErrorCode } from '../../core/errors';
import type { ServerIdentity } from '../../rtmp/packets/connect';
import type { RtmpRequest } from '../../rtmp/request';
import type { ServerSession } from '../../rtmp/server-session';
import { RefusalStatus } from '../access/access';
import type { Refusal } from '../access/access';
import type { VhostOptions } from '../config/config';

import { hasKey } from './key';
import { INTERVAL_REJECTED, KEY_REJECTED } from './rejections';
import { ServerTest } from './server-test';
import type { TestedConnection } from './server-test';

/** How long each direction is measured. */
const DURATION_MS = 3000;

/** A connection as the service sees it. */
export interface BandcheckClient extends TestedConnection {
  readonly request: Pick<RtmpRequest, 'tcUrl' | 'swfUrl'>;
  readonly session: TestedConnection['session'] & Pick<ServerSession, 'acceptTest'>;
  refuse(action: 'connect', refusal: Refusal): void;
}

/** What the service is given. */
export interface BandcheckParts {
  readonly clock: Clock;
  /** Of each direction, ms; 3000 unless a test has no time for it. */
  readonly durationMs?: number;
}

/** The bandwidth checks of all vhosts. */
export class BandcheckService {
  readonly #clock: Clock;
  readonly #durationMs: number;
  /** When the last check was admitted. */
  #admittedMs = -Infinity;

  constructor({ clock, durationMs = DURATION_MS }: BandcheckParts) {
    this.#clock = clock;
    this.#durationMs = durationMs;
  }

  /** Answers a connect by what the check of its vhost says: refuses the client, or accepts and measures it. */
  begin(
    client: BandcheckClient,
    options: VhostOptions['bandcheck'],
    identity: ServerIdentity,
  ): ServerTest | undefined {
    const refusal = this.#admit(client.request, options);
    if (refusal !== undefined) {
      client.refuse('connect', refusal);
      return undefined;
    }
    client.session.acceptTest(identity);
    return new ServerTest(client, {
      clock: this.#clock,
      durationMs: this.#durationMs,
      limitKbps: options.limitKbps,
      isFlash: client.request.swfUrl !== '',
    });
  }

  /** Who is refused does not make others wait longer. */
  #admit(
    { tcUrl }: Pick<RtmpRequest, 'tcUrl'>,
    options: VhostOptions['bandcheck'],
  ): Refusal | undefined {
    const status = RefusalStatus.connect;
    if (!hasKey(tcUrl, options.key)) {
      return { code: ErrorCode.SYSTEM_BANDWIDTH_KEY, status, description: KEY_REJECTED };
    }
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#admittedMs < options.intervalMs) {
      return { code: ErrorCode.SYSTEM_BANDWIDTH_DENIED, status, description: INTERVAL_REJECTED };
    }
    this.#admittedMs = nowMs;
    return undefined;
  }
}
