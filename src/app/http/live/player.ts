/** Owns one player of a live stream over HTTP, from the head of the answer to its closing line. */
import type { Clock } from '../../../core/clock';
import type { Logger } from '../../../core/logger';
import { Kbps } from '../../stats/kbps';
import type { StatusLines, StatusMember } from '../../stats/status-lines';
import type { Hub } from '../../stream/hub';
import type { Source } from '../../stream/source';

import type { Admission } from './admission';
import type { Audience, Listener } from './audience';
import { closingLine } from './log-lines';
import type { Outlet, OutletHandler } from './outlet';
import type { Tap } from './tap';

/** What players share. */
export interface PlayerHost {
  readonly hub: Hub;
  readonly clock: Clock;
  readonly playerLines: StatusLines;
  /** Nobody begins any more. */
  readonly isStopping: boolean;
  audienceOf(source: Source, waitMs: number): Audience;
  onClientGone(client: LiveClient): void;
}

/** A client that is asked to end when the server stops. */
export interface LiveClient {
  /** Its connection was taken out of HTTP. */
  readonly isTaken: boolean;
  /** Ends in good order. */
  shutdown(): void;
}

/** What makes a player. */
export interface PlayerParts {
  readonly admission: Admission;
  readonly source: Source;
  readonly outlet: Outlet;
  readonly tap: Tap;
  /** Merged write, ms. */
  readonly flushMs: number;
  /** Longest time without a publisher, ms. */
  readonly waitMs: number;
}

/** A player that plays. It ends when its connection closes, or the stream is over; whatever comes first. */
export class Player implements OutletHandler, Listener, StatusMember, LiveClient {
  readonly log: Logger;
  readonly #parts: PlayerParts;
  readonly #host: PlayerHost;
  readonly #startedMs: number;
  #leaveAudience: (() => void) | undefined;
  #sent: Kbps | undefined;
  /** Why we end it, undefined while we do not. */
  #code: number | undefined;
  #isGone = false;

  constructor(parts: PlayerParts, host: PlayerHost) {
    this.log = parts.admission.log;
    this.#parts = parts;
    this.#host = host;
    this.#startedMs = host.clock.nowMs();
    parts.outlet.handler = this;
  }

  /** Begins to play; the host hears of the end. */
  start(): void {
    const { source, waitMs, tap } = this.#parts;
    this.#host.playerLines.add(this);
    this.#leaveAudience = this.#host.audienceOf(source, waitMs).join(this);
    tap.start();
  }

  get isTaken(): boolean {
    return this.#parts.outlet.isTaken;
  }

  onStreamOver(): void {
    this.end(0);
  }

  shutdown(): void {
    this.end(0);
  }

  /** Sends what waits, and closes; `code` is for the log, 0 for the normal end. */
  end(code: number): void {
    if (this.#isGone || this.#code !== undefined) return;
    this.#code = code;
    this.#parts.tap.finish();
    this.#parts.outlet.end();
  }

  /** Closes a player that cannot be served any more. */
  drop(code: number): void {
    this.#code ??= code;
    this.#parts.outlet.destroy();
  }

  onDrain(): void {
    if (!this.#isGone) this.#parts.tap.onDrain();
  }

  onClose(errno: number): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const { admission, source, tap, outlet } = this.#parts;
    tap.stop();
    this.#leaveAudience?.();
    this.#host.playerLines.remove(this);
    this.#host.hub.playerLeft(source);
    admission.leave();
    const { bytesReceived: received, bytesSent: sent } = outlet;
    const ageMs = this.#host.clock.nowMs() - this.#startedMs;
    const line = closingLine({ ageMs, received, sent, code: this.#code, errno });
    if (this.#code === undefined) this.log.warn(line, errno);
    else this.log.trace(line);
    this.#host.onClientGone(this);
  }

  statusLine(nowMs: number): string {
    const { source, tap, outlet, flushMs } = this.#parts;
    const { messages, dropped } = tap.stats;
    this.#sent ??= new Kbps(this.#startedMs);
    const kbps = this.#sent.sample(nowMs, outlet.bytesSent).toString();
    const drops = dropped > 0 ? `, dropped=${dropped}` : '';
    return (
      `-> HTS http: got ${messages} msgs, age=${Math.round(nowMs - this.#startedMs)}, ` +
      `okbps=${kbps}, mw=${flushMs}${drops}, source_id=${source.sourceId}`
    );
  }
}
