/** Owns the commands of the bandwidth check between a server and its client library or Flash client. */
import { AmfObject } from '../amf0-value';
import type { AmfRecord } from '../amf0-value';
import type { OutgoingMessage } from '../message';

import { encodeCommand, objectArgument, streamRoute } from './command';
import type { Command } from './command';

/** Command names of the check, in the order they are used. */
export const BandwidthName = {
  startPlay: 'onSrsBandCheckStartPlayBytes',
  startingPlay: 'onSrsBandCheckStartingPlayBytes',
  playing: 'onSrsBandCheckPlaying',
  stopPlay: 'onSrsBandCheckStopPlayBytes',
  stoppedPlay: 'onSrsBandCheckStoppedPlayBytes',
  startPublish: 'onSrsBandCheckStartPublishBytes',
  startingPublish: 'onSrsBandCheckStartingPublishBytes',
  publishing: 'onSrsBandCheckPublishing',
  stopPublish: 'onSrsBandCheckStopPublishBytes',
  stoppedPublish: 'onSrsBandCheckStoppedPublishBytes',
  finished: 'onSrsBandCheckFinished',
  final: 'finalClientPacket',
} as const;
export type BandwidthName = (typeof BandwidthName)[keyof typeof BandwidthName];

/** One step of the check. */
export interface BandwidthPacket {
  readonly kind: 'bandwidth';
  readonly name: BandwidthName;
  /** Undefined for steps that fill the line: only their size counts. */
  readonly data: AmfObject | undefined;
}

const names: ReadonlySet<string> = new Set(Object.values(BandwidthName));
const fillers: ReadonlySet<string> = new Set([BandwidthName.playing, BandwidthName.publishing]);

/** Whether a command belongs to the check. */
export function isBandwidthName(name: string): name is BandwidthName {
  return names.has(name);
}

/** Whether a command of the check only fills the line, so that nobody needs its arguments. */
export function isFillerName(name: string): boolean {
  return fillers.has(name);
}

/** Reads a step of the check. */
export function parseBandwidth(name: BandwidthName, command: Command): BandwidthPacket {
  return { kind: 'bandwidth', name, data: objectArgument(command, 0) };
}

/** Builds a step of the check. */
export function encodeBandwidth(
  name: BandwidthName,
  data: AmfRecord | AmfObject = {},
): OutgoingMessage {
  const object = data instanceof AmfObject ? data : AmfObject.of(data);
  return encodeCommand(streamRoute(0), name, 0, null, object);
}
