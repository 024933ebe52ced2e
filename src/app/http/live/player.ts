/** Owns one player of a live stream over HTTP, from the head of the answer to its closing line. */
import type { Clock } from '../../../core/clock';
import { ErrorCode } from '../../../core/errors';
import type { Logger } from '../../../core/logger';
import { redact } from '../../../core/redact';
import type { VhostOptions } from '../../config/config';
import { Kbps } from '../../stats/kbps';
import type { ClientProtocol, StatClient } from '../../stats/stat-types';
import type { Statistics } from '../../stats/statistics';
import type { StatusLines, StatusMember } from '../../stats/status-lines';
import { flushIntervalMs } from '../../stream/delivery';
import type { Hub } from '../../stream/hub';
import type { Source } from '../../stream/source';

import type { Admission } from './admission';
import type { Audience, Listener } from './audience';
import { closingLine } from './log-lines';
import { KICK_TIMEOUT_MS } from './outlet';
import type { Outlet, OutletHandler } from './outlet';
import { statPlayer } from './stat-client';
import type { Tap } from './tap';

/** What players share. */
export interface PlayerHost {
  readonly hub: Hub;
  readonly clock: Clock;
  readonly playerLines: StatusLines;
  readonly statistics: Pick<Statistics, 'join'> | undefined;
  /** Nobody begins any more. */
  readonly isStopping: boolean;
  audienceOf(source: Source, waitMs: number): Audience;
  onClientGone(client: LiveClient): void;
}

/** A client that is asked to end when the server stops. */
export interface LiveClient {
  /** Its connection was taken out of HTTP. */
  readonly isTaken: boolean;
  /** Name of the vhost it is at. */
  readonly vhostName: string;
  /** Options of its vhost have changed. */
  setVhost(vhost: VhostOptions): void;
  /** Somebody else than the client wants its end: the reason is logged, and told where that can be. */
  kick(reason: string): void;
  /** Ends in good order. */
  shutdown(): void;
}

/** What makes a player. */
export interface PlayerParts {
  readonly admission: Admission;
  readonly source: Source;
  readonly outlet: Outlet;
  readonly tap: Tap;
  readonly vhost: VhostOptions;
  readonly protocol: ClientProtocol;
}

/** A player that plays. It ends when its connection closes, or the stream is over; whatever comes first. */
export class Player implements OutletHandler, Listener, StatusMember, LiveClient {
  readonly log: Logger;
  readonly #parts: PlayerParts;
  readonly #host: PlayerHost;
  readonly #startedMs: number;
  #vhost: VhostOptions;
  #leaveAudience: (() => void) | undefined;
  #leaveStatistics: (() => void) | undefined;
  #sent: Kbps | undefined;
  /** Why we end it, undefined while we do not. */
  #code: number | undefined;
  #isGone = false;
  #isTapped = true;

  constructor(parts: PlayerParts, host: PlayerHost) {
    this.log = parts.admission.log;
    this.#parts = parts;
    this.#vhost = parts.vhost;
    this.#host = host;
    this.#startedMs = host.clock.nowMs();
    parts.outlet.handler = this;
  }

  /** Begins to play; the host hears of the end. */
  start(): void {
    const { source, tap } = this.#parts;
    const waitMs = this.#vhost.httpRemux.publisherWaitMs;
    this.#host.playerLines.add(this);
    const seen = this.#seen();
    this.#parts.admission.traffic = seen;
    this.#leaveStatistics = this.#host.statistics?.join(seen);
    this.#leaveAudience = this.#host.audienceOf(source, waitMs).join(this);
    tap.start();
  }

  get isTaken(): boolean {
    return this.#parts.outlet.isTaken;
  }

  get vhostName(): string {
    return this.#parts.source.name.vhost;
  }

  setVhost(vhost: VhostOptions): void {
    const { tcpNodelay } = this.#vhost;
    this.#vhost = vhost;
    // One that is ending is sent what waits, and that is that.
    if (this.#isGone || this.#code !== undefined) return;
    this.#parts.tap.setOptions(vhost);
    if (vhost.tcpNodelay !== tcpNodelay) this.#parts.outlet.setNoDelay?.(vhost.tcpNodelay);
  }

  kick(reason: string): void {
    if (this.#isGone || this.#code !== undefined) return;
    this.#code = ErrorCode.USER_DISCONNECT;
    this.log.warn(`client is closed, ${redact(reason)}`);
    this.#parts.tap.finish();
    this.#leaveStream();
    this.#parts.outlet.endWithin(KICK_TIMEOUT_MS, reason);
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
    const { admission, source, outlet } = this.#parts;
    this.#leaveStream();
    this.#leaveAudience?.();
    admission.leave();
    this.#host.hub.playerLeft(source);
    const { bytesReceived: received, bytesSent: sent } = outlet;
    const ageMs = this.#host.clock.nowMs() - this.#startedMs;
    const line = closingLine({ ageMs, received, sent, code: this.#code, errno });
    if (this.#code === undefined) this.log.warn(line, errno);
    else this.log.trace(line);
    this.#host.onClientGone(this);
  }

  /** It gets no more, and does not count any more. */
  #leaveStream(): void {
    if (!this.#isTapped) return;
    this.#isTapped = false;
    this.#host.playerLines.remove(this);
    this.#leaveStatistics?.();
    this.#parts.tap.stop();
  }

  #seen(): StatClient {
    const { admission, outlet, tap, protocol } = this.#parts;
    return statPlayer(admission, {
      protocol,
      startedMs: this.#startedMs,
      bytesSent: () => outlet.bytesSent,
      bytesReceived: () => outlet.bytesReceived,
      player: () => tap.stats,
      kick: (reason) => {
        this.kick(reason);
      },
    });
  }

  statusLine(nowMs: number): string {
    const { source, tap, outlet } = this.#parts;
    const { messages, dropped } = tap.stats;
    this.#sent ??= new Kbps(this.#startedMs);
    const kbps = this.#sent.sample(nowMs, outlet.bytesSent).toString();
    const drops = dropped > 0 ? `, dropped=${dropped}` : '';
    return (
      `-> HTS http: got ${messages} msgs, age=${Math.round(nowMs - this.#startedMs)}, ` +
      `okbps=${kbps}, mw=${flushIntervalMs(this.#vhost)}${drops}, source_id=${source.sourceId}`
    );
  }
}
