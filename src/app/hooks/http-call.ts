/** Owns one call of a hook server: bounded in time and in bytes, and whatever happens it ends once. */
import { request as plainRequest } from 'node:http';
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { request as secureRequest } from 'node:https';

import { ErrorCode, SrsError } from '../../core/errors';
import type { Slot, Slots } from '../../core/slots';

import type { HttpReply } from './answer';

/** What is sent, and how much is waited for and read. */
export interface HttpAsk {
  readonly method: 'GET' | 'POST';
  /** Of http or https; user and password in it become basic authentication. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For the whole call. */
  readonly timeoutMs: number;
  /** Certificates that are trusted; '' = those that Node.js knows. */
  readonly caFile: string;
  /** Longest body of an answer. */
  readonly maxBytes: number;
  /** What comes after that is left unread; else a longer answer is a failure. */
  readonly isCut: boolean;
}

/** A call that was made. */
export interface HttpCall {
  /** Rejects with SrsError: nothing came, not in time, or nothing that HTTP allows. */
  readonly reply: Promise<HttpReply>;
  /** It has a connection; before it waits for others to end. */
  readonly isUnderWay: boolean;
  /** Ends it now; the reply is a rejection. */
  cancel(): void;
}

/** What a call works with. */
export interface CallParts {
  readonly slots: Slots;
  /** Whether the time counts from now, else from when the call is under way. */
  readonly isHurried: boolean;
  agent(): Agent | Promise<Agent>;
  /** The call has a reply, or none. */
  onOver(call: HttpCall): void;
  /** The connection is free for the next one. */
  onReleased(): void;
}

/** Codes of Node.js for a server whose name leads nowhere. */
const DNS_ERRORS = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME']);
/** A kept connection that the server has just closed fails with one of these. */
const STALE_ERRORS = new Set(['ECONNRESET', 'EPIPE']);

/** A call from the queue for a connection to the end of its answer. */
export class OutgoingCall implements HttpCall {
  readonly reply: Promise<HttpReply>;
  readonly #ask: HttpAsk;
  readonly #parts: CallParts;
  readonly #slot: Slot;
  #resolve: (reply: HttpReply) => void = () => undefined;
  #reject: (error: SrsError) => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #request: ClientRequest | undefined;
  #isUnderWay = false;
  #isOver = false;

  constructor(ask: HttpAsk, parts: CallParts) {
    this.#ask = ask;
    this.#parts = parts;
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (parts.isHurried) this.#startTimer();
    this.#slot = parts.slots.take(() => {
      this.#isUnderWay = true;
      this.#startTimer();
      // The constructor has to end first.
      queueMicrotask(() => {
        this.#connect();
      });
    });
  }

  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  cancel(): void {
    this.#fail(ErrorCode.SOCKET_CLOSED, 'the call was given up');
  }

  #startTimer(): void {
    const { timeoutMs } = this.#ask;
    this.#timer ??= setTimeout(() => {
      const state = this.#isUnderWay ? 'answer' : 'free connection';
      this.#fail(ErrorCode.SOCKET_TIMEOUT, `no ${state} within ${timeoutMs} ms`);
    }, timeoutMs);
  }

  #connect(): void {
    if (this.#isOver) return;
    const agent = this.#parts.agent();
    if (!(agent instanceof Promise)) {
      this.#send(agent);
      return;
    }
    agent.then(
      (ready) => {
        this.#send(ready);
      },
      (error: unknown) => {
        const isKnown = error instanceof SrsError;
        this.#fail(isKnown ? error.code : ErrorCode.SYSTEM_FILE_READ, messageOf(error));
      },
    );
  }

  #send(agent: Agent): void {
    if (this.#isOver) return;
    const { url, method, headers, body } = this.#ask;
    let request: ClientRequest;
    try {
      const open = url.protocol === 'https:' ? secureRequest : plainRequest;
      request = open(url, { method, headers, agent });
    } catch (error) {
      this.#fail(ErrorCode.HTTP_PARSE_URI, messageOf(error));
      return;
    }
    this.#request = request;
    request.on('response', (response) => {
      this.#read(response);
    });
    request.on('error', (error) => {
      if (!this.#wasStale(request, error)) {
        this.#fail(codeOf(error), messageOf(error));
        return;
      }
      // Its close, which follows, is no longer that of the call.
      this.#request = undefined;
      this.#connect();
    });
    request.on('close', () => {
      if (this.#request !== request) return;
      this.#fail(ErrorCode.HTTP_RESPONSE_EOF, 'the connection was closed without an answer');
      // Only after this the agent has the connection back.
      process.nextTick(() => {
        this.#release();
      });
    });
    request.end(body);
  }

  /** The server closed a kept connection while we began to use it: no reason to fail, another one may do. */
  #wasStale(request: ClientRequest, error: NodeJS.ErrnoException): boolean {
    return !this.#isOver && request.reusedSocket && STALE_ERRORS.has(error.code ?? '');
  }

  #read(response: IncomingMessage): void {
    const { maxBytes, isCut } = this.#ask;
    const { statusCode: status = 0 } = response;
    const chunks: Buffer[] = [];
    let bytes = 0;
    const succeed = (): void => {
      const text = Buffer.concat(chunks).subarray(0, maxBytes).toString('utf8');
      this.#succeed({ status, text });
    };
    const fail = (): void => {
      this.#fail(ErrorCode.HTTP_RESPONSE_EOF, 'the answer ended early');
    };
    response.on('data', (chunk: Buffer) => {
      if (this.#isOver) return;
      chunks.push(chunk);
      bytes += chunk.length;
      if (isCut && bytes >= maxBytes) {
        succeed();
        this.#request?.destroy();
      } else if (bytes > maxBytes) {
        this.#fail(ErrorCode.HTTP_DATA_INVLIAD, `expect an answer of at most ${maxBytes} bytes`);
      }
    });
    response.on('end', succeed);
    response.on('error', fail);
    response.on('close', fail);
  }

  #succeed(reply: HttpReply): void {
    if (this.#end()) this.#resolve(reply);
  }

  #fail(code: ErrorCode, text: string): void {
    if (!this.#end()) return;
    this.#reject(new SrsError(code, text));
    if (this.#request) this.#request.destroy();
    else this.#release();
  }

  /** False when it was over already. */
  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#parts.onOver(this);
    return true;
  }

  #release(): void {
    this.#slot.release();
    this.#parts.onReleased();
  }
}

function codeOf({ code = '' }: NodeJS.ErrnoException): ErrorCode {
  if (DNS_ERRORS.has(code)) return ErrorCode.SYSTEM_IP_INVALID;
  if (code.startsWith('HPE_')) return ErrorCode.HTTP_PARSE_HEADER;
  return ErrorCode.ST_CONNECT;
}

/** With autoSelectFamily several addresses may have failed: the text is that of the first. */
function messageOf(error: unknown): string {
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
  return first instanceof Error ? first.message : String(first);
}
