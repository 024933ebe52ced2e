/** Owns what the URL of a registry says: the Redis, the credentials, the database and the names in it. */
import { ErrorCode, SrsError } from '../../core/errors';
import { redact } from '../../core/redact';

const DEFAULT_PORT = 6379;
const DEFAULT_PREFIX = 'srs:';
const MAX_PREFIX = 128;
/** Parameters of the URL. */
const PARAMETERS: readonly string[] = ['prefix', 'ca'];

/** A Redis, and where in it the registry is. */
export interface RedisTarget {
  /** Name or address, an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  /** File of the certificates to trust instead of those of the system, '' for none. */
  readonly caFile: string;
  /** '' without one. */
  readonly username: string;
  readonly password: string;
  readonly database: number;
  /** What the keys of the registry begin with. */
  readonly prefix: string;
  /** For the log: the URL without the credentials. */
  readonly label: string;
}

/**
 * Reads `redis[s]://[[user]:password@]host[:port][/db][?prefix=srs:][&ca=file]`.
 *
 * @throws SrsError SYSTEM_CONFIG_INVALID, in words that hold no password
 */
export function parseRedisUrl(text: string): RedisTarget {
  const url = parsed(text);
  const isTls = url.protocol === 'rediss:';
  if (!isTls && url.protocol !== 'redis:') throw invalid(text, 'the scheme');
  if (url.hostname === '') throw invalid(text, 'the host');
  const database = /^\/?(\d{0,5})$/.exec(url.pathname)?.[1];
  if (database === undefined) throw invalid(text, 'a database that is no number');
  const isUnknown = (name: string): boolean => !PARAMETERS.includes(name);
  if ([...url.searchParams.keys()].some(isUnknown)) throw invalid(text, 'another parameter');
  const prefix = url.searchParams.get('prefix') ?? DEFAULT_PREFIX;
  if (prefix.length > MAX_PREFIX) throw invalid(text, 'the prefix, which is too long');
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    isTls,
    caFile: url.searchParams.get('ca') ?? '',
    username: decoded(url.username, text),
    password: decoded(url.password, text),
    database: Number(database),
    prefix,
    label: `${url.protocol}//${url.hostname}:${port}/${Number(database)}`,
  };
}

function parsed(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw invalid(text, 'no such URL');
  }
}

function decoded(part: string, text: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid(text, 'credentials with a % that is none of %00 to %FF');
  }
}

/** Where the password ends in a URL that cannot be read, nobody knows: all before the last `@` is hidden. */
function invalid(text: string, what: string): SrsError {
  const form = 'redis[s]://[user:password@]host[:port][/db][?prefix=srs:][&ca=file]';
  const at = text.lastIndexOf('@');
  const shown = at < 0 ? redact(text) : `***${text.slice(at)}`;
  return new SrsError(
    ErrorCode.SYSTEM_CONFIG_INVALID,
    `expect a registry as ${form}, got ${what} in ${shown}`,
  );
}
