/** Owns numeric addresses: their reading, and the one way in which each of them is written. */

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
/** No address has more characters; a zone would make it longer, and is refused. */
const MAX_TEXT = 45;
/** What stands in front of an IPv4 address in an IPv6 one (RFC 4291, section 2.5.5.2). */
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/**
 * The bytes of an address: 4 for IPv4, also for one mapped into IPv6 (`::ffff:10.0.0.1`), else 16. Undefined for
 * anything else; zones (`%eth0`), ports and brackets are not accepted.
 */
export function parseIp(text: string): Uint8Array | undefined {
  if (text.length > MAX_TEXT) return undefined;
  if (!text.includes(':')) return parseIpv4(text);
  const bytes = parseIpv6(text);
  return bytes && unmapped(bytes);
}

/** Four bytes of them when they are an IPv4 address within IPv6, else the same bytes. */
export function unmapped(bytes: Uint8Array): Uint8Array {
  const isMapped =
    bytes.length === IPV6_BYTES && MAPPED_PREFIX.every((byte, at) => bytes[at] === byte);
  return isMapped ? bytes.slice(IPV6_BYTES - IPV4_BYTES) : bytes;
}

/** `10.0.0.1`, or IPv6 as RFC 5952 has it: lower case, the first longest run of zeros left out. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === IPV4_BYTES) return bytes.join('.');
  const groups: string[] = [];
  for (let at = 0; at < bytes.length; at += 2) {
    groups.push((((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16));
  }
  const { start, length } = longestZeros(groups);
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  const isIpv4 =
    parts.length === IPV4_BYTES &&
    parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
  return isIpv4 ? Uint8Array.from(parts, Number) : undefined;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const [before = '', after, extra] = text.split('::');
  if (extra !== undefined) return undefined;
  const front = parseGroups(before, after === undefined);
  const back = after === undefined ? [] : parseGroups(after, true);
  if (front === undefined || back === undefined) return undefined;
  const missing = IPV6_BYTES - front.length - back.length;
  // `::` stands for one group at least.
  if (after === undefined ? missing !== 0 : missing < 2) return undefined;
  return Uint8Array.from([...front, ...new Array<number>(missing).fill(0), ...back]);
}

/** The bytes of groups between colons; the last ones of an address may be written as IPv4. */
function parseGroups(text: string, isEnd: boolean): number[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    const isLast = isEnd && index === groups.length - 1;
    const tail = isLast && group.includes('.') ? parseIpv4(group) : undefined;
    if (tail) bytes.push(...tail);
    else if (/^[0-9a-f]{1,4}$/i.test(group)) {
      const value = parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    } else return undefined;
  }
  return bytes;
}

function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === '0' ? length + 1 : 0;
    if (length > best.length) best = { start: index - length + 1, length };
  }
  return best;
}
