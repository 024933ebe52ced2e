/** Owns the wording of the log lines of hooks, without the secrets in what they quote. */
import { redact } from '../../core/redact';

import { oneLine } from './answer';
import type { HttpReply } from './answer';
import type { HookEvent } from './options';
import type { Payload } from './payload';

/** One call as its log lines name it. */
export interface CallSubject {
  readonly event: HookEvent;
  readonly clientId: number;
  /** As configured. */
  readonly url: string;
  /** Undefined for a fetch. */
  readonly payload: Payload | undefined;
}

/** What is behind the host of a URL may be a key to publish there; PHP writes slashes as `\/`. */
const BEHIND_HOST = /((?::(?:\\?\/){2}[^\s"'\\/]*)?)\\?\/[^\s"'<>[\]{}]*/g;

/** The server accepts, or has been told. */
export function successLine(call: CallSubject, reply: HttpReply): string {
  return `http hook ${call.event} success. ${sent(call)}, response=${quote(call, reply)}, ret=0`;
}

/** More URLs than can be used were answered. */
export function tooManyLine(
  { event, clientId, url }: CallSubject,
  count: number,
  most: number,
): string {
  const where = `client_id=${clientId}, url=${hideSecrets(url)}`;
  return `http hook ${event} answered ${count} urls, the first ${most} are used. ${where}`;
}

/** No answer has come; `ret` is part of the reason. */
export function unreachedLine(call: CallSubject, reason: string): string {
  return `http post ${call.event} uri failed. ${sent(call)}, response=, ${redact(reason)}`;
}

/** An answer with a status other than 200. */
export function statusLine(call: CallSubject, reply: HttpReply, code: number): string {
  const { event } = call;
  const answer = `status=${reply.status}, response=${quote(call, reply)}`;
  return `http post ${event} uri failed. ${sent(call)}, ${answer}, ret=${code}`;
}

/** An answer that does not accept. */
export function invalidLine(call: CallSubject, reply: HttpReply, code: number): string {
  const { event, clientId, url } = call;
  const where = `client_id=${clientId}, url=${hideSecrets(url)}`;
  const answer = `status=${reply.status}, res=${quote(call, reply)}`;
  return `http hook ${event} validate failed. ${where}, ${answer}, ret=${code}`;
}

/** What is configured is no URL; `ret` is part of the reason. */
export function badUrlLine({ event, clientId, url }: CallSubject, reason: string): string {
  const where = `client_id=${clientId}, url=${hideSecrets(url)}`;
  return `http uri parse ${event} url failed. ${where}, ${reason}`;
}

function sent({ clientId, url, payload }: CallSubject): string {
  const values = Object.entries(payload ?? {}).map(([name, value]) => [name, hidden(value)]);
  const request = payload ? `, request=${JSON.stringify(Object.fromEntries(values))}` : '';
  return `client_id=${clientId}, url=${hideSecrets(url)}${request}`;
}

function hidden(value: string | number): string | number {
  return typeof value === 'string' ? redact(value) : value;
}

/** Passwords of URLs may have signs in them that only the parser of URLs tells apart. */
function hideSecrets(text: string): string {
  try {
    const url = new URL(text);
    url.username = '';
    url.password = '';
    return redact(url.href);
  } catch {
    return redact(text.replace(/:\/\/[^/]*@/, '://***@'));
  }
}

function quote({ event }: CallSubject, { text }: HttpReply): string {
  const shown = event === 'on_forward' ? text.replace(BEHIND_HOST, '$1/***') : text;
  return redact(oneLine(shown));
}
