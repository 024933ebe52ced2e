/** Owns the connect command and its replies (RTMP 1.0, section 7.2.1.1; Enhanced RTMP v2, "Enhancing NetConnection"). */
import { ErrorCode, SrsError } from '../../core/errors';
import { product } from '../../core/version';
import { AmfObject } from '../amf0-value';
import type { AmfRecord } from '../amf0-value';
import type { OutgoingMessage } from '../message';

import { connectionRoute, encodeCommand, objectArgument } from './command';
import type { Command, ResponsePacket } from './command';

/** `connect`: the first command of a client. */
export interface ConnectPacket {
  readonly kind: 'connect';
  readonly transactionId: number;
  /** tcUrl and what the client tells about itself. */
  readonly object: AmfObject;
  /** Tokens, or the identity of a server that connects to us. */
  readonly args: AmfObject | undefined;
}

/** What a server tells about itself and the connection. */
export interface ServerIdentity {
  /** Address that the client reached. */
  readonly serverIp: string;
  readonly pid: number;
  /** Context id of the connection, as it stands in the log. */
  readonly contextId: number;
}

/** What a client may say in connect. */
export interface ConnectOptions {
  readonly app: string;
  readonly tcUrl: string;
  readonly swfUrl?: string | undefined;
  readonly pageUrl?: string | undefined;
  readonly flashVer?: string | undefined;
  readonly args?: AmfObject | undefined;
}

/** What the reply to connect told about the server; empty or 0 where absent. */
export interface ConnectInfo {
  readonly server: string;
  readonly version: string;
  readonly primary: string;
  readonly authors: string;
  readonly serverIp: string;
  readonly pid: number;
  readonly contextId: number;
}

const FMS_VERSION = '3,5,3,888';

/** Enhanced codecs we pass on, by FourCC. */
const videoCodecs = ['hvc1', 'av01', 'vp09', 'vp08', 'avc1'];
const audioCodecs = ['Opus', 'fLaC', 'ac-3', 'ec-3', '.mp3', 'mp4a'];
const CAN_FORWARD = 4;
/** Extended capabilities: reconnect requests, multitrack and modifier packets. */
const CAPS_EX = 1 | 2 | 4;

/**
 * Reads connect.
 *
 * @throws SrsError RTMP_AMF0_DECODE when the command object is none
 */
export function parseConnect(command: Command): ConnectPacket {
  const { object, transactionId } = command;
  if (!(object instanceof AmfObject)) {
    throw new SrsError(
      ErrorCode.RTMP_AMF0_DECODE,
      `expect a command object in connect, got ${object === null ? 'null' : typeof object}`,
    );
  }
  return { kind: 'connect', transactionId, object, args: objectArgument(command, 0) };
}

/** `connect` for the client role, transaction 1. */
export function encodeConnect(options: ConnectOptions): OutgoingMessage {
  const object = AmfObject.of({
    app: options.app,
    flashVer: options.flashVer ?? 'WIN 12,0,0,41',
    swfUrl: options.swfUrl ?? '',
    tcUrl: options.tcUrl,
    fpad: false,
    capabilities: 239,
    audioCodecs: 3575,
    videoCodecs: 252,
    videoFunction: 1,
    pageUrl: options.pageUrl ?? '',
    objectEncoding: 0,
  });
  const args = options.args === undefined ? [] : [options.args];
  return encodeCommand(connectionRoute, 'connect', 1, object, ...args);
}

/** The positive reply to a connect. */
export function encodeConnectResult(
  request: ConnectPacket,
  identity: ServerIdentity,
): OutgoingMessage {
  const properties = AmfObject.of({ fmsVer: `FMS/${FMS_VERSION}`, capabilities: 127, mode: 1 });
  const info = AmfObject.of({
    level: 'status',
    code: 'NetConnection.Connect.Success',
    description: 'Connection succeeded',
    objectEncoding: request.object.number('objectEncoding') ?? 0,
    data: AmfObject.ecmaArray({ version: FMS_VERSION, ...identityRecord(identity) }),
    ...enhancedCapabilities(request.object),
  });
  return encodeCommand(connectionRoute, '_result', request.transactionId, properties, info);
}

/** The negative reply to a connect; the connection is closed after it. */
export function encodeConnectError(
  transactionId: number,
  description: string,
  code = 'NetConnection.Connect.Rejected',
): OutgoingMessage {
  const info = AmfObject.of({ level: 'error', code, description });
  return encodeCommand(connectionRoute, '_error', transactionId, null, info);
}

/** `onBWDone`: the server has no bandwidth check to make. */
export function encodeOnBwDone(): OutgoingMessage {
  return encodeCommand(connectionRoute, 'onBWDone', 0, null);
}

/** How one server names itself to another or to a client. */
export function identityRecord(identity: ServerIdentity): AmfRecord {
  return {
    srs_sig: product.key,
    srs_server: product.serverName,
    srs_license: product.license,
    srs_role: product.role,
    srs_url: '',
    srs_version: product.version,
    srs_site: '',
    srs_email: '',
    srs_copyright: product.copyright,
    srs_primary: product.primary,
    srs_authors: product.authors,
    srs_server_ip: identity.serverIp,
    srs_pid: identity.pid,
    srs_id: identity.contextId,
  };
}

/** What the server told about itself in the reply to connect. */
export function parseConnectInfo(response: ResponsePacket): ConnectInfo {
  const value = objectArgument(response.command, 0)?.get('data');
  const data = value instanceof AmfObject ? value : new AmfObject();
  const text = (key: string): string => data.string(key) ?? '';
  return {
    server: text('srs_server'),
    version: text('srs_version'),
    primary: text('srs_primary'),
    authors: text('srs_authors'),
    serverIp: text('srs_server_ip'),
    pid: data.number('srs_pid') ?? 0,
    contextId: data.number('srs_id') ?? 0,
  };
}

/** Answers each capability that the client declared; a client of plain RTMP sees none. */
function enhancedCapabilities(object: AmfObject): AmfRecord {
  const ours: AmfRecord = {
    fourCcList: [...videoCodecs, ...audioCodecs],
    videoFourCcInfoMap: codecMap(videoCodecs),
    audioFourCcInfoMap: codecMap(audioCodecs),
    capsEx: CAPS_EX,
  };
  return Object.fromEntries(Object.entries(ours).filter(([key]) => object.entries.has(key)));
}

function codecMap(codecs: readonly string[]): AmfObject {
  return AmfObject.of(Object.fromEntries(codecs.map((codec) => [codec, CAN_FORWARD])));
}
