/** Owns what an endpoint of the API is, and what it answers. */
import { STATUS_CODES } from 'node:http';
import type { OutgoingHttpHeaders } from 'node:http';

import { ErrorCode } from '../../../core/errors';
import { redact } from '../../../core/redact';
import type { HttpExchange } from '../exchange';

/** One request to an endpoint. */
export interface ApiCall {
  readonly exchange: HttpExchange;
  /** What stands for `{id}` in the path; '' where there is none. */
  readonly id: string;
}

/** What an endpoint answers: an object that begins with `code` and `server`, then these fields. */
export interface ApiReply {
  /** An error code, by default 0. */
  readonly code?: number;
  /** By default 200. */
  readonly status?: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly fields?: object;
}

/** Methods that change something. */
export type ChangeMethod = 'POST' | 'DELETE';

/** Does what is asked, and answers; what it throws becomes a 500. */
export type Change = (call: ApiCall) => ApiReply | Promise<ApiReply>;

/** Answers at once, and changes nothing; a thrown REQUEST_DATA becomes a 400, anything else a 500. */
export type Read = (call: ApiCall) => ApiReply;

/** A path of the API. */
export interface Endpoint {
  /** Begins with a slash and, but for the root, does not end with one; the last segment may be `{id}`. */
  readonly path: string;
  /** What it is for, as the lists of endpoints say. */
  readonly about: string;
  /** GET and HEAD. */
  readonly read?: Read;
  /** How long an answer of `read` is good: forever, for a moment, or for this very request. */
  readonly lasts: 'forever' | 'briefly' | 'once';
  /** Parameters of the query that make a difference to `read`. */
  readonly parameters?: readonly string[];
  readonly changes?: Readonly<Partial<Record<ChangeMethod, Change>>>;
}

/** The methods of an endpoint, as a 405 tells them. */
export function methodsOf({ read, changes = {} }: Endpoint): readonly string[] {
  return [...(read ? ['GET', 'HEAD'] : []), ...Object.keys(changes), 'OPTIONS'];
}

/**
 * Refuses with a status of HTTP, in the form of the reference's 404; `message` says more than the status. The url is
 * shown without secrets.
 */
export function refusal(
  status: number,
  url: string,
  message?: string,
  code: number = ErrorCode.HTTP_HANDLER_INVALID,
): ApiReply {
  const reason = STATUS_CODES[status] ?? 'Unknown';
  const data = { status_code: status, reason_phrase: reason, url: redact(url) };
  return { code, status, fields: message === undefined ? { data } : { data, message } };
}

/** What an id leads to, as the fields of the answer; code `unknown` when it leads to nothing. */
export function oneById<T>(
  id: string,
  unknown: number,
  find: (id: number) => T | undefined,
  fieldsOf: (found: T) => object,
): ApiReply {
  const found = find(idOf(id));
  return found === undefined ? { code: unknown } : { fields: fieldsOf(found) };
}

/** An id of a path; -1, which nothing has, when it is no number. */
export function idOf(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : -1;
}
