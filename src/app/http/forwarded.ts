/** Owns the question for whom a proxy asks: the headers by which trusted ones tell, and how far they are believed. */
import type { IncomingHttpHeaders } from 'node:http';

import { formatIp, parseIp } from '../../core/ip-address';
import type { NetworkSet } from '../../core/network-set';

/** Who asks, and how. */
export interface ForwardedClient {
  /** Numeric address. */
  readonly ip: string;
  /** Over TLS. */
  readonly isSecure: boolean;
}

/** `1.2.3.4:5678`, or `[::1]`, with or without a port. */
const WITH_PORT = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::\d{1,5})?$/;
/** One parameter of a `Forwarded` element: a token, or text in quotes. Linear in time. */
const FOR = /(?:^|;)\s*for=(?:"([^"]*)"|([^;"]*))/i;
const PROTO = /(?:^|;)\s*proto=(?:"([^"]*)"|([^;"]*))/i;

/**
 * The client of a request whose peer is `peer`. Only a trusted peer is believed: `X-Forwarded-For`, else `Forwarded`
 * (RFC 7239), names the clients from far to near, each added by the proxy behind it; the nearest that is no trusted proxy
 * itself is the one that is known, and the farthest when all are. `X-Real-IP` counts where there is neither. What is
 * no address leaves the peer as it is.
 */
export function forwardedClient(
  headers: IncomingHttpHeaders,
  peer: ForwardedClient,
  trusted: NetworkSet,
): ForwardedClient {
  if (!trusted.has(peer.ip)) return peer;
  const forwarded = headers.forwarded === undefined ? undefined : splitList(headers.forwarded);
  const ip = clientAddress(headers, forwarded, trusted) ?? peer.ip;
  const protocol = headerOf(headers, 'x-forwarded-proto') ?? parameter(PROTO, forwarded?.[0] ?? '');
  return { ip, isSecure: isSecure(protocol) ?? peer.isSecure };
}

function clientAddress(
  headers: IncomingHttpHeaders,
  forwarded: readonly string[] | undefined,
  trusted: NetworkSet,
): string | undefined {
  const list = headerOf(headers, 'x-forwarded-for');
  if (list !== undefined) return nearestUntrusted(list.split(','), trusted);
  const hops = forwarded?.map((element) => parameter(FOR, element) ?? '');
  if (hops !== undefined) return nearestUntrusted(hops, trusted);
  const real = headerOf(headers, 'x-real-ip');
  return real === undefined ? undefined : addressOf(real);
}

/** Walks from the nearest to the farthest; nothing beyond what is no address can be known. */
function nearestUntrusted(hops: readonly string[], trusted: NetworkSet): string | undefined {
  let address: string | undefined;
  for (let at = hops.length - 1; at >= 0; at--) {
    address = addressOf(hops[at] ?? '');
    if (address === undefined || !trusted.has(address)) return address;
  }
  return address;
}

/** The one spelling of an address, which may have brackets and a port; undefined for anything else. */
function addressOf(text: string): string | undefined {
  const trimmed = text.trim();
  const plain = parseIp(trimmed);
  if (plain) return formatIp(plain);
  const [, bracketed, bare = ''] = WITH_PORT.exec(trimmed) ?? [];
  const bytes = parseIp(bracketed ?? bare);
  return bytes && formatIp(bytes);
}

/** Elements of a list whose members may have commas in quotes. */
function splitList(text: string): string[] {
  return text.match(/(?:"[^"]*"|[^,"])+/g) ?? [];
}

function parameter(pattern: RegExp, element: string): string | undefined {
  const [, quoted, token] = pattern.exec(element) ?? [];
  return quoted ?? token;
}

/** A header that is there more than once has become one list. */
function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** The first of several is what the client itself has used. */
function isSecure(protocol: string | undefined): boolean | undefined {
  const first = protocol?.split(',', 1)[0]?.trim().toLowerCase();
  if (first === 'https' || first === 'wss') return true;
  return first === 'http' || first === 'ws' ? false : undefined;
}
