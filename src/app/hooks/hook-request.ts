/** Owns what goes over the wire to a hook server: address, headers, body, signature. */
import { createHmac } from 'node:crypto';

import { ErrorCode, SrsError } from '../../core/errors';
import { product } from '../../core/version';

import type { HttpAsk } from './http-call';
import type { HookOptions } from './options';
import type { Payload } from './payload';

/** Longest answer. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Throws SrsError HTTP_PARSE_URI for what is no URL of http or https. */
export function parseHookUrl(text: string): URL {
  const expected = 'expect http://host/path or https://host/path';
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new SrsError(ErrorCode.HTTP_PARSE_URI, expected, { cause });
  }
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw new SrsError(ErrorCode.HTTP_PARSE_URI, `${expected}, got ${url.protocol}`);
}

/**
 * An event as JSON. With a secret the body has the field `timestamp` besides, and its HMAC-SHA256 is a header.
 *
 * @param nowMs time of day
 */
export function eventRequest(
  url: URL,
  payload: Payload,
  { timeoutMs, caFile, secret }: HookOptions,
  nowMs: number,
): HttpAsk {
  const timestamp = Math.floor(nowMs / 1000);
  const body = JSON.stringify(secret === '' ? payload : { ...payload, timestamp });
  const headers = {
    'User-Agent': product.serverName,
    'Content-Type': 'application/json',
    'Content-Length': `${Buffer.byteLength(body)}`,
  };
  const signed = secret === '' ? headers : { ...headers, ...signature(body, secret, timestamp) };
  const limits = { timeoutMs, caFile, maxBytes: MAX_ANSWER_BYTES, isCut: false };
  return { method: 'POST', url, headers: signed, body, ...limits };
}

/** A fetch of which at most `maxBytes` are read. */
export function fetchRequest(
  url: URL,
  { timeoutMs, caFile }: HookOptions,
  maxBytes: number,
): HttpAsk {
  const headers = { 'User-Agent': product.serverName };
  return { method: 'GET', url, headers, body: '', timeoutMs, caFile, maxBytes, isCut: true };
}

function signature(body: string, secret: string, timestamp: number): Record<string, string> {
  const digest = createHmac('sha256', secret).update(body).digest('hex');
  return { 'X-SRS-Timestamp': `${timestamp}`, 'X-SRS-Signature': `sha256=${digest}` };
}
