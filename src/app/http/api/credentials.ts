/** Owns the question who may use the API: what a client shows, and what the configuration accepts. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import type { ApiOptions } from './api-parts';

type AuthOptions = ApiOptions['auth'];

/**
 * What a client has shown. `basic` is what a browser adds to a request by itself, whatever page made it send that;
 * a token only comes from who knows it.
 */
export type Credentials = 'nothing asked' | 'basic' | 'token' | 'none' | 'wrong';

/** Larger ones are not looked at. */
const MAX_LENGTH = 4096;

/** Checks the Authorization header, in a time that tells nothing of what would have been right. */
export function checkCredentials({ headers }: IncomingMessage, auth: AuthOptions): Credentials {
  if (!auth.enabled) return 'nothing asked';
  const { authorization = '' } = headers;
  if (authorization === '') return 'none';
  if (authorization.length > MAX_LENGTH) return 'wrong';
  const [, scheme = '', value = ''] = /^(\S+) +(.*)$/.exec(authorization) ?? [];
  if (isBasic(scheme, value, auth)) return 'basic';
  return isToken(scheme, value, auth) ? 'token' : 'wrong';
}

/** What a client is told to show (RFC 7617, RFC 6750). */
export function challenges({ username, token }: AuthOptions): readonly string[] {
  return [
    ...(username === '' ? [] : ['Basic realm="SRS API", charset="UTF-8"']),
    ...(token === '' ? [] : ['Bearer realm="SRS API"']),
  ];
}

function isBasic(scheme: string, value: string, { username, password }: AuthOptions): boolean {
  if (scheme.toLowerCase() !== 'basic' || username === '') return false;
  return isSame(Buffer.from(value, 'base64').toString(), `${username}:${password}`);
}

function isToken(scheme: string, value: string, { token }: AuthOptions): boolean {
  return scheme.toLowerCase() === 'bearer' && token !== '' && isSame(value, token);
}

/** Digests have one length, so that not even the length of the secret is told. */
function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
