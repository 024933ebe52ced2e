/** Owns PROXY headers, good and bad, for the tests of the parser and of the gate. */

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

/** A header of version 2; `command` holds the version in its upper half. */
export function v2(command: number, family: number, body: Buffer, length = body.length): Buffer {
  const head = Buffer.from([command, family, length >> 8, length & 0xff]);
  return Buffer.concat([SIGNATURE, head, body]);
}

const inet = Buffer.from('c6336407cb00710110e11f90', 'hex');
const inet6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from('20010db80000000000000000000000ff', 'hex'),
  Buffer.from('10e11f90', 'hex'),
]);
const mapped = Buffer.concat([
  Buffer.from('00000000000000000000ffffc6336407', 'hex'),
  Buffer.from('00000000000000000000ffffcb007101', 'hex'),
  Buffer.from('10e11f90', 'hex'),
]);
const tlv = Buffer.from('04000301020303000401020304', 'hex');
const longestBody = Buffer.concat([inet, Buffer.alloc(4096 - inet.length, 0x04)]);

/** A header, and the client it tells of; undefined where the peer speaks for itself. */
export const headers: readonly (readonly [what: string, bytes: Buffer, client?: string])[] = [
  ['TCP4', Buffer.from('PROXY TCP4 198.51.100.7 203.0.113.1 4321 1935\r\n'), '198.51.100.7 4321'],
  ['TCP6', Buffer.from('PROXY TCP6 2001:DB8::1 2001:db8::ff 4321 1935\r\n'), '2001:db8::1 4321'],
  ['TCP6 with IPv4 in it', Buffer.from('PROXY TCP6 ::ffff:1.2.3.4 ::1 0 65535\r\n'), '1.2.3.4 0'],
  ['UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n')],
  ['UNKNOWN with more', Buffer.from(`PROXY UNKNOWN ${'f'.repeat(91)}\r\n`)],
  ['version 2, IPv4', v2(0x21, 0x11, inet), '198.51.100.7 4321'],
  ['version 2, IPv6', v2(0x21, 0x21, inet6), '2001:db8::1 4321'],
  ['version 2, IPv4 in IPv6', v2(0x21, 0x21, mapped), '198.51.100.7 4321'],
  ['version 2 with TLVs', v2(0x21, 0x11, Buffer.concat([inet, tlv])), '198.51.100.7 4321'],
  ['version 2, as long as may be', v2(0x21, 0x11, longestBody), '198.51.100.7 4321'],
  ['version 2, LOCAL', v2(0x20, 0x00, Buffer.alloc(0))],
  ['version 2, LOCAL with anything', v2(0x20, 0xff, Buffer.from('whatever'))],
  ['version 2, UNSPEC', v2(0x21, 0x00, tlv)],
  ['version 2, UNIX', v2(0x21, 0x31, Buffer.alloc(216))],
  ['version 2, UDP', v2(0x21, 0x12, inet)],
];

/** What begins as a header, and is none. */
export const malformedHeaders: readonly (readonly [what: string, bytes: Buffer])[] = [
  ['no family', Buffer.from('PROXY \r\n')],
  ['another family', Buffer.from('PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n')],
  ['a family in lower case', Buffer.from('PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n')],
  ['a line that ends with LF', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n')],
  ['no port', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n')],
  ['a field too many', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n')],
  ['two spaces', Buffer.from('PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n')],
  ['a bad source', Buffer.from('PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n')],
  ['a bad destination', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.400 1 2\r\n')],
  ['IPv6 as TCP4', Buffer.from('PROXY TCP4 ::1 ::1 1 2\r\n')],
  ['IPv4 as TCP6', Buffer.from('PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n')],
  ['a port too large', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n')],
  ['a port with zeros in front', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n')],
  ['a negative port', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 1 -2\r\n')],
  ['a line too long', Buffer.from(`PROXY UNKNOWN ${'f'.repeat(92)}\r\n`)],
  ['a line without end', Buffer.from(`PROXY UNKNOWN ${'f'.repeat(200)}`)],
  ['version 1 in binary', v2(0x11, 0x11, inet)],
  ['an unknown command', v2(0x22, 0x11, inet)],
  ['an unknown family', v2(0x21, 0x41, inet)],
  ['an unknown transport', v2(0x21, 0x13, inet)],
  ['IPv4 cut short', v2(0x21, 0x11, inet.subarray(0, 11))],
  ['IPv6 cut short', v2(0x21, 0x21, inet6.subarray(0, 35))],
  ['more than may be', v2(0x21, 0x11, inet, 4097)],
];

/** What peers say that send no header: RTMP, TLS, HTTP, nothing else that looks like one. */
export const otherStarts: readonly (readonly [what: string, bytes: Buffer])[] = [
  ['RTMP', Buffer.from('03000000000102', 'hex')],
  ['TLS', Buffer.from('160301020001000', 'hex')],
  ['GET', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['POST', Buffer.from('POST / HTTP/1.1\r\n\r\n')],
  ['PROPFIND', Buffer.from('PROPFIND / HTTP/1.1\r\n\r\n')],
  ['lines before a request', Buffer.from('\r\n\r\nGET / HTTP/1.1\r\n\r\n')],
  ['PROXY in lower case', Buffer.from('proxy TCP4 ')],
];
