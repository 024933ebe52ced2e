/** Owns the words by which servers upstream are written: what each means, and the URL that it makes for a stream. */
import { ErrorCode, SrsError } from '../../core/errors';
import { redact } from '../../core/redact';
import { buildTcUrl, parseTcUrl } from '../../rtmp/request';

import type { UpstreamNames } from './names';

/** Protocols that we speak upstream. */
export type UpstreamSchema = 'rtmp' | 'rtmps';

/** What a word says of application and stream; the variables `[vhost]`, `[app]` and `[stream]` may stand in each. */
export interface UpstreamPath {
  readonly app: string;
  /** Parameters of the application with their `?`; empty for those of the stream that is asked for. */
  readonly param: string;
  /** Empty for the name that the stream has here. */
  readonly stream: string;
  /** Parameters of the stream with their `?`; empty for those of the stream that is asked for. */
  readonly streamParam: string;
}

/** A word of `origin` or `forward`, taken apart. */
export interface UpstreamWord {
  /** For the log: as it was written, what may be secret hidden. */
  readonly text: string;
  readonly schema: UpstreamSchema;
  /** Host name or numeric address, IPv6 without brackets; or the name of SRV records. */
  readonly host: string;
  /** 0 with SRV records, which have their own. */
  readonly port: number;
  readonly isService: boolean;
  /** Undefined when it names a server only. */
  readonly path: UpstreamPath | undefined;
}

/** A server that a word stands for. */
export interface UpstreamServer {
  readonly schema: UpstreamSchema;
  readonly host: string;
  readonly port: number;
  /** Of its SRV record: the lowest are asked first; 0 without one. */
  readonly priority: number;
  /** Of its SRV record: its share among those of one priority; 1 without one. */
  readonly weight: number;
  /** For the log: `host:port`. */
  readonly label: string;
  readonly word: UpstreamWord;
}

/** A stream at a server, ready to be connected to. */
export interface UpstreamUrl {
  readonly server: UpstreamServer;
  readonly tcUrl: string;
  /** As it is sent, with its parameters. */
  readonly app: string;
  /** As it is sent, with its parameters. */
  readonly stream: string;
  /** For log and API: neither stream key nor parameters are in it. */
  readonly label: string;
}

const DEFAULT_PORTS: Readonly<Record<UpstreamSchema, number>> = { rtmp: 1935, rtmps: 443 };
const SERVICE_MARK = 'srv:';
/** How names of SRV records begin that stand for TLS. */
const SECURE_SERVICE = '_rtmps.';
const URL_PATTERN = /^([a-z][a-z0-9+.-]*):\/\/([^/?]*)(?:\/(.*))?$/i;
const AUTHORITY_PATTERN = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]/?@]+))(?::(\d{1,5}))?$/i;
const SERVICE_PATTERN = /^[^\s:/?@[\]]+$/;
const MAX_PORT = 65535;
const VHOST_BEFORE_STREAM = /[?,&]vhost=[^?,&/]*\//;
const VARIABLE = /\[(vhost|app|stream)\]/g;
const STREAM_VARIABLE = '[stream]';
const HIDDEN = '***';
/** Longest part of a refused word that is repeated. */
const QUOTED_LENGTH = 200;

/**
 * Takes a word apart: `host[:port]`, `[ipv6]:port`, `rtmp[s]://host[:port]`, the same with `/app` or
 * `/app/stream[?parameters]`, in which `[vhost]`, `[app]` and `[stream]` stand for the names of the stream, or
 * `srv:_rtmp._tcp.name` for the servers of SRV records.
 *
 * @throws SrsError EDGE_PORT_INVALID (3066) for a port that is none, else RTMP_REQ_TCURL (2006)
 */
export function parseUpstream(word: string): UpstreamWord {
  const text = word.trim();
  if (text.startsWith(SERVICE_MARK)) return serviceOf(text);
  const [, schemaText, authority = text, path] = URL_PATTERN.exec(text) ?? [];
  const schema = schemaOf(schemaText ?? 'rtmp', text);
  const { host, port } = authorityOf(authority, schema, text);
  const parsed = path === undefined ? undefined : pathOf(path);
  return {
    text: schemaText === undefined ? text : `${schema}://${authority}${pathLabel(parsed)}`,
    schema,
    host,
    port,
    isService: false,
    path: parsed,
  };
}

/** The URL of a stream at a server. Where the word has no parameters, those of the names are sent. */
export function urlOf(server: UpstreamServer, names: UpstreamNames): UpstreamUrl {
  const { schema, host, port, word } = server;
  const fill = (template: string): string => fillIn(template, names);
  const { path } = word;
  const app = path === undefined ? names.app : fill(path.app);
  const param = path === undefined || path.param === '' ? names.param : fill(path.param);
  const stream = path === undefined || path.stream === '' ? names.stream : fill(path.stream);
  const hasOwn = path !== undefined && path.streamParam !== '';
  const streamParam = hasOwn ? fill(path.streamParam) : names.streamParam;
  // A word with an application says where to go in full; one without is a server that knows our vhosts.
  const vhost = path === undefined ? names.vhost : '';
  const isKey = path !== undefined && path.stream !== '' && path.stream !== STREAM_VARIABLE;
  return {
    server,
    tcUrl: buildTcUrl({ schema, host, vhost, port, app, param }),
    app: `${app}${param}`,
    stream: `${stream}${streamParam}`,
    label: `${schema}://${server.label}/${redact(app)}/${isKey ? HIDDEN : redact(stream)}`,
  };
}

/**
 * Where a server has sent us on to: `tcUrl` names the application, and the stream keeps its name unless one is given.
 *
 * @throws SrsError as {@link parseUpstream}, and as the parser of tcUrls
 */
export function redirectedUrl(from: UpstreamUrl, tcUrl: string, stream = ''): UpstreamUrl {
  const { schema: named, host, port, app, param } = parseTcUrl(tcUrl);
  const schema = schemaOf(named, tcUrl);
  const label = hostAndPort(host, port);
  const word = { text: `${schema}://${label}`, schema, host, port, isService: false };
  const server = { schema, host, port, priority: 0, weight: 1, label };
  const name = from.label.slice(from.label.lastIndexOf('/') + 1);
  return {
    server: { ...server, word: { ...word, path: undefined } },
    tcUrl,
    app: `${app}${param}`,
    stream: stream === '' ? from.stream : stream,
    label: `${schema}://${label}/${redact(app)}/${name}`,
  };
}

/** `host:port`, an IPv6 address in brackets. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function serviceOf(text: string): UpstreamWord {
  const host = text.slice(SERVICE_MARK.length);
  if (!SERVICE_PATTERN.test(host)) throw badWord('a name as srv:_rtmp._tcp.example.com', text);
  const schema = host.startsWith(SECURE_SERVICE) ? 'rtmps' : 'rtmp';
  return { text, schema, host, port: 0, isService: true, path: undefined };
}

function schemaOf(text: string, word: string): UpstreamSchema {
  const schema = text.toLowerCase();
  if (schema === 'rtmp' || schema === 'rtmps') return schema;
  throw badWord('rtmp:// or rtmps://', word);
}

function authorityOf(
  authority: string,
  schema: UpstreamSchema,
  word: string,
): { host: string; port: number } {
  if (authority.includes('@')) {
    const message = 'expected host[:port], got a user name, which we cannot log in with';
    throw new SrsError(ErrorCode.RTMP_REQ_TCURL, message);
  }
  const [, ipv6, name, digits] = AUTHORITY_PATTERN.exec(authority) ?? [];
  const host = ipv6 ?? name;
  if (host === undefined) throw badWord('host[:port]', word);
  const port = digits === undefined ? DEFAULT_PORTS[schema] : Number(digits);
  if (port >= 1 && port <= MAX_PORT) return { host, port };
  const message = `expected a port in [1, ${MAX_PORT}], got ${digits ?? ''}`;
  throw new SrsError(ErrorCode.EDGE_PORT_INVALID, message);
}

/** Application and stream; one part alone is the application. */
function pathOf(path: string): UpstreamPath | undefined {
  const [names, query] = cut(path, path.indexOf('?'));
  const parts = names.split('/').filter((part) => part !== '');
  const last = parts.at(-1);
  if (last === undefined) return undefined;
  // The stream may stand behind the parameters of the application: surely when those are its vhost.
  if (parts.length > 1 && !VHOST_BEFORE_STREAM.test(query)) {
    return { app: parts.slice(0, -1).join('/'), param: '', stream: last, streamParam: query };
  }
  const [param, rest] = cut(query, query.indexOf('/'));
  const [stream, streamParam] = cut(rest.slice(1), rest.slice(1).indexOf('?'));
  return { app: parts.join('/'), param, stream, streamParam };
}

/** The text before and from `at` on; all of it and nothing when that is below 0. */
function cut(text: string, at: number): [string, string] {
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at)];
}

function pathLabel(path: UpstreamPath | undefined): string {
  if (path === undefined) return '';
  const { app, stream } = path;
  if (stream === '') return `/${redact(app)}`;
  return `/${redact(app)}/${stream === STREAM_VARIABLE ? stream : HIDDEN}`;
}

function fillIn(template: string, names: UpstreamNames): string {
  return template.replace(VARIABLE, (_, name: 'vhost' | 'app' | 'stream') => names[name]);
}

function badWord(expected: string, word: string): SrsError {
  // A URL that cannot be read may hold a key anywhere behind its server.
  const [quoted = ''] = /^(?:[^/]*\/\/)?[^/?]*/.exec(word.slice(0, QUOTED_LENGTH)) ?? [];
  const got = JSON.stringify(redact(quoted));
  return new SrsError(ErrorCode.RTMP_REQ_TCURL, `upstream: expected ${expected}, got ${got}`);
}
