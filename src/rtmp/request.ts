/** Owns what a client asks for: tcUrl and stream name taken apart, and put together for the calling side. */

import { ErrorCode, SrsError } from '../core/errors';

import type { AmfObject } from './amf0-value';

/** Name that stands for "no vhost of its own" in the configuration. */
const DEFAULT_VHOST = '__defaultVhost__';
const MAX_PORT = 65535;
/** Longest part of a refused url repeated in the error message. */
const QUOTED_LENGTH = 200;

/** The parts of a tcUrl. */
export interface RtmpAddress {
  /** `rtmp`, `rtmps` ...: whatever stands before `://`. */
  schema: string;
  /** Host name or address; an IPv6 address without its brackets. */
  host: string;
  /** The `vhost` parameter, else the host. */
  vhost: string;
  port: number;
  /** Application name without parameters; may hold slashes. */
  app: string;
  /** Parameters of the application with their `?`, or empty. */
  param: string;
}

/** A connect command, and after play or publish the stream it is about. */
export interface RtmpRequest extends RtmpAddress {
  /** The tcUrl as the client sent it. */
  tcUrl: string;
  pageUrl: string;
  swfUrl: string;
  flashVer: string;
  /** AMF version asked for: 0 or 3. */
  objectEncoding: number;
  /** Third value of the connect command (tokens, identity of an edge) when it is an object. */
  args: AmfObject | undefined;
  /** Stream name without parameters; empty until play or publish. */
  stream: string;
  /** Parameters of the stream name with their `?`, or empty. */
  streamParam: string;
  /** How long a player wants to play in milliseconds; negative for as long as the stream lasts. */
  duration: number;
  /** Extended capabilities, where the client told any (E-RTMP v2, "Enhancing NetConnection"). */
  capsEx?: number;
}

/** A stream name taken apart. */
export interface StreamName {
  stream: string;
  streamParam: string;
  /** The `vhost` parameter, or empty. */
  vhost: string;
}

/** A full stream url taken apart. */
export interface RtmpUrl extends RtmpAddress {
  /** The url without the stream: what to send as tcUrl. */
  tcUrl: string;
  stream: string;
  streamParam: string;
}

/**
 * The request of a connect command. Fails with RTMP_REQ_CONNECT (2005) when the command object has
 * no tcUrl string, and like parseTcUrl.
 */
export function createRequest(command: AmfObject, args?: AmfObject): RtmpRequest {
  const tcUrl = command.string('tcUrl');
  if (tcUrl === undefined) {
    const got = typeof command.get('tcUrl');
    throw new SrsError(ErrorCode.RTMP_REQ_CONNECT, `connect: expected a tcUrl string, got ${got}`);
  }
  const capsEx = command.number('capsEx');
  return {
    ...parseTcUrl(tcUrl),
    ...(capsEx === undefined ? {} : { capsEx }),
    tcUrl,
    pageUrl: command.string('pageUrl') ?? '',
    swfUrl: command.string('swfUrl') ?? '',
    flashVer: command.string('flashVer') ?? '',
    objectEncoding: command.number('objectEncoding') ?? 0,
    args,
    stream: '',
    streamParam: '',
    duration: -1,
  };
}

/**
 * Puts the name of a play or publish command into its request. A `vhost` parameter of the name
 * replaces the vhost of the connect command, so look the vhost up again after this.
 */
export function setStreamName(request: RtmpRequest, name: string): void {
  const { stream, streamParam, vhost } = splitStreamName(name);
  request.stream = stream;
  request.streamParam = streamParam;
  if (vhost !== '') request.vhost = vhost;
}

/**
 * Takes a tcUrl apart: `schema://host[:port]/app[parameters]`. Parameters begin at `?`, `,`, `...`,
 * `&&` or `=`, and `vhost` may be named among them in any of these spellings. Fails with
 * RTMP_REQ_TCURL (2006) when schema, vhost or app is empty or the port is not a port.
 */
export function parseTcUrl(tcUrl: string): RtmpAddress {
  const text = stripSpace(tcUrl);
  const { schema, authority, path } = splitUrl(text);
  const { host, port } = parseAuthority(authority, schema);
  const { app, param, vhost } = parseApp(path);
  const address = { schema, host, vhost: vhost === '' ? host : vhost, port, app, param };
  for (const part of ['schema', 'vhost', 'port', 'app'] as const) {
    if (address[part] === '' || address[part] === 0) throw badUrl('tcUrl', part, text);
  }
  return address;
}

/** Takes a stream name apart: `stream[?parameters]`, spaces and outer slashes removed. */
export function splitStreamName(name: string): StreamName {
  const text = stripSpace(name);
  const query = text.indexOf('?');
  const end = query < 0 ? text.length : query;
  const streamParam = text.slice(end);
  return {
    stream: trimSlashes(text.slice(0, end)),
    streamParam,
    vhost: findParameter(streamParam, 'vhost'),
  };
}

/**
 * Takes a full url apart: `rtmp://host[:port]/app[?vhost=name]/stream[?parameters]`. The parameters
 * of the application may stand before the stream, as here, or the vhost among those of the stream.
 * Fails with RTMP_REQ_TCURL (2006) like parseTcUrl, or when there is no stream.
 */
export function parseRtmpUrl(url: string): RtmpUrl {
  const text = stripSpace(url);
  const { schema, authority, path } = splitUrl(text);
  const inner = trimSlashes(path);
  const slash = streamSlash(inner);
  const tcUrl = `${schema}://${authority}/${inner.slice(0, slash)}`;
  const address = parseTcUrl(tcUrl);
  const { stream, streamParam, vhost } = splitStreamName(inner.slice(slash));
  if (stream === '') throw badUrl('rtmp url', 'stream', text);
  return { ...address, vhost: vhost === '' ? address.vhost : vhost, tcUrl, stream, streamParam };
}

/** The tcUrl to send upstream; a vhost of its own stands in the place of the host. */
export function buildTcUrl(
  target: Pick<RtmpAddress, 'host' | 'vhost' | 'port' | 'app'> & Partial<RtmpAddress>,
): string {
  const { schema = 'rtmp', vhost, port, app, param = '' } = target;
  const name = vhost === '' || vhost === DEFAULT_VHOST ? target.host : vhost;
  const host = name.includes(':') ? `[${name}]` : name;
  const suffix = port === defaultPort(schema) ? '' : `:${port}`;
  return `${schema}://${host}${suffix}/${app}${param}`;
}

function defaultPort(schema: string): number {
  return schema === 'rtmps' ? 443 : 1935;
}

function splitUrl(text: string): { schema: string; authority: string; path: string } {
  const mark = text.indexOf('://');
  const schema = text.slice(0, Math.max(mark, 0));
  const rest = mark < 0 ? text : text.slice(mark + 3);
  const slash = rest.indexOf('/');
  const end = slash < 0 ? rest.length : slash;
  return { schema, authority: rest.slice(0, end), path: rest.slice(end + 1) };
}

const authorityPattern = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/;

/** Host and port; a port that cannot be one is 0. */
function parseAuthority(authority: string, schema: string): { host: string; port: number } {
  const [, address, name, port] = authorityPattern.exec(authority) ?? [];
  const host = address ?? name ?? '';
  if (port === undefined) return { host, port: defaultPort(schema) };
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  return { host, port: number > MAX_PORT ? 0 : number };
}

function parseApp(path: string): { app: string; param: string; vhost: string } {
  const query = path.indexOf('?');
  const cut = path.search(/[?,=]|\.\.\.|&&/);
  const end = cut < 0 ? path.length : cut;
  return {
    app: trimSlashes(path.slice(0, end)),
    param: query < 0 ? '' : path.slice(query),
    vhost: findParameter(path.slice(end), 'vhost'),
  };
}

/**
 * The value of a parameter, up to a slash; empty when it is not there. `?`, `&`, `&&` and `,` part
 * the parameters, `=` the name from its value; `...` does both.
 */
export function findParameter(query: string, name: string): string {
  for (const parameters of query.split(/[?,&]+/)) {
    const tokens = parameters.split(/=|\.\.\./);
    const first = tokens[0] === '' ? 1 : 0; // the mark that began the parameters
    for (let i = first; i + 1 < tokens.length; i += 2) {
      if (tokens[i] === name) return tokens[i + 1]?.split('/', 1)[0] ?? '';
    }
  }
  return '';
}

/** Where the stream begins in `app[?parameters]/stream[?parameters]`: at its slash. */
function streamSlash(path: string): number {
  const mark = path.indexOf('?');
  const query = mark < 0 ? path.length : mark;
  const before = path.lastIndexOf('/', query);
  const after = path.indexOf('/', query);
  // A slash ends a vhost, so the parameters before it are those of the application.
  const endsVhost = after > 0 && /[?,&]vhost=[^?,&]*$/.test(path.slice(query, after));
  if (after > 0 && (before < 0 || endsVhost)) return after;
  return before < 0 ? path.length : before;
}

function stripSpace(text: string): string {
  return text.replace(/[ \t\r\n]/g, '');
}

/** Removes leading and trailing slashes; a loop, as a pattern takes quadratic time on many slashes. */
function trimSlashes(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text[start] === '/') start += 1;
  while (end > start && text[end - 1] === '/') end -= 1;
  return text.slice(start, end);
}

function badUrl(what: string, part: string, text: string): SrsError {
  const quoted = JSON.stringify(text.slice(0, QUOTED_LENGTH));
  const form = 'schema://host[:port]/app';
  return new SrsError(
    ErrorCode.RTMP_REQ_TCURL,
    `${what}: expected ${form}${part === 'stream' ? '/stream' : ''}, got no valid ${part} in ${quoted}`,
  );
}
