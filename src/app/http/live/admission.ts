/** Owns the question whether one HTTP client may play or publish, and the telling that it has ended. */
import { describeError, ErrorCode } from '../../../core/errors';
import type { Logger } from '../../../core/logger';
import { redact } from '../../../core/redact';
import type { RtmpRequest } from '../../../rtmp/request';
import { checkConnectNames, deniedStatus, refusalOfGone, RefusalStatus } from '../../access/access';
import type { AccessAction, Authorizer, ClientIdentity, Refusal } from '../../access/access';
import type { Source } from '../../stream/source';

/** Status of HTTP by the code of a refusal; others are 403. */
const STATUS_OF_CODE = new Map<ErrorCode, number>([
  [ErrorCode.RTMP_STREAM_NAME_EMPTY, 404],
  [ErrorCode.RTMP_VHOST_NOT_FOUND, 404],
  [ErrorCode.RTMP_REQ_TCURL, 404],
  [ErrorCode.SYSTEM_STREAM_BUSY, 409],
  [ErrorCode.ST_EXCEED_THREADS, 503],
]);

/** Which status of HTTP says what a refusal says. */
export function httpStatusOf({ code, status }: Refusal): number {
  return STATUS_OF_CODE.get(code) ?? (status === RefusalStatus.notFound ? 404 : 403);
}

/** One client from its request to its end. */
export class Admission implements ClientIdentity {
  readonly id: number;
  readonly ip: string;
  readonly request: RtmpRequest;
  readonly log: Logger;
  /** What counts its bytes, as soon as something does. */
  traffic: Required<Pick<ClientIdentity, 'bytesSent' | 'bytesReceived'>> | undefined;
  readonly #authorizer: Authorizer;
  readonly #allowed: AccessAction[] = [];
  #unwant: (() => void) | undefined;
  #hasLeft = false;

  constructor(
    { id, ip, log }: { readonly id: number; readonly ip: string; readonly log: Logger },
    request: RtmpRequest,
    authorizer: Authorizer,
  ) {
    this.id = id;
    this.ip = ip;
    this.log = log;
    this.request = request;
    this.#authorizer = authorizer;
  }

  /** It left, or was refused. */
  get isClosing(): boolean {
    return this.#hasLeft;
  }

  bytesSent(): number {
    return this.traffic?.bytesSent() ?? 0;
  }

  bytesReceived(): number {
    return this.traffic?.bytesReceived() ?? 0;
  }

  /**
   * Asks for leave to connect and then for `action`, by the rules of the configuration first, as `check` has them.
   * Undefined when allowed; a refusal is logged, and nothing stays allowed.
   */
  async enter(
    action: 'play' | 'publish',
    check: () => Refusal | undefined,
  ): Promise<Refusal | undefined> {
    const refusal =
      checkConnectNames(this.request, deniedStatus[action]) ??
      check() ??
      (await this.#ask('connect')) ??
      (await this.#ask(action));
    return refusal && this.refuse(action, refusal);
  }

  /** From now on, and until it leaves, the client wants to play this stream. */
  want(source: Source): void {
    if (!this.#hasLeft) this.#unwant = source.want(this.request);
  }

  /** Takes back what was allowed, for a reason that arose later. */
  refuse(action: AccessAction, refusal: Refusal): Refusal {
    const { code, description } = refusal;
    if (!this.#hasLeft) this.log.error(`${action} refused, ${redact(description)}, ret=${code}`);
    this.leave();
    return refusal;
  }

  /** The client is gone: what was allowed has ended. Idempotent; an answer still to come ends at once. */
  leave(): void {
    this.#hasLeft = true;
    this.#unwant?.();
    for (const action of this.#allowed.splice(0).reverse()) this.#authorizer.ended(action, this);
  }

  async #ask(action: AccessAction): Promise<Refusal | undefined> {
    if (this.isClosing) return refusalOfGone(action);
    let refusal: Refusal | undefined;
    try {
      refusal = await this.#authorizer.authorize(action, this);
    } catch (error) {
      this.log.warn(`cannot authorize ${action}: ${redact(describeError(error))}`, error);
      const description = 'the server cannot decide on it now';
      return { code: ErrorCode.HTTP_DATA_INVLIAD, status: deniedStatus[action], description };
    }
    if (refusal) return refusal;
    this.#allowed.push(action);
    if (!this.#isGone()) return undefined;
    this.leave();
    return refusalOfGone(action);
  }

  #isGone(): boolean {
    return this.#hasLeft;
  }
}
