/** Owns one viewer of HLS, who has no connection: from its first request to the last one and a while longer. */
import { ErrorCode } from '../../../core/errors';
import type { Logger } from '../../../core/logger';
import { redact } from '../../../core/redact';
import type { RtmpRequest } from '../../../rtmp/request';
import type { AccessContext, Authorizer, Refusal } from '../../access/access';
import { checkStreamName, RefusalStatus } from '../../access/access';
import { checkLimits } from '../../access/limits';
import { identifiedLine } from '../../access/log-lines';
import { checkAccess } from '../../access/rules';
import type { VhostOptions } from '../../config/config';
import type { ClientNames, StatClient } from '../../stats/stat-types';
import type { StreamName } from '../../stream/sink';
import { streamKey } from '../../stream/source';
import { Admission } from '../live/admission';
import { closingLine } from '../live/log-lines';

/** A stream by whose rules a viewer has to be allowed, too. */
export interface AlsoAsked {
  readonly name: StreamName;
  /** Undefined where the vhost is not served. */
  readonly vhost: VhostOptions | undefined;
}

/** What sessions work with. */
export interface SessionHost {
  readonly authorizer: Authorizer;
  readonly accessContext: AccessContext;
  /** Counts a client; returns what ends that. */
  join(client: StatClient): () => void;
}

/** How a session begins. */
export interface SessionStart {
  /** Under an id of its own. */
  readonly log: Logger;
  readonly ip: string;
  /** Names are those of the stream. */
  readonly request: RtmpRequest;
  /** Monotonic. */
  readonly nowMs: number;
  /** It is over when nothing was asked for so long. */
  readonly idleMs: number;
}

/** One viewer; for statistics a player like any other. */
export class HlsSession implements StatClient {
  readonly id: number;
  readonly ip: string;
  readonly protocol = 'hls';
  readonly type = 'hls-play';
  readonly isPublisher = false;
  readonly names: ClientNames;
  readonly startedMs: number;
  readonly idleMs: number;
  /** When the last request came, or an operator ended it. */
  lastMs: number;
  readonly #log: Logger;
  readonly #host: SessionHost;
  readonly #admission: Admission;
  #leaveStatistics: (() => void) | undefined;
  #deciding: Promise<Refusal | undefined> | undefined;
  #isAdmitted = false;
  #isOver = false;
  #kickReason: string | undefined;
  #sent = 0;

  constructor({ log, ip, request, nowMs, idleMs }: SessionStart, host: SessionHost) {
    this.id = log.contextId;
    this.ip = ip;
    const { vhost, app, stream, streamParam: param, tcUrl, pageUrl, swfUrl } = request;
    this.names = { vhost, app, stream, param, tcUrl, pageUrl, swfUrl };
    this.startedMs = nowMs;
    this.lastMs = nowMs;
    this.idleMs = idleMs;
    this.#log = log;
    this.#host = host;
    this.#admission = new Admission({ id: this.id, ip, log }, request, host.authorizer);
    this.#admission.traffic = this;
    const client = identifiedLine(this.type, request);
    log.trace(`${client}, url=${redact(streamKey(request))}, ip=${ip}`);
  }

  /** The rules and the authorizer have let it in. */
  get isAdmitted(): boolean {
    return this.#isAdmitted;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Why an operator has ended it. */
  get kickReason(): string | undefined {
    return this.#kickReason;
  }

  /** What all who ask meanwhile wait for; undefined when it is decided, or nobody was asked. */
  get deciding(): Promise<Refusal | undefined> | undefined {
    return this.#deciding;
  }

  /**
   * Asks for leave to play. `renewed` gives the vhost as it is configured when the answer has come; `others` are those
   * that what is asked for may belong to as well.
   */
  enter(
    vhost: VhostOptions,
    renewed: () => VhostOptions | undefined,
    others: readonly AlsoAsked[],
  ): Promise<Refusal | undefined> {
    this.#deciding = this.#enter(vhost, renewed, others).finally(() => {
      this.#deciding = undefined;
    });
    return this.#deciding;
  }

  /** It is a client from here on, unless it has ended before. */
  begin(): void {
    if (!this.#isOver) this.#leaveStatistics = this.#host.join(this);
  }

  /** Bytes of a body were sent to it. */
  addSent(bytes: number): void {
    this.#sent += bytes;
  }

  bytesSent(): number {
    return this.#sent;
  }

  /** Requests are not counted. */
  bytesReceived(): number {
    return 0;
  }

  kick(reason: string): void {
    if (this.#isOver) return;
    this.#kickReason = reason;
    this.#log.warn(`client is closed, ${redact(reason)}`);
    this.end(this.lastMs, ErrorCode.USER_DISCONNECT);
  }

  /** Nothing comes any more: who was asked is told. `code` is the reason of the server, if it has one. Idempotent. */
  end(nowMs: number, code?: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#leaveStatistics?.();
    this.#admission.leave();
    if (this.#leaveStatistics === undefined) return;
    const ageMs = nowMs - this.startedMs;
    const totals = { ageMs, received: 0, sent: this.#sent };
    this.#log.trace(closingLine({ ...totals, code, errno: 0 }));
  }

  async #enter(
    vhost: VhostOptions,
    renewed: () => VhostOptions | undefined,
    others: readonly AlsoAsked[],
  ): Promise<Refusal | undefined> {
    const { accessContext } = this.#host;
    const admission = this.#admission;
    const refusal = await admission.enter(
      'play',
      () =>
        checkStreamName(admission.request, RefusalStatus.notFound) ??
        checkAccess('play', admission, vhost, accessContext) ??
        this.#checkOthers(others),
    );
    if (refusal) return refusal;
    const present = renewed();
    // Others may have begun while this one waited.
    const late = present ? checkLimits('play', admission.request, present, accessContext) : gone();
    if (late) return admission.refuse('play', late);
    this.#isAdmitted = true;
    this.begin();
    return undefined;
  }

  #checkOthers(others: readonly AlsoAsked[]): Refusal | undefined {
    const { id, ip, request } = this.#admission;
    for (const { name, vhost } of others) {
      const client = { id, ip, request: { ...request, ...name } };
      const refusal = vhost ? checkAccess('play', client, vhost, this.#host.accessContext) : gone();
      if (refusal) return refusal;
    }
    return undefined;
  }
}

function gone(): Refusal {
  const description = 'the vhost is not served any more';
  return { code: ErrorCode.RTMP_VHOST_NOT_FOUND, status: RefusalStatus.play, description };
}
