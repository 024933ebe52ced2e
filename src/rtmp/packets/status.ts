/** Owns the status commands a server sends: onStatus, onFCPublish and their like (RTMP 1.0, section 7.2.2). */
import { AmfObject } from '../amf0-value';
import type { AmfRecord } from '../amf0-value';
import type { OutgoingMessage } from '../message';

import { encodeCommand, objectArgument, streamRoute } from './command';
import type { Command } from './command';

/** Value of `clientid` in status objects; a constant that players only pass on. */
export const CLIENT_ID = 'ASAICiss';

/** A status the peer sent. */
export interface StatusPacket {
  readonly kind: 'status';
  /** `onStatus`, `onFCPublish`, `onFCUnpublish` or `onFCSubscribe`. */
  readonly name: string;
  readonly level: string;
  readonly code: string;
  readonly description: string;
  /** All of it. */
  readonly info: AmfObject | undefined;
}

/** Code, level and description of a reply or status, empty where absent. */
export function statusOf(command: Command): { code: string; level: string; description: string } {
  const info = objectArgument(command, 0);
  return {
    code: info?.string('code') ?? '',
    level: info?.string('level') ?? '',
    description: info?.string('description') ?? '',
  };
}

/** Reads a status command. */
export function parseStatus(command: Command): StatusPacket {
  const info = objectArgument(command, 0);
  return { kind: 'status', name: command.name, ...statusOf(command), info };
}

/** A status command: `onStatus` unless another name is given. */
export function encodeStatus(
  streamId: number,
  info: AmfRecord,
  name = 'onStatus',
): OutgoingMessage {
  return encodeCommand(streamRoute(streamId), name, 0, null, AmfObject.of(info));
}

/** `onStatus` with level `status`. */
export function encodeSuccess(
  streamId: number,
  code: string,
  description: string,
  more: AmfRecord = {},
): OutgoingMessage {
  return encodeStatus(streamId, { level: 'status', code, description, ...more });
}

/** `onStatus` with level `error`. */
export function encodeFailure(
  streamId: number,
  code: string,
  description: string,
): OutgoingMessage {
  return encodeStatus(streamId, { level: 'error', code, description, clientid: CLIENT_ID });
}
