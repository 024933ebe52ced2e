/** Owns the question whether a server upstream is still alive, also while it has nothing to say. */
import type { Clock } from '../../core/clock';

import type { UpstreamConnection } from './connection';

/** So often a server is asked, and looked after, within the silence that it is allowed. */
const LOOKS = 3;

/** What is done about one connection from the grant on. */
export interface PulseOptions {
  readonly clock: Clock;
  /** A server that answers pings and then is silent for so long is dead, ms. */
  readonly silenceMs: number;
  /** Whether it may be sent pings, which by the specification only servers send. */
  readonly canPing: boolean;
  /** To be called at each look. */
  onLook(): void;
  /** The server is dead. */
  onDead(): void;
}

/**
 * Pings a server and looks whether it says anything. One that never answers a ping is left in peace: of it the limit on
 * what it has not taken will tell.
 */
export class Pulse {
  readonly #connection: Pick<UpstreamConnection, 'ping' | 'lastReceivedMs'>;
  readonly #options: PulseOptions;
  readonly #timer: NodeJS.Timeout;
  #hasAnswered = false;

  constructor(
    connection: Pick<UpstreamConnection, 'ping' | 'lastReceivedMs'>,
    options: PulseOptions,
  ) {
    this.#connection = connection;
    this.#options = options;
    if (options.canPing) connection.ping();
    this.#timer = setInterval(() => {
      this.#look();
    }, options.silenceMs / LOOKS);
  }

  /** The server has answered a ping. */
  onPong(): void {
    this.#hasAnswered = true;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const options = this.#options;
    const { clock, silenceMs, canPing } = options;
    options.onLook();
    const silentMs = clock.nowMs() - this.#connection.lastReceivedMs;
    if (this.#hasAnswered && silentMs >= silenceMs) options.onDead();
    else if (canPing && silentMs >= silenceMs / LOOKS / 2) this.#connection.ping();
  }
}
