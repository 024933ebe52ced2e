/** Owns the question whether an address lies within one of several ranges of addresses. */
import { parseIp } from './ip-address';

/** A range: `prefix` leading bits of `address` count, up to 32 (IPv4) or 128 (IPv6). */
export interface AddressRange {
  readonly address: string;
  readonly prefix: number;
}

/** A range with its address read. */
interface ParsedRange {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** Bits in front of an IPv4 address within IPv6. */
const MAPPED_BITS = 96;

/**
 * Some ranges of addresses, read once. IPv4 within IPv6 (`::ffff:10.0.0.1`) is IPv4, as an address and as a range;
 * a range of IPv6, `::/0` too, holds no IPv4 address.
 */
export class NetworkSet {
  readonly #ranges: readonly ParsedRange[];

  /** Ranges that are none are left out: the configuration has refused them. */
  constructor(networks: readonly AddressRange[]) {
    this.#ranges = networks.map(parseRange).filter((range) => range !== undefined);
  }

  /** Holds nothing. */
  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  /** Whether a numeric address is in one of the ranges; false for what is no address. */
  has(ip: string): boolean {
    if (this.isEmpty) return false;
    const bytes = parseIp(ip);
    return bytes !== undefined && this.#ranges.some((range) => isWithin(bytes, range));
  }
}

function parseRange({ address, prefix }: AddressRange): ParsedRange | undefined {
  const bytes = parseIp(address);
  if (bytes === undefined) return undefined;
  const isMapped = address.includes(':') && bytes.length === 4;
  const bits = isMapped ? prefix - MAPPED_BITS : prefix;
  // More than IPv4 within IPv6, as ::ffff:0:0/90: nothing that anybody means.
  return bits < 0 || bits > bytes.length * 8 ? undefined : { bytes, bits };
}

function isWithin(bytes: Uint8Array, range: ParsedRange): boolean {
  if (bytes.length !== range.bytes.length) return false;
  const whole = range.bits >> 3;
  for (let at = 0; at < whole; at++) if (bytes[at] !== range.bytes[at]) return false;
  const rest = range.bits & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((bytes[whole] ?? 0) & mask) === ((range.bytes[whole] ?? 0) & mask);
}
