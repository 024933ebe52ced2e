/** Owns the `auth {}` rules: which keys and signed URLs permit to publish and play. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

import { ErrorCode } from '../../core/errors';
import { formatIp, parseIp } from '../../core/ip-address';
import type { RtmpRequest } from '../../rtmp/request';
import type { AuthOptions } from '../config/sections/access';

import { deniedStatus } from './access';
import type { AccessAction, ClientIdentity, Refusal } from './access';

/** How a key is given in a query: by its documented name, or by the other one. */
const KEY_NAMES = ['key', 'token'] as const;
/** Seconds of the epoch until which a signature holds. */
const EXPIRES = /^\d{1,12}$/;
/** HMAC-SHA256 in hexadecimal. */
const SIGNATURE = /^[0-9a-f]{64}$/i;

/** What is said about a key or a signature: it is good, what is wrong with it, or undefined: there is none. */
type Finding = 'good' | { readonly fault: string } | undefined;

/** Keys of a configuration are hashed once. */
const digests = new WeakMap<AuthOptions['keys'], readonly Buffer[]>();

/** Whether anything has to be shown for the action, for some stream at least. */
export function isAuthNeeded(action: AccessAction, auth: AuthOptions): boolean {
  if (!auth.enabled || action === 'connect') return false;
  return auth.signed.includes(action) || auth.keys.some(([about]) => about === action);
}

/**
 * One valid key or signature suffices, in the query of the stream or in that of the tcUrl. Nothing is asked for where
 * the action has neither a key about the stream nor signatures. The description says what is wrong, and no secret.
 *
 * @param nowMs time of day, ms of the epoch
 * @returns undefined when allowed
 */
export function checkAuth(
  action: AccessAction,
  { request, ip }: Pick<ClientIdentity, 'request' | 'ip'>,
  auth: AuthOptions,
  nowMs: number,
): Refusal | undefined {
  if (!isAuthNeeded(action, auth)) return undefined;
  const keys = keysFor(auth, action, request);
  const isSigned = action !== 'connect' && auth.signed.includes(action);
  if (keys.length === 0 && !isSigned) return undefined;

  const queries = [request.streamParam, request.param].map((text) => new URLSearchParams(text));
  const byKey = keys.length > 0 ? findKey(keys, queries) : undefined;
  if (byKey === 'good') return undefined;
  const isGood = (text: string, sign: Buffer): boolean =>
    holds(`${action}:/${request.app}/${request.stream}:${text}`, sign, auth.secrets);
  const bySign = isSigned ? findSignature(queries, isGood, ip, nowMs) : undefined;
  if (bySign === 'good') return undefined;

  const { fault } = bySign ?? byKey ?? { fault: missing(keys.length > 0, isSigned) };
  return {
    code: ErrorCode.RTMP_ACCESS_DENIED,
    status: deniedStatus[action],
    description: `an auth rule denies ${action}, ${fault}`,
  };
}

/** Digests of the keys that permit the action on the stream. */
function keysFor(
  { keys }: AuthOptions,
  action: AccessAction,
  { app, stream }: RtmpRequest,
): readonly Buffer[] {
  let hashed = digests.get(keys);
  if (!hashed) {
    hashed = keys.map(([, key]) => sha256(key));
    digests.set(keys, hashed);
  }
  return hashed.filter((_digest, index) => {
    const [about, , scope] = keys[index] ?? [];
    const isHere = scope === undefined || scope === `${app}/${stream}` || scope === `${app}/*`;
    return about === action && isHere;
  });
}

/** All keys are compared, in a time that tells nothing of them. */
function findKey(keys: readonly Buffer[], queries: readonly URLSearchParams[]): Finding {
  const given = queries
    .flatMap((query) => KEY_NAMES.map((name) => query.get(name)))
    .filter((key) => key !== null);
  if (given.length === 0) return undefined;
  const matches = given
    .map(sha256)
    .flatMap((digest) => keys.map((key) => timingSafeEqual(key, digest)));
  return matches.includes(true) ? 'good' : { fault: 'the key is wrong' };
}

/** The signature of either query; what is wrong is told of the first one. */
function findSignature(
  queries: readonly URLSearchParams[],
  isGood: (text: string, sign: Buffer) => boolean,
  clientIp: string,
  nowMs: number,
): Finding {
  const findings = queries
    .filter((query) => query.has('sign'))
    .map((query) => signatureFault(query, isGood, clientIp, nowMs));
  const [fault] = findings;
  if (fault === undefined && findings.length === 0) return undefined;
  return findings.includes(undefined) ? 'good' : { fault: fault ?? '' };
}

/** What is wrong with a signed query; undefined when nothing is. That it is genuine is asked before what it says. */
function signatureFault(
  query: URLSearchParams,
  isGood: (text: string, sign: Buffer) => boolean,
  clientIp: string,
  nowMs: number,
): string | undefined {
  const sign = query.get('sign') ?? '';
  const expires = query.get('expires') ?? '';
  const ip = query.get('ip');
  if (!EXPIRES.test(expires)) return 'expires is not a time in seconds';
  if (!SIGNATURE.test(sign)) return 'the signature is not 64 hexadecimal digits';
  const text = ip === null ? expires : `${expires}:${ip}`;
  if (!isGood(text, Buffer.from(sign, 'hex'))) return 'the signature is wrong';
  if (nowMs > Number(expires) * 1000) return 'the signature has expired';
  if (ip !== null && !isSameAddress(ip, clientIp)) return 'the signature is for another address';
  return undefined;
}

/** Whether one of the secrets has made the signature. */
function holds(text: string, sign: Buffer, secrets: readonly string[]): boolean {
  const matches = secrets.map((secret) =>
    timingSafeEqual(createHmac('sha256', secret).update(text).digest(), sign),
  );
  return matches.includes(true);
}

function isSameAddress(left: string, right: string): boolean {
  const [a, b] = [parseIp(left), parseIp(right)];
  return a !== undefined && b !== undefined && formatIp(a) === formatIp(b);
}

function missing(hasKeys: boolean, isSigned: boolean): string {
  if (!isSigned) return 'a key is missing';
  return hasKeys ? 'a key or a signature is missing' : 'a signature is missing';
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
