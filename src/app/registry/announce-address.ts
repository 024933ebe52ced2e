/** Owns the address under which other servers are told to reach this one. */

/**
 * `host:port`, an IPv6 address in brackets, of the configured `host[:port]`; what that does not say is taken from the
 * own address and the port of RTMP. '' when there is no such port.
 */
export function announceAddress(configured: string, ownAddress: string, rtmpPort: number): string {
  const [, bracketed, plain = '', port] =
    /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(configured) ?? [];
  const host = (bracketed ?? plain) === '' ? ownAddress : (bracketed ?? plain);
  const number = port === undefined ? rtmpPort : Number(port);
  if (number === 0 || host === '') return '';
  return `${host.includes(':') ? `[${host}]` : host}:${number}`;
}
