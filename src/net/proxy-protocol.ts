/** Owns the reading of PROXY protocol headers, versions 1 and 2, as haproxy's specification has them. */
import { formatIp, parseIp, unmapped } from '../core/ip-address';

/** Longest header of version 1, its line end included. */
const MAX_V1_BYTES = 107;
const V1_START = Buffer.from('PROXY ', 'latin1');
/** What no header of version 2 can do without: signature, version and command, family, length. */
const V2_HEAD_BYTES = 16;
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Addresses and TLVs of version 2; nobody sends as much. */
const MAX_V2_BODY = 4096;

const LOCAL = 0;
const PROXY = 1;
const LINE_FEED = 0x0a;
/** `TCP4 source destination port port`. */
const V1_FIELDS = 5;

/** No header is longer. */
export const MAX_PROXY_HEADER = V2_HEAD_BYTES + MAX_V2_BODY;

/** The client that a header tells of. */
export interface ProxiedClient {
  /** Numeric, as {@link formatIp} writes it. */
  readonly address: string;
  readonly port: number;
}

/** What the first bytes of a connection are. */
export type ProxyHeader =
  /** The peer sends no header: these are bytes of the protocol. */
  | { readonly kind: 'none' }
  /** More bytes will tell. */
  | { readonly kind: 'partial' }
  /** A header of so many bytes; without a client the peer speaks for itself. */
  | { readonly kind: 'header'; readonly length: number; readonly client: ProxiedClient | undefined }
  /** It begins as a header and is none. */
  | { readonly kind: 'malformed'; readonly reason: string };

const NONE: ProxyHeader = { kind: 'none' };
const PARTIAL: ProxyHeader = { kind: 'partial' };

/** Length of the addresses by the byte of family and transport; 0 = known, but no address of the internet over TCP. */
const ADDRESS_BYTES = new Map<number, number>([
  [0x00, 0],
  [0x11, 12],
  [0x12, 0],
  [0x21, 36],
  [0x22, 0],
  [0x31, 0],
  [0x32, 0],
]);

/** Looks at all bytes that a connection has sent so far. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (begins(text, V2_SIGNATURE)) return readV2(text);
  if (begins(text, V1_START)) return readV1(text);
  return NONE;
}

/** Whether the bytes begin with the start, as far as they go. */
function begins(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, length, 0, length) === 0;
}

function readV1(bytes: Buffer): ProxyHeader {
  const head = bytes.subarray(0, MAX_V1_BYTES);
  const end = head.indexOf(LINE_FEED);
  if (end < 0) {
    return head.length < MAX_V1_BYTES
      ? PARTIAL
      : malformed(`a line of at most ${MAX_V1_BYTES} bytes`, 'no end of it');
  }
  const line = head.toString('latin1', 0, end);
  if (!line.endsWith('\r')) return malformed('a line that ends with CR LF', 'LF alone');
  const [family = '', ...fields] = line.slice(V1_START.length, -1).split(' ');
  const length = end + 1;
  // Whatever may stand behind it is to be ignored.
  if (family === 'UNKNOWN') return { kind: 'header', length, client: undefined };
  if (family !== 'TCP4' && family !== 'TCP6') return malformed('TCP4, TCP6 or UNKNOWN', family);
  const client = clientOfV1(family, fields);
  return client ? { kind: 'header', length, client } : malformed(`addresses of ${family}`, line);
}

function clientOfV1(family: string, fields: readonly string[]): ProxiedClient | undefined {
  const [source = '', destination = '', sourcePort = '', destinationPort = ''] = fields;
  const ports = [sourcePort, destinationPort].map(portOf);
  const isOfFamily = (address: string): boolean => address.includes(':') === (family === 'TCP6');
  const bytes = parseIp(source);
  const isGood =
    fields.length === V1_FIELDS - 1 &&
    isOfFamily(source) &&
    isOfFamily(destination) &&
    parseIp(destination) !== undefined;
  const [port] = ports;
  if (!isGood || bytes === undefined || port === undefined || ports.includes(undefined)) {
    return undefined;
  }
  return { address: formatIp(bytes), port };
}

function portOf(text: string): number | undefined {
  const port = /^(?:0|[1-9]\d{0,4})$/.test(text) ? Number(text) : Infinity;
  return port <= 0xffff ? port : undefined;
}

function readV2(bytes: Buffer): ProxyHeader {
  if (bytes.length < V2_HEAD_BYTES) return PARTIAL;
  const at = V2_SIGNATURE.length;
  const version = bytes.readUInt8(at) >> 4;
  const command = bytes.readUInt8(at) & 0x0f;
  const family = bytes.readUInt8(at + 1);
  const body = bytes.readUInt16BE(at + 2);
  if (version !== 2) return malformed('version 2', `${version}`);
  if (command !== LOCAL && command !== PROXY) return malformed('command 0 or 1', `${command}`);
  if (body > MAX_V2_BODY) return malformed(`at most ${MAX_V2_BODY} bytes`, `${body}`);
  const addressBytes = command === LOCAL ? 0 : ADDRESS_BYTES.get(family);
  if (addressBytes === undefined) return malformed('a known family', `0x${family.toString(16)}`);
  if (body < addressBytes) return malformed(`at least ${addressBytes} bytes`, `${body}`);
  const length = V2_HEAD_BYTES + body;
  if (bytes.length < length) return PARTIAL;
  const client =
    addressBytes === 0 ? undefined : clientOfV2(bytes.subarray(V2_HEAD_BYTES), addressBytes);
  return { kind: 'header', length, client };
}

/** Source and destination address, then source and destination port. */
function clientOfV2(body: Buffer, addressBytes: number): ProxiedClient {
  const portsAt = addressBytes - 4;
  const source = Uint8Array.from(body.subarray(0, portsAt / 2));
  return { address: formatIp(unmapped(source)), port: body.readUInt16BE(portsAt) };
}

/** What a peer sent is shown as far as it is text. */
function malformed(expected: string, got: string): ProxyHeader {
  const shown = JSON.stringify(got.slice(0, MAX_V1_BYTES));
  return { kind: 'malformed', reason: `expect ${expected}, got ${shown}` };
}
