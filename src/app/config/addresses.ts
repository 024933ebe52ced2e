/** Owns the reading of addresses: IP, `[ip:]port` and CIDR, as text only; nothing is resolved. */

/** A place to listen at. `host` is a numeric address, or empty for all addresses of the machine. */
export interface ListenAddress {
  readonly host: string;
  /** TCP port; 0 (only accepted after an explicit address) lets the system choose a free one. */
  readonly port: number;
}

/** A range of addresses: `10.0.0.0/8`, `::1/128`. */
export interface Network {
  readonly address: string;
  /** Number of leading bits that count: up to 32 (IPv4) or 128 (IPv6). */
  readonly prefix: number;
}

/** Whether `text` is a dotted IPv4 address. */
export function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
}

/** Whether `text` is an IPv6 address, `::` and an IPv4 tail included; zones are not accepted. */
export function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const hasIpv4Tail = last !== undefined && isIpv4(last) && !text.endsWith('::');
  const width = groups.length + (hasIpv4Tail ? 1 : 0);
  if (hasIpv4Tail) groups.pop();
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  return halves.length === 2 ? width < 8 : width === 8;
}

/** `1935`, `127.0.0.1:1935` or `[::]:1935`; undefined for anything else. */
export function parseListen(text: string): ListenAddress | undefined {
  const match = /^(?:(?:\[([^\]]*)\]|([^:[\]]*)):)?(\d{1,5})$/.exec(text);
  if (!match) return undefined;
  const [, ipv6, ipv4, digits] = match;
  const port = Number(digits);
  if (port > 65535) return undefined;
  if (ipv6 !== undefined) return isIpv6(ipv6) ? { host: ipv6, port } : undefined;
  if (ipv4 !== undefined) return isIpv4(ipv4) ? { host: ipv4, port } : undefined;
  return port > 0 ? { host: '', port } : undefined;
}

/** An address, or a range as `address/bits`; undefined for anything else. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', bits, extra] = text.split('/');
  const width = isIpv4(address) ? 32 : isIpv6(address) ? 128 : 0;
  if (width === 0 || extra !== undefined) return undefined;
  if (bits === undefined) return { address, prefix: width };
  return /^\d{1,3}$/.test(bits) && Number(bits) <= width
    ? { address, prefix: Number(bits) }
    : undefined;
}

/** How an address is written in a configuration and in log lines. */
export function listenText({ host, port }: ListenAddress): string {
  if (host === '') return String(port);
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
