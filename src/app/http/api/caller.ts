/** Owns the question which page made a browser send a request: ours, or one of somebody else. */
import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether the page is of this very host and port; undefined when nothing says so, as for a program that is no browser,
 * or a page that keeps its origin to itself. No page can put other words into these headers.
 */
export function isOwnPage(headers: IncomingHttpHeaders): boolean | undefined {
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin' || site === 'none') return true;
  if (site !== undefined) return false;
  const { origin, referer, host } = headers;
  const from = origin ?? referer;
  if (from === undefined) return undefined;
  return host !== undefined && hostOf(from) === host.toLowerCase();
}

/** Host and port, as in a Host header; undefined for `null`, which is the origin of who has none. */
function hostOf(url: string): string | undefined {
  try {
    return new URL(url).host;
  } catch {
    return undefined;
  }
}
