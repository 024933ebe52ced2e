/** Owns what all rules of access have in common, the rules on pages and names, and the port for those of other servers. */
import { ErrorCode } from '../../core/errors';
import { unsafeNameReason } from '../../files/path-template';
import type { RtmpRequest } from '../../rtmp/request';
import type { VhostUsage } from '../stats/stat-types';
import type { StreamName } from '../stream/sink';

/** Longest app and stream name, and parameters of each, in characters. */
const MAX_NAME = 2048;
/** Most parts of an app and a stream name between slashes: each is a directory, and may be where the app ends. */
const MAX_SEGMENTS = 32;

/** Status codes of RTMP by which a client is refused. */
export const RefusalStatus = {
  connect: 'NetConnection.Connect.Rejected',
  publish: 'NetStream.Publish.Denied',
  badName: 'NetStream.Publish.BadName',
  play: 'NetStream.Play.Failed',
  notFound: 'NetStream.Play.StreamNotFound',
} as const;

/** Why a client is refused: `code` goes to the log, status and description go to the client. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly status: string;
  readonly description: string;
  /** The stream can be had there, `rtmp://host:port/app/stream`; only for a client that can go on to it. */
  readonly redirectUrl?: string;
}

/** What may be allowed or refused; the later ones need the earlier. */
export type AccessAction = 'connect' | 'publish' | 'play';

/** How a client is told that a rule denies the action. */
export const deniedStatus: Readonly<Record<AccessAction, string>> = {
  connect: RefusalStatus.connect,
  publish: RefusalStatus.publish,
  play: RefusalStatus.play,
};

/** The end of what was asked for a client that has left meanwhile: nobody is there to be told. */
export function refusalOfGone(action: AccessAction): Refusal {
  const description = 'the client has left';
  return { code: ErrorCode.SOCKET_CLOSED, status: deniedStatus[action], description };
}

/** The client as an authorizer sees it; it stays the same object from `connect` to its end. */
export interface ClientIdentity {
  /** Context id of the connection. */
  readonly id: number;
  /** Address of the peer. */
  readonly ip: string;
  /** Names are resolved; `stream` is the one of this action. */
  readonly request: RtmpRequest;
  /** Whether it has left, or will be closed: its answer need not be waited for any more. */
  readonly isClosing?: boolean;
  /** Bytes of its connection so far, where they are counted. */
  bytesSent?(): number;
  bytesReceived?(): number;
}

/** What the rules of the configuration need to know besides client and vhost. */
export interface AccessContext {
  /** What a vhost has right now. */
  usage(vhost: string): VhostUsage;
  /** The time of day, ms of the epoch: for what expires. */
  nowMs(): number;
  /** Whether somebody publishes the stream; who takes it over comes in his place. Without it: nobody ever does. */
  isPublished?(name: StreamName): boolean;
}

/** For a server that counts nobody: no limit is ever reached. */
export const withoutUsage: AccessContext = {
  usage: () => ({ clients: 0, publishers: 0, sendKbps: 0 }),
  nowMs: () => Date.now(),
};

/** Decides on clients beyond the rules of the configuration file, e.g. by asking another server. */
export interface Authorizer {
  /** Allowed (undefined) or refused; a promise only when the answer takes time. */
  authorize(
    action: AccessAction,
    client: ClientIdentity,
  ): Refusal | undefined | Promise<Refusal | undefined>;
  /** What was allowed has ended; once per allowed action, also when the client left before the answer. */
  ended(action: AccessAction, client: ClientIdentity): void;
}

/** Allows everyone. */
export const allowAll: Authorizer = {
  authorize: () => undefined,
  ended: () => undefined,
};

/**
 * The refer rules: every list that is not empty must hold the domain of the client's page, or a domain
 * above it. A client that names no page is refused where there is a list. Undefined when allowed.
 */
export function checkReferer(
  pageUrl: string,
  status: string,
  ...lists: readonly (readonly string[])[]
): Refusal | undefined {
  if (lists.every((list) => list.length === 0)) return undefined;
  const domain = domainOf(pageUrl);
  const isAllowed = lists.every(
    (list) => list.length === 0 || list.some((allowed) => isWithin(domain, allowed.toLowerCase())),
  );
  if (isAllowed) return undefined;
  const page = domain === '' ? 'a client without pageUrl' : `page "${domain}"`;
  return { code: ErrorCode.RTMP_ACCESS_DENIED, status, description: `refer rule denies ${page}` };
}

/**
 * A stream has to have a name, names are no place for data, and they become names of files. Undefined when that holds.
 */
export function checkStreamName(request: RtmpRequest, status: string): Refusal | undefined {
  const code = ErrorCode.RTMP_STREAM_NAME_EMPTY;
  if (request.stream === '') return { code, status, description: 'the stream name is empty' };
  return (
    checkLengths(request, ['stream', 'streamParam'], status) ?? checkSafe(request, 'stream', status)
  );
}

/** Limits the names of a connect; its vhost is one of the configuration by now. Undefined when they hold. */
export function checkConnectNames(request: RtmpRequest, status: string): Refusal | undefined {
  return checkLengths(request, ['app', 'param'], status) ?? checkSafe(request, 'app', status);
}

/** Recordings and segments carry the names: one that would leave their directory is refused to everybody. */
function checkSafe(
  request: RtmpRequest,
  name: 'app' | 'stream',
  status: string,
): Refusal | undefined {
  const reason = unsafeNameReason(request[name]) ?? tooDeepReason(request[name]);
  if (reason === undefined) return undefined;
  const description = `${name} ${JSON.stringify(request[name])} cannot be used, ${reason}`;
  return { code: ErrorCode.RTMP_REQ_TCURL, status, description };
}

function tooDeepReason(name: string): string | undefined {
  const count = name.split('/').length;
  return count > MAX_SEGMENTS
    ? `it has ${count} parts, at most ${MAX_SEGMENTS} are allowed`
    : undefined;
}

function checkLengths(
  request: RtmpRequest,
  names: readonly ('app' | 'param' | 'stream' | 'streamParam')[],
  status: string,
): Refusal | undefined {
  const long = names.find((name) => request[name].length > MAX_NAME);
  if (long === undefined) return undefined;
  const description = `${long} may have ${MAX_NAME} characters, got ${request[long].length}`;
  return { code: ErrorCode.RTMP_REQ_TCURL, status, description };
}

function domainOf(pageUrl: string): string {
  const scheme = pageUrl.indexOf('://');
  const host = scheme < 0 ? pageUrl : pageUrl.slice(scheme + 3);
  const end = host.search(/[/?#:]/);
  return (end < 0 ? host : host.slice(0, end)).toLowerCase();
}

function isWithin(domain: string, allowed: string): boolean {
  return domain === allowed || domain.endsWith(`.${allowed}`);
}
