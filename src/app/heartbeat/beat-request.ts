/** Owns one beat on its way: a POST of JSON that is over after a bounded time, whatever the other end does. */
import { lookup } from 'node:dns';
import type { LookupOptions } from 'node:dns';
import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';

import { product } from '../../core/version';

/** An answer is not looked at; one that has more bytes than this is not even received. */
const MAX_ANSWER_BYTES = 64 * 1024;
/** Statuses from here on mean that the report was not taken. */
const FIRST_BAD_STATUS = 300;

/** What is sent where. */
export interface Beat {
  readonly url: URL;
  readonly body: string;
  /** From the first packet to the last, milliseconds. */
  readonly timeoutMs: number;
}

/** Looks names up, one at a time: each takes a thread of a small pool for as long as the system likes. */
export class PatientLookup {
  #pending = 0;

  /** Whether a name is still being looked up, perhaps for a beat that is over. */
  get isBusy(): boolean {
    return this.#pending > 0;
  }

  /** To be given to a request as `lookup`. */
  readonly lookup = (
    hostname: string,
    options: LookupOptions,
    callback: (...answer: Parameters<LookupCallback>) => void,
  ): void => {
    this.#pending++;
    lookup(hostname, options, (...answer: Parameters<LookupCallback>) => {
      this.#pending--;
      callback(...answer);
    });
  };
}

type LookupCallback = Parameters<NonNullable<RequestOptions['lookup']>>[2];

/**
 * Sends a beat. `done` is called once: with an error when it was not taken, and never after the returned function was
 * called, which gives the beat up.
 */
export function sendBeat(
  { url, body, timeoutMs }: Beat,
  names: PatientLookup,
  done: (error?: Error) => void,
): () => void {
  let request: ClientRequest | undefined;
  const timer = setTimeout(() => {
    end(new Error(`no answer in ${timeoutMs} ms`));
  }, timeoutMs).unref();
  let isOver = false;
  const abandon = (): void => {
    isOver = true;
    clearTimeout(timer);
    request?.destroy();
  };
  const end = (error?: Error): void => {
    if (isOver) return;
    abandon();
    done(error);
  };
  try {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    request = send(url, optionsOf(body, names), (response) => {
      readAnswer(response, end);
    });
    // Stays to the end: an error may follow the destruction.
    request.on('error', end);
    request.end(body);
  } catch (error) {
    end(error instanceof Error ? error : new Error(String(error)));
  }
  return abandon;
}

function optionsOf(body: string, { lookup: find }: PatientLookup): RequestOptions {
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'User-Agent': product.serverName,
    Connection: 'close',
  };
  return { method: 'POST', agent: false, headers, lookup: find };
}

function readAnswer(response: IncomingMessage, end: (error?: Error) => void): void {
  const { statusCode = 0 } = response;
  const outcome = statusCode < FIRST_BAD_STATUS ? undefined : new Error(`status ${statusCode}`);
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) end(outcome);
  });
  response.on('error', end);
  response.on('end', () => {
    end(outcome);
  });
}
