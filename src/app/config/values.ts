/** Owns the kinds of values a directive can have: how each is read, bounded and described. */
import { parseListen, parseNetwork } from './addresses';
import type { ListenAddress, Network } from './addresses';

/** A kind of value: reads one word of the file. */
export interface ValueType<T> {
  /** The kind, as the reference page and error messages name it: `on|off`, `int in [128, 65536]`. */
  readonly label: string;
  /** What a word must do to be accepted, as it follows "must" in an error: `be on or off`. */
  readonly rule: string;
  /** Whether a directive with an empty value (`key "";`) is accepted, and reads as ''. */
  readonly mayBeEmpty?: boolean;
  /** The value, or undefined when the word breaks the rule. */
  parse(word: string): T | undefined;
}

/** Exactly `on` or `off`. */
export const onOff: ValueType<boolean> = {
  label: 'on|off',
  rule: 'be on or off',
  parse: (word) => (word === 'on' ? true : word === 'off' ? false : undefined),
};

/** Decimal integer within bounds, both included. */
export function int(min: number, max: number): ValueType<number> {
  return {
    label: `int ${min}..${max}`,
    rule: `be an integer in [${min}, ${max}]`,
    parse: (word) => bounded(/^[+-]?\d{1,15}$/.test(word), word, min, max),
  };
}

/** Decimal number, with or without a fraction, within bounds, both included. */
export function number(min: number, max: number): ValueType<number> {
  return {
    label: `number ${min}..${max}`,
    rule: `be a number in [${min}, ${max}]`,
    parse: (word) => bounded(isDecimal(word), word, min, max),
  };
}

/** Whole milliseconds. */
export function milliseconds(min: number, max: number): ValueType<number> {
  return { ...int(min, max), label: `int ms ${min}..${max}` };
}

/** Seconds in the file, with or without a fraction; milliseconds (whole) in the options. */
export function seconds(min: number, max: number): ValueType<number> {
  return {
    label: `seconds ${min}..${max}`,
    rule: `be a number of seconds in [${min}, ${max}]`,
    parse: (word) => {
      const value = bounded(isDecimal(word), word, min, max);
      return value === undefined ? undefined : Math.round(value * 1000);
    },
  };
}

const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Bytes: an integer with an optional `k`, `m` or `g` (powers of 1024). */
export function size(min: number, max: number): ValueType<number> {
  return {
    label: `size ${min}..${max}`,
    rule: `be a number of bytes in [${min}, ${max}], as 65536, 64k, 32m or 1g`,
    parse: (word) => {
      const [, digits = '', unit = ''] = /^(\d{1,15})([kmgKMG]?)$/.exec(word) ?? [];
      const bytes = Number(digits) * (SIZE_UNITS[unit.toLowerCase()] ?? 1);
      return digits !== '' && bytes >= min && bytes <= max ? bytes : undefined;
    },
  };
}

/** One of a few words. */
export function choice<const T extends string>(...words: readonly T[]): ValueType<T> {
  return {
    label: words.join('|'),
    rule: `be one of ${words.join(', ')}`,
    parse: (word) => words.find((known) => known === word),
  };
}

/** Any word, perhaps empty; `label` names what it is for. */
export function text(label = 'text'): ValueType<string> {
  return { label, rule: `be a ${label}`, mayBeEmpty: true, parse: (word) => word };
}

/** A file or directory name, not empty; variables such as `[app]` are left to the feature. */
export const path: ValueType<string> = { ...text('path'), mayBeEmpty: false };

/** A file or directory name, or '' when there is none. */
export const optionalPath: ValueType<string> = text('path');

/** `http://…` or `https://…`; only the shape is checked, variables such as `[app]` may be inside. */
export const webUrl: ValueType<string> = {
  label: 'url',
  rule: 'be a URL as http://host/path or https://host/path',
  parse: (word) => (/^https?:\/\/[^/]/i.test(word) ? word : undefined),
};

/** The same, or '' when there is none. */
export const optionalWebUrl: ValueType<string> = {
  ...webUrl,
  mayBeEmpty: true,
  parse: (word) => (word === '' ? word : webUrl.parse(word)),
};

/** `[ip:]port`, where the address is IPv4, or IPv6 in square brackets. */
export const listen: ValueType<ListenAddress> = {
  label: '[ip:]port',
  rule: 'be a port in [1, 65535], alone or as ip:port or [ipv6]:port (port 0 after an ip: any free port)',
  parse: parseListen,
};

/** A TCP or UDP port. */
export const port: ValueType<number> = int(1, 65535);

/** `host` or `host:port` (default port 1935), an RTMP URL, or `srv:name`; resolved by the feature when used. */
export const upstream: ValueType<string> = {
  label: 'host[:port]',
  rule: 'be host, host:port, a URL as rtmp://host/app/stream, or srv:_rtmp._tcp.name',
  parse: (word) => {
    const server = /^rtmps?:\/\/([^/?]+)/.exec(word)?.[1] ?? word;
    return /^srv:[^\s:/]+$/.test(word) || isHostAndPort(server) ? word : undefined;
  },
};

/** `host` or `host:port` as others may be told, or '' when there is none. */
export const optionalAddress: ValueType<string> = {
  label: 'host[:port]',
  rule: 'be host or host:port, an IPv6 address in brackets',
  mayBeEmpty: true,
  parse: (word) => {
    const isPlain = /^[\w.:[\]-]*$/.test(word);
    return word === '' || (isPlain && isHostAndPort(word)) ? word : undefined;
  },
};

/** A DNS server: an address, or `ip:port` with another port than 53. */
export const dnsServer: ValueType<string> = {
  label: 'ip[:port]',
  rule: 'be an IP address, or ip:port or [ipv6]:port',
  parse: (word) => {
    const [, bracketed, plain, digits] =
      /^(?:\[([^\]]*)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(word) ?? [];
    const host = bracketed ?? plain ?? word;
    const isPort = digits === undefined || port.parse(digits) !== undefined;
    return isPort && parseNetwork(host) !== undefined && !host.includes('/') ? word : undefined;
  },
};

/** `all`, or an address or range of addresses; `all` reads as null. */
export const network: ValueType<Network | null> = {
  label: 'all|ip[/bits]',
  rule: 'be all, an IP address or a range as 10.0.0.0/8',
  parse: (word) => (word === 'all' ? null : parseNetwork(word)),
};

/** An address or range of addresses. */
export const addressRange: ValueType<Network> = {
  label: 'ip[/bits]',
  rule: 'be an IP address or a range as 10.0.0.0/8',
  parse: parseNetwork,
};

/** One stream as `app/stream`, or all streams of an app as `app/*`. */
export const streamScope: ValueType<string> = {
  label: 'app/stream|app/*',
  rule: 'be app/stream, or app/* for all streams of an app',
  parse: (word) => (/^[^/].*\/[^/]+$/.test(word) ? word : undefined),
};

function isHostAndPort(word: string): boolean {
  const digits = /^(?:\[[0-9A-Fa-f:.]+\]|[^\s:/?@[\]]+)(?::(\d{1,5}))?$/.exec(word);
  if (!digits) return false;
  return digits[1] === undefined || port.parse(digits[1]) !== undefined;
}

function isDecimal(word: string): boolean {
  return /^[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})$/.test(word);
}

function bounded(
  isWellFormed: boolean,
  word: string,
  min: number,
  max: number,
): number | undefined {
  const value = Number(word);
  return isWellFormed && value >= min && value <= max ? value : undefined;
}
