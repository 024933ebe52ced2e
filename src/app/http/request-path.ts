/** Owns the reading of what a request asks for: the path a route may trust, the query, the host. */
import { ErrorCode, SrsError } from '../../core/errors';

/** What a request asks for. */
export interface RequestTarget {
  /** Decoded and checked, see {@link readTarget}; `*` for a request about the server itself. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Of an absolute url, which stands above the Host header; undefined for the usual form. */
  readonly host: string | undefined;
}

const ABSOLUTE = /^https?:\/\/([^/?#]*)/i;
/** A slash or backslash that is hidden in a segment would be one to the file system. */
const ENCODED_SLASH = /%(?:2f|5c)/i;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const UNCLEAN = /[\u0000-\u001f\u007f\\]/;

/**
 * Reads the target of a request line. The path is percent-decoded once and has single slashes; a slash at its end
 * stays.
 *
 * @throws SrsError HTTP_URL_NOT_CLEAN (4002) for dot segments, encoded slashes, control characters and backslashes;
 *   HTTP_PARSE_URI (3007) for an invalid percent encoding or no path at all
 */
export function readTarget(url: string): RequestTarget {
  const authority = ABSOLUTE.exec(url);
  const local = authority === null ? url : url.slice(authority[0].length);
  const [withoutFragment = ''] = local.split('#', 1);
  const queryAt = withoutFragment.indexOf('?');
  const rawPath = queryAt < 0 ? withoutFragment : withoutFragment.slice(0, queryAt);
  const query = new URLSearchParams(queryAt < 0 ? '' : withoutFragment.slice(queryAt + 1));
  if (rawPath === '*') return { path: '*', query, host: undefined };
  if (authority === null) return { path: readPath(rawPath), query, host: undefined };
  const path = rawPath === '' ? '/' : readPath(rawPath);
  return { path, query, host: hostName(authority[1] ?? '') };
}

/** The name in a Host header or an authority: lower case, without user, port, brackets and final dot. */
export function hostName(authority: string): string {
  const host = authority.slice(authority.lastIndexOf('@') + 1).toLowerCase();
  const [, bracketed] = /^\[([^\]]*)\]/.exec(host) ?? [];
  return bracketed ?? (host.split(':', 1)[0] ?? '').replace(/\.$/, '');
}

function readPath(rawPath: string): string {
  if (!rawPath.startsWith('/')) {
    throw new SrsError(ErrorCode.HTTP_PARSE_URI, 'expect a path that begins with a slash');
  }
  if (ENCODED_SLASH.test(rawPath)) throw unclean('an encoded slash or backslash');
  const path = decode(rawPath).replaceAll(/\/{2,}/g, '/');
  if (UNCLEAN.test(path)) throw unclean('a control character or backslash');
  if (path.split('/').some((segment) => segment === '.' || segment === '..')) {
    throw unclean('a dot segment');
  }
  return path;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    const reason = 'expect a path in valid percent encoding of UTF-8';
    throw new SrsError(ErrorCode.HTTP_PARSE_URI, reason, { cause });
  }
}

function unclean(what: string): SrsError {
  return new SrsError(ErrorCode.HTTP_URL_NOT_CLEAN, `expect a clean path, got ${what} in it`);
}
