/** Owns what one call of a hook server comes to: its answer, in the words of the log and as a verdict. */
import type { Clock } from '../../core/clock';
import { describeError, ErrorCode, SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';

import { readAnswer } from './answer';
import type { HttpReply } from './answer';
import { MAX_FORWARD_URLS, readForwardUrls } from './forward-answer';
import { eventRequest, fetchRequest, parseHookUrl } from './hook-request';
import type { HttpAsk } from './http-call';
import { HttpCaller } from './http-caller';
import type { Urgency } from './http-caller';
import {
  badUrlLine,
  invalidLine,
  statusLine,
  successLine,
  tooManyLine,
  unreachedLine,
} from './log-lines';
import type { CallSubject } from './log-lines';
import type { HookOptions } from './options';
import type { Attempt } from './outbox';
import type { Payload } from './payload';

/** First status of HTTP that says that nothing was found where it was looked for. */
const FIRST_BAD_STATUS = 400;

/** One event for one URL. */
export interface HookCall extends CallSubject {
  readonly payload: Payload;
  /** As of the moment when it happened. */
  readonly options: HookOptions;
}

/** A URL that is fetched; its answer says nothing. */
export interface HookFetch extends CallSubject {
  readonly payload: undefined;
  readonly options: HookOptions;
  /** What is read of the answer. */
  readonly maxBytes: number;
}

/** Why a call is no success. */
export interface Failure {
  /** `refused`: the server says no. `broken`: it cannot be reached, or says nothing that could be understood. */
  readonly kind: 'refused' | 'broken';
  readonly code: ErrorCode;
  /** In the server's words; '' when it gave none. */
  readonly reason: string;
  readonly isTransient: boolean;
  /** For the log. */
  readonly line: string;
}

/** A call under way. */
interface Started {
  readonly reply: Promise<HttpReply>;
  readonly isUnderWay: boolean;
  cancel(): void;
}

/** Calls hook servers, and logs what they say. */
export class HookCalls {
  readonly #log: Logger;
  readonly #caller: HttpCaller;
  readonly #wallMs: () => number;

  constructor(log: Logger, clock: Clock, wallMs: () => number) {
    this.#log = log;
    this.#caller = new HttpCaller(clock);
    this.#wallMs = wallMs;
  }

  /** Calls whose answer has not come. */
  get size(): number {
    return this.#caller.size;
  }

  /** Asks for a verdict: undefined when the server accepts. What it answered is logged. Never rejects. */
  async ask(call: HookCall): Promise<Failure | undefined> {
    const { reply } = this.#post(call, 'verdict');
    const failure = await this.#outcome(call, reply, readPost);
    if (failure) this.#logOf(call).warn(failure.line);
    return failure;
  }

  /**
   * Asks where else a stream is to go; what was answered is logged. Undefined when that is not known now: it may be asked
   * again. Never rejects.
   */
  async askUrls(call: HookCall): Promise<readonly string[] | undefined> {
    const { reply } = this.#post(call, 'notice');
    let urls: readonly string[] = [];
    const failure = await this.#outcome(call, reply, (subject, answer) => {
      const failed = readPost(subject, answer);
      if (failed) return failed;
      const found = readForwardUrls(answer);
      if (found === undefined) return brokenAnswer(subject, answer);
      urls = found;
      return undefined;
    });
    const log = this.#logOf(call);
    if (failure) {
      log.warn(failure.line);
      const isFinal = failure.kind === 'refused' || failure.code === ErrorCode.HTTP_PARSE_URI;
      return isFinal ? [] : undefined;
    }
    if (urls.length > MAX_FORWARD_URLS) log.warn(tooManyLine(call, urls.length, MAX_FORWARD_URLS));
    return urls.slice(0, MAX_FORWARD_URLS);
  }

  /** Tells an event; whoever retries logs the failure. */
  tell(call: HookCall): Attempt {
    return this.#attempt(call, this.#post(call, 'notice'), readPost);
  }

  /** Fetches a URL; whoever retries logs the failure. */
  fetch(call: HookFetch): Attempt {
    const started = this.#start(call, 'notice', (url) =>
      fetchRequest(url, call.options, call.maxBytes),
    );
    return this.#attempt(call, started, readFetch);
  }

  /** Gives up all calls. */
  close(): void {
    this.#caller.close();
  }

  #post(call: HookCall, urgency: Urgency): Started {
    return this.#start(call, urgency, (url) =>
      eventRequest(url, call.payload, call.options, this.#wallMs()),
    );
  }

  #start(call: CallSubject, urgency: Urgency, request: (url: URL) => HttpAsk): Started {
    try {
      return this.#caller.call(request(parseHookUrl(call.url)), urgency);
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error));
      return { reply: Promise.reject(cause), isUnderWay: false, cancel: () => undefined };
    }
  }

  #attempt(call: CallSubject, started: Started, read: ReadReply): Attempt {
    const log = this.#logOf(call);
    return {
      failure: this.#outcome(call, started.reply, read).then(
        (failure) =>
          failure && {
            isTransient: failure.isTransient,
            log: (retryMs) => {
              log.warn(
                `${failure.line}, ${retryMs === undefined ? 'ignored' : `retry in ${retryMs}ms`}`,
              );
            },
          },
      ),
      get isUnderWay() {
        return started.isUnderWay;
      },
      cancel: () => {
        started.cancel();
      },
    };
  }

  async #outcome(
    call: CallSubject,
    reply: Promise<HttpReply>,
    read: ReadReply,
  ): Promise<Failure | undefined> {
    try {
      const answer = await reply;
      const failure = read(call, answer);
      if (!failure) this.#logOf(call).trace(successLine(call, answer));
      return failure;
    } catch (error) {
      return unreached(call, error);
    }
  }

  /** Lines about a client are among those of its connection. */
  #logOf({ clientId }: CallSubject): Logger {
    return clientId === 0 ? this.#log : this.#log.child(clientId);
  }
}

type ReadReply = (call: CallSubject, reply: HttpReply) => Failure | undefined;

function readPost(call: CallSubject, reply: HttpReply): Failure | undefined {
  const answer = readAnswer(reply);
  if (answer.kind === 'accepted') return undefined;
  const isStatus = answer.code === ErrorCode.HTTP_STATUS_INVALID;
  const line = (isStatus ? statusLine : invalidLine)(call, reply, answer.code);
  return { ...answer, line };
}

/** It accepts, but what else it says makes no sense. */
function brokenAnswer(call: CallSubject, reply: HttpReply): Failure {
  const code = ErrorCode.RESPONSE_DATA;
  const line = invalidLine(call, reply, code);
  return { kind: 'broken', code, reason: '', isTransient: false, line };
}

function readFetch(call: CallSubject, reply: HttpReply): Failure | undefined {
  if (reply.status < FIRST_BAD_STATUS) return undefined;
  const code = ErrorCode.HTTP_STATUS_INVALID;
  const line = statusLine(call, reply, code);
  return { kind: 'broken', code, reason: '', isTransient: false, line };
}

function unreached(call: CallSubject, error: unknown): Failure {
  const code = error instanceof SrsError ? error.code : ErrorCode.HTTP_DATA_INVLIAD;
  const isBadUrl = code === ErrorCode.HTTP_PARSE_URI;
  const line = (isBadUrl ? badUrlLine : unreachedLine)(call, describeError(error));
  return { kind: 'broken', code, reason: '', isTransient: !isBadUrl, line };
}
