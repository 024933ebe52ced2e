/** Owns the bytes of an answer of the API. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

import type { HttpExchange, sendText } from '../exchange';

import { refusal } from './endpoint';
import type { ApiReply } from './endpoint';
import { scriptOf } from './jsonp';

/** As 2.0.70 wrote it; the final release left the charset out, which for JSON says the same. */
const JSON_TYPE = 'application/json;charset=utf-8';
const SCRIPT_TYPE = 'text/javascript;charset=utf-8';

/** Puts `code` and the id of the server in front of the fields. */
export function jsonOf({ code = 0, fields }: ApiReply, serverId: number): Buffer {
  return Buffer.from(JSON.stringify({ code, server: serverId, ...fields }));
}

/** Sends JSON, as a script where there is a function to call. */
export function sendJson(
  response: ServerResponse,
  json: Buffer,
  { status = 200, headers }: Pick<ApiReply, 'status' | 'headers'> = {},
  callback?: string,
): void {
  if (response.headersSent) return;
  const body = callback === undefined ? json : Buffer.from(scriptOf(callback, json.toString()));
  response.writeHead(status, {
    'Content-Type': callback === undefined ? JSON_TYPE : SCRIPT_TYPE,
    'Content-Length': body.length,
    'Cache-Control': 'no-cache',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(body);
}

/** What refuses requests that no route answers, for the server of an API: the same words, as JSON. */
export function jsonRefusals(serverId: number): typeof sendText {
  return (
    { response }: Pick<HttpExchange, 'response'>,
    status: number,
    text?: string,
    headers?: OutgoingHttpHeaders,
  ): void => {
    const reply = refusal(status, response.req.url ?? '', text);
    sendJson(
      response,
      jsonOf(reply, serverId),
      headers === undefined ? { status } : { status, headers },
    );
  };
}
