/** Owns the asking of origins whether clients may connect, so many at a time: token traverse. */
import { describeError, ErrorCode, SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import { redact } from '../../core/redact';
import { Slots } from '../../core/slots';
import type { Slot } from '../../core/slots';
import { buildTcUrl } from '../../rtmp/request';
import type { RtmpRequest } from '../../rtmp/request';
import { RefusalStatus } from '../access/access';
import type { ClientIdentity, Refusal } from '../access/access';
import type { VhostOptions } from '../config/config';
import { UpstreamConnection } from '../upstream/connection';
import { namesFrom } from '../upstream/names';
import type { UpstreamServer, UpstreamUrl } from '../upstream/target';
import type { UpstreamError } from '../upstream/upstream-error';

import { askedBy, isRtmp } from './asked';
import type { EdgeParts } from './edge-parts';
import { refusalBy } from './verdict';

/** So many clients are asked about at the same time; others wait. */
const MAX_CHECKS = 256;
/** An origin may think for so long about a client, ms. */
const ANSWER_MS = 15_000;
/** A client that has no answer by then, the time it waited for its turn included, is refused, ms. */
const LIMIT_MS = 30_000;

/** What a check is about, and who waits for it. */
interface Question {
  readonly client: ClientIdentity;
  readonly vhost: VhostOptions;
  readonly log: Logger;
  answer(refusal: Refusal | undefined): void;
}

/** The question about one client, put to one origin after the other until one is reached. */
class TokenCheck {
  readonly #parts: EdgeParts;
  readonly #question: Question;
  readonly #slot: Slot;
  readonly #limitMs: number;
  #servers: UpstreamServer[] = [];
  #connection: UpstreamConnection | undefined;
  #isOver = false;

  constructor(parts: EdgeParts, slots: Slots, question: Question) {
    this.#parts = parts;
    this.#question = question;
    this.#limitMs = parts.clock.nowMs() + LIMIT_MS;
    this.#slot = slots.take(() => {
      this.#begin().catch((error: unknown) => {
        this.#fail(error);
      });
    });
  }

  /** To be called a few times a second: whether somebody still waits, and not for too long. */
  check(nowMs: number): void {
    const { client } = this.#question;
    if (client.isClosing === true) this.refuse(ErrorCode.SOCKET_CLOSED, 'the client has left');
    else if (nowMs >= this.#limitMs) {
      this.refuse(ErrorCode.SOCKET_TIMEOUT, `no origin decided within ${LIMIT_MS} ms`);
    }
  }

  refuse(code: ErrorCode, description: string): void {
    this.#finish({ code, status: RefusalStatus.connect, description });
  }

  async #begin(): Promise<void> {
    const { origins } = this.#parts;
    this.#servers = await origins.configured(this.#question.vhost);
    if (!this.#isOver) this.#askNext();
  }

  #askNext(failure?: SrsError): void {
    const server = this.#servers.shift();
    if (server) this.#ask(server);
    else this.#fail(failure);
  }

  #ask(server: UpstreamServer): void {
    const { client, vhost, log } = this.#question;
    const { pageUrl, swfUrl, args } = client.request;
    const url = tokenUrl(server, client.request, vhost);
    const verify = vhost.upstreamVerify;
    const { edgeTimeoutMs: firstByteMs } = vhost;
    const limits = { timeoutMs: ANSWER_MS, firstByteMs };
    const request = { url, verify, pageUrl, swfUrl, args, identify: false, log, ...limits };
    this.#connection = new UpstreamConnection(this.#parts, request, {
      onConnected: () => {
        this.#parts.failures.succeed(server);
        this.#finish(undefined);
      },
      onEnd: (error) => {
        this.#onEnd(error);
      },
    });
  }

  /** Many an origin closes without a word when it refuses. */
  #onEnd(error: UpstreamError): void {
    const connection = this.#connection;
    const isFrozen = error.code === ErrorCode.SOCKET_TIMEOUT;
    if (connection?.channel === undefined || isFrozen) {
      if (connection) this.#parts.failures.fail(connection.url.server);
      this.#askNext(error);
    } else this.#finish(refusalBy(error, 'connect'));
  }

  #fail(error: unknown): void {
    const code = error instanceof SrsError ? error.code : ErrorCode.SYSTEM_ASSERT_FAILED;
    if (this.#isOver) return;
    this.#question.log.warn(`token traverse fails, ${redact(describeError(error))}`, error);
    this.refuse(code, 'no origin can be asked for leave');
  }

  #finish(refusal: Refusal | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection?.close();
    this.#slot.release();
    this.#question.answer(refusal);
  }
}

/** The questions that are open. */
export class TokenChecks {
  readonly #parts: EdgeParts;
  readonly #slots = new Slots(MAX_CHECKS);
  readonly #open = new Set<TokenCheck>();

  constructor(parts: EdgeParts) {
    this.#parts = parts;
  }

  get isIdle(): boolean {
    return this.#open.size === 0;
  }

  /** Whether the origin of the vhost lets the client in; undefined when it does. Never rejects. */
  ask(client: ClientIdentity, vhost: VhostOptions): Promise<Refusal | undefined> {
    return new Promise((resolve) => {
      const question = {
        client,
        vhost,
        log: this.#parts.log.child(client.id),
        answer: (refusal: Refusal | undefined): void => {
          this.#open.delete(check);
          resolve(refusal);
        },
      };
      const check = new TokenCheck(this.#parts, this.#slots, question);
      this.#open.add(check);
    });
  }

  /** To be called a few times a second. */
  check(nowMs: number): void {
    for (const check of this.#open) check.check(nowMs);
  }

  /** Refuses all who wait. */
  stop(): void {
    for (const check of this.#open) {
      check.refuse(ErrorCode.SOCKET_CLOSED, 'the server is shutting down');
    }
  }
}

/**
 * Where to ask: the tcUrl of the client goes there unchanged, its tokens are in it. That of an HTTP client is one of
 * ours, with what stood behind its `?`.
 */
function tokenUrl(server: UpstreamServer, request: RtmpRequest, vhost: VhostOptions): UpstreamUrl {
  const { schema, host, port, label } = server;
  const { vhost: name, app, param } = namesFrom(askedBy(request), vhost);
  const hasOwn = isRtmp(request);
  return {
    server,
    tcUrl: hasOwn ? request.tcUrl : buildTcUrl({ schema, host, port, vhost: name, app, param }),
    app: `${app}${hasOwn ? request.param : param}`,
    stream: '',
    label: `${schema}://${label}/${redact(app)}`,
  };
}
